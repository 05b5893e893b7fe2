"""Bodies of people, of what they were given, and of the roles that there are."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from core.rights import Grant, Narrowing, Right, Role
from core.wire import Body, WholeNumber

LARGEST_ID = 2**31 - 1

# What stands as actor where no person acted; who had such a name could act under it.
RESERVED = frozenset({"staff", "system", "quantrac", "nobody", "anonymous", "identity-provider", "enrolment"})

_PUBLIC_HALF = re.compile(r"(?:st|qt)_[a-z0-9]{8}")
_USER_NAME = r"^[a-z0-9][a-z0-9._@-]{1,62}[a-z0-9]$"
_PLAIN = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
_CODE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"
_EMAIL = r"^[^@\s\x00-\x1f\x7f,;<>\"]+@[^@\s\x00-\x1f\x7f,;<>\"]+$"


def _tidy(value: Any) -> Any:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def is_reserved(name: str) -> bool:
    """Whether the name would be taken for nobody's, or for that of a key or token."""
    return name in RESERVED or _PUBLIC_HALF.fullmatch(name) is not None


def _not_reserved(value: str) -> str:
    if is_reserved(value):
        raise ValueError(f"a name other than {', '.join(sorted(RESERVED))} and of keys is expected")
    return value


Tidy = BeforeValidator(_tidy)
UserName = Annotated[
    str,
    StringConstraints(pattern=_USER_NAME),
    BeforeValidator(_lower),
    Tidy,
    Field(description="3 to 64 of `a-z`, `0-9` and `. _ @ -`; written down with all that the person does."),
]
# What is stored is looked at, not what was typed.
NewUserName = Annotated[UserName, AfterValidator(_not_reserved)]
DisplayName = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=120), Tidy]
Email = Annotated[str, StringConstraints(pattern=_EMAIL, max_length=254), Tidy]
Identifier = Annotated[WholeNumber, Field(ge=1, le=LARGEST_ID)]

StationKind = Literal["ambient", "wastewater", "flue_gas", "groundwater"]
_Some = Field(min_length=1, max_length=200)
Organizations = Annotated[list[Annotated[str, StringConstraints(pattern=_CODE), Tidy]], _Some]
Districts = Annotated[list[Annotated[str, StringConstraints(pattern=_PLAIN, max_length=80), Tidy]], _Some]
Domains = Annotated[list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]], _Some]

_GRANT = {
    "role": "operator",
    "stationKinds": ["wastewater"],
    "organizations": None,
    "districts": ["Thị xã Nghi Sơn"],
    "domains": None,
}
_KEPT_GRANT = _GRANT | {
    "id": 12,
    "origin": "local",
    "grantedBy": "nguyen.an",
    "grantedTime": "2026-11-23T01:00:00Z",
}
_PERSON = {"userName": "tran.binh", "displayName": "Trần Thị Bình", "email": "tran.binh@example.vn"}


def example(*parts: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a body that has the members of all parts together as its example."""
    members = {name: value for part in parts for name, value in part.items()}
    return ConfigDict(json_schema_extra={"examples": [members]})


def _sorted(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _set(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


class NewGrant(Body):
    """A role, and where it holds: all that is named must fit, and null narrows nothing."""

    model_config = example(_GRANT)

    role: Role
    station_kinds: Annotated[list[StationKind], _Some] | None = None
    organizations: Organizations | None = Field(None, description="Codes; their stations, alerts and records only.")
    districts: Districts | None = Field(None, description="As written at the stations; one without a district is out.")
    domains: Domains | None = Field(None, description="Domains of records, such as `land` or `minerals`.")

    def grant(self) -> Grant:
        kinds: frozenset[str] | None = None if self.station_kinds is None else frozenset(self.station_kinds)
        return Grant(self.role, Narrowing(kinds, _set(self.organizations), _set(self.districts), _set(self.domains)))

    @classmethod
    def of(cls, grant: Grant) -> "NewGrant":
        where = grant.narrowing
        return cls.model_validate(
            {
                "role": grant.role,
                "station_kinds": _sorted(where.station_kinds),
                "organizations": _sorted(where.organizations),
                "districts": _sorted(where.districts),
                "domains": _sorted(where.domains),
            }
        )


class KeptGrant(NewGrant):
    model_config = example(_KEPT_GRANT)

    id: int
    origin: Literal["local", "provider"] = Field(
        description="`provider`: by the identity provider's groups, looked at again at each sign-in."
    )
    granted_by: str
    granted_time: datetime


class NewPerson(Body):
    model_config = example(_PERSON, {"grants": [_GRANT]})

    user_name: NewUserName
    display_name: DisplayName
    email: Email | None = None
    grants: Annotated[list[NewGrant], Field(max_length=50)] = Field(
        default_factory=list, description="What the person may do from the beginning."
    )


class PersonEdit(Body):
    """Members that are left out stay as they are; null empties the address. A user name never changes."""

    display_name: DisplayName = Field(default_factory=lambda: "")
    email: Email | None = None


class Person(Body):
    model_config = example(
        _PERSON,
        {
            "state": "active",
            "signsInWith": ["password"],
            "grants": [_KEPT_GRANT],
            "createdTime": "2026-11-23T01:00:00Z",
            "disabledTime": None,
            "signedInTime": None,
            "revision": 1,
        },
    )

    user_name: str
    display_name: str
    email: str | None
    state: Literal["active", "disabled"]
    signs_in_with: list[Literal["password", "provider"]] = Field(
        description="Ways to sign in that are set up; none: the person was added and has not set a password yet."
    )
    grants: list[KeptGrant]
    created_time: datetime
    disabled_time: datetime | None
    signed_in_time: datetime | None
    revision: int = Field(description="Moves with every edit; the `ETag` of the resource is this number in quotes.")


class RoleDescription(Body):
    model_config = example({"role": "approver", "rights": ["network.read", "decisions.approve"]})

    role: Role
    rights: list[Right]


class Roles(Body):
    items: list[RoleDescription]
