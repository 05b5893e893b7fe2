"""What a credential of a person claims, however it was shown: the person's name and grants, as they are now."""

from typing import Any

from core.access import Claim
from core.rights import Right
from identity.people import store


async def of_person(
    database: Any, person_id: int, means: str, *, via: str | None = None, rights: frozenset[Right] | None = None
) -> Claim | None:
    """None where the person is disabled or not there. via: the token that acts for them; rights: all it may use."""
    person = await store.find_by_id(database, person_id)
    if person is None or person.disabled:
        return None
    name = person.user_name if via is None else f"{person.user_name} via {via}"
    grants = await store.grants_of(database, person_id)
    return Claim(name, "person", grants, rights, person_id, means)
