"""A connection that is kept from one use to the next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from core.database import Database, DatabaseUnavailable, Lease, PoolLimits
from tests.fixtures.brokers import until
from tests.fixtures.intakes import session_of

# Whoever holds the only connection keeps everybody else out.
ONE = PoolLimits(min_size=1, max_size=1, acquire_seconds=0.3)
TWO = PoolLimits(min_size=1, max_size=2, acquire_seconds=0.3)
_TERMINATE = "SELECT pg_terminate_backend($1, 5000)"


@pytest.fixture
async def pool_of_one(dsn: str) -> AsyncIterator[Database]:
    async with Database(dsn, application_name="quantrac-test", limits=ONE) as opened:
        yield opened


async def backend(lease: Lease | Database) -> int:
    """The server's process behind the next use."""
    async with lease if isinstance(lease, Lease) else lease.connection() as connection:
        found: int = await connection.fetchval("SELECT pg_backend_pid()")
        return found


async def is_free(database: Database) -> bool:
    try:
        await backend(database)
    except DatabaseUnavailable:
        return False
    return True


async def fail(lease: Lease, error: type[BaseException] = ValueError) -> None:
    with suppress(error):
        async with lease:
            raise error


async def end(dsn: str, pid: int) -> None:
    async with session_of(dsn) as operator:
        assert await operator.fetchval(_TERMINATE, pid)


async def test_the_same_connection_serves_one_use_after_the_other(dsn: str) -> None:
    async with Database(dsn, application_name="quantrac-test", limits=TWO) as database:
        lease = Lease(database)
        first = await backend(lease)
        # Who asks between two uses gets another one.
        assert await backend(database) != first
        assert [await backend(lease) for _ in range(3)] == [first] * 3
        await lease.close()


async def test_a_connection_is_kept_until_the_lease_is_closed(pool_of_one: Database) -> None:
    lease = Lease(pool_of_one)
    assert await is_free(pool_of_one)
    await backend(lease)
    assert not await is_free(pool_of_one)
    await lease.close()
    assert await is_free(pool_of_one)
    # And may be used again.
    await backend(lease)
    assert not await is_free(pool_of_one)
    await lease.close()
    await lease.close()
    assert await is_free(pool_of_one)


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_after_an_error_the_connection_is_given_back(pool_of_one: Database, error: type[BaseException]) -> None:
    lease = Lease(pool_of_one)
    await fail(lease, error)
    assert await is_free(pool_of_one)
    await backend(lease)
    await lease.close()


async def test_an_error_of_a_use_is_raised(pool_of_one: Database) -> None:
    lease = Lease(pool_of_one)
    with pytest.raises(asyncpg.UndefinedTableError):
        async with lease as connection:
            await connection.execute("SELECT FROM nothing")
    assert await is_free(pool_of_one)


async def test_a_connection_that_ended_between_two_uses_is_replaced(pool_of_one: Database, dsn: str) -> None:
    lease = Lease(pool_of_one)
    async with lease as connection:
        first = await connection.fetchval("SELECT pg_backend_pid()")
        # The pool's own: what it hands out is empty once the connection ended.
        behind = connection._con
    await end(dsn, first)
    await until(behind.is_closed, what="the client to notice the end")
    assert await backend(lease) != first
    assert not await is_free(pool_of_one)
    await lease.close()
    assert await is_free(pool_of_one)


@pytest.mark.parametrize("opened", [False, True], ids=["idle", "in a transaction"])
async def test_a_connection_that_ends_in_a_use_is_replaced_for_the_next(
    pool_of_one: Database, dsn: str, opened: bool
) -> None:
    lease = Lease(pool_of_one)
    first = await backend(lease)

    async def use() -> None:
        async with lease as connection:
            if opened:
                await connection.execute("BEGIN")
            await end(dsn, first)
            await connection.fetchval("SELECT 1")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await use()
    assert await backend(lease) != first
    await lease.close()
    assert await is_free(pool_of_one)


async def test_a_connection_that_its_user_broke_off_is_replaced(pool_of_one: Database) -> None:
    lease = Lease(pool_of_one)
    first = await backend(lease)

    async def use() -> None:
        async with lease as connection:
            await connection.execute("BEGIN")
            connection.terminate()
            raise KeyError

    with pytest.raises(KeyError):
        await use()
    assert await backend(lease) != first
    await lease.close()
    assert await is_free(pool_of_one)


async def _begin(connection: Any) -> None:
    await connection.execute("BEGIN")
    await connection.execute("CREATE TABLE half_done (id int)")


async def _is_clean(database: Database) -> bool:
    async with database.connection() as connection:
        there: bool = await connection.fetchval("SELECT to_regclass('half_done') IS NOT NULL")
        return not (there or connection.is_in_transaction())


async def test_a_transaction_goes_on_from_use_to_use_and_is_undone_at_the_end(pool_of_one: Database) -> None:
    lease = Lease(pool_of_one)
    async with lease as connection:
        await _begin(connection)
    async with lease as connection:
        assert connection.is_in_transaction()
        assert await connection.fetchval("SELECT count(*) FROM half_done") == 0
    await lease.close()
    assert await _is_clean(pool_of_one)


@pytest.mark.parametrize("failed", [False, True], ids=["whole", "failed"])
async def test_a_transaction_is_undone_when_an_error_comes(pool_of_one: Database, failed: bool) -> None:
    lease = Lease(pool_of_one)

    async def use() -> None:
        async with lease as connection:
            await _begin(connection)
            await connection.execute("SELECT FROM nothing" if failed else "SELECT 1")
            raise ValueError

    with pytest.raises((ValueError, asyncpg.UndefinedTableError)):
        await use()
    assert await _is_clean(pool_of_one)


async def test_a_transaction_on_a_connection_that_ended_holds_nothing_up(pool_of_one: Database, dsn: str) -> None:
    lease = Lease(pool_of_one)
    async with lease as connection:
        await _begin(connection)
        pid = await connection.fetchval("SELECT pg_backend_pid()")
    await end(dsn, pid)
    await lease.close()
    assert await _is_clean(pool_of_one)


async def test_a_use_that_gets_no_connection_says_so_and_the_next_one_may(pool_of_one: Database) -> None:
    lease = Lease(pool_of_one)
    async with pool_of_one.connection():
        with pytest.raises(DatabaseUnavailable):
            await backend(lease)
    await backend(lease)
    await lease.close()
