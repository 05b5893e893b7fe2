"""Prints how long verdicts take beside a plain SQL scan: `python -m tests.benchmarks.bench_verdicts [dsn]`.

The demonstration network, 105 stations with a value every five minutes: the verdicts of one day for all of them, and
one month of one station judged again, where nothing and where everything changes.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import asyncpg

from core import instants
from core.database import Database, PoolLimits
from gateway import migrating
from telemetry.catalog import seeding
from telemetry.verdicts import agenda
from telemetry.verdicts.rounds import Judging
from tests.benchmarks import stack
from tests.fixtures.verdicts import vietnam

_DAY, _ROUNDS = timedelta(days=1), 5
_FIRST = vietnam(2026, 10, 1)
_STATION = "TH-KT-001"
_FILL = """
    INSERT INTO observation (phenomenon_time, result, receipt_id, datastream_id, quality_reasons, device_status,
                             result_quality)
    SELECT time, 10 + (hashint8(d.id * 1000000 + extract(epoch FROM time)::bigint) % 1000) / 100.0, 1, d.id, 0, 0,
           CASE WHEN hashint8(extract(epoch FROM time)::bigint + d.id) % 50 = 0 THEN 4 ELSE 1 END
    FROM datastream d JOIN station s ON s.id = d.station_id,
         generate_series($1::timestamptz, $2::timestamptz - interval '1 us', interval '5 minutes') AS time
    WHERE $3::text IS NULL OR s.code = $3
"""
_SCAN = """
    SELECT datastream_id, date_trunc('hour', phenomenon_time), count(*), count(*) FILTER (WHERE result_quality < 4),
           avg(result) FILTER (WHERE result_quality < 4), min(result) FILTER (WHERE result_quality < 4),
           max(result) FILTER (WHERE result_quality < 4)
    FROM observation
    WHERE datastream_id = ANY ($1::integer[]) AND phenomenon_time >= $2 AND phenomenon_time < $3
    GROUP BY 1, 2
"""
_LIMITED = """
    SELECT DISTINCT d.id FROM datastream d JOIN station s ON s.id = d.station_id
    JOIN datastream_limit l ON l.datastream_id = d.id
    WHERE l.averaging <> 'instant' AND ($1::text IS NULL OR s.code = $1)
"""


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Timing:
    """Median seconds of what was measured and of the plain scan beside it, in the same rounds."""

    seconds: float
    scan: float
    verdicts: int

    def __str__(self) -> str:
        return (
            f"{self.seconds * 1e3:.0f} ms for {self.verdicts:,} verdicts, {self.seconds / self.scan:.1f} × a plain scan"
        )


async def measured(server: str) -> dict[str, Timing]:
    """In a database of its own on the server, which is dropped afterwards."""
    name = "quantrac_bench_verdicts"
    dsn = urlsplit(server)._replace(path=f"/{name}").geturl()
    await _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    try:
        await asyncio.to_thread(migrating.migrate, dsn)
        async with Database(dsn, application_name="bench", limits=PoolLimits(command_seconds=120)) as database:
            return await _all(database)
    finally:
        await _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _all(database: Database) -> dict[str, Timing]:
    await seeding.seed(database)
    clock = Clock(_FIRST + timedelta(minutes=30))
    judging = await Judging(database, clock=clock).prepare()
    await _turns(judging)
    await database.execute(_FILL, _FIRST, _FIRST + _DAY, None)
    await database.execute(_FILL, _FIRST + _DAY, _FIRST + 30 * _DAY, _STATION)
    await database.execute("ANALYZE observation")
    clock.now = _FIRST + _DAY + timedelta(minutes=30)
    found = {"day": await _day(database, judging)}
    clock.now = _FIRST + 30 * _DAY + timedelta(minutes=30)
    await _turns(judging)
    found["month, the same"] = await _month(database, judging, _nothing)
    found["month, all changed"] = await _month(database, judging, _another_limit)
    return found


async def _day(database: Database, judging: Judging) -> Timing:
    """As after an outage: a whole day is judged at once, each time as if for the first time."""
    streams = [row["id"] for row in await database.fetch(_LIMITED, None)]
    begun = await database.fetch("SELECT averaging, judged_until FROM judging_progress")
    seconds, scans = [], []
    for _ in range(_ROUNDS):
        await database.execute("TRUNCATE verdict")
        for row in begun:
            await database.execute("UPDATE judging_progress SET judged_until = $2 WHERE averaging = $1", *row)
        seconds.append(await _timed(lambda: _turns(judging)))
        scans.append(await _timed(lambda: database.fetch(_SCAN, streams, _FIRST, _FIRST + _DAY)))
    count = await database.fetchval("SELECT count(*) FROM verdict")
    return Timing(statistics.median(seconds), statistics.median(scans), count)


async def _month(database: Database, judging: Judging, change: Callable[[Database], Awaitable[object]]) -> Timing:
    streams = [row["id"] for row in await database.fetch(_LIMITED, _STATION)]
    begin_us, end_us = instants.to_us(_FIRST), instants.to_us(_FIRST + 30 * _DAY)
    seconds, scans = [], []
    for _ in range(_ROUNDS):
        await change(database)
        await agenda.ask(database, streams, begin_us, end_us, "bench")
        seconds.append(await _timed(lambda: _turns(judging)))
        scans.append(await _timed(lambda: database.fetch(_SCAN, streams, _FIRST, _FIRST + 30 * _DAY)))
    count = await database.fetchval("SELECT count(*) FROM verdict WHERE datastream_id = ANY ($1)", streams)
    return Timing(statistics.median(seconds), statistics.median(scans), count)


async def _nothing(_: Database) -> None:
    pass


async def _another_limit(database: Database) -> None:
    """So low, and each time lower, that every hour is exceeded by another number."""
    await database.execute(
        "UPDATE datastream_limit l SET upper = coalesce(least(upper, 1), 1) * 0.9 FROM datastream d, station s "
        "WHERE d.id = l.datastream_id AND s.id = d.station_id AND s.code = $1",
        _STATION,
    )


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _turns(judging: Judging) -> None:
    while await judging.turn():
        pass


def main() -> None:
    with stack.database(sys.argv[1] if len(sys.argv) > 1 else None) as stacked:
        for what, timing in asyncio.run(measured(stacked.dsn)).items():
            sys.stdout.write(f"{what}: {timing}\n")


if __name__ == "__main__":
    main()
