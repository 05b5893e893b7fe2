"""What the database keeps of the consumer's session, and who may be the consumer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from core.database import DRIVER_ERRORS, Database, PoolLimits
from telemetry.catalog import keys
from telemetry.mqtt import store
from telemetry.mqtt.counters import Counters
from telemetry.mqtt.leading import Leadership
from tests.fixtures.brokers import Network, eventually, until
from tests.fixtures.proxies import proxied

_LOCKS = (
    "FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
)
HELD = f"SELECT count(*) {_LOCKS}"
CUT = f"SELECT count(pg_terminate_backend(pid)) {_LOCKS}"


async def test_without_a_setting_the_client_id_is_random_and_stays(database: Database) -> None:
    first = await store.open_session(database, None)
    assert first.client_id.startswith("quantrac-")
    assert len(first.client_id) == len("quantrac-") + 32
    assert not first.expected
    assert await store.open_session(database, None) == first


async def test_a_session_is_expected_once_the_broker_took_the_subscriptions(database: Database) -> None:
    for client_id in (None, "chosen"):
        session = await store.open_session(database, client_id)
        assert not session.expected
        await store.mark_subscribed(database, session.client_id)
        again = await store.open_session(database, client_id)
        assert (again.client_id, again.expected) == (session.client_id, True)


async def test_a_chosen_client_id_is_kept_beside_the_random_one(database: Database) -> None:
    made = await store.open_session(database, None)
    assert (await store.open_session(database, "chosen")).client_id == "chosen"
    assert await store.open_session(database, None) == made


async def test_one_process_at_a_time_may_consume_a_session(database: Database) -> None:
    async with store.tenure(database, "one") as first:
        assert first is not None
        async with store.tenure(database, "one") as second, store.tenure(database, "two") as other:
            assert second is None
            assert other is not None
        await first.check()
    async with store.tenure(database, "one") as later:
        assert later is not None


async def test_a_tenure_ends_with_its_database_session(database: Database, dsn: str) -> None:
    admin = await asyncpg.connect(dsn)
    async with store.tenure(database, "one") as tenure:
        assert tenure is not None
        assert await admin.fetchval(CUT) == 1
        with pytest.raises(DRIVER_ERRORS):
            await tenure.check()
    await admin.close()


async def taken(database: Database, seconds: float = 0) -> bool:
    """Whether the tenure can be had, within some seconds."""

    async def once() -> bool:
        async with store.tenure(database, "one") as tenure:
            return tenure is not None

    if not seconds:
        return await once()
    await eventually(once, seconds=seconds, what="the tenure")
    return True


async def hold(database: Database, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Have the tenure while a statement of its session runs for longer than any test."""
    async with store.tenure(database, "one") as tenure:
        assert tenure is not None
        await meanwhile()
        await tenure._connection.execute("SELECT pg_sleep(30)")


@pytest.fixture
async def rival(dsn: str) -> AsyncIterator[Database]:
    """The database as another process sees it."""
    async with Database(dsn, application_name="rival") as opened:
        yield opened


async def test_a_tenure_that_a_failed_statement_ended_can_be_taken_again_by_anyone(dsn: str, rival: Database) -> None:
    async def meanwhile() -> None:
        assert not await taken(rival)

    async with Database(dsn, application_name="first", limits=PoolLimits(command_seconds=0.3)) as first:
        for _ in range(3):
            # The server cancels the statement, and the session lives on.
            with pytest.raises((asyncpg.QueryCanceledError, TimeoutError)):
                await hold(first, meanwhile)
            assert await taken(rival)
            assert await taken(first)


async def test_a_tenure_is_given_back_whatever_ends_it(dsn: str, rival: Database) -> None:
    held = asyncio.Event()

    async def meanwhile() -> None:
        held.set()

    async with Database(dsn, application_name="first") as first:
        holding = asyncio.create_task(hold(first, meanwhile))
        await asyncio.wait_for(held.wait(), 5)
        assert not await taken(rival)
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        assert await taken(rival, seconds=5)
        assert await taken(first)


async def test_a_session_that_cannot_be_asked_to_give_the_tenure_back_is_ended(dsn: str, rival: Database) -> None:
    async with proxied(dsn) as (proxy, address):

        async def meanwhile() -> None:
            proxy.black_hole()

        limits = PoolLimits(command_seconds=0.3, connect_seconds=1)
        async with Database(address, application_name="first", limits=limits) as first:
            with pytest.raises(DRIVER_ERRORS):
                await hold(first, meanwhile)
            proxy.flow()
            assert await taken(rival, seconds=5)
            assert await taken(first)


async def test_a_tenure_whose_answer_was_lost_is_not_held(dsn: str, rival: Database) -> None:
    async with proxied(dsn) as (proxy, address):
        limits = PoolLimits(command_seconds=0.3, connect_seconds=1, max_size=1)
        async with Database(address, application_name="first", limits=limits) as first:
            assert await taken(first)
            proxy.black_hole()
            with pytest.raises(DRIVER_ERRORS):
                await taken(first)
            proxy.flow()
            assert await taken(rival, seconds=5)
            assert await taken(first, seconds=5)


class Consuming:
    """Counts how often it was begun and ended."""

    def __init__(self) -> None:
        self.begun = self.ended = 0

    async def __call__(self, stop: asyncio.Event) -> None:
        self.begun += 1
        await stop.wait()
        self.ended += 1


async def test_the_consumer_goes_on_when_its_database_session_was_cut_and_taken_again(
    database: Database, dsn: str
) -> None:
    consuming, counters, stop = Consuming(), Counters(), asyncio.Event()
    task = asyncio.create_task(Leadership(database, "one", consuming, counters).run(stop))
    await until(lambda: counters.leading)
    admin = await asyncpg.connect(dsn)
    assert await admin.fetchval(CUT) == 1

    async def held() -> bool:
        return bool(await admin.fetchval(HELD))

    await eventually(held, seconds=10, what="the lock is taken again")
    assert (consuming.begun, consuming.ended) == (1, 0)
    stop.set()
    await task
    assert (consuming.begun, consuming.ended) == (1, 1)
    await admin.close()


async def test_a_consumer_that_lost_the_right_to_another_one_steps_down(database: Database, dsn: str) -> None:
    consuming, counters, stop = Consuming(), Counters(), asyncio.Event()
    task = asyncio.create_task(Leadership(database, "one", consuming, counters).run(stop))
    await until(lambda: counters.leading)
    async with Database(dsn, application_name="rival") as rival:
        connection = await asyncpg.connect(dsn)
        # Cut the first and wait for the lock, as a rival that is quicker would have it.
        assert await connection.fetchval(CUT) == 1
        await connection.fetchval(
            store._sql["mqtt_session_take"].replace("pg_try_advisory_lock", "pg_advisory_lock"), "one"
        )
        await until(lambda: counters.standing_by)
        assert (consuming.begun, consuming.ended, counters.leading) == (1, 1, 0)
        await connection.close()
        await until(lambda: counters.leading and consuming.begun == 2, what="leading again")
        assert counters.standing_by == 0
        async with store.tenure(rival, "one") as tenure:
            assert tenure is None
    stop.set()
    await task


async def test_users_are_live_keys_even_of_stations_that_are_retired(
    database: Database, network: Network, dsn: str
) -> None:
    async def stations() -> list[str]:
        return sorted(user.station for user in await store.broker_users(database))

    assert await stations() == ["TH-NT-001", "TH-NT-002", "TH-NT-003"]
    await keys.revoke(database, "TH-NT-001", network.credentials["TH-NT-001"].partition(".")[0])
    admin = await asyncpg.connect(dsn)
    assert await stations() == ["TH-NT-002", "TH-NT-003"]
    await admin.execute("UPDATE station SET status = 'retired' WHERE code = 'TH-NT-002'")
    await admin.execute("UPDATE station SET status = 'maintenance' WHERE code = 'TH-NT-003'")
    assert await stations() == ["TH-NT-002", "TH-NT-003"]
    await admin.execute("UPDATE station_key SET expires_time = now() - interval '1 second'")
    assert await stations() == []
    await admin.close()
