"""Fifty stations resend days of their store at once, into chunks that are compressed, while the others go on."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest

from tests.benchmarks import stack
from tests.benchmarks.network import SYMBOLS
from tests.benchmarks.stack import Stack

pytestmark = [pytest.mark.fault, pytest.mark.timescale]

_STATIONS, _CYCLES = 50, 288
_DAY = 86_400
# Bodies of a day each: the first half stands there before the chunks are compressed.
_BEFORE, _BACKLOG = 50, 150
_LIVE: dict[str, Any] = {"connections": 8, "requests": 200, "rate": 40}
_REFRESHED = """
    SELECT sum(received_n)::bigint = (
        SELECT count(*) FROM observation WHERE phenomenon_time < now() - INTERVAL '70 days'
    )
    FROM observation_hourly WHERE bucket < now() - INTERVAL '70 days'
"""


async def _fetch(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn, command_timeout=300)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


def _rows(stacked: Stack, query: str) -> Any:
    return asyncio.run(_fetch(stacked.dsn, query))


@pytest.fixture
def stacked(server_dsn: str) -> Iterator[Stack]:
    with stack.database(server_dsn) as made:
        if not _rows(made, "SELECT FROM pg_extension WHERE extname = 'timescaledb'"):
            pytest.skip("this server has no TimescaleDB")
        yield made


def test_a_backlog_into_compressed_chunks_loses_nothing_and_holds_nobody_up(stacked: Stack) -> None:
    with stack.gateway(stacked) as gateway, ThreadPoolExecutor() as pool:
        port = gateway.port
        days: dict[str, Any] = {"port": port, "times": _CYCLES, "stations": _STATIONS, "connections": 6}
        # Half a step beside what comes later: the same chunks and datastreams, other keys.
        before = stack.load(stacked, "http_load", **days, requests=_BEFORE, offset_seconds=75 * _DAY + 150)
        assert before["stored"] == _BEFORE * _CYCLES * len(SYMBOLS)
        assert _rows(
            stacked, "SELECT compress_chunk(c) FROM show_chunks('observation', older_than => INTERVAL '70 days') c"
        )
        alone = stack.load(stacked, "http_load", port=port, **_LIVE)
        resident = gateway.resident_bytes()
        backlog = pool.submit(stack.load, stacked, "http_load", **days, requests=_BACKLOG, offset_seconds=75 * _DAY)
        beside: list[dict[str, Any]] = []
        while not backlog.done():
            offset = 60 * len(beside) + 100
            beside.append(stack.load(stacked, "http_load", port=port, **_LIVE, offset_seconds=offset))
        sent = backlog.result()
        assert gateway.resident_bytes() < resident + 96 * 2**20

    assert (sent["answered"], sent["refused"], sent["failed"]) == (_BACKLOG, 0, 0)
    assert sent["stored"] == _BACKLOG * _CYCLES * len(SYMBOLS)
    assert [(live["answered"], live["refused"], live["failed"]) for live in beside] == [(200, 0, 0)] * len(beside)
    # Twice what it was, and what a machine that is out of breath needs on top.
    assert min(live["p99"] for live in beside) < 2 * alone["p99"] + 0.25, (alone, beside)
    (kept,) = _rows(
        stacked, "SELECT count(*) AS n, count(DISTINCT (datastream_id, phenomenon_time)) AS keys FROM observation"
    )
    live_rows = (len(beside) + 1) * 200 * len(SYMBOLS)
    assert kept["n"] == kept["keys"] == before["stored"] + sent["stored"] + live_rows
    # The policy computes the hours anew that the backlog changed.
    _rows(stacked, "CALL refresh_continuous_aggregate('observation_hourly', now() - INTERVAL '401 days', now())")
    _rows(stacked, "ALTER MATERIALIZED VIEW observation_hourly SET (timescaledb.materialized_only = true)")
    assert _rows(stacked, _REFRESHED)[0][0] is True
