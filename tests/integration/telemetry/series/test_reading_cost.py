"""What reading costs: indexes are used, and a year of data passes through constant memory."""

import asyncio
import resource
from collections.abc import MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import instants
from telemetry.series import store
from tests.fixtures.series import Archive, utc

_KEY = "observation_key"


async def _plan(archive: Archive, name: str, *args: object) -> str:
    rows = await archive.database.fetch("EXPLAIN " + store._sql[name], *args)
    return "\n".join(row[0] for row in rows)


@pytest.fixture
async def month(archive: Archive) -> Archive:
    for station in ("TH-NT-001", "TH-NT-002", "TH-KT-001", "TH-NN-001"):
        await archive.fill(archive.streams(station), utc(2026, 10, 1), utc(2026, 11, 1))
    await archive.database.execute("ANALYZE observation")
    return archive


async def test_the_latest_values_are_found_by_the_key(month: Archive) -> None:
    plan = await _plan(month, "series_latest", list(month.catalog.snapshot.datastreams), utc(2026, 1, 1))
    assert _KEY in plan, plan
    assert "Seq Scan on observation" not in plan, plan
    assert "Sort" not in plan, plan


@pytest.mark.parametrize("name", ["series_raw", "series_counts"])
async def test_a_span_is_found_by_the_key(month: Archive, name: str) -> None:
    streams = month.streams("TH-NT-001")
    begin, end = utc(2026, 10, 5), utc(2026, 10, 6)
    args: tuple[object, ...] = (streams, begin, end, 1000)
    if name == "series_counts":
        args = (streams, *([given] * len(streams) for given in (begin, end, timedelta(minutes=5))))
    plan = await _plan(month, name, *args)
    assert _KEY in plan, plan
    assert "Seq Scan on observation" not in plan, plan


async def test_steps_are_counted_in_the_order_of_the_key(month: Archive) -> None:
    streams = month.streams("TH-NT-001")
    given = (utc(2026, 10, 5), utc(2026, 10, 6), timedelta(minutes=5))
    plan = await _plan(month, "series_counts", streams, *([value] * len(streams) for value in given))
    assert "HashAggregate" not in plan, plan


@pytest.mark.parametrize("name", ["series_hourly", "series_daily"])
async def test_buckets_read_their_span_only(month: Archive, name: str) -> None:
    if await month.database.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("continuous aggregates have their own indexes")
    plan = await _plan(month, name, month.streams("TH-NT-001"), utc(2026, 10, 5), utc(2026, 10, 6))
    assert _KEY in plan, plan
    assert "phenomenon_time" in plan.split("Index Cond", 1)[1].splitlines()[0], plan


def _resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


class _Consumer:
    """A reader of one streamed answer that keeps nothing, and watches the memory of the process."""

    def __init__(self) -> None:
        self.status = 0
        self.lines = 0
        self.parts: list[int] = []
        self.resident: list[int] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        body: bytes = message.get("body", b"")
        self.lines += body.count(b"\r\n")
        self.parts.append(len(body))
        self.resident.append(_resident_kib())


async def _read_year(archive: Archive, resolution: str, begin: str, end: str) -> _Consumer:
    consumer = _Consumer()
    query = f"station=TH-NN-001&format=csv&resolution={resolution}&from={begin}&to={end}&gaps=true"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/observations",
        "raw_path": b"/v1/observations",
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"authorization", b"Bearer staff")],
        "client": ("test", 1),
        "server": ("test", 80),
        "state": {},
    }
    never = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await never.wait()
        return {"type": "http.disconnect"}

    transport: Any = archive.client._transport
    await transport.app(scope, receive, consumer.send)
    return consumer


async def test_a_year_of_a_station_streams_through_constant_memory(archive: Archive) -> None:
    begin, end = instants.parse("2025-01-01T00:00:00+07:00"), instants.parse("2026-01-01T00:00:00+07:00")
    streams = archive.streams("TH-NN-001")
    await archive.fill(streams, begin, end)
    lost = await archive.database.execute(
        "DELETE FROM observation WHERE datastream_id = $1 AND phenomenon_time >= $2 AND phenomenon_time < $3",
        streams[0],
        utc(2025, 6, 1),
        utc(2025, 6, 2),
    )
    assert lost == "DELETE 288"
    consumer = await _read_year(archive, "raw", "2025-01-01T00:00:00%2B07:00", "2026-01-01T00:00:00%2B07:00")
    assert consumer.status == 200
    # The gap of a day is told row by row, so every step of the year has a line, and the header has one.
    assert consumer.lines == 365 * 288 * len(streams) + 1
    assert len(consumer.parts) > 20
    assert max(consumer.parts) < 2**20
    settled = consumer.resident[len(consumer.resident) // 4 :]
    assert max(settled) - settled[0] < 16 * 1024, settled


async def test_a_year_of_hours_and_days_is_complete(archive: Archive) -> None:
    begin, end = instants.parse("2024-01-01T00:00:00+07:00"), instants.parse("2025-01-01T00:00:00+07:00")
    streams = archive.streams("TH-NN-001")
    await archive.fill(streams, begin, end, timedelta(minutes=30))
    await archive.refresh()
    span = ("2024-01-01T00:00:00%2B07:00", "2025-01-01T00:00:00%2B07:00")
    hours = await _read_year(archive, "hourly", *span)
    assert hours.lines == 366 * 24 * len(streams) + 1
    days = await _read_year(archive, "daily", *span)
    assert days.lines == 366 * len(streams) + 1
