"""What reports cost in memory, whatever their span; and that hours and days are those of the calendar."""

import resource
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core import access, instants
from core.instants import VIETNAM, Zone
from telemetry.reports import scope, writing
from telemetry.reports.kinds import REPORTS, Kind
from telemetry.reports.scope import Scope
from tests.fixtures.series import Archive, utc

_CALENDAR = """
    SELECT datastream_id, date_trunc($1, phenomenon_time, 'Asia/Ho_Chi_Minh') AS bucket, count(*) AS received_n,
           count(*) FILTER (WHERE result_quality < 4) AS valid_n,
           count(*) FILTER (WHERE result_quality = 3) AS suspect_n,
           min(result) FILTER (WHERE result_quality < 4) AS result_min,
           max(result) FILTER (WHERE result_quality < 4) AS result_max,
           avg(result) FILTER (WHERE result_quality < 4) AS result_mean
    FROM observation WHERE datastream_id = ANY ($2) GROUP BY 1, 2 ORDER BY 1, 2
"""


def _resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


async def _scope(archive: Archive, begin: datetime, end: datetime) -> Scope:
    chosen = await scope.stations(archive.database, archive.catalog.snapshot, access.unlimited("an"), None, None, None)
    return Scope(chosen, scope.span(None, begin, end, instants.now()), 0.75, timedelta(minutes=15))


@pytest.mark.parametrize("kind", [Kind.DAY, Kind.HOURLY_MAXIMUM])
async def test_days_of_the_network_pass_through_constant_memory(archive: Archive, kind: Kind) -> None:
    about = await _scope(archive, utc(2025, 1, 1), utc(2025, 4, 1))
    parts, resident = [], []
    async for part in writing.json(archive.database, REPORTS[kind], about, Zone.VIETNAM):
        parts.append(len(part))
        resident.append(_resident_kib())
    assert len(parts) == 92
    assert max(parts) < 2**19
    assert sum(parts) > 2**23
    settled = resident[len(resident) // 4 :]
    assert max(settled) - settled[0] < 16 * 1024, settled


@pytest.mark.parametrize("unit", ["hour", "day"])
async def test_hours_and_days_are_those_of_the_calendar(archive: Archive, unit: str) -> None:
    streams = archive.streams("TH-NT-001")[:2]
    # To the microsecond around the ends of hours, days and years, at both ends of what the table takes.
    for edge in (
        datetime(2000, 1, 2, tzinfo=VIETNAM),
        datetime(2026, 1, 1, tzinfo=VIETNAM),
        datetime(2026, 6, 15, 7, tzinfo=VIETNAM),
        datetime(2026, 11, 23, 12, tzinfo=VIETNAM),
        datetime(2099, 12, 31, tzinfo=VIETNAM),
    ):
        for place, shift in enumerate((-3_600_000_000, -1, 0, 1, 59, 3_599_999_999)):
            for stream in streams:
                quality = 1 + (place + stream) % 4
                await archive.put(stream, edge + timedelta(microseconds=shift), place * 1.5, quality=quality)
    await archive.refresh()
    columns = "datastream_id, bucket, received_n, valid_n, suspect_n, result_min, result_max, result_mean"
    relation = {"hour": "observation_hourly_between", "day": "observation_daily_between"}[unit]
    found = await archive.database.fetch(
        f"SELECT {columns} FROM {relation}($1::integer[], $2, $3) ORDER BY 1, 2",
        streams,
        datetime(2000, 1, 1, tzinfo=VIETNAM),
        datetime(2100, 1, 1, tzinfo=VIETNAM),
    )
    expected = await archive.database.fetch(_CALENDAR, unit, streams)
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert len(found) > 15
