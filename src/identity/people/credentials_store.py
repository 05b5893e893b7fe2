"""Rows of passwords, and of the links that lead to a first or a new one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database

_sql = queries.load(__file__, "credentials")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is held against."""

    id: int
    user_name: str
    display_name: str
    email: str | None
    password_hash: str | None = field(repr=False)
    must_change_password: bool
    disabled: bool


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link that can be used. person_id and what follows: None for the first administrator, who is not there yet."""

    purpose: str
    expires_time: datetime
    person_id: int | None
    user_name: str | None
    display_name: str | None


async def of(database: Any, user_name: str) -> Credentials | None:
    """Takes a database or a connection."""
    row = await database.fetchrow(_sql["credentials_of"], user_name)
    return None if row is None else Credentials(**row)


async def set_password(connection: Any, person_id: int, hashed: str, now: datetime, *, must_change: bool) -> None:
    await connection.execute(_sql["credentials_password"], person_id, hashed, now, must_change)


async def rehashed(database: Database, person_id: int, hashed: str, former: str) -> None:
    await database.execute(_sql["credentials_rehashed"], person_id, hashed, former)


async def add_link(
    connection: Any, digest: bytes, purpose: str, person_id: int | None, by: str, now: datetime, until: datetime
) -> None:
    """The links before it, for the same purpose and person, open nothing any more."""
    await connection.execute(_sql["credentials_links_void"], purpose, person_id, now)
    await connection.execute(_sql["credentials_link"], digest, purpose, person_id, by, now, until)


async def look(database: Database, digest: bytes, now: datetime) -> LinkRow | None:
    row = await database.fetchrow(_sql["credentials_link_look"], digest, now)
    return None if row is None else LinkRow(**row)


async def use(connection: Any, digest: bytes, now: datetime) -> bool:
    """Whether the link was there to be used; nobody else can after that."""
    return await connection.fetchrow(_sql["credentials_link_use"], digest, now) is not None


async def nobody_manages(database: Any) -> bool:
    return bool(await database.fetchval(_sql["credentials_nobody"]))
