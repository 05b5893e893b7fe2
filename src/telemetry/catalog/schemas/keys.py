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
    "lastUsedTime": "2026-11-23T04:10:00Z",
    "lastUsedAddress": "198.51.100.7",
    "lastUsedChannel": "http",
}


class NewKey(Body):
    model_config = fields.example({"label": "logger, 2026", "expiresTime": None})

    label: fields.Note = Field("", description="For people: which device has it.")
    expires_time: fields.Moment | None = Field(
        None,
        description="The key stops working at this time; left out: as the settings say; null: it does not.",
    )


class KeyEdit(Body):
    """What is left out stays as it is."""

    model_config = fields.example({"expiresTime": "2027-11-23T00:00:00Z"})

    label: fields.Note = Field(default_factory=fields.absent, description="For people: which device has it.")
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
    last_used_time: datetime | None = Field(
        description="To about half a minute. Over MQTT it is known where the broker tells who is connected."
    )
    last_used_address: str | None
    last_used_channel: Literal["http", "mqtt"] | None


class IssuedKey(StationKey):
    model_config = fields.example(_SHOWN, {"key": "st_k3v9q2ab.<43 letters, digits, _ and ->"})

    key: str = Field(description="The whole key: bearer credential and MQTT password. It is shown this once.")
