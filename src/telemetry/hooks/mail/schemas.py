"""Bodies of mail subscriptions and of the mails that were sent for them."""

from datetime import datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from core.wire import Body, Instant, WholeNumber, YesOrNo
from telemetry.catalog.schemas import fields
from telemetry.hooks.filters import EventTypes, FilterEdit, Kept, NewFilters, Severity
from telemetry.hooks.mail.addresses import Address

Language = Literal["vi", "en"]
MailState = Literal["pending", "sent", "dead"]


def _clock(value: Any) -> Any:
    """`22:00`, as people write it; nothing finer, and no offset."""
    if isinstance(value, time):
        return value
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except (TypeError, ValueError):
        raise ValueError("a time of day such as 22:00 is expected") from None


ClockTime = Annotated[
    time,
    BeforeValidator(_clock, json_schema_input_type=str),
    PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str),
]
DigestMinutes = Annotated[WholeNumber, Field(ge=1, le=10_080)]

# What calls for somebody, and that it is over.
_USUAL: list[Any] = ["alert.raised", "alert.reraised", "alert.escalated", "alert.cleared"]
_EXAMPLE = {
    "address": "phongquantrac@example.vn",
    "description": "Phòng quan trắc, trực ban",
    "language": "vi",
    "eventTypes": _USUAL,
    "alertKinds": None,
    "leastSeverity": "warning",
    "stations": None,
    "stationKinds": ["wastewater", "flue_gas"],
    "organizations": None,
    "history": False,
    "digestMinutes": 15,
    "quietFrom": "22:00",
    "quietTo": "06:00",
    "breakThrough": "critical",
    "enabled": True,
}


class NewMailSubscription(NewFilters):
    """Who is written to about what.

    A filter that is null takes everything; one that is given takes only events that have what it names. Alerts in an
    accepted maintenance or calibration window are not told.
    """

    model_config = fields.example(_EXAMPLE)

    address: Address = Field(description="One address, in ASCII and without a name.")
    description: fields.Note = Field("", description="Whose it is; shown to the staff.")
    language: Language = Field("vi", description="The language of the mails.")
    event_types: EventTypes | None = Field(
        default_factory=lambda: list(_USUAL),
        description="Types of events, or groups of them (`alert.*`); where left out, what calls for somebody.",
    )
    digest_minutes: DigestMinutes | None = Field(
        None, description="One mail for all that came in this time; null: a mail for each, at once."
    )
    quiet_from: ClockTime | None = Field(
        None,
        description="Begin of the quiet hours by the clock of Vietnam; what comes then is told together after them.",
    )
    quiet_to: ClockTime | None = Field(None, description="Their end; before `quietFrom` where they go over midnight.")
    break_through: Severity | None = Field(
        None, description="Alerts of this severity or a greater one wait for neither digest nor quiet hours."
    )
    enabled: YesOrNo = Field(True, description="False: nothing is sent, and what waits is dropped.")

    @model_validator(mode="after")
    def _quiet_hours_have_two_ends(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_to is None) or (
            self.quiet_from is not None and self.quiet_from == self.quiet_to
        ):
            raise fields.MembersDisagree(
                "two different times, or neither, are expected", quietFrom=self.quiet_from, quietTo=self.quiet_to
            )
        return self


class MailSubscriptionEdit(FilterEdit):
    """Members that are left out stay as they are; null opens a filter and takes a digest or quiet hours away."""

    address: Address = Field(default_factory=fields.absent)
    description: fields.Note = Field(default_factory=fields.absent)
    language: Language = Field(default_factory=fields.absent)
    digest_minutes: DigestMinutes | None = None
    quiet_from: ClockTime | None = None
    quiet_to: ClockTime | None = None
    break_through: Severity | None = None
    enabled: YesOrNo = Field(default_factory=fields.absent)


class MailSubscription(Kept):
    model_config = fields.example(
        {"id": 1},
        _EXAMPLE,
        {
            "waiting": 3,
            "pending": 0,
            "dead": 0,
            "createdBy": "staff",
            "createdTime": "2026-11-23T08:00:00Z",
            "revision": 1,
        },
    )

    address: str
    description: str
    language: Language
    digest_minutes: int | None
    quiet_from: ClockTime | None
    quiet_to: ClockTime | None
    break_through: Severity | None
    enabled: bool
    waiting: int = Field(description="Events that wait for a digest or the end of the quiet hours.")
    pending: int = Field(description="Mails that wait for the server.")
    dead: int = Field(description="Dead letters: given up, and kept for a replay.")
    created_by: str
    created_time: datetime
    revision: fields.Revision


class Mail(Body):
    model_config = fields.example(
        {
            "id": 7,
            "messageId": "<5f1f0a6f3c1f4c4f9d1f0a6f3c1f4c4f@example.vn>",
            "test": False,
            "events": 1,
            "state": "sent",
            "createdTime": "2026-11-23T08:00:00.2Z",
            "attempts": 1,
            "nextTime": None,
            "closedTime": "2026-11-23T08:00:00.9Z",
            "lastCode": 250,
            "lastError": "",
        }
    )

    id: int
    message_id: str = Field(description="The header `Message-ID`, the same at every attempt.")
    test: bool
    events: int = Field(description="How many events it tells of.")
    state: MailState = Field(description="`sent`: the server took it. `dead`: given up, kept for a replay.")
    created_time: datetime
    attempts: int = Field(description="Attempts since it was written or replayed.")
    next_time: datetime | None
    closed_time: datetime | None = Field(description="When the server took it or it was given up.")
    last_code: int | None = Field(description="What the server answered last.")
    last_error: str


class QueuedMail(Body):
    model_config = fields.example({"mail": 8})

    mail: int = Field(description="Its fate is told by the subscription's mails.")


class MailReplayWish(Body):
    model_config = fields.example({"since": "2026-11-20T00:00:00+07:00"})

    since: Instant = Field(description="Dead letters that were given up at this time or later.")


class MailsReplayed(Body):
    model_config = fields.example({"mails": 12})

    mails: int = Field(description="How many are due again.")
