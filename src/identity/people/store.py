"""Rows of people and of what they and service tokens were given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from core.rights import Grant, Narrowing, Role

_people = queries.load(__file__, "people")
_grants = queries.load(__file__, "grants")

_WHERE = ("station_kinds", "organizations", "districts", "domains")


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person; what they were given is asked for apart."""

    id: int
    user_name: str
    display_name: str
    email: str | None
    has_password: bool
    must_change_password: bool
    issuer: str | None
    subject: str | None
    disabled_time: datetime | None
    created_time: datetime
    signed_in_time: datetime | None
    revision: int

    @property
    def disabled(self) -> bool:
        return self.disabled_time is not None


@dataclass(frozen=True, slots=True)
class GrantRow:
    id: int
    grant: Grant
    origin: str
    granted_by: str
    granted_time: datetime


async def page(database: Database, disabled: bool | None, after: str | None, rows: int) -> list[PersonRow]:
    return [PersonRow(**row) for row in await database.fetch(_people["people_page"], disabled, after, rows)]


async def find(database: Any, user_name: str) -> PersonRow | None:
    """Takes a database or a connection, as all that only reads."""
    return await _chosen(database, user_name, None, None, None)


async def find_by_id(database: Any, person_id: int) -> PersonRow | None:
    return await _chosen(database, None, person_id, None, None)


async def find_by_subject(database: Any, issuer: str, subject: str) -> PersonRow | None:
    """Whom the identity provider's subject is here."""
    return await _chosen(database, None, None, issuer, subject)


async def _chosen(
    database: Any, user_name: str | None, person_id: int | None, issuer: str | None, subject: str | None
) -> PersonRow | None:
    row = await database.fetchrow(_people["person_chosen"], user_name, person_id, issuer, subject)
    return None if row is None else PersonRow(**row)


async def add(
    connection: Any,
    user_name: str,
    display_name: str,
    email: str | None = None,
    *,
    issuer: str | None = None,
    subject: str | None = None,
) -> int | None:
    """The number of a new person; None where somebody has the user name."""
    number: int | None = await connection.fetchval(
        _people["person_insert"], user_name, display_name, email, issuer, subject
    )
    return number


async def lock(connection: Any, user_name: str) -> int | None:
    """The person's number, held until the transaction ends; None where there is none."""
    number: int | None = await connection.fetchval(_people["person_lock"], user_name)
    return number


async def update(connection: Any, person_id: int, display_name: str, email: str | None) -> None:
    await connection.execute(_people["person_update"], person_id, display_name, email)


async def disable(connection: Any, person_id: int, *, disabled: bool) -> None:
    await connection.execute(_people["person_disable"], person_id, disabled)


async def moved(connection: Any, person_id: int) -> None:
    await connection.execute(_people["person_moved"], person_id)


async def lock_all(connection: Any) -> None:
    await connection.execute(_people["people_lock"])


async def administrators(connection: Any) -> set[str]:
    return {row["user_name"] for row in await connection.fetch(_people["people_administrators"])}


async def grants_of(database: Any, person_id: int) -> tuple[Grant, ...]:
    return tuple(row.grant for row in await grant_rows(database, person_id))


async def grant_rows(database: Any, person_id: int) -> list[GrantRow]:
    return (await grants_of_people(database, [person_id])).get(person_id, [])


async def grants_of_people(database: Any, person_ids: Sequence[int]) -> dict[int, list[GrantRow]]:
    found: dict[int, list[GrantRow]] = {}
    for row in await database.fetch(_grants["grants_of_people"], list(person_ids)):
        found.setdefault(row["person_id"], []).append(_grant_row(row))
    return found


async def grants_of_tokens(database: Any, token_ids: Sequence[str]) -> dict[str, list[GrantRow]]:
    found: dict[str, list[GrantRow]] = {}
    for row in await database.fetch(_grants["grants_of_tokens"], list(token_ids)):
        found.setdefault(row["token_id"], []).append(_grant_row(row))
    return found


async def give(connection: Any, person_id: int, grant: Grant, by: str, *, origin: str = "local") -> int:
    number: int = await connection.fetchval(
        _grants["grant_insert"], person_id, None, grant.role.value, *_lists(grant.narrowing), origin, by
    )
    return number


async def give_token(connection: Any, token_id: str, grant: Grant, by: str) -> None:
    await connection.fetchval(
        _grants["grant_insert"], None, token_id, grant.role.value, *_lists(grant.narrowing), "local", by
    )


async def withdraw(connection: Any, grant_ids: Sequence[int]) -> None:
    await connection.execute(_grants["grants_delete"], list(grant_ids))


async def set_provider_grants(connection: Any, person_id: int, wanted: Iterable[Grant], by: str) -> bool:
    """Make what the identity provider gives exactly this; what was given here stays. Whether anything changed.

    The last administrator may lose their right in this way: the provider's groups decide, and the command line mends.
    """
    kept = {row.grant: row.id for row in await grant_rows(connection, person_id) if row.origin == "provider"}
    needed = dict.fromkeys(wanted)
    gone = [number for grant, number in kept.items() if grant not in needed]
    new = [grant for grant in needed if grant not in kept]
    if gone:
        await withdraw(connection, gone)
    for grant in new:
        await give(connection, person_id, grant, by, origin="provider")
    if gone or new:
        await moved(connection, person_id)
    return bool(gone or new)


async def strange_organizations(connection: Any, codes: Iterable[str]) -> list[str]:
    """Of the codes those that no organization has."""
    rows = await connection.fetch(_grants["grant_strange_organizations"], sorted(set(codes)))
    return [row["code"] for row in rows]


def _grant_row(row: Any) -> GrantRow:
    where = {name: None if row[name] is None else frozenset(row[name]) for name in _WHERE}
    grant = Grant(Role(row["role"]), Narrowing(**where))
    return GrantRow(row["id"], grant, row["origin"], row["granted_by"], row["granted_time"])


def _lists(where: Narrowing) -> list[list[str] | None]:
    named = [getattr(where, name) for name in _WHERE]
    return [None if values is None else sorted(values) for values in named]
