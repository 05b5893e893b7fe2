"""Bodies of quotas, anomalies and enrolments."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from core.wire import Body, WholeNumber
from telemetry.catalog.schemas import fields

KindName = Literal[
    "new-network",
    "two-places",
    "revoked-key",
    "expired-key",
    "wrong-station",
    "over-quota",
    "spent-code",
]
_MOST = 2**31 - 1
Most = Annotated[WholeNumber, Field(ge=1, le=_MOST)]

_OWN = {"requests": None, "readings": 120_000, "bytes": None}
_ANOMALY = {
    "id": 17,
    "kind": "new-network",
    "station": "TH-NT-001",
    "key": "st_k3v9q2ab",
    "channel": "http",
    "address": "198.51.100.7",
    "detail": "198.51.100.0/24",
    "firstTime": "2026-11-23T01:00:00Z",
    "lastTime": "2026-11-23T04:10:00Z",
    "times": 1,
}
_ENROLMENT = {
    "id": 3,
    "station": "TH-NT-001",
    "label": "logger, 2026",
    "state": "open",
    "keyExpiresTime": None,
    "createdBy": "huong.nt",
    "createdTime": "2026-11-23T01:00:00Z",
    "expiresTime": "2026-11-26T01:00:00Z",
    "usedTime": None,
    "usedAddress": None,
    "key": None,
}


class QuotaEdit(Body):
    """What a station may send in a minute; null: as the settings say. What is left out stays as it is."""

    model_config = fields.example({"readings": 120_000})

    requests: Most | None = None
    readings: Most | None = None
    bytes: Most | None = None


class Measures(Body):
    """Most in a minute, by kind."""

    requests: int
    readings: int
    bytes: int


class OwnMeasures(Body):
    """What was set for this station; null: as the settings say."""

    requests: int | None
    readings: int | None
    bytes: int | None


class StationQuota(Body):
    model_config = fields.example(
        {
            "station": "TH-NT-001",
            "own": _OWN,
            "inForce": {"requests": 6000, "readings": 120_000, "bytes": 33_554_432},
            "burstMinutes": 4,
            "pausedUntil": None,
            "revision": 1,
        }
    )

    station: str
    own: OwnMeasures
    in_force: Measures = Field(description="Most per minute at each process of the gateway.")
    burst_minutes: int = Field(description="What was not used in so many minutes may come at once.")
    paused_until: datetime | None = Field(
        description="Until then the MQTT broker does not let the station in, because it sent too much."
    )
    revision: fields.Revision


class Anomaly(Body):
    """Something odd about a station; the same of one key and day (UTC) is counted in `times`."""

    model_config = fields.example(_ANOMALY)

    id: int
    kind: KindName
    station: str
    key: str | None = Field(description="Id of the station's key, where one was shown.")
    channel: Literal["http", "mqtt"]
    address: str | None = Field(description="From where it was seen last; null: not known.")
    detail: str
    first_time: datetime
    last_time: datetime
    times: int


class NewEnrolment(Body):
    model_config = fields.example({"label": "logger, 2026", "validHours": 72})

    label: fields.Note = Field("", description="For people: which device the key is for.")
    valid_hours: Annotated[WholeNumber, Field(ge=1, le=720)] = Field(
        72, description="After so many hours the code opens nothing any more."
    )
    key_expires_time: fields.Moment | None = Field(
        None,
        description="When the key that is fetched stops working; left out: as the settings say; null: it does not.",
    )


class Enrolment(Body):
    model_config = fields.example(_ENROLMENT)

    id: int
    station: str
    label: str
    state: Literal["open", "used", "withdrawn", "expired"]
    key_expires_time: datetime | None
    created_by: str
    created_time: datetime
    expires_time: datetime
    used_time: datetime | None
    used_address: str | None = Field(description="From where the key was fetched.")
    key: str | None = Field(description="Id of the key that was fetched.")


class IssuedEnrolment(Enrolment):
    model_config = fields.example(_ENROLMENT, {"code": "K7QM-2XNB-9F4T"})

    code: str = Field(description="To be read out to whoever sets the logger up. It is shown in this answer only.")


class Redemption(Body):
    model_config = fields.example({"code": "K7QM-2XNB-9F4T"})

    code: Annotated[str, Field(max_length=100)] = Field(
        description="As it was read out; small letters, other gaps, and O for 0 do not matter."
    )


def document(anomaly: Anomaly) -> dict[str, Any]:
    """The anomaly as events carry it."""
    return anomaly.model_dump(mode="json", by_alias=True)
