"""A login that the server refuses while the service runs: its callers are told that the database is away."""

import asyncpg
import pytest

from core.database import Database, DatabaseUnavailable
from tests.fixtures.logins import Logins


async def _several_times(database: Database) -> None:
    """The first attempt may still meet the connection that was ended."""
    for _ in range(3):
        await database.fetchval("SELECT 1")


@pytest.mark.parametrize("trouble", ["ALTER ROLE {name} NOLOGIN", "ALTER ROLE {name} PASSWORD 'another one'"])
async def test_a_refused_login_is_a_database_that_is_away_until_it_is_mended(logins: Logins, trouble: str) -> None:
    name, password = logins.name("reader"), logins.addresses["reader"].partition("@")[0].rpartition(":")[2]
    admin = await asyncpg.connect(logins.admin)
    try:
        async with Database(logins.addresses["reader"], application_name="quantrac-test") as database:
            assert await database.fetchval("SELECT 1") == 1
            await admin.execute(trouble.format(name=name))
            await admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1", name)
            with pytest.raises(DatabaseUnavailable):
                await _several_times(database)
            await admin.execute(f"ALTER ROLE {name} LOGIN PASSWORD '{password}'")
            assert await database.fetchval("SELECT 1") == 1
    finally:
        await admin.close()
