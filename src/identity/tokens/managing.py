"""Makes and revokes tokens.

A token never makes tokens: whoever steals one could otherwise outlive its end. A personal one is made by its person in
a session of a browser; a service token by somebody who manages people, with grants that never change afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import errors as core_errors
from core import instants
from core.access import Staff
from core.credentials import digest
from core.database import Database
from core.rights import DECISIONS, Grant, Right
from identity.people import managing as people
from identity.people import store as people_store
from identity.tokens import credentials, errors, schemas, store

_SESSION = "session:"
MOST_LIVE = 50


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The longest time that a token may be valid for."""

    personal: timedelta = timedelta(days=90)
    service: timedelta = timedelta(days=365)


async def make_personal(
    database: Database, staff: Staff, new: schemas.NewToken, longest: timedelta
) -> schemas.NewlyMade:
    """Raises NotSignedIn, TokenNotSuitable, TooManyTokens."""
    if staff.person_id is None or not staff.means.startswith(_SESSION):
        raise errors.NotSignedIn("Sign in on the page to make a token; a token cannot make another one.")
    _check_rights(staff, new.rights)
    expires = _expiry(new.expires_time, longest)
    token_id, token = credentials.generate()
    async with database.transaction() as connection:
        if await store.live(connection, staff.person_id) >= MOST_LIVE:
            raise errors.TooManyTokens(f"At most {MOST_LIVE} may be live; revoke one that is not needed.")
        rights = None if new.rights is None else sorted(set(new.rights))
        await store.insert(
            connection,
            token_id,
            digest(token),
            new.label,
            staff.person_id,
            rights,
            staff.name,
            expires,
        )
        made = await store.find(connection, token_id)
    return schemas.NewlyMade(**_personal(made or {}), token=token)


async def make_service(
    database: Database, by: Staff, label: str, grants: Sequence[Grant], expires: datetime | None, longest: timedelta
) -> schemas.NewlyMadeService:
    """Raises NotSignedIn for who came by a token of any kind, TokenNotSuitable, GrantNotSuitable."""
    # The command line and the static token of the installation have no means of their own.
    if by.means and not by.means.startswith(_SESSION):
        raise errors.NotSignedIn("A token cannot make another one.")
    for grant in grants:
        if grant.rights & DECISIONS:
            fault = core_errors.Fault("grants", grant.role, "a role without decisions, which are for people alone")
            raise errors.TokenNotSuitable("A program decides nothing.", faults=[fault])
    until = _expiry(expires, longest)
    token_id, token = credentials.generate()
    async with database.transaction() as connection:
        await store.insert(connection, token_id, digest(token), label, None, None, by.name, until)
        for grant in dict.fromkeys(grants):
            await people.check_grant(connection, grant)
            await people_store.give_token(connection, token_id, grant, by.name)
        made = await get_service(connection, token_id)
    return schemas.NewlyMadeService(**made.model_dump(by_alias=False), token=token)


async def get_service(database: Any, token_id: str) -> schemas.ServiceToken:
    """Takes a database or a connection. Raises TokenNotFound, for personal tokens too."""
    found = await store.find(database, token_id)
    if found is None or found["person_id"] is not None:
        raise errors.token_not_found(token_id)
    return (await _services(database, [found]))[0]


async def personal(
    database: Database, wanted: store.TokenFilter, after: tuple[datetime | None, str | None], rows: int
) -> list[schemas.Token]:
    return [schemas.Token(**_personal(row)) for row in await store.page(database, wanted, after, rows)]


async def services(
    database: Database, wanted: store.TokenFilter, after: tuple[datetime | None, str | None], rows: int
) -> list[schemas.ServiceToken]:
    return await _services(database, await store.page(database, wanted, after, rows))


async def revoke_personal(database: Database, person_id: int | None, token_id: str) -> schemas.Token:
    """Raises TokenNotFound where it is not the person's. A second time changes nothing."""
    found = await store.find(database, token_id)
    if found is None or found["person_id"] is None or found["person_id"] != person_id:
        raise errors.token_not_found(token_id)
    return schemas.Token(**_personal(await _revoked(database, token_id)))


async def revoke_service(database: Database, token_id: str) -> schemas.ServiceToken:
    await get_service(database, token_id)
    await _revoked(database, token_id)
    return await get_service(database, token_id)


async def revoke_any(database: Database, token_id: str) -> dict[str, Any]:
    """A token of anybody, as the command line does. Raises TokenNotFound."""
    if await store.find(database, token_id) is None:
        raise errors.token_not_found(token_id)
    return await _revoked(database, token_id)


async def _revoked(database: Database, token_id: str) -> dict[str, Any]:
    async with database.transaction() as connection:
        await store.revoke(connection, token_id)
        return await store.find(connection, token_id) or {}


async def _services(database: Any, rows: Sequence[dict[str, Any]]) -> list[schemas.ServiceToken]:
    grants = await people_store.grants_of_tokens(database, [row["id"] for row in rows])
    return [
        schemas.ServiceToken(
            **{name: row[name] for name in schemas.ServiceToken.model_fields if name != "grants"},
            grants=[people.shown_grant(grant) for grant in grants.get(row["id"], ())],
        )
        for row in rows
    ]


def _personal(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in schemas.Token.model_fields}


def _check_rights(staff: Staff, rights: Sequence[Right] | None) -> None:
    wrong = [right for right in rights or () if right in credentials.NEVER_FOR_A_PERSON or not staff.reach.may(right)]
    if wrong:
        faults = [
            core_errors.Fault("rights", right, "a right that you have and that a token may use") for right in wrong
        ]
        raise errors.TokenNotSuitable(f"No token of yours can have {', '.join(wrong)}.", faults=faults)


def _expiry(wanted: datetime | None, longest: timedelta) -> datetime:
    now = instants.now()
    if wanted is None:
        return now + longest
    # Whoever asks for the whole time may have a clock that is a little ahead.
    if not now < wanted <= now + longest + timedelta(minutes=5):
        found, expected = instants.text(wanted), f"a time within the next {longest.days} days"
        fault = core_errors.Fault("expiresTime", found, expected)
        raise errors.TokenNotSuitable(f"expiresTime is expected to be {expected}.", faults=[fault])
    return wanted
