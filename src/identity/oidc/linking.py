"""Says whom somebody who is known here is at the identity provider, so that they sign in with it."""

from core import errors, queries
from core.database import Database
from identity.oidc.admitting import ACTOR
from identity.oidc.claims import is_name
from identity.people import store
from identity.people.errors import person_not_found

_sql = queries.load(__file__, "linking")


class SubjectTaken(errors.Conflict):
    slug = "subject-taken"
    title = "Somebody else is this subject at the identity provider"


class NoSubject(errors.Invalid):
    slug = "invalid-subject"
    title = "The identity provider names nobody so"


async def link(database: Database, user_name: str, issuer: str, subject: str) -> int:
    """Raises PersonNotFound, SubjectTaken, NoSubject; the person's number."""
    if not is_name(subject):
        fault = errors.Fault("subject", errors.shown(subject), "the claim `sub`: one line of at most 255 characters")
        raise NoSubject("This can be nobody's subject.", faults=[fault])
    return await _settle(database, user_name, issuer, subject)


async def unlink(database: Database, user_name: str) -> int:
    """What the provider's groups gave goes, too. Raises PersonNotFound; the person's number."""
    return await _settle(database, user_name, None, None)


async def _settle(database: Database, user_name: str, issuer: str | None, subject: str | None) -> int:
    async with database.transaction() as connection:
        number = await store.lock(connection, user_name)
        if number is None:
            raise person_not_found(user_name)
        if await connection.fetchval(_sql["linking_settle"], number, issuer, subject) is None:
            fault = errors.Fault("subject", errors.shown(subject), "one that nobody has")
            raise SubjectTaken("Somebody else has this subject.", faults=[fault])
        await store.set_provider_grants(connection, number, (), ACTOR)
    return number
