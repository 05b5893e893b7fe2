"""How long it takes until every client of the live stream has an event, and how many events they can be sent.

The real gateway, and clients over real connections in this process, which only looks for the marks of events.
"""

import asyncio
import re
import secrets
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.database import Database
from telemetry.events import store as events
from tests.benchmarks import stack
from tests.benchmarks.stack import Process, Stack

TOKEN = "token of the benchmark's staff"  # noqa: S105 - of a gateway that lives as long as a measurement
_EVENTS_A_SECOND = 10
_AT_ONCE = 250
_MARK = re.compile(rb'"mark": ?"([0-9a-f]{16})"')
# What an alert with its change amounts to.
_PADDING = "x" * 1200


@dataclass
class _Client:
    """Notes when each mark arrived."""

    arrived: dict[bytes, float] = field(default_factory=dict)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _rest: bytes = b""

    async def follow(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        writer.write(
            f"GET /v1/events?types=alert HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        try:
            while part := await reader.read(2**18):
                now = time.monotonic()
                self._rest = self._rest[-64:] + part
                if b"id: " in self._rest:
                    self.begun.set()
                for mark in _MARK.findall(self._rest):
                    self.arrived.setdefault(mark, now)
        finally:
            writer.close()


@dataclass(frozen=True, slots=True)
class Told:
    """Latencies of a steady trickle, and the rate of a burst."""

    clients: int
    p50: float
    p99: float
    deliveries: float
    gateway_us: float

    def __str__(self) -> str:
        return (
            f"p50 {self.p50 * 1e3:.0f} ms, p99 {self.p99 * 1e3:.0f} ms; burst {self.deliveries:,.0f} deliveries/s, "
            f"gateway {self.gateway_us:.0f} µs each"
        )


def event_to_clients(stacked: Stack, clients: int, seconds: int, burst: int) -> Told:
    """From the COMMIT of an event to its arrival at each client; then `burst` events as fast as they are written."""
    with stack.gateway(stacked, QUANTRAC_ACCESS__STAFF_TOKEN=TOKEN) as gateway:
        return asyncio.run(_measured(stacked, gateway, clients, seconds, burst))


async def _measured(stacked: Stack, gateway: Process, clients: int, seconds: int, burst: int) -> Told:
    following = [_Client() for _ in range(clients)]
    tasks = [asyncio.create_task(client.follow(gateway.port)) for client in following]
    try:
        await asyncio.gather(*(client.begun.wait() for client in following))
        async with Database(stacked.dsn, application_name="benchmark") as database:
            begun = await _trickle(database, seconds * _EVENTS_A_SECOND)
            await _have(following, len(begun))
            waits = [client.arrived[mark] - at for client in following for mark, at in begun.items()]
            cpu, start = gateway.cpu_seconds(), time.monotonic()
            for _ in range(burst // _AT_ONCE):
                await _write(database, _AT_ONCE)
            await _have(following, len(begun) + burst)
            rate = burst * clients / (time.monotonic() - start)
            spent = (gateway.cpu_seconds() - cpu) / (burst * clients)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    ordered = sorted(waits)
    return Told(clients, statistics.median(ordered), ordered[len(ordered) * 99 // 100], rate, spent * 1e6)


async def _trickle(database: Database, count: int) -> dict[bytes, float]:
    begun: dict[bytes, float] = {}
    start = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / _EVENTS_A_SECOND - time.monotonic()))
        (mark,) = await _write(database, 1)
        begun[mark] = time.monotonic()
    return begun


async def _write(database: Database, count: int) -> list[bytes]:
    marks = [secrets.token_hex(8) for _ in range(count)]
    async with database.transaction() as connection:
        await events.append(
            connection, [events.Event("alert.raised", {"mark": mark, "padding": _PADDING}) for mark in marks]
        )
    return [mark.encode() for mark in marks]


async def _have(clients: Sequence[_Client], count: int) -> None:
    async with asyncio.timeout(120):
        # Polled: what is waited for happens in two hundred places.
        while any(len(client.arrived) < count for client in clients):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)
