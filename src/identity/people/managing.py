"""Adding people, disabling them, giving and taking away what they may do.

Rules that nobody gets around here: nobody gives anything to themselves, and the last person who can manage people
stays. Whoever manages may give any role to others, also one that they do not have; the trail names them.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from core import errors as core_errors
from core import revisions
from core.access import Staff
from core.database import Database
from core.revisions import Expected
from core.rights import Grant
from identity.people import errors, schemas, store
from identity.people.store import GrantRow, PersonRow


def shown_grant(row: GrantRow) -> schemas.KeptGrant:
    told = schemas.NewGrant.of(row.grant).model_dump(by_alias=False)
    return schemas.KeptGrant.model_validate(
        told | {"id": row.id, "origin": row.origin, "granted_by": row.granted_by, "granted_time": row.granted_time}
    )


def shown(person: PersonRow, grants: Iterable[GrantRow]) -> schemas.Person:
    ways = [("password", person.has_password), ("provider", person.issuer is not None)]
    return schemas.Person.model_validate(
        {
            "user_name": person.user_name,
            "display_name": person.display_name,
            "email": person.email,
            "state": "disabled" if person.disabled else "active",
            "signs_in_with": [way for way, there in ways if there],
            "grants": [shown_grant(row) for row in grants],
            "created_time": person.created_time,
            "disabled_time": person.disabled_time,
            "signed_in_time": person.signed_in_time,
            "revision": person.revision,
        }
    )


async def get(database: Any, user_name: str) -> schemas.Person:
    """Takes a database or a connection."""
    person = await _found(database, user_name)
    return shown(person, await store.grant_rows(database, person.id))


async def listed(database: Database, disabled: bool | None, after: str | None, rows: int) -> list[schemas.Person]:
    found = await store.page(database, disabled, after, rows)
    grants = await store.grants_of_people(database, [person.id for person in found])
    return [shown(person, grants.get(person.id, ())) for person in found]


async def add(database: Database, staff: Staff, new: schemas.NewPerson) -> schemas.Person:
    """Somebody who cannot sign in yet: a link for a password, or the identity provider, comes later."""
    async with database.transaction() as connection:
        number = await store.add(connection, new.user_name, new.display_name, new.email)
        if number is None:
            fault = core_errors.Fault("userName", new.user_name, "a user name that nobody has or had")
            raise errors.UserNameTaken(f"There is somebody called {new.user_name}.", faults=[fault])
        for grant in dict.fromkeys(given.grant() for given in new.grants):
            await check_grant(connection, grant)
            await store.give(connection, number, grant, staff.name)
        return await get(connection, new.user_name)


async def edit(database: Database, user_name: str, changes: schemas.PersonEdit, expected: Expected) -> schemas.Person:
    async with _changing(database, user_name) as (connection, person):
        revisions.check(person.revision, expected)
        given = {name: getattr(changes, name) for name in changes.model_fields_set}
        now = {"display_name": person.display_name, "email": person.email} | given
        await store.update(connection, person.id, **now)
        return await get(connection, user_name)


async def disable(database: Database, user_name: str, expected: Expected) -> schemas.Person:
    """Sessions and tokens of the person open nothing any more, within seconds. Raises LastAdministrator."""
    async with _changing(database, user_name) as (connection, person):
        revisions.check(person.revision, expected)
        async with _somebody_stays(connection):
            await store.disable(connection, person.id, disabled=True)
        return await get(connection, user_name)


async def enable(database: Database, user_name: str, expected: Expected) -> schemas.Person:
    async with _changing(database, user_name) as (connection, person):
        revisions.check(person.revision, expected)
        await store.disable(connection, person.id, disabled=False)
        return await get(connection, user_name)


async def give(database: Database, staff: Staff, user_name: str, wanted: Grant) -> schemas.KeptGrant:
    """Raises OwnGrant, GrantExists, GrantNotSuitable."""
    async with _changing(database, user_name) as (connection, person):
        if staff.person_id == person.id:
            raise errors.OwnGrant("Somebody else has to give you this.")
        await check_grant(connection, wanted)
        there = await store.grant_rows(connection, person.id)
        if any(row.grant == wanted and row.origin == "local" for row in there):
            raise errors.GrantExists(f"{user_name} has {wanted.role} there already.")
        number = await store.give(connection, person.id, wanted, staff.name)
        await store.moved(connection, person.id)
        return next(shown_grant(row) for row in await store.grant_rows(connection, person.id) if row.id == number)


async def withdraw(database: Database, user_name: str, grant_id: int) -> None:
    """Raises GrantNotFound, GrantOfProvider, LastAdministrator."""
    async with _changing(database, user_name) as (connection, person):
        found = next((row for row in await store.grant_rows(connection, person.id) if row.id == grant_id), None)
        if found is None:
            fault = core_errors.Fault("grant", str(grant_id), f"the id of a grant of {user_name}")
            raise errors.GrantNotFound(f"{user_name} has no grant {grant_id}.", faults=[fault])
        if found.origin == "provider":
            raise errors.GrantOfProvider("Take the person out of the group at the identity provider.")
        async with _somebody_stays(connection):
            await store.withdraw(connection, [grant_id])
        await store.moved(connection, person.id)


async def check_grant(connection: Any, grant: Grant) -> None:
    """Raises GrantNotSuitable where it names an organization that is not there: it would reach nothing, silently."""
    strange = await store.strange_organizations(connection, grant.narrowing.organizations or ())
    if strange:
        faults = [core_errors.Fault("organizations", code, "the code of an organization") for code in strange]
        raise errors.GrantNotSuitable(f"Not in the catalogue: {', '.join(strange)}.", faults=faults)


async def _found(database: Any, user_name: str) -> PersonRow:
    found = await store.find(database, user_name)
    if found is None:
        raise errors.person_not_found(user_name)
    return found


@asynccontextmanager
async def _changing(database: Database, user_name: str) -> AsyncIterator[tuple[Any, PersonRow]]:
    """A transaction that holds the person."""
    async with database.transaction() as connection:
        await store.lock(connection, user_name)
        yield connection, await _found(connection, user_name)


@asynccontextmanager
async def _somebody_stays(connection: Any) -> AsyncIterator[None]:
    """Raises LastAdministrator where the block takes away the last one who can manage people.

    Where nobody could before, as on a fresh installation, nothing is taken away.
    """
    await store.lock_all(connection)
    before = await store.administrators(connection)
    yield
    if before and not await store.administrators(connection):
        raise errors.LastAdministrator(f"{', '.join(sorted(before))} is the last one; let somebody else do it first.")
