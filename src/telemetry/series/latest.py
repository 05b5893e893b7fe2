"""The newest observation of every datastream, with its age and how it stands to the limit that held then."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import instants
from core.database import Database
from core.instants import Zone
from telemetry.catalog.snapshot import Columns, DatastreamEntry, Snapshot
from telemetry.quality.checking import Window
from telemetry.quality.flags import Quality
from telemetry.readings import status_text
from telemetry.series import naming, store
from telemetry.series.rendering import Record
from telemetry.series.selecting import Selection

_MEMBERS = (
    "station",
    "kind",
    "datastream",
    "symbol",
    "unit",
    "phenomenonTime",
    "ageSeconds",
    "overdue",
    "result",
    "quality",
    "reasons",
    "deviceStatus",
    "receipt",
)
_LIMIT_MEMBERS = ("lower", "upper", "verified", "state")
# What a datastream without observation has: the members that an observation fills, empty.
_NOTHING: Record = {**dict.fromkeys(_MEMBERS), "reasons": [], "limit": None}
# The practice of the field: lost after one cadence and 15 minutes.
_GRACE_SECONDS = 15 * 60


def flattened(records: Sequence[Record]) -> tuple[Sequence[str], list[list[Any]]]:
    """Header and rows of a table, the limit in columns of its own."""
    header = [*_MEMBERS, *(f"limit{name.title()}" for name in _LIMIT_MEMBERS)]
    return header, [
        [*(record[name] for name in _MEMBERS), *((record["limit"] or {}).get(name) for name in _LIMIT_MEMBERS)]
        for record in records
    ]


def reach_us(window: Window) -> int:
    """How old the newest observation may be: as old as the intake takes any, and no less than it does by default.

    A window that was made narrower stops what comes in; it does not take away what is there.
    """
    return max(window.oldest_us, Window().oldest_us)


async def read(
    database: Database,
    snapshot: Snapshot,
    selections: Sequence[Selection],
    now: datetime,
    zone: Zone,
    not_before: datetime,
) -> list[Record]:
    """One record for each datastream, by station code and symbol; empty where nothing is newer than `not_before`."""
    ids = [stream for selection in selections for stream in selection.streams]
    found = {row["datastream_id"]: row for row in await store.latest(database, ids, not_before)}
    clock = naming.clock(zone)
    records = []
    for selection in selections:
        for stream in sorted(selection.streams.values(), key=lambda stream: stream.symbol):
            record = _head(selection, stream)
            row = found.get(stream.id)
            age = None if row is None else int((now - row["phenomenon_time"]).total_seconds())
            record["ageSeconds"] = age
            record["overdue"] = age is None or age > selection.station.cadence_seconds + _GRACE_SECONDS
            if row is not None:
                record |= _state(row, snapshot.columns)
                record["phenomenonTime"] = clock(row["phenomenon_time"])
            records.append(record)
    return records


def _head(selection: Selection, stream: DatastreamEntry) -> Record:
    return _NOTHING | {
        "station": selection.station.code,
        "kind": selection.station.kind,
        "datastream": stream.id,
        "symbol": stream.symbol,
        "unit": stream.unit,
    }


def _state(row: Any, columns: Columns) -> Record:
    return {
        "result": row["result"],
        "quality": row["result_quality"],
        "reasons": naming.reasons(row["quality_reasons"]),
        "deviceStatus": status_text(row["device_status"]),
        "limit": _limit(row, columns) if row["result_quality"] < Quality.FAIL else None,
        "receipt": row["receipt_id"],
    }


def _limit(row: Any, columns: Columns) -> Record | None:
    """The limit that held at the phenomenon time; the state is what was judged when the observation was taken in."""
    time_us = instants.to_us(row["phenomenon_time"])
    start = int(columns.limit_start[row["datastream_id"]])
    for span in range(start, start + int(columns.limit_count[row["datastream_id"]])):
        if columns.limit_from_us[span] <= time_us < columns.limit_to_us[span]:
            return {
                "lower": _bound(columns.limit_lower[span]),
                "upper": _bound(columns.limit_upper[span]),
                "verified": bool(columns.limit_verified[span]),
                "state": naming.limit_state(row["quality_reasons"]),
            }
    return None


def _bound(value: float) -> float | None:
    """One side of a limit; NaN is an open side."""
    return None if math.isnan(value) else float(value)
