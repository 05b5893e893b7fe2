"""How long it takes until a receiver has a signed delivery: from the COMMIT of an event, and from that of a reading.

The real watch process delivers to receivers in this one, which verify the signatures of what they took afterwards.
"""

import asyncio
import base64
import json
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass

import httpx

from core import feeds, instants
from core.database import Database
from telemetry.events import store as events
from telemetry.hooks.webhooks import managing as webhooks
from telemetry.hooks.webhooks.fanning import READER
from telemetry.hooks.webhooks.managing import Desk
from telemetry.hooks.webhooks.schemas import NewWebhook
from telemetry.hooks.webhooks.sealing import Seal
from tests.benchmarks import stack
from tests.benchmarks.network import STATIONS, SYMBOLS
from tests.benchmarks.stack import Stack
from tests.fixtures import receivers
from tests.fixtures.receivers import Hit, Receiver, local_policy, receiving

_EVENTS_A_SECOND = 50
_PROBES_A_SECOND = 5
_READINGS_A_SECOND = 2000
# The network's limit is 900.
_OVER = 950.0


@dataclass(frozen=True, slots=True)
class Latency:
    p50: float
    p99: float
    n: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        ordered = sorted(seconds)
        return cls(statistics.median(ordered), ordered[len(ordered) * 99 // 100], len(ordered))

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1e3:.0f} ms, p99 {self.p99 * 1e3:.0f} ms ({self.n})"


def event_to_delivery(stacked: Stack, seconds: int, *, dead: int = 0, load: bool = False) -> Latency:
    """At 50 events a second; beside dead receivers of the same events, or beside 2,000 readings a second."""

    async def probe(database: Database, receiver: Receiver, _: int) -> dict[bytes, float]:
        begun: dict[bytes, float] = {}
        start = time.monotonic()
        for number in range(seconds * _EVENTS_A_SECOND):
            await asyncio.sleep(max(0.0, start + number / _EVENTS_A_SECOND - time.monotonic()))
            mark = secrets.token_hex(8)
            async with database.transaction() as connection:
                await events.append(connection, [events.Event("station.connected", {"mark": mark})])
            begun[mark.encode()] = time.monotonic()
        await receiver.wait_for(len(begun), 60)
        return begun

    return _measured(stacked, seconds, probe, _mark, "station.connected", dead=dead, load=load)


def reading_to_delivery(stacked: Stack, seconds: int, *, load: bool) -> Latency:
    """From the answer to a reading over its limit, which is given after COMMIT, to the delivery of its alert."""
    keys = json.loads(stacked.keys.read_text(encoding="utf-8"))

    async def probe(_: Database, receiver: Receiver, port: int) -> dict[bytes, float]:
        begun: dict[bytes, float] = {}
        start = time.monotonic()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            for number in range(min(seconds * _PROBES_A_SECOND, STATIONS * len(SYMBOLS))):
                await asyncio.sleep(max(0.0, start + number / _PROBES_A_SECOND - time.monotonic()))
                station, symbol = f"S{1 + number % STATIONS}", SYMBOLS[number // STATIONS]
                packet = {"phenomenonTime": instants.text(instants.now()), "readings": {symbol: _OVER}}
                headers = {"Authorization": f"Bearer {keys[station]}"}
                answer = await client.post("/v1/observations", json=packet, headers=headers)
                answer.raise_for_status()
                begun[f"{station} {symbol}".encode()] = time.monotonic()
        await receiver.wait_for(len(begun), 60)
        return begun

    return _measured(stacked, seconds, probe, _subject, "alert.raised", load=load)


def _mark(hit: Hit) -> bytes:
    found: str = json.loads(hit.body)["data"]["mark"]
    return found.encode()


def _subject(hit: Hit) -> bytes:
    alert = json.loads(hit.body)["data"]["alert"]
    return f"{alert['station']} {alert['symbol']}".encode()


_Probe = Callable[[Database, Receiver, int], Awaitable[dict[bytes, float]]]


def _measured(
    stacked: Stack,
    seconds: int,
    probe: _Probe,
    name_of: Callable[[Hit], bytes],
    event_type: str,
    *,
    dead: int = 0,
    load: bool = False,
) -> Latency:
    return asyncio.run(_measure(stacked, seconds, probe, name_of, event_type, dead=dead, load=load))


async def _measure(
    stacked: Stack,
    seconds: int,
    probe: _Probe,
    name_of: Callable[[Hit], bytes],
    event_type: str,
    *,
    dead: int,
    load: bool,
) -> Latency:
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(Database(stacked.dsn, application_name="benchmark"))
        healthy = await opened.enter_async_context(receiving())
        bad = [await opened.enter_async_context(receiving(receivers.sleeping(600))) for _ in range(dead)]
        policy = local_policy(healthy, *bad)
        await feeds.open_reader(database, READER)
        made = []
        for receiver in (healthy, *bad):
            kinds = {"alert_kinds": ["over-limit"]} if event_type.startswith("alert.") else {}
            new = NewWebhook.model_validate({"url": receiver.url, "event_types": [event_type], **kinds})
            made.append(await webhooks.create(database, Desk(policy, Seal(key)), new, "benchmark"))
        settings = {
            "QUANTRAC_HOOKS__SECRET_KEY": key,
            "QUANTRAC_HOOKS__PRIVATE_RECEIVERS": ",".join(f"http://127.0.0.1:{r.port}" for r in (healthy, *bad)),
        }
        processes = opened.enter_context(ExitStack())
        port = (await asyncio.to_thread(processes.enter_context, stack.gateway(stacked))).port
        await asyncio.to_thread(processes.enter_context, stack.watch(stacked, **settings))
        threads = opened.enter_context(ThreadPoolExecutor(1))
        loading = asyncio.get_running_loop().run_in_executor(threads, _load, stacked, port, seconds) if load else None
        # The load is on its way, and what a process does at its start is done.
        await asyncio.sleep(2)
        begun = await probe(database, healthy, port)
        if loading is not None:
            await loading
        found = Latency.of([hit.at - begun[name_of(hit)] for hit in healthy.hits if name_of(hit) in begun])
        for hit in healthy.hits:
            # The library takes what is five minutes old; a benchmark is shorter.
            hit.verified(made[0].secret)
        if found.n != len(begun) or len(set(healthy.ids)) != len(healthy.ids):
            raise RuntimeError(f"{found.n} of {len(begun)} arrived, {len(healthy.ids)} deliveries")
        for webhook in made:
            await webhooks.delete(database, webhook.webhook.id, None)
        return found


def _load(stacked: Stack, port: int, seconds: int) -> None:
    """2,000 readings a second in packets of 12, for a little longer than is measured."""
    rate = _READINGS_A_SECOND / len(SYMBOLS)
    requests = round(rate * (seconds + 4))
    result = stack.load(stacked, "http_load", port=port, connections=16, requests=requests, rate=rate)
    if result["stored"] < requests * len(SYMBOLS) * 0.99:
        raise RuntimeError(f"the load was not taken: {result}")
