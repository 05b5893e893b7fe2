"""Whom a sign-in at the provider is here: somebody known, somebody new whom the settings let in, or nobody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.database import Database
from identity.oidc import claims
from identity.oidc.errors import Hindrance, NotAdmitted
from identity.oidc.mapping import Grants, granted
from identity.people import store
from identity.people.schemas import is_reserved
from identity.people.store import PersonRow

# Who changes what groups give.
ACTOR = "identity-provider"
# As the table of people has it.
_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,62}[a-z0-9]")
_MOST_DISPLAY_NAME, _MOST_EMAIL = 120, 254


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in.

    roles: what each group gives; roles_claim: where groups stand; create: whether somebody whom a group gives a role is
    written down at the first sign-in; name_claim: the user name that is then given.
    """

    roles: Grants = field(default_factory=dict)
    roles_claim: str = "groups"
    create: bool = False
    name_claim: str = "preferred_username"


async def admit(database: Database, issuer: str, said: Mapping[str, Any], admission: Admission) -> PersonRow:
    """Who signed in, with the roles that the groups give now. Raises NotAdmitted."""
    wanted = granted(admission.roles, claims.names(said, admission.roles_claim))
    async with database.transaction() as connection:
        person = await store.find_by_subject(connection, issuer, said["sub"])
        if person is None:
            if not (admission.create and wanted):
                raise NotAdmitted(Hindrance.UNKNOWN, "nobody has this subject, and no group creates an account")
            person = await _add(connection, issuer, said, admission)
        # Two sign-ins of the same person settle what the groups give one after the other.
        await store.lock(connection, person.user_name)
        if person.disabled:
            raise NotAdmitted(Hindrance.DISABLED, f"{person.user_name} is disabled")
        await store.set_provider_grants(connection, person.id, wanted, ACTOR)
        held = await store.grants_of(connection, person.id)
    # What the groups no longer give is gone all the same.
    if not held:
        raise NotAdmitted(Hindrance.NO_ROLE, f"{person.user_name} has no role")
    return person


async def _add(connection: Any, issuer: str, said: Mapping[str, Any], admission: Admission) -> PersonRow:
    name = said.get(admission.name_claim)
    user_name = name.strip().lower() if isinstance(name, str) else ""
    if not _USER_NAME.fullmatch(user_name) or is_reserved(user_name):
        raise NotAdmitted(Hindrance.UNKNOWN, f"the claim {admission.name_claim} is no user name")
    await store.add(
        connection,
        user_name,
        _text(said.get("name"), _MOST_DISPLAY_NAME) or user_name,
        _text(said.get("email"), _MOST_EMAIL),
        issuer=issuer,
        subject=said["sub"],
    )
    made = await store.find_by_subject(connection, issuer, said["sub"])
    if made is None:
        # A namesake is never taken for the same person: an administrator says so where it is.
        raise NotAdmitted(Hindrance.NAME_TAKEN, f"{user_name} is somebody else here")
    return made


def _text(value: object, most: int) -> str | None:
    return value if isinstance(value, str) and claims.is_name(value) and len(value) <= most else None
