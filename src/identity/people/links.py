"""Links that are used once: to become the first administrator, or to choose a new password.

The secret stands behind the `#` of the address, which browsers send to nobody: no log and no proxy sees it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from core import credentials, errors, instants
from core.database import Database
from core.rights import Grant, Role
from identity.people import credentials_store, store
from identity.people import errors as people_errors
from identity.people.credentials_store import LinkRow

Purpose = Literal["first-administrator", "new-password"]

PATH = "/sign-in#link="
# By this a log knows that what follows is not to be written.
_PREFIX = "ql_"
LASTS = timedelta(hours=24)


class LinkNotUsable(errors.NotFound):
    slug = "link-not-usable"
    title = "This link was used, has expired, or never was one"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is shown, once."""

    secret: str = field(repr=False)
    purpose: Purpose
    expires_time: datetime

    @property
    def path(self) -> str:
        return f"{PATH}{self.secret}"


async def make(
    database: Database, by: str, user_name: str | None = None, *, now: datetime | None = None, lasts: timedelta = LASTS
) -> Link:
    """A link for a new password of the person; without one, for the first administrator.

    by: who makes it. Earlier ones of the same kind end. Raises PersonNotFound.
    """
    now = now or instants.now()
    link = Link(
        _PREFIX + credentials.secret(), "first-administrator" if user_name is None else "new-password", now + lasts
    )
    async with database.transaction() as connection:
        person_id = None
        if user_name is not None:
            person = await store.find(connection, user_name)
            if person is None:
                raise people_errors.person_not_found(user_name)
            person_id = person.id
        await credentials_store.add_link(
            connection, credentials.digest(link.secret), link.purpose, person_id, by, now, link.expires_time
        )
    return link


async def look(database: Database, secret: str, now: datetime) -> LinkRow:
    """Whom the link is for. Raises LinkNotUsable, also where there is an administrator already."""
    found = await credentials_store.look(database, credentials.digest(secret), now)
    if found is None or (found.person_id is None and not await credentials_store.nobody_manages(database)):
        raise LinkNotUsable("Ask for another one, or make it with `quantrac people link`.")
    return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chose who came by a link. user_name, display_name: of the first administrator."""

    hashed: str = field(repr=False)
    user_name: str
    display_name: str


async def use(database: Database, secret: str, chosen: Chosen, now: datetime) -> int:
    """Set the password; the number of the person. Raises LinkNotUsable, UserNameTaken."""
    async with database.transaction() as connection:
        # Whoever comes at the same time waits here, and then finds the link used.
        await store.lock_all(connection)
        found = await credentials_store.look(connection, credentials.digest(secret), now)
        if found is None or not await credentials_store.use(connection, credentials.digest(secret), now):
            raise LinkNotUsable("Somebody used it just now.")
        person_id = found.person_id
        if person_id is None:
            person_id = await _first_administrator(connection, chosen)
        await credentials_store.set_password(connection, person_id, chosen.hashed, now, must_change=False)
    return person_id


async def _first_administrator(connection: Any, chosen: Chosen) -> int:
    if not await credentials_store.nobody_manages(connection):
        raise LinkNotUsable("There is an administrator already.")
    person_id = await store.add(connection, chosen.user_name, chosen.display_name)
    if person_id is None:
        fault = errors.Fault("userName", chosen.user_name, "a user name that nobody has or had")
        raise people_errors.UserNameTaken(f"There is somebody called {chosen.user_name}.", faults=[fault])
    await store.give(connection, person_id, Grant(Role.ADMINISTRATOR), chosen.user_name)
    return person_id
