"""Bodies of webhooks and of their deliveries."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from core.wire import Body, Instant, WholeNumber
from telemetry.catalog.schemas import fields
from telemetry.hooks.filters import FilterEdit, Kept, NewFilters
from telemetry.hooks.webhooks.guarding import LONGEST_URL

State = Literal["pending", "delivered", "dead"]

Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL), fields.Tidy]
OverlapHours = Annotated[WholeNumber, Field(ge=0, le=168)]

_FILTERS = {
    "eventTypes": ["alert.raised", "alert.cleared", "verdict.*"],
    "alertKinds": None,
    "leastSeverity": "warning",
    "stations": None,
    "stationKinds": ["wastewater"],
    "organizations": ["TH-DN-01"],
    "history": False,
}
_EXAMPLE = {"url": "https://alarms.example.vn/quantrac", "description": "Phòng điều hành"} | _FILTERS
_SECRET = "whsec_" + "A" * 43 + "="


class NewWebhook(NewFilters):
    """Whom to tell of what.

    A filter that is left out or null takes everything. One that is given takes only events that have what it names:
    with `leastSeverity` alone verdicts are left out, for they have none.
    """

    model_config = fields.example(_EXAMPLE)

    url: Url = Field(
        description="Address that deliveries are posted to; https, and public unless the settings list it."
    )
    description: fields.Note = Field("", description="Whose it is; shown to the staff.")


class WebhookEdit(FilterEdit):
    """Members that are left out stay as they are; null opens a filter."""

    url: Url = Field(default_factory=fields.absent)
    description: fields.Note = Field(default_factory=fields.absent)


class Webhook(Kept):
    model_config = fields.example(
        {"id": 1},
        _EXAMPLE,
        {
            "enabled": True,
            "disabledReason": None,
            "disabledTime": None,
            "failuresInRow": 0,
            "failingSince": None,
            "pausedUntil": None,
            "secrets": 1,
            "formerSecretUntil": None,
            "pending": 0,
            "dead": 0,
            "createdBy": "staff",
            "createdTime": "2026-11-23T08:00:00Z",
            "revision": 1,
        },
    )

    url: str
    description: str
    enabled: bool
    disabled_reason: Literal["by-hand", "gone", "failing"] | None = Field(
        description="`gone`: the receiver answered 410; `failing`: nothing arrived for days."
    )
    disabled_time: datetime | None
    failures_in_row: int = Field(description="Attempts that failed since the last one that arrived.")
    failing_since: datetime | None
    paused_until: datetime | None = Field(description="Nothing is sent until then, because too much failed.")
    secrets: int = Field(description="Live secrets: 2 while a former one still signs too.")
    former_secret_until: datetime | None
    pending: int = Field(description="Deliveries that wait.")
    dead: int = Field(description="Dead letters: given up, and kept for a replay.")
    created_by: str
    created_time: datetime
    revision: fields.Revision


class WebhookWithSecret(Body):
    """The only answer that shows the secret."""

    model_config = fields.example({"secret": _SECRET})

    webhook: Webhook
    secret: str = Field(
        repr=False, description="Verifies deliveries, with any library of Standard Webhooks. Not shown again."
    )


class Rotation(Body):
    model_config = fields.example({"overlapHours": 24})

    overlap_hours: OverlapHours = Field(
        24, description="How long the former secret signs beside the new one; 0 where it became known to others."
    )


class Delivery(Body):
    model_config = fields.example(
        {
            "id": 7,
            "webhookId": "msg_5f1f0a6f3c1f4c4f9d1f0a6f3c1f4c4f",
            "eventId": 42,
            "type": "alert.raised",
            "occurredTime": "2026-11-23T08:00:00Z",
            "state": "delivered",
            "createdTime": "2026-11-23T08:00:00.2Z",
            "attempts": 1,
            "nextTime": None,
            "closedTime": "2026-11-23T08:00:00.4Z",
            "lastStatus": 204,
            "lastError": "",
        }
    )

    id: int
    webhook_id: str = Field(description="The header `webhook-id`, the same at every attempt.")
    event_id: int | None = Field(description="Null for a test.")
    type: str
    occurred_time: datetime
    state: State
    created_time: datetime
    attempts: int = Field(description="Attempts since it was written or replayed.")
    next_time: datetime | None
    closed_time: datetime | None = Field(description="When it was delivered or given up.")
    last_status: int | None
    last_error: str


class Attempt(Body):
    started_time: datetime
    milliseconds: int
    address: str | None = Field(description="The IP address that was connected to.")
    status: int | None
    error: str
    answer: str = Field(description="The beginning of what the receiver said.")


class DeliveryInFull(Body):
    delivery: Delivery
    body: str = Field(description="What is signed and sent, byte for byte.")
    attempts: list[Attempt]


class ReplayWish(Body):
    model_config = fields.example({"since": "2026-11-20T00:00:00+07:00"})

    since: Instant = Field(description="Dead letters that were given up at this time or later.")


class Replayed(Body):
    model_config = fields.example({"deliveries": 12})

    deliveries: int = Field(description="How many are due again.")


class Queued(Body):
    model_config = fields.example({"delivery": 8})

    delivery: int = Field(description="Its fate is told by the webhook's deliveries.")
