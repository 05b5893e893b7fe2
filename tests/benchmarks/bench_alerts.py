"""Prints how long alerts take from the COMMIT of a reading: `python -m tests.benchmarks.bench_alerts [dsn]`.

Readings are submitted at a steady rate by 105 stations of 12 datastreams; each now and then exceeds its limit, and the
time until the alert stands in the table is taken. The same again while a backlog of many days is evaluated, and beside
that the time of one turn's plain SQL scan of the same rows.
"""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from core import instants
from core.database import Database, PoolLimits
from telemetry.alerts.evaluation.deadlines import Deadlines
from telemetry.alerts.evaluation.evaluating import Alerts
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import Intake
from telemetry.readings import Readings
from tests.benchmarks import network, stack
from tests.fixtures.submissions import submission

_CADENCE_US = network.CADENCE_SECONDS * 10**6
_WIDTH = len(network.SYMBOLS)
# The stations' times run faster than the clock and far behind it, so all of them would be lost all the time.
_CONNECTED = """
    INSERT INTO alert_rule (kind, severity, enabled) VALUES ('lost-connection', 'warning', false) ON CONFLICT DO NOTHING
"""
_SCAN = """
    SELECT count(*), max(result), sum(quality_reasons) FROM observation
    WHERE datastream_id = ANY ($1::int[]) AND phenomenon_time >= $2
"""


@dataclass
class Meter:
    """Seconds from COMMIT to alert, by datastream and time of the reading that raised it."""

    committed: dict[tuple[str, int], float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    receipts: int = 0

    @property
    def p99(self) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * 0.99))]

    def told(self) -> str:
        waits = sorted(self.waits)
        if not waits:
            return "no alert"
        turns = sorted(self.turns)
        return (
            f"{self.receipts} packets, {len(waits)} alerts; "
            f"commit to alert p50 {statistics.median(waits) * 1e3:.0f} ms, "
            f"p99 {self.p99 * 1e3:.0f} ms; turn p50 {statistics.median(turns) * 1e3:.0f} ms, "
            f"p99 {turns[min(len(turns) - 1, int(len(turns) * 0.99))] * 1e3:.0f} ms"
        )


class Load:
    """Packets of all stations, cycle after cycle, faster than the clock."""

    def __init__(self, intake: Intake, begin_us: int, phase: int) -> None:
        """`phase`: which of 41 packets exceeds."""
        self._intake = intake
        self._begin_us = begin_us
        self._random = np.random.default_rng(7)
        self._phase = phase
        self._count = 0

    async def run(self, rate: float, seconds: float, meter: Meter) -> None:
        """Submit `rate` packets a second; every 40th exceeds one of its limits for one cycle."""
        began, sent, waiting = time.perf_counter(), 0, set()
        while (now := time.perf_counter()) - began < seconds:
            while sent < (now - began) * rate:
                task = asyncio.create_task(self._one(meter))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                sent += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*waiting)
        meter.receipts = sent

    async def _one(self, meter: Meter) -> None:
        station, cycle = self._count % network.STATIONS + 1, self._count // network.STATIONS
        exceeds = self._count % 41 == self._phase
        self._count += 1
        values = self._random.normal(400, 20, _WIDTH).tolist()
        if exceeds:
            values[cycle % _WIDTH] = 950.0
        time_us = self._begin_us + cycle * _CADENCE_US
        packet = Readings(f"S{station}", network.SYMBOLS, time_us, values)
        await self._intake.submit(
            submission(packet, received_us=instants.now_us(), station_id=station, station=f"S{station}"), 60
        )
        if exceeds:
            meter.committed[f"S{station}", time_us] = time.perf_counter()


async def _turn(round_: Alerts | Deadlines, stop: asyncio.Event, meter: Meter | None) -> None:
    while not stop.is_set():
        began = time.perf_counter()
        more = await round_.turn()
        if meter is not None:
            meter.turns.append(time.perf_counter() - began)
        await asyncio.sleep(0 if more else round_.pause_seconds)


async def _observe(database: Database, stop: asyncio.Event, meter: Meter) -> None:
    """Look for new alerts every 10 ms."""
    last = 0
    while not stop.is_set():
        rows = await database.fetch(
            "SELECT a.id, s.code, a.raised_time FROM alert a JOIN station s ON s.id = a.station_id"
            " WHERE a.id > $1 AND a.kind = 'over-limit' ORDER BY a.id",
            last,
        )
        now = time.perf_counter()
        for row in rows:
            last = row["id"]
            committed = meter.committed.pop((row["code"], instants.to_us(row["raised_time"])), None)
            if committed is not None:
                meter.waits.append(now - committed)
        await asyncio.sleep(0.01)


async def _backlog(intake: Intake, stations: int, days: int) -> None:
    """Submit many days of some stations in columns, as loggers empty their stores."""
    now_us = instants.now_us() // _CADENCE_US * _CADENCE_US
    random = np.random.default_rng(8)
    for day in range(days, 0, -1):
        times = now_us - day * 86_400 * 10**6 + np.arange(288, dtype=np.int64) * _CADENCE_US - 7 * 3_600 * 10**6
        for station in range(1, stations + 1):
            await intake.submit(
                submission(
                    Readings(
                        f"S{station}",
                        network.SYMBOLS,
                        np.tile(times, _WIDTH),
                        random.normal(400, 20, len(times) * _WIDTH),
                        symbol=np.repeat(np.arange(_WIDTH, dtype=np.int64), len(times)),
                    ),
                    received_us=instants.now_us(),
                    station_id=station,
                    station=f"S{station}",
                    raw=b"",
                ),
                60,
            )


async def measured(dsn: str, rate: float, seconds: float, turn: int, backlog: tuple[int, int] | None) -> Meter:
    """`turn`: which measurement it is, so that none meets the readings of another."""
    async with (
        Database(dsn, application_name="bench", limits=PoolLimits(max_size=8)) as database,
        LiveCatalog(database) as catalog,
        Intake(database, catalog) as intake,
    ):
        await database.execute(_CONNECTED)
        alerts, deadlines = Alerts(database, catalog), Deadlines(database, catalog)
        while await alerts.turn():
            pass
        meter, stop = Meter(), asyncio.Event()
        begin_us = instants.now_us() // _CADENCE_US * _CADENCE_US - 5 * 3_600 * 10**6
        begin_us += turn * 30 * 10**6
        while await deadlines.turn():
            pass
        if backlog is not None:
            await _backlog(intake, *backlog)
            while await alerts.turn():
                pass
        work = [
            asyncio.create_task(_turn(alerts, stop, meter)),
            asyncio.create_task(_turn(deadlines, stop, None)),
            asyncio.create_task(_observe(database, stop, meter)),
        ]
        await Load(intake, begin_us, 10 * turn).run(rate / _WIDTH, seconds, meter)
        await asyncio.sleep(3)
        stop.set()
        await asyncio.gather(*work)
        left = await database.fetchval("SELECT count(*) FROM alert_recheck")
        beside = "" if backlog is None else f" beside a backlog of {backlog[1]} days from {backlog[0]} stations"
        _say(
            f"{rate:.0f} readings/s{beside}: {meter.told()}; spans left to look at again {left}, "
            f"alerts not seen in time {len(meter.committed)}"
        )
        began = time.perf_counter()
        await database.fetchrow(_SCAN, list(range(1, 421)), instants.from_us(instants.now_us() - 2 * 3_600 * 10**6))
        _say(f"plain scan of 420 datastreams × 2 h: {(time.perf_counter() - began) * 1e3:.0f} ms")
        return meter


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    with stack.database(sys.argv[1] if len(sys.argv) > 1 else None) as stacked:
        for turn, backlog in enumerate((None, (5, 60), None)):
            asyncio.run(measured(stacked.dsn, 2_000, 15, turn, backlog))


if __name__ == "__main__":
    main()
