"""Rows of sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database

_sql = queries.load(__file__, "sessions")


@dataclass(frozen=True, slots=True)
class Found:
    """The session of a cookie."""

    id: str
    person_id: int
    seen_time: datetime
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: str
    method: str
    address: str | None
    user_agent: str | None
    created_time: datetime
    seen_time: datetime
    expires_time: datetime


@dataclass(frozen=True, slots=True)
class NewRow:
    id: str
    digest: bytes
    person_id: int
    method: str
    provider_session: str | None
    address: str | None
    user_agent: str | None
    now: datetime
    until: datetime


async def add(connection: Any, new: NewRow, most: int, forget_before: datetime) -> None:
    """Keep a session; of the person's others the oldest end where there are more than `most`."""
    await connection.execute(
        _sql["session_insert"],
        new.id,
        new.digest,
        new.person_id,
        new.method,
        new.provider_session,
        new.address,
        new.user_agent,
        new.now,
        new.until,
    )
    await connection.execute(_sql["session_signed_in"], new.person_id, new.now)
    await connection.execute(_sql["session_trim"], new.person_id, most, new.now)
    await connection.execute(_sql["session_forget"], new.person_id, forget_before)


async def find(database: Database, digest: bytes, now: datetime, seen_after: datetime) -> Found | None:
    row = await database.fetchrow(_sql["session_find"], digest, now, seen_after)
    return None if row is None else Found(**row)


async def seen(database: Database, session_id: str, now: datetime) -> None:
    await database.execute(_sql["session_seen"], session_id, now)


async def listed(database: Database, person_id: int, now: datetime, seen_after: datetime) -> list[SessionRow]:
    return [SessionRow(**row) for row in await database.fetch(_sql["session_list"], person_id, now, seen_after)]


async def one(database: Database, session_id: str, now: datetime) -> SessionRow | None:
    row = await database.fetchrow(_sql["session_one"], session_id, now)
    return None if row is None else SessionRow(**row)


async def end(
    database: Any, person_id: int, now: datetime, why: str, *, only: str | None = None, but: str | None = None
) -> list[str]:
    """End sessions of a person: all, or `only` one, or all `but` one; which were ended. Takes a connection, too."""
    return [row["id"] for row in await database.fetch(_sql["session_end"], person_id, only, but, now, why)]


async def end_by_cookie(connection: Any, digest: bytes, now: datetime, why: str) -> None:
    await connection.execute(_sql["session_end_by_cookie"], digest, now, why)


async def end_of_provider(
    database: Database, issuer: str, subject: str | None, provider_session: str | None, now: datetime
) -> list[str]:
    rows = await database.fetch(_sql["session_end_of_provider"], issuer, subject, provider_session, now)
    return [row["id"] for row in rows]


async def acquainted(database: Database, user_name: str, network: str, since: datetime) -> bool:
    return bool(await database.fetchval(_sql["session_acquainted"], user_name, network, since))
