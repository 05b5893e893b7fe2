"""Bodies of station keys; the secret is in the answer that issues it and nowhere else."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from core.wire import Body
from telemetry.catalog.schemas import fields

_SHOWN = {
    "id": "st_k3v9q2ab",
    "station": "TH-NT-001",
    "label": "logger, 2026",
    "state": "live",
    "createdTime": "2026-11-23T01:00:00Z",
    "expiresTime": None,
    "revokedTime": None,
}


class NewKey(Body):
    model_config = fields.example({"label": "logger, 2026", "expiresTime": None})

    label: fields.Note = Field("", description="For people: which device has it.")
    expires_time: fields.Moment | None = Field(
        None, description="The key stops working at this time; null: it does not."
    )


class StationKey(Body):
    model_config = fields.example(_SHOWN)

    id: str = Field(description="Public half of the key; also the MQTT user name and client id.")
    station: str
    label: str
    state: Literal["live", "expired", "revoked"]
    created_time: datetime
    expires_time: datetime | None
    revoked_time: datetime | None


class IssuedKey(StationKey):
    model_config = fields.example(_SHOWN, {"key": "st_k3v9q2ab.<43 letters, digits, _ and ->"})

    key: str = Field(description="The whole key: bearer credential and MQTT password. It is shown this once.")
