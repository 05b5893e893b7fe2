"""`make bench`: throughput of the real processes beside raw COPY of the same rows, in the same run, as ratios.

Each ratio is the median of some rounds; a round measures the way through the service and then the raw COPY of what it
stored, so that a noisy machine disturbs both. QUANTRAC_TEST_DSN chooses the server; without it an embedded one is
used.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks import bench_alerts, bench_checks, bench_hooks, bench_streams, bench_verdicts, stack
from tests.benchmarks.stack import Stack

_READINGS = 12
_RATIO = "{:.2f}"


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    measured: str
    target: str


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _rounds(stacked: Stack, rounds: int, one: Callable[[], tuple[float, str]]) -> tuple[str, str]:
    """Median ratio to raw COPY with its extremes, and the figures of the last round."""
    ratios, told = [], ""
    for _ in range(rounds):
        rate, told = one()
        limit = stack.raw_copy_rate(stacked)
        ratios.append(rate / limit)
        told = f"{told}; raw COPY {limit:,.0f} rows/s"
    return _spread(ratios), told


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def http_packets(stacked: Stack, rounds: int, requests: int) -> list[Row]:
    with stack.gateway(stacked) as gateway:

        def one() -> tuple[float, str]:
            cpu = gateway.cpu_seconds()
            result = stack.load(stacked, "http_load", port=gateway.port, connections=64, requests=requests)
            _require(result["stored"] == requests * _READINGS, f"not all was stored: {result}")
            rate = result["stored"] / result["seconds"]
            per_request = (gateway.cpu_seconds() - cpu) / requests * 1e6
            return rate, (
                f"{result['answered'] / result['seconds']:,.0f} requests/s of {result['body_bytes']} bytes, "
                f"{rate:,.0f} readings/s, p50 {result['p50'] * 1e3:.0f} ms, p99 {result['p99'] * 1e3:.0f} ms, "
                f"gateway {per_request:.0f} µs a request"
            )

        ratio, told = _rounds(stacked, rounds, one)
    _say(f"HTTP packets: {told}")
    return [Row("12-reading JSON packets, HTTP, 64 connections, receipts kept (÷ raw COPY)", ratio, "≥ 0.22")]


def http_columns(stacked: Stack, rounds: int) -> list[Row]:
    times, requests = 1000, 105
    with stack.gateway(stacked) as gateway:

        def one() -> tuple[float, str]:
            result = stack.load(stacked, "http_load", port=gateway.port, connections=6, requests=requests, times=times)
            _require(result["stored"] == requests * times * _READINGS, f"not all was stored: {result}")
            rate = result["stored"] / result["seconds"]
            return rate, f"{rate:,.0f} readings/s in bodies of {result['body_bytes']:,} bytes"

        ratio, told = _rounds(stacked, rounds, one)
    _say(f"HTTP columns: {told}")
    return [Row("columns backfill, HTTP, 12 × 1,000 readings a body, receipts kept (÷ raw COPY)", ratio, "≥ 0.80")]


def mqtt_packets(stacked: Stack, rounds: int, requests: int) -> list[Row]:
    rows = []
    for sync, target in (("2m", "≥ 0.15"), ("always", "≥ 0.08")):
        with stack.broker(stacked, sync) as (port, password):
            with stack.consumer(stacked, port, password):
                pass  # From its first session on the broker keeps what is published; before, it would only count.
            alone = stack.load(stacked, "mqtt_load", port=port, requests=requests, window=20)
            with stack.consumer(stacked, port, password) as consumer:
                _until_stored(consumer, requests * _READINGS, time.time())
            stack.raw_copy_rate(stacked)
            shares: list[float] = []

            def one(port: int = port, password: str = password, shares: list[float] = shares) -> tuple[float, str]:
                limit = stack.delivered_rate(stacked, port, password, requests)
                with stack.consumer(stacked, port, password) as consumer:
                    result = stack.load(stacked, "mqtt_load", port=port, requests=requests, window=20)
                    seconds = _until_stored(consumer, requests * _READINGS, result["begun"])
                shares.append(requests / seconds / limit)
                rate = requests * _READINGS / seconds
                return rate, (
                    f"{requests / seconds:,.0f} messages/s committed, {rate:,.0f} readings/s; "
                    f"the broker hands {limit:,.0f} messages/s to a subscriber that keeps nothing"
                )

            ratio, told = _rounds(stacked, rounds, one)
        broker_rate = alone["answered"] / alone["seconds"]
        _say(f"MQTT, sync_interval {sync}: {told}; without a subscriber it acknowledges {broker_rate:,.0f} messages/s")
        rows += [
            Row(f"the same packets, MQTT QoS 1, broker sync_interval {sync} (÷ raw COPY)", ratio, target),
            Row(
                "the same ÷ what this broker hands to a subscriber that keeps nothing", _spread(shares), "1.00 at most"
            ),
        ]
    return rows


def _until_stored(consumer: stack.Process, readings: int, begun: float) -> float:
    """Seconds from the first publish until the consumer has committed the last reading.

    The consumer itself is asked: counting the table again and again would take a core from what is measured.
    """
    deadline = time.time() + 300
    while time.time() < deadline:
        if consumer.readings_stored() >= readings:
            return time.time() - begun
        time.sleep(0.02)
    raise RuntimeError(f"only {consumer.readings_stored()} of {readings} readings were stored")


def half_rate(stacked: Stack, requests: int) -> list[Row]:
    """Latency when half of what the service can do is offered."""
    with stack.gateway(stacked) as gateway:
        peak = stack.load(stacked, "http_load", port=gateway.port, connections=64, requests=requests)
        stack.raw_copy_rate(stacked)
        rate = peak["answered"] / peak["seconds"] / 2
        calm = stack.load(stacked, "http_load", port=gateway.port, connections=64, requests=requests, rate=rate)
        stack.raw_copy_rate(stacked)
    _say(f"Half rate: {rate:,.0f} requests/s offered, p50 {calm['p50'] * 1e3:.1f} ms, p99 {calm['p99'] * 1e3:.1f} ms")
    return [Row("p99 of answers at half of the peak rate", f"{calm['p99'] * 1e3:.0f} ms", "< 250 ms")]


def overload(stacked: Stack, requests: int) -> list[Row]:
    """Memory while many more readings are offered than the queue and the database take."""
    settings = {"QUANTRAC_INTAKE__QUEUE_ROWS": "2000", "QUANTRAC_INTAKE__WRITERS": "1"}
    with stack.gateway(stacked, **settings) as gateway:
        stack.load(stacked, "http_load", port=gateway.port, connections=64, requests=requests // 4)
        before = gateway.resident_bytes()
        result = stack.load(
            stacked, "http_load", port=gateway.port, connections=1000, requests=requests * 2, offset_seconds=86_400 * 30
        )
        after = gateway.resident_bytes()
        stack.raw_copy_rate(stacked)
    _say(
        f"Overload: 1,000 connections, {result['answered']:,} answered, {result['refused']:,} refused with 503, "
        f"{result['failed']} failed; resident {before / 2**20:.0f} → {after / 2**20:.0f} MiB"
    )
    return [Row("resident memory, overload ÷ before", f"{after / before:.2f}", "flat")]


def hooks(stacked: Stack, seconds: int) -> list[Row]:
    """Latency of webhooks; what was loaded is gone again afterwards."""
    calm = bench_hooks.event_to_delivery(stacked, seconds)
    beside = bench_hooks.event_to_delivery(stacked, seconds, dead=5)
    loaded = bench_hooks.event_to_delivery(stacked, seconds, load=True)
    chain = bench_hooks.reading_to_delivery(stacked, seconds, load=True)
    stack.raw_copy_rate(stacked)
    _say(f"Hooks: alone {calm}; beside 5 dead receivers {beside}; beside 2,000 readings/s {loaded}; chain {chain}")
    return [
        Row("COMMIT of an event to its signed delivery, 50 events/s", str(calm), "p99 < 1 s"),
        Row("the same beside 5 dead receivers of the same events", str(beside), "p99 < 1 s"),
        Row("the same beside 2,000 readings/s", str(loaded), "p99 < 2 s"),
        Row("COMMIT of a reading over its limit to the signed alert, at 2,000 readings/s", str(chain), "p99 < 2 s"),
    ]


def streams(stacked: Stack, seconds: int) -> list[Row]:
    """The live stream with a few clients and with many."""
    few = bench_streams.event_to_clients(stacked, 10, seconds, 2_000)
    many = bench_streams.event_to_clients(stacked, 200, seconds, 2_000)
    _say(f"Live stream: 10 clients {few}; 200 clients {many}")
    return [
        Row("COMMIT of an event to each of 200 clients of the live stream, 10 events/s", str(many), "p99 < 1 s"),
        Row("latency of 200 clients ÷ of 10 (p50)", _RATIO.format(many.p50 / few.p50), "< 2"),
    ]


def verdicts(stacked: Stack) -> list[Row]:
    found = asyncio.run(bench_verdicts.measured(stacked.dsn))
    day, same, changed = (found[name] for name in ("day", "month, the same", "month, all changed"))
    _say(f"Verdicts: day {day}; month of one station, nothing changes {same}, everything changes {changed}")
    return [
        Row("verdicts of one day for 105 stations, at once", str(day), "< 1 s"),
        Row("one month of one station judged again, nothing changes", str(same), "< 2 s"),
        Row("the same where every verdict changes, is kept and told", str(changed), "< 2 s"),
    ]


def alerts(dsn: str) -> list[Row]:
    """From the COMMIT of a reading to its alert at 2,000 readings/s, alone and beside a backlog that is looked at."""
    calm = asyncio.run(bench_alerts.measured(dsn, 2_000, 15, 0, None))
    beside = asyncio.run(bench_alerts.measured(dsn, 2_000, 15, 1, (5, 60)))
    ratio = statistics.median(beside.waits) / statistics.median(calm.waits)
    return [
        Row("p99 from COMMIT to alert at 2,000 readings/s", f"{calm.p99 * 1e3:.0f} ms", "< 1 s"),
        Row("median beside a backlog of 60 days ÷ alone", f"{ratio:.2f}", "< 2"),
    ]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RuntimeError(otherwise)


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("asyncpg", "uvicorn", "uvloop", "numpy", "msgspec"))
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}, {packages}"


def _table(rows: list[Row]) -> str:
    lines = ["| what | measured | target |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.what} | {row.measured} | {row.target} |" for row in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "only",
        nargs="*",
        help="packets, columns, mqtt, half, overload, checks, alerts, hooks, streams, verdicts; all when none is named",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=20, help="how long latencies of hooks are measured")
    asked: Any = parser.parse_args()
    with stack.database(os.environ.get("QUANTRAC_TEST_DSN")) as stacked:
        _say(_machine())
        _say(stacked.server)
        parts: dict[str, Callable[[], list[Row]]] = {
            "checks": lambda: [
                Row("checks, 10,000 readings at once", f"{bench_checks.nanoseconds(10_000):.0f} ns", "≤ 150 ns")
            ],
            "columns": lambda: http_columns(stacked, asked.rounds),
            "packets": lambda: http_packets(stacked, asked.rounds, asked.requests),
            "mqtt": lambda: mqtt_packets(stacked, asked.rounds, asked.requests),
            "half": lambda: half_rate(stacked, asked.requests),
            "overload": lambda: overload(stacked, asked.requests),
            "alerts": lambda: alerts(stacked.dsn),
            "hooks": lambda: hooks(stacked, asked.seconds),
            "streams": lambda: streams(stacked, asked.seconds),
            "verdicts": lambda: verdicts(stacked),
        }
        rows = [row for name, part in parts.items() if not asked.only or name in asked.only for row in part()]
    _say("")
    _say(_table(rows))


if __name__ == "__main__":
    main()
