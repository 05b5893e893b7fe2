"""Load generator for HTTP: keeps a number of connections busy with prepared requests and notes every answer's time.

Runs as a process of its own: `python -m tests.benchmarks.http_load PLAN` reads a JSON plan and prints a JSON result.
It speaks just enough HTTP to be cheap, because it shares the machine with what it measures.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.network import CADENCE_SECONDS, STATIONS, SYMBOLS


@dataclass(slots=True)
class Tally:
    answered: int = 0
    stored: int = 0
    refused: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """Sends the next request when the last was answered, or at its due time."""

    def __init__(self, requests: Iterator[tuple[float, bytes]], tally: Tally, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._tally = tally
        self._done = done
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            self._tally.failed += 1
            self._done.set_result(None)

    def _next(self) -> None:
        due, request = next(self._requests, (0.0, b""))
        if not request:
            self._done.set_result(None)
            self._transport.close()
            return
        wait = due - time.perf_counter()
        if due and wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        self._note(head, body)
        self._next()

    def _note(self, head: bytes, body: bytes) -> None:
        tally = self._tally
        tally.seconds.append(time.perf_counter() - self._sent)
        if head.startswith(b"HTTP/1.1 200"):
            tally.answered += 1
            tally.stored += int(body.partition(b'"stored":')[2].partition(b",")[0])
        elif head.startswith(b"HTTP/1.1 503"):
            tally.refused += 1
        else:
            tally.failed += 1


def bodies(plan: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(station, body): packets of one time, or columns of `plan["times"]` times, of the first stations in turn."""
    # The same values again and again would compress better than life; the seed keeps two runs alike.
    values = random.Random(plan["seed"])
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=plan["offset_seconds"])
    times, stations = plan["times"], plan.get("stations", STATIONS)
    for number in range(plan["requests"]):
        station = f"S{1 + number % stations}"
        start = now - timedelta(seconds=CADENCE_SECONDS * times * (1 + number // stations))
        yield station, (_packet(station, start, values) if times == 1 else _columns(station, start, times, values))


def _packet(station: str, time_of: datetime, values: random.Random) -> bytes:
    readings = [{"symbol": symbol, "result": round(values.uniform(0, 100), 2), "unit": "mg/l"} for symbol in SYMBOLS]
    document = {"station": station, "phenomenonTime": time_of.isoformat(), "readings": readings}
    return json.dumps(document, separators=(",", ":")).encode()


def _columns(station: str, start: datetime, times: int, values: random.Random) -> bytes:
    document = {
        "station": station,
        "phenomenonTime": [(start + timedelta(seconds=CADENCE_SECONDS * n)).isoformat() for n in range(times)],
        "results": {symbol: [round(values.uniform(0, 100), 2) for _ in range(times)] for symbol in SYMBOLS},
        "units": dict.fromkeys(SYMBOLS, "mg/l"),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _requests(plan: dict[str, Any]) -> Iterator[tuple[float, bytes]]:
    keys = json.loads(Path(plan["keys"]).read_text(encoding="utf-8"))
    prepared = [
        b"POST /v1/observations HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (keys[station].encode(), len(body), body)
        for station, body in bodies(plan)
    ]
    rate, begin = plan["rate"], time.perf_counter() + 0.2
    for number, request in enumerate(prepared):
        yield (begin + number / rate if rate else 0.0), request


async def _run(plan: dict[str, Any]) -> dict[str, Any]:
    requests, tally = _requests(plan), Tally()
    first = next(requests)
    loop = asyncio.get_running_loop()

    def all_requests() -> Iterator[tuple[float, bytes]]:
        yield first
        yield from requests

    shared = all_requests()
    begin, cpu = time.perf_counter(), time.process_time()
    waiting = []
    for _ in range(plan["connections"]):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        await loop.create_connection(partial(Connection, shared, tally, done), plan["host"], plan["port"])
    await asyncio.gather(*waiting)
    seconds = sorted(tally.seconds)
    return {
        "seconds": time.perf_counter() - begin,
        "answered": tally.answered,
        "stored": tally.stored,
        "refused": tally.refused,
        "failed": tally.failed,
        "p50": seconds[len(seconds) // 2],
        "p99": seconds[len(seconds) * 99 // 100],
        "cpu": time.process_time() - cpu,
        "body_bytes": len(next(bodies(plan))[1]),
    }


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(uvloop.run(_run(plan))))


if __name__ == "__main__":
    main()
