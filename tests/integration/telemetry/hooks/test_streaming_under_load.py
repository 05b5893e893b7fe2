"""The live stream with many clients, with those that come and go, read too slowly, or outlive a process."""

import asyncio
import random
import re
import signal
import time
from contextlib import AsyncExitStack

import httpx
import pytest

from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, PoolLimits
from telemetry.catalog import keys
from telemetry.events import store as events
from tests.fixtures.brokers import eventually
from tests.fixtures.catalogs import problem
from tests.fixtures.ledger import STAFF_TOKEN, Centre
from tests.fixtures.servers import MortalServer
from tests.fixtures.streams import Deaf, Reader, alert, metric, raise_alerts

STATION = "TH-NT-001"
ALERTS = {"types": "alert"}


async def write_out_of_order(database: Database, first: int, count: int, seed: int) -> None:
    """Transactions side by side that take their numbers at once and commit in any order."""
    chance = random.Random(seed)

    async def one(number: int) -> None:
        await asyncio.sleep(chance.random() * 3)
        async with database.transaction() as connection:
            await events.append(connection, [alert(number)])
            await asyncio.sleep(chance.random() ** 3 / 2)
            if chance.random() < 0.3:
                await events.append(connection, [alert(number + 100_000)])

    await asyncio.gather(*(one(number) for number in range(first, first + count)))


async def restless(centre: Centre, stop: asyncio.Event, seed: int) -> tuple[list[int], Reader]:
    """A client that leaves again and again, in the middle of anything, and comes back to where it was."""
    chance = random.Random(seed)
    seen: list[int] = []
    last_id = None
    while not stop.is_set():
        try:
            async with Reader(centre.url, params=ALERTS, last_id=last_id) as reader:
                await asyncio.sleep(chance.random() * 0.5)
        except (httpx.HTTPError, TimeoutError):
            # The gateway is away.
            await asyncio.sleep(0.2)
        seen += reader.alerts()
        last_id = reader.last_id
    last = Reader(centre.url, params=ALERTS, last_id=last_id)
    return seen, last


@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
async def test_who_comes_and_goes_is_sent_everything_once(centre: Centre, dsn: str, killed: bool) -> None:
    gateway = await asyncio.to_thread(centre.serve)
    stop = asyncio.Event()
    pool = PoolLimits(max_size=12, acquire_seconds=60)
    async with Database(dsn, application_name="writers", limits=pool) as writers, asyncio.TaskGroup() as group:
        clients = [group.create_task(restless(centre, stop, seed)) for seed in range(10)]
        # All have begun before the first event.
        await asyncio.sleep(1.5)
        writing = group.create_task(write_out_of_order(writers, 1, 300, 7))
        if killed:
            await asyncio.sleep(1.5)
            await asyncio.to_thread(gateway.kill)
            await asyncio.to_thread(centre.serve)
        await writing
        stop.set()
    numbers = await centre.database.fetch("SELECT (payload #>> '{alert,id}')::int AS id FROM event ORDER BY 1")
    written = [row["id"] for row in numbers]
    assert len(written) >= 300
    for seen, last in [client.result() for client in clients]:
        async with last as reader:
            await raise_alerts(centre.database, 10**6)
            await reader.until(lambda reader=reader: 10**6 in reader.alerts())  # type: ignore[misc] # a lambda
        told = [number for number in seen + last.alerts() if number < 10**6]
        assert sorted(told) == written


async def test_two_hundred_clients_are_told_at_the_price_of_one(standing_centre: Centre) -> None:
    database = standing_centre.database

    async def transactions() -> int:
        found: int = await database.fetchval(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
        return found

    async with AsyncExitStack() as stack:
        readers = [Reader(standing_centre.url, params=ALERTS) for _ in range(200)]
        await asyncio.gather(*(stack.enter_async_context(reader) for reader in readers))
        assert await metric(standing_centre, "quantrac_stream_clients") == 200
        await asyncio.sleep(1.5)
        before = await transactions()
        await asyncio.sleep(4)
        # Four looks a second for all of them; a look for each would be 3,200.
        assert await transactions() - before < 100
        began = time.monotonic()
        for number in range(1, 51):
            await raise_alerts(database, number)
        for reader in readers:
            await reader.until(lambda reader=reader: len(reader.alerts()) == 50, 20)  # type: ignore[misc] # a lambda
        assert all(reader.alerts() == list(range(1, 51)) for reader in readers)
        assert time.monotonic() - began < 15


async def test_nobody_asks_the_database_while_nobody_listens(standing_centre: Centre) -> None:
    question = """
        SELECT max(query_start) FROM pg_stat_activity
        WHERE application_name = 'quantrac-streams' AND datname = current_database()
    """
    async with Reader(standing_centre.url):
        first = await standing_centre.database.fetchval(question)
        await asyncio.sleep(1)
        assert await standing_centre.database.fetchval(question) > first
    # A little longer, for who comes back at once.
    await asyncio.sleep(4)
    last = await standing_centre.database.fetchval(question)
    await asyncio.sleep(1.5)
    assert await standing_centre.database.fetchval(question) == last


async def test_a_client_that_reads_too_slowly_is_left_and_comes_back_to_where_it_was(standing_centre: Centre) -> None:
    slow = 'quantrac_stream_ended_total{cause="slow"}'
    before = await metric(standing_centre, slow)
    count = 160
    big = {"payload": "x" * 60_000}
    with Deaf(standing_centre, "?types=alert") as deaf:
        async with Reader(standing_centre.url, params=ALERTS) as quick:
            for number in range(1, count + 1):
                async with standing_centre.database.transaction() as connection:
                    event = alert(number)
                    event.payload["alert"] |= big
                    await events.append(connection, [event])
                if number % 8 == 0:
                    # One that reads is never far behind.
                    await quick.until(lambda number=number: len(quick.alerts()) == number)  # type: ignore[misc] # a lambda

        async def left() -> bool:
            return await metric(standing_centre, slow) == before + 1

        await eventually(left, seconds=15, what="a client that is left")
        text = (await asyncio.to_thread(deaf.rest)).decode()
    # Whole events only: what was cut is sent again.
    ids = re.findall(r"^id: (\S+)\r?\nevent: alert.raised\r?\ndata: .*}\r?\n", text, re.MULTILINE)
    assert 0 < len(ids) < count
    async with Reader(standing_centre.url, params=ALERTS, last_id=ids[-1]) as again:
        await again.until(lambda: len(again.alerts()) == count - len(ids))
    assert again.alerts() == list(range(len(ids) + 1, count + 1))


async def test_a_client_that_does_not_read_does_not_hold_up_the_end_of_the_process(centre: Centre) -> None:
    gateway = await asyncio.to_thread(centre.serve)
    with Deaf(centre):
        async with Reader(centre.url, params=ALERTS) as quick:
            for number in range(200):
                async with centre.database.transaction() as connection:
                    event = alert(number)
                    event.payload["alert"] |= {"payload": "x" * 20_000}
                    await events.append(connection, [event])
            await quick.until(lambda: len(quick.alerts()) == 200)
            began = time.monotonic()
            gateway.send(signal.SIGTERM)
            assert await asyncio.to_thread(gateway.wait, 10) in {0, -signal.SIGTERM}
    assert time.monotonic() - began < 6
    assert "Traceback" not in gateway.log
    assert "without completing" not in gateway.log


async def test_a_station_has_a_few_streams_and_no_more(standing_centre: Centre) -> None:
    key = standing_centre.credentials[STATION]
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(Reader(standing_centre.url, key))
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
            refusal = await client.get(f"{standing_centre.url}/v1/events")
            problem(refusal, 503, "too-many-streams")
            assert refusal.headers["retry-after"] == "10"
        # The staff's own are not touched by that.
        await stack.enter_async_context(Reader(standing_centre.url, STAFF_TOKEN))


async def test_a_key_that_is_revoked_ends_its_streams(centre: Centre) -> None:
    centre.settings["QUANTRAC_STREAM__BEAT_SECONDS"] = "1"
    await asyncio.to_thread(centre.serve)
    key = centre.credentials[STATION]
    async with Reader(centre.url, key) as reader:
        await keys.revoke(centre.database, STATION, key.partition(".")[0])
        await asyncio.wait_for(reader.ended.wait(), 10)


@pytest.mark.fault
async def test_streams_outlive_the_database(mortal_centre: Centre, mortal_server: MortalServer) -> None:
    mortal_centre.settings["QUANTRAC_STREAM__BEAT_SECONDS"] = "1"
    await asyncio.to_thread(mortal_centre.serve)
    async with Reader(mortal_centre.url, params=ALERTS) as before:
        await raise_alerts(mortal_centre.database, 1)
        await before.event()
        await asyncio.to_thread(mortal_server.kill)
        await asyncio.sleep(1)
        # Who comes meanwhile waits, and is told that somebody is there.
        late = Reader(mortal_centre.url, params=ALERTS, last_id=before.last_id)
        async with late:
            await late.until(lambda: "waiting for the database" in late.comments)
            await asyncio.to_thread(mortal_server.start)
            async with asyncio.timeout(20):
                while True:
                    try:
                        await raise_alerts(mortal_centre.database, 2)
                        break
                    except (DatabaseUnavailable, *DRIVER_ERRORS):
                        await asyncio.sleep(0.2)
            for reader in (before, late):
                await reader.until(lambda reader=reader: reader.alerts()[-1:] == [2], 20)  # type: ignore[misc] # a lambda
    assert (before.alerts(), late.alerts()) == ([1, 2], [2])
