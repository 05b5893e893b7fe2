"""Which errors of the driver may pass by themselves, and which are a row's own."""

import asyncpg
import pytest

from core import database
from core.database import Database, DatabaseUnavailable

# Made by the server's answer, as the driver does.
_TRANSIENT = [
    asyncpg.ConnectionDoesNotExistError("08003"),
    asyncpg.SerializationError("40001"),
    asyncpg.DeadlockDetectedError("40P01"),
    asyncpg.TooManyConnectionsError("53300"),
    asyncpg.DiskFullError("53100"),
    asyncpg.AdminShutdownError("57P01"),
    asyncpg.CannotConnectNowError("57P03"),
    asyncpg.QueryCanceledError("57014"),
    asyncpg.LockNotAvailableError("55P03"),
    asyncpg.ReadOnlySQLTransactionError("25006"),
    asyncpg.InternalServerError("XX000"),
    asyncpg.PostgresIOError("58030"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("unexpected state"),
    ConnectionResetError(),
    TimeoutError(),
]
_OF_THE_DATA = [
    asyncpg.UniqueViolationError("23505"),
    asyncpg.CheckViolationError("23514"),
    asyncpg.NumericValueOutOfRangeError("22003"),
    asyncpg.CharacterNotInRepertoireError("22021"),
    asyncpg.DataError("invalid input for query argument $1: 2**80"),
]
_OURS = [asyncpg.UndefinedTableError("42P01"), asyncpg.InsufficientPrivilegeError("42501"), ValueError(), KeyError()]


def _named(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", _TRANSIENT, ids=_named)
def test_what_says_nothing_about_the_data_may_pass(error: Exception) -> None:
    assert (database.is_transient(error), database.is_data_error(error)) == (True, False)


@pytest.mark.parametrize("error", _OF_THE_DATA, ids=_named)
def test_what_a_row_causes_never_passes(error: Exception) -> None:
    assert (database.is_transient(error), database.is_data_error(error)) == (False, True)


@pytest.mark.parametrize("error", _OURS, ids=_named)
def test_a_fault_of_our_own_is_neither(error: Exception) -> None:
    assert (database.is_transient(error), database.is_data_error(error)) == (False, False)


async def test_a_pool_that_is_not_open_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database("postgresql://nobody@127.0.0.1:1/nothing", application_name="test").fetchval("SELECT 1")


def test_an_address_is_not_shown() -> None:
    assert "hunter2" not in repr(Database("postgresql://quantrac:hunter2@db/quantrac", application_name="test"))
