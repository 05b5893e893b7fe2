"""The connection pool, with the time limits that asyncpg does not set by itself, and what its errors mean."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Self

import asyncpg
import structlog
from fastapi import Depends, Request

from core import acting, errors

_log = structlog.get_logger(__name__)

# Classes of SQLSTATE that say nothing about the data: connection, rollback, resources, intervention.
_TRANSIENT_CLASSES = ("08", "40", "53", "57")
_TRANSIENT_STATES = ("55P03", "25006", "XX000", "58030")
# What the driver raises when a connection or a statement fails. An InternalClientError is what it says of a connection
# that was ended by the server between two of its steps.
DRIVER_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# Tells the trail who acts, until the transaction ends.
_ACT = """
    SELECT set_config('quantrac.actor', $1, true), set_config('quantrac.address', $2, true),
           set_config('quantrac.reason', $3, true)
"""
_COMMENT = re.compile(r"--[^\n]*")
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CALL)\b", re.IGNORECASE)


class DatabaseUnavailable(errors.Unavailable):
    slug = "database-unavailable"
    title = "The database does not answer"


class UnsafeDatabase(RuntimeError):
    """The server is set up so that a committed row could be lost."""


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may succeed later without any change to the data."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES
    return isinstance(error, DRIVER_ERRORS)


def is_data_error(error: BaseException) -> bool:
    """Whether a row of the batch is at fault (SQLSTATE 22 and 23, or a value that the driver cannot encode)."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in {"22", "23"}
    return isinstance(error, asyncpg.DataError)


@lru_cache(maxsize=2048)
def _writes(query: str) -> bool:
    """Whether a statement may change rows. One that only locks them counts too, which harms nobody."""
    return _WRITES.search(_COMMENT.sub("", query)) is not None


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Sizes and seconds of one process's pool."""

    min_size: int = 1
    max_size: int = 6
    acquire_seconds: float = 2.0
    connect_seconds: float = 5.0
    command_seconds: float = 10.0
    lock_seconds: float = 4.0


async def _leave_as_is(_: Any) -> None:
    """A connection goes back to the pool without a round trip: nothing is undone in its session.

    That is right because no session of ours changes its state outside a transaction. Whoever must, as for a lock that
    outlives transactions, undoes it before the connection goes back, or ends the connection.
    """


class Database:
    """A pool that never waits without a limit; use as an async context manager."""

    def __init__(self, dsn: str, *, application_name: str, limits: PoolLimits | None = None) -> None:
        self._dsn = dsn
        self._application_name = application_name
        self._limits = limits or PoolLimits()
        self._pool: asyncpg.Pool | None = None

    def __repr__(self) -> str:
        return f"Database({self._application_name})"

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=limits.min_size,
            max_size=limits.max_size,
            timeout=limits.connect_seconds,
            command_timeout=limits.command_seconds,
            reset=_leave_as_is,
            server_settings={
                "application_name": self._application_name,
                "timezone": "UTC",
                "statement_timeout": str(int(limits.command_seconds * 1000)),
                "lock_timeout": str(int(limits.lock_seconds * 1000)),
                "idle_in_transaction_session_timeout": "30000",
                "tcp_keepalives_idle": "10",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
            },
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """One connection of the pool. Raises DatabaseUnavailable when none is free in time or the server is away."""
        taken = await self.acquire()
        try:
            yield taken
        finally:
            await self.release(taken)

    async def acquire(self) -> Any:
        """As `connection`, for whoever gives it back by `release`."""
        if self._pool is None:
            raise DatabaseUnavailable("The pool is not open.", retry_after=5)
        try:
            return await self._pool.acquire(timeout=self._limits.acquire_seconds)
        except DRIVER_ERRORS as error:
            if isinstance(error, asyncpg.PostgresError) and not is_transient(error):
                # A login that is locked or whose password is being changed: nothing that the caller could mend.
                _log.error("database.refused", state=error.sqlstate, error=type(error).__name__)
            raise DatabaseUnavailable("No database connection could be had in time.", retry_after=5) from error

    async def release(self, taken: Any) -> None:
        """Give the connection back; a broken one is dropped by the pool and must not hide the first error."""
        if self._pool is None:
            return
        try:
            await self._pool.release(taken, timeout=2)
        except DRIVER_ERRORS as error:
            _log.warning("database.release_failed", error=type(error).__name__)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection inside a transaction that commits at the end of the block, in the name of who acts."""
        async with self.connection() as connection, connection.transaction():
            await act(connection)
            yield connection

    async def fetch(self, query: str, *args: object) -> list[Any]:
        async with self._asking(query) as connection:
            rows: list[Any] = await connection.fetch(query, *args)
            return rows

    async def fetchrow(self, query: str, *args: object) -> Any:
        async with self._asking(query) as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        async with self._asking(query) as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        async with self._asking(query) as connection:
            status: str = await connection.execute(query, *args)
            return status

    @asynccontextmanager
    async def _asking(self, query: str) -> AsyncIterator[Any]:
        """A connection for one statement, whose connection errors are told as DatabaseUnavailable.

        One that writes while somebody acts gets a transaction of its own, in their name.
        """
        opened = self.transaction if acting.current() is not None and _writes(query) else self.connection
        try:
            async with opened() as connection:
                yield connection
        except DRIVER_ERRORS as error:
            if is_transient(error):
                raise DatabaseUnavailable("The database did not answer.", retry_after=5) from error
            raise


class Lease:
    """One connection kept from one use to the next, by somebody who uses it again and again, one use at a time.

    After an error the next use gets another one from the pool. Close it whenever nothing is to be done; a transaction
    that is open then, or when an error comes, is undone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._taken: Any = None

    async def __aenter__(self) -> Any:
        if self._taken is None or _is_gone(self._taken):
            await self.close()
            self._taken = await self._database.acquire()
        return self._taken

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            await self.close()

    async def close(self) -> None:
        """Give the connection back."""
        taken, self._taken = self._taken, None
        if taken is None:
            return
        try:
            if taken.is_in_transaction():
                await taken.execute("ROLLBACK")
        except DRIVER_ERRORS:
            # A connection on which that fails has nothing left to undo and is not used again.
            with suppress(asyncpg.InterfaceError):
                taken.terminate()
        finally:
            await self._database.release(taken)


def _is_gone(taken: Any) -> bool:
    """Whether a connection ended; the pool has let go of such a one, and says so with an error."""
    try:
        gone: bool = taken.is_closed()
    except asyncpg.InterfaceError:
        return True
    return gone


async def act(connection: Any) -> None:
    """Tell the server who acts in the transaction under way; `Database.transaction` does so by itself."""
    who = acting.current()
    if who is not None:
        await connection.execute(_ACT, who.actor, who.address, who.reason)


async def refuse_unsafe_settings(database: Database) -> None:
    """Raise UnsafeDatabase where fsync, full_page_writes or synchronous_commit would let a committed row be lost."""
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        value = await database.fetchval("SELECT current_setting($1)", name)
        if value == "off":
            raise UnsafeDatabase(f"{name} is off on this server: an answered reading could be lost. Set it to on.")


def of(request: Request) -> Database:
    """Dependency: the database of the application."""
    database: Database = request.app.state.database
    return database


Opened = Annotated[Database, Depends(of)]
