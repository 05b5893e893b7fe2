"""Many times more is offered than the service can take: it goes on at its pace, and takes from everybody."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest

from tests.benchmarks import stack
from tests.benchmarks.network import STATIONS, SYMBOLS
from tests.benchmarks.stack import Stack

pytestmark = pytest.mark.fault

_REQUESTS = 2_500
# Share of the pace of few senders that ten times as many find.
_KEPT = 0.8
# An answer takes five seconds at most; a machine that is out of breath gets some more.
_LONGEST = 7.5
_DAY = 86_400
_BY_STATION = "SELECT station_id, count(*) AS n FROM receipt GROUP BY 1"


@pytest.fixture
def stacked(server_dsn: str) -> Iterator[Stack]:
    with stack.database(server_dsn) as made:
        yield made


async def _do(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn, command_timeout=60)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


def _load(stacked: Stack, port: int, connections: int, requests: int, days: int) -> dict[str, Any]:
    return stack.load(
        stacked, "http_load", port=port, connections=connections, requests=requests, offset_seconds=days * _DAY
    )


def _answers(result: dict[str, Any]) -> float:
    """Packets a second that were kept."""
    return float(result["answered"] / result["seconds"])


def test_ten_times_the_load_is_taken_at_the_same_pace_from_every_station(stacked: Stack) -> None:
    with stack.gateway(stacked) as gateway:
        # Warm: connections, plans and memory are what they are in service.
        _load(stacked, gateway.port, 64, _REQUESTS // 2, 0)
        kept = []
        # Others work on the machine as well; a service that loses its pace loses it each time.
        for attempt in range(1, 5):
            calm = _load(stacked, gateway.port, 64, _REQUESTS, attempt * 90)
            asyncio.run(_do(stacked.dsn, "TRUNCATE receipt"))
            resident = gateway.resident_bytes()
            crowd = _load(stacked, gateway.port, 640, 4 * _REQUESTS, attempt * 90 - 45)
            assert gateway.resident_bytes() < resident * 1.25 + 32 * 2**20
            assert crowd["failed"] == 0
            assert crowd["stored"] == crowd["answered"] * len(SYMBOLS)
            assert crowd["p99"] < _LONGEST
            # Everybody gets his share, whatever the order in which they came.
            shares = [row["n"] for row in asyncio.run(_do(stacked.dsn, _BY_STATION))]
            assert len(shares) == STATIONS
            assert min(shares) > 0.8 * max(shares)
            kept.append(_answers(crowd) / _answers(calm))
            if kept[-1] > _KEPT:
                break
    assert max(kept) > _KEPT, kept


def test_a_full_queue_refuses_and_goes_on_with_what_it_took(stacked: Stack) -> None:
    """Stations that pay no heed to Retry-After, and a queue that is much too short for them."""
    settings = {"QUANTRAC_INTAKE__QUEUE_ROWS": "1000"}
    with stack.gateway(stacked, **settings) as gateway:
        stack.load(stacked, "http_load", port=gateway.port, connections=16, requests=_REQUESTS // 2)
        resident = gateway.resident_bytes()
        crowd = stack.load(
            stacked, "http_load", port=gateway.port, connections=640, requests=3 * _REQUESTS, offset_seconds=90 * _DAY
        )
        after = stack.load(
            stacked, "http_load", port=gateway.port, connections=8, requests=200, rate=50, offset_seconds=180 * _DAY
        )
        assert gateway.resident_bytes() < resident * 1.25 + 32 * 2**20
    assert crowd["refused"] > 0
    assert crowd["failed"] == 0
    assert crowd["answered"] + crowd["refused"] == 3 * _REQUESTS
    assert crowd["stored"] == crowd["answered"] * len(SYMBOLS)
    assert crowd["answered"] > 0.2 * crowd["refused"]
    assert crowd["p99"] < _LONGEST
    # The moment that it is over it is over.
    assert (after["answered"], after["refused"]) == (200, 0)


def test_a_station_that_floods_takes_nothing_from_the_others(stacked: Stack) -> None:
    """One station has six hundred connections of its own; the others send as on any day."""
    with stack.gateway(stacked) as gateway, ThreadPoolExecutor() as pool:
        port = gateway.port
        calm: dict[str, Any] = {"port": port, "connections": 16, "requests": 300, "rate": 60}
        flood = pool.submit(
            stack.load, stacked, "http_load", port=port, connections=600, requests=3 * _REQUESTS, stations=1,
            offset_seconds=90 * _DAY,
        )  # fmt: skip
        others = stack.load(stacked, "http_load", **calm)
        flooding = flood.result()
    assert (others["answered"], others["failed"]) == (300, 0)
    assert others["p99"] < _LONGEST
    assert flooding["failed"] == 0
    assert flooding["stored"] == flooding["answered"] * len(SYMBOLS)
