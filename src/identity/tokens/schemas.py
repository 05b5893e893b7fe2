"""Bodies of tokens; the secret is in the answer that makes one and nowhere else."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from core.rights import Right
from core.wire import Body, Instant
from identity.people import schemas as people
from identity.people.schemas import KeptGrant, NewGrant, example

TokenId = Annotated[str, StringConstraints(pattern=r"^qt_[a-z0-9]{8}$")]
_SHOWN = {
    "id": "qt_k3v9q2ab",
    "label": "dashboard of the centre",
    "state": "live",
    "createdBy": "nguyen.an",
    "createdTime": "2026-11-23T01:00:00Z",
    "expiresTime": "2027-02-21T01:00:00Z",
    "revokedTime": None,
    "usedTime": None,
    "usedAddress": None,
}
_PERSONAL = {"user": "nguyen.an", "rights": ["network.read"]}
_GRANT = {"role": "viewer", "stationKinds": ["ambient"], "organizations": None, "districts": None, "domains": None}
_SECRET = {"token": "qt_k3v9q2ab.<43 letters, digits, _ and ->"}

Label = people.DisplayName
State = Literal["live", "expired", "revoked"]


class NewToken(Body):
    model_config = example({"label": "dashboard of the centre", "rights": ["network.read"], "expiresTime": None})

    label: Label = Field(description="For people: which program has it.")
    rights: Annotated[list[Right], Field(min_length=1)] | None = Field(
        None,
        description="All that it may be used for, of what its person may do then; null: everything but "
        "`people.manage` and `decisions.approve`, which no personal token does.",
    )
    expires_time: Instant | None = Field(
        None, description="When it stops working; null: as late as the settings allow."
    )


class NewServiceToken(Body):
    model_config = example({"label": "dashboard of the centre", "grants": [_GRANT], "expiresTime": None})

    label: Label = Field(description="For people: which program has it.")
    grants: Annotated[list[NewGrant], Field(min_length=1, max_length=50)] = Field(
        description="What it may do, and where; that never changes. `approver` is for people alone."
    )
    expires_time: Instant | None = Field(
        None, description="When it stops working; null: as late as the settings allow."
    )


class _Token(Body):
    id: str = Field(description="Public half of the token; stands in logs and in the trail.")
    label: str
    state: State
    created_by: str
    created_time: datetime
    expires_time: datetime
    revoked_time: datetime | None
    used_time: datetime | None = Field(description="When it was last used, to the minute.")
    used_address: str | None


class Token(_Token):
    model_config = example(_SHOWN, _PERSONAL)

    user: str
    rights: list[Right] | None


class NewlyMade(Token):
    model_config = example(_SHOWN, _PERSONAL, _SECRET)

    token: str = Field(description="The whole token: bearer credential. It is shown this once.")


class ServiceToken(_Token):
    model_config = example(_SHOWN, {"grants": [_GRANT]})

    grants: list[KeptGrant]


class NewlyMadeService(ServiceToken):
    model_config = example(_SHOWN, {"grants": [_GRANT]}, _SECRET)

    token: str = Field(description="The whole token: bearer credential. It is shown this once.")
