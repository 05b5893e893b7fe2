"""Bodies of signing in, and of sessions."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, SecretStr, StringConstraints

from core.rights import Right
from core.wire import Body
from identity.people.passwords import LONGEST
from identity.people.schemas import DisplayName, NewGrant, NewUserName, example

_SESSION = {"id": "k3v9x0q2m7ab", "method": "password", "expiresTime": "2026-11-23T13:00:00Z"}
_SECRET = "Zb1…"  # noqa: S105 - what one looks like in the documentation
_PASSWORD = "ba con mèo trên mái nhà"  # noqa: S105 - likewise

# One that is too long is not hashed; nothing else is asked of what somebody types who signs in.
TypedPassword = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]
TypedName = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, to_lower=True)]
LinkSecret = Annotated[SecretStr, Field(min_length=1, max_length=100)]
SessionId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{12}$")]


class SignIn(Body):
    model_config = example({"userName": "nguyen.an", "password": _PASSWORD})

    user_name: TypedName
    password: TypedPassword


class Ways(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"password": True, "provider": False}]})

    password: bool
    provider: bool = Field(description="Whether `/sign-in/oidc` leads to an identity provider.")


class PasswordChange(Body):
    model_config = example({"currentPassword": "…", "newPassword": _PASSWORD})

    current_password: TypedPassword
    new_password: TypedPassword


class LinkLook(Body):
    model_config = example({"secret": _SECRET})

    secret: LinkSecret


class LinkUse(Body):
    model_config = example(
        {"secret": _SECRET, "password": _PASSWORD, "userName": "nguyen.an", "displayName": "Nguyễn Văn An"}
    )

    secret: LinkSecret
    password: TypedPassword
    user_name: NewUserName | None = Field(None, description="Of the first administrator; else it is known.")
    display_name: DisplayName | None = None


class LinkFound(Body):
    model_config = example(
        {"purpose": "new-password", "userName": "tran.binh", "displayName": "Trần Thị Bình", "expiresTime": None}
    )

    purpose: Literal["first-administrator", "new-password"]
    user_name: str | None
    display_name: str | None
    expires_time: datetime


class NewLink(Body):
    model_config = example({"path": f"/sign-in#link={_SECRET}", "expiresTime": "2026-11-24T01:00:00Z"})

    path: str = Field(description="Behind the address of this service; shown this once, and works once.")
    expires_time: datetime


class Session(Body):
    model_config = example(
        _SESSION,
        {
            "current": True,
            "address": "192.0.2.7",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/152.0",
            "createdTime": "2026-11-23T01:00:00Z",
            "seenTime": "2026-11-23T01:12:00Z",
        },
    )

    id: str = Field(description="Names the session, and opens nothing.")
    method: Literal["password", "oidc", "link"]
    current: bool = Field(description="Whether it is the one that asks.")
    address: str | None
    user_agent: str | None
    created_time: datetime
    seen_time: datetime = Field(description="Noted once a minute.")
    expires_time: datetime


class Sessions(Body):
    items: list[Session]


class Ended(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"ended": 2}]})

    ended: int


class CurrentSession(Body):
    model_config = example(_SESSION, {"idleSeconds": 1800})

    id: str
    method: Literal["password", "oidc", "link"]
    expires_time: datetime
    idle_seconds: int = Field(description="Not used for so long, it ends earlier.")


class WhoAmI(Body):
    model_config = example(
        {
            "name": "nguyen.an",
            "displayName": "Nguyễn Văn An",
            "kind": "person",
            "grants": [],
            "rights": ["network.read"],
            "mustChangePassword": False,
            "hasPassword": True,
            "session": {**_SESSION, "idleSeconds": 1800},
            "csrf": "mZ0…",
        }
    )

    name: str = Field(description="As it is written down with all that is done.")
    display_name: str | None
    kind: Literal["person", "program"]
    grants: list[NewGrant] = Field(description="What a person was given; of programs only the rights are told.")
    rights: list[Right] = Field(description="Held somewhere; the grants say where.")
    must_change_password: bool = Field(description="Until it is changed, nothing else is answered.")
    has_password: bool
    session: CurrentSession | None = Field(description="Null for a token.")
    csrf: str | None = Field(description="To be sent as `X-CSRF-Token` with every change; null for a token.")
