"""The watch process on a real database: its pages, its end, and the log of events that it keeps short."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from core import feeds, instants
from core.database import Database
from gateway import watch
from gateway.sections import DatabaseSettings, WatchSettings
from gateway.settings import Settings
from telemetry.events import store as events
from tests.fixtures.brokers import eventually, free_port


@pytest.fixture
async def watching(database: Database, dsn: str) -> AsyncIterator[str]:
    """The address of the pages of a watch process's body, which has ended well when the test is over."""
    del database
    port = free_port()
    settings = Settings(database=DatabaseSettings(dsn=SecretStr(dsn)), watch=WatchSettings(health_port=port))
    stop = asyncio.Event()
    task = asyncio.create_task(watch.run(settings, stop))
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(trust_env=False) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{address}/livez")).is_success
            except httpx.HTTPError:
                return False

        await eventually(answers, what="the watch process's pages")
    yield address
    stop.set()
    await asyncio.wait_for(task, 15)


async def test_it_says_how_each_round_stands(watching: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{watching}/readyz")
        assert answer.status_code == 200
        assert answer.json()["checks"]["forget"] == "ok"
        assert "quantrac_round_seconds" in (await client.get(f"{watching}/metrics")).text


async def test_events_are_forgotten_only_when_every_reader_has_seen_them(database: Database) -> None:
    await feeds.open_reader(database, "slow-reader")
    long_ago = instants.now() - timedelta(days=40)
    async with database.transaction() as connection:
        await events.append(connection, [events.Event("alert.raised", {}, occurred_time=long_ago)])
        await events.append(connection, [events.Event("alert.raised", {})])
    forgetting = watch.Forgetting(database, days=30)
    await forgetting.turn()
    assert await database.fetchval("SELECT count(*) FROM event") == 2
    async with events.reading(database, "slow-reader", 10) as found:
        assert found is not None
        assert len(found[1]) == 2
    await forgetting.turn()
    assert await database.fetchval("SELECT count(*) FROM event") == 1
