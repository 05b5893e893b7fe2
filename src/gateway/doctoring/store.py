"""Asks the database about itself; what the role may not know is told as not known."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from core import queries
from core.database import Database

_sql = queries.load(__file__, "doctoring")


@dataclass(frozen=True, slots=True)
class Server:
    """client_address, server_address: as the server sees the connection; None where it came over a local socket."""

    version: str
    version_number: int
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    max_locks_per_transaction: int
    client_address: str | None
    server_address: str | None
    encrypted: bool
    data_directory: str | None
    tablespaces: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether client and server are the same machine."""
        return self.client_address is None or self.client_address == self.server_address


@dataclass(frozen=True, slots=True)
class Extension:
    """installed: its version in this database; None where it is not used."""

    offered: str
    installed: str | None
    preloaded: bool


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    superuser: bool
    creates_roles: bool
    creates_databases: bool
    changes_schema: bool
    owns_tables: bool
    changes_observations: bool


@dataclass(frozen=True, slots=True)
class Job:
    """success_age_seconds: since its last success; None where it had none."""

    job_id: int
    name: str
    scheduled: bool
    last_status: str | None
    failures: int | None
    every_seconds: float
    success_age_seconds: float | None
    stuck: bool
    status: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Numbers of stations' keys: live ones, those of them that expire soon, and stations without any."""

    live: int
    expiring: int
    locked_out: int


async def server(database: Database) -> Server:
    row = await database.fetchrow(_sql["doctoring_server"])
    return Server(**{**row, "tablespaces": tuple(row["tablespaces"])})


async def extension(database: Database) -> Extension | None:
    row = await database.fetchrow(_sql["doctoring_extension"])
    return None if row is None else Extension(**row)


async def role(database: Database) -> Role:
    return Role(**await database.fetchrow(_sql["doctoring_role"]))


async def applied(database: Database) -> frozenset[str] | None:
    """The migrations that the database has; None where the role may not know."""
    if not await database.fetchval(_sql["doctoring_tracked"]):
        return frozenset()
    try:
        return frozenset(row["migration_id"] for row in await database.fetch(_sql["doctoring_applied"]))
    except asyncpg.InsufficientPrivilegeError:
        return None


async def time(database: Database) -> datetime:
    now: datetime = await database.fetchval(_sql["doctoring_time"])
    return now


async def jobs(database: Database) -> list[Job]:
    """Only where the extension is installed."""
    return [Job(**row) for row in await database.fetch(_sql["doctoring_jobs"])]


async def feeds(database: Database) -> dict[str, float] | None:
    """Seconds behind by reader; None where the schema has no feeds or the role may not know."""
    try:
        rows = await database.fetch(_sql["doctoring_feeds"])
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError):
        return None
    return {row["reader"]: row["age_seconds"] for row in rows}


async def keys(database: Database, soon: timedelta) -> Keys | None:
    """None where the schema has none or the role may not know."""
    try:
        row = await database.fetchrow(_sql["doctoring_keys"], soon)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError):
        return None
    return None if row is None else Keys(**row)
