"""What is told of the trail."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from core.wire import Body, WholeNumber

Number = Annotated[WholeNumber, Field(ge=1, le=2**63 - 1)]


class Action(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"


class Entry(Body):
    number: int = Field(description="Without gaps, in the order in which changes were committed.", examples=[1204])
    time: datetime = Field(description="When the change was committed, by the database's clock.")
    actor: str = Field(
        description="Who did it: a user name, a token, `cli:<user of the machine>`, `watch:<round>`; "
        "`database:<login>` where a change came past the service.",
        examples=["lan.nguyen"],
    )
    address: str = Field(description="From where; empty where it came from no client.", examples=["10.20.0.7"])
    reason: str = Field(description="Why, as it was given in the header `Quantrac-Reason`.")
    login: str = Field(description="The database login of the session.", examples=["quantrac_gateway"])
    transaction: int = Field(description="Number of the transaction; entries of one change share it.")
    action: Action
    table: str = Field(description="What kind of thing was changed.", examples=["datastream_limit"])
    subject: str = Field(description="Which one: its code, id or name.", examples=["17"])
    before: dict[str, Any] | None = Field(description="What was; of an update the members that changed.")
    after: dict[str, Any] | None = Field(description="What became of it.")
    hash: str = Field(description="SHA-256 over the hash of the entry before and all members of this one.")


class Head(Body):
    number: int = Field(description="Number of the newest entry; 0 where there is none.")
    hash: str = Field(description="Its hash. Kept elsewhere, both prove later that nothing up to here was rewritten.")
    time: datetime | None = Field(description="When it was written.")


def image(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found
