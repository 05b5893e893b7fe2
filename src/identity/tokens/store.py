"""Rows of tokens; nothing here ever holds a secret, only its hash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database

_sql = queries.load(__file__, "tokens")


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens; None takes all. service: those of programs, or those of people."""

    person_id: int | None = None
    service: bool | None = None
    state: str | None = None
    expires_within_days: int | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """What a live token is known by, and whose it is."""

    sha256: bytes
    person_id: int | None
    rights: tuple[str, ...] | None


async def page(
    database: Database, wanted: TokenFilter, after: tuple[datetime | None, str | None], rows: int
) -> list[dict[str, Any]]:
    found = await database.fetch(
        _sql["tokens_page"],
        wanted.person_id,
        wanted.service,
        wanted.state,
        wanted.expires_within_days,
        *after,
        rows,
    )
    return [dict(row) for row in found]


async def find(database: Any, token_id: str) -> dict[str, Any] | None:
    """Takes a database or a connection."""
    row = await database.fetchrow(_sql["token_by_id"], token_id)
    return None if row is None else dict(row)


async def secret(database: Database, token_id: str) -> Secret | None:
    row = await database.fetchrow(_sql["token_secret"], token_id)
    if row is None:
        return None
    return Secret(row["sha256"], row["person_id"], None if row["rights"] is None else tuple(row["rights"]))


async def insert(
    connection: Any,
    token_id: str,
    sha256: bytes,
    label: str,
    person_id: int | None,
    rights: Sequence[str] | None,
    by: str,
    expires: datetime,
) -> None:
    await connection.execute(_sql["token_insert"], token_id, sha256, label, person_id, rights, by, expires)


async def live(connection: Any, person_id: int) -> int:
    """How many live tokens the person has, who is held until the transaction ends."""
    number: int = await connection.fetchval(_sql["tokens_live"], person_id)
    return number


async def revoke(connection: Any, token_id: str) -> None:
    await connection.execute(_sql["token_revoke"], token_id)


async def used(database: Database, uses: Mapping[str, tuple[datetime, str | None]]) -> None:
    """Note the last uses: when, and from which address."""
    columns = list(uses), [time for time, _ in uses.values()], [address for _, address in uses.values()]
    await database.execute(_sql["tokens_used"], *columns)
