"""Prints what the quality checks cost for one reading: `python tests/benchmarks/bench_checks.py`."""

import statistics
import time

import numpy as np

from telemetry.catalog import snapshot
from telemetry.quality import checking
from telemetry.readings import Floats, Int64s

_NOW = 1_795_000_000 * 10**6
_STREAMS = 900


def _columns() -> snapshot.Columns:
    station = snapshot.StationEntry(1, "TH-NT-001", "wastewater", "active", 300, None)
    streams = [
        snapshot.DatastreamEntry(n, 1, f"S{n}", "mg/l", "mg/l", 1.0, -5.0, 100.0, "active")
        for n in range(1, _STREAMS + 1)
    ]
    limits = [
        snapshot.LimitEntry(n, _NOW // 2, snapshot.OPEN_END_US, None, 60.0, False) for n in range(1, _STREAMS + 1, 2)
    ]
    limits += [snapshot.LimitEntry(n, 0, _NOW // 2, None, 70.0, False) for n in range(1, _STREAMS + 1, 4)]
    return snapshot.build(1, [station], streams, [], limits, []).columns


def _median_ns(columns: snapshot.Columns, streams: Int64s, times: Int64s, values: Floats, rows: int) -> float:
    status = np.zeros(rows, np.int16)
    seconds = []
    for _ in range(9):
        rounds = max(1, 200_000 // rows)
        begin = time.perf_counter()
        for _ in range(rounds):
            checking.check(columns, streams, times, values, status, _NOW, checking.Window())
        seconds.append((time.perf_counter() - begin) / rounds)
    return statistics.median(seconds) / rows * 1e9


def nanoseconds(rows: int) -> float:
    """Cost of one reading when `rows` calm ones are judged at once."""
    random = np.random.default_rng(1)
    streams = random.integers(1, _STREAMS, rows)
    times = _NOW - random.integers(0, 300, rows) * 10**6
    return _median_ns(_columns(), streams, times, random.uniform(0, 55, rows), rows)


def main() -> None:
    columns = _columns()
    random = np.random.default_rng(1)
    print(f"{'rows':>8} {'calm':>8} {'1 % over':>9} {'all late':>9} {'all over':>9}   ns a reading")  # noqa: T201 - its output
    for rows in (12, 100, 1_000, 10_000, 100_000):
        streams = random.integers(1, _STREAMS, rows)
        live = _NOW - random.integers(0, 300, rows) * 10**6
        calm = random.uniform(0, 55, rows)
        some = np.where(random.random(rows) < 0.01, 65.0, calm)
        figures = [
            _median_ns(columns, streams, live, calm, rows),
            _median_ns(columns, streams, live, some, rows),
            _median_ns(columns, streams, live - 86_400 * 10**6, calm, rows),
            _median_ns(columns, streams, live, calm + 40, rows),
        ]
        print(f"{rows:>8} {figures[0]:>8.1f} {figures[1]:>9.1f} {figures[2]:>9.1f} {figures[3]:>9.1f}")  # noqa: T201 - its output


if __name__ == "__main__":
    main()
