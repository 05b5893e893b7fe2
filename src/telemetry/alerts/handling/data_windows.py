"""The observations around an alert and the limits that held meanwhile."""

from datetime import timedelta
from typing import Any

from core import instants
from core.database import Database
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.lifecycle.schemas import DataWindow, WindowLimit
from telemetry.catalog.snapshot import OPEN_END_US, Snapshot
from telemetry.quality.flags import Quality
from telemetry.readings import status_text
from telemetry.series import naming
from telemetry.series import store as series_store

# Shown before and after the alert, so that its beginning and its end are seen.
_MARGIN = timedelta(hours=2)
_MOST_ROWS = 2_000


async def read(database: Database, catalog: Snapshot, alert: Alert) -> DataWindow | None:
    """None where the alert is about no datastream."""
    stream = alert.datastream_id
    if stream is None:
        return None
    begin = alert.raised_time - _MARGIN
    end = max(alert.cleared_time or alert.last_time, alert.last_time) + _MARGIN
    rows = await series_store.raw(database, [stream], begin, end, _MOST_ROWS + 1)
    shown = rows[:_MOST_ROWS]
    return DataWindow(
        begin=begin,
        end=end,
        truncated=len(rows) > _MOST_ROWS,
        phenomenon_time=[row[0] for row in shown],
        result=[row[2] for row in shown],
        quality=[naming.quality_name(Quality(row[3])) for row in shown],
        device_status=[status_text(row[5]) for row in shown],
        limits=_limits(catalog, stream, instants.to_us(begin), instants.to_us(end)),
    )


def _limits(catalog: Snapshot, stream: int, begin_us: int, end_us: int) -> list[WindowLimit]:
    """The datastream's limits of which some part lies in the span, in order of time."""
    columns = catalog.columns
    if stream >= len(columns.limit_start):
        return []
    first = int(columns.limit_start[stream])
    spans = range(first, first + int(columns.limit_count[stream]))
    return [
        WindowLimit(
            valid_from=instants.from_us(int(columns.limit_from_us[span])),
            valid_to=_open_ended(int(columns.limit_to_us[span])),
            lower=_side(columns.limit_lower[span]),
            upper=_side(columns.limit_upper[span]),
            verified=bool(columns.limit_verified[span]),
        )
        for span in spans
        if columns.limit_from_us[span] < end_us and begin_us < columns.limit_to_us[span]
    ]


def _open_ended(us: int) -> Any:
    return None if us >= OPEN_END_US else instants.from_us(us)


def _side(bound: float) -> float | None:
    """NaN stands for a side that is open."""
    return None if bound != bound else float(bound)  # noqa: PLR0124 - NaN alone differs from itself
