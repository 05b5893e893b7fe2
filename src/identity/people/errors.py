"""What can be wrong with a request about people and what they may do.

Error
├── Invalid ── GrantNotSuitable
├── NotFound ── PersonNotFound, GrantNotFound
├── Forbidden ── OwnGrant
└── Conflict ── UserNameTaken, GrantExists, GrantOfProvider, LastAdministrator
"""

from core import errors


class GrantNotSuitable(errors.Invalid):
    slug = "invalid-grant"
    title = "Nobody can be given this"


class PersonNotFound(errors.NotFound):
    slug = "person-not-found"
    title = "No such person"


class GrantNotFound(errors.NotFound):
    slug = "grant-not-found"
    title = "The person has no such grant"


class OwnGrant(errors.Forbidden):
    slug = "own-grant"
    title = "Nobody gives anything to themselves"


class UserNameTaken(errors.Conflict):
    slug = "user-name-taken"
    title = "Somebody else has this user name, or had it"


class GrantExists(errors.Conflict):
    slug = "grant-exists"
    title = "The person has this grant already"


class GrantOfProvider(errors.Conflict):
    slug = "grant-of-provider"
    title = "The identity provider gives this, and takes it away"


class LastAdministrator(errors.Conflict):
    slug = "last-administrator"
    title = "Nobody would be left who can manage people"


def person_not_found(user_name: str) -> PersonNotFound:
    fault = errors.Fault("user", errors.shown(user_name), "the user name of a person")
    return PersonNotFound(f"There is nobody called {errors.shown(user_name)}.", faults=[fault])
