"""Bodies of what people do with alerts, and of what they are shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from core.wire import Body, WholeNumber
from telemetry.alerts.lifecycle.documents import AlertDocument
from telemetry.catalog.schemas import fields

AlertId = Annotated[WholeNumber, Field(ge=1, le=2**63 - 1)]
# As a line, with line breaks and tabs, without other control characters.
Prose = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*$", max_length=4000
    ),
    fields.Tidy,
]
Reason = fields.Source
Person = fields.Label


class Acknowledgement(Body):
    """Somebody has seen it and cares."""

    model_config = fields.example({"comment": "Đã gọi nhà máy, đang kiểm tra bơm"})

    comment: Prose | None = None


class Comment(Body):
    model_config = fields.example({"text": "Bơm số 2 ngừng từ 8 giờ; thợ đang trên đường."})

    text: Prose


class Assignment(Body):
    model_config = fields.example({"assignee": "Nguyễn Văn A"})

    assignee: Person | None = Field(description="Who takes care of it; null: nobody any more.")


class Shelving(Body):
    model_config = fields.example({"reason": "Chờ thay đầu đo, dự kiến 3 ngày", "until": "2026-11-26T08:00:00+07:00"})

    reason: Reason
    until: fields.Moment = Field(
        description="When it comes back by itself: in the future, and in 30 days at the latest."
    )


class Unshelving(Body):
    model_config = fields.example({"reason": "Đầu đo đã thay"})

    reason: fields.Note = ""


class Justified(Body):
    """A move that needs a reason."""

    model_config = fields.example({"reason": "Đã khắc phục, kiểm tra tại chỗ"})

    reason: Reason


class Named(Body):
    """Whoever does something has a name that can stand in the timeline."""

    by: Person


class Move(Body):
    """One line of an alert's timeline."""

    model_config = fields.example(
        {
            "id": 99,
            "time": "2026-11-23T01:05:00Z",
            "action": "acknowledge",
            "from": "raised",
            "to": "acknowledged",
            "actor": "staff",
            "reason": "Đã gọi nhà máy",
            "facts": {},
        }
    )

    id: int
    time: datetime
    action: str
    from_state: str | None = Field(alias="from", description="Null: it was not there before.")
    to_state: str = Field(alias="to")
    actor: str = Field(description="A person's name; `quantrac` where the data or the clock did it.")
    reason: str
    facts: dict[str, Any] = Field(description="What the move changed, as far as the alert itself does not show it.")


class WindowLimit(Body):
    """A limit that held in the data window; null bounds are open."""

    valid_from: datetime | None
    valid_to: datetime | None
    lower: float | None
    upper: float | None
    verified: bool


class DataWindow(Body):
    """Observations around the alert, as columns of one length, and the limits in force meanwhile."""

    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    truncated: bool = Field(description="There are more observations than are shown; the link leads to all.")
    phenomenon_time: Sequence[datetime]
    result: Sequence[float | None]
    quality: Sequence[str]
    device_status: Sequence[str]
    limits: Sequence[WindowLimit]


class AlertDetail(AlertDocument):
    """One alert with all that happened to it and the data that it is about."""

    possible: list[str] = Field(description="What people may ask for in its state.")
    moves: list[Move] = Field(description="Its timeline, oldest first.")
    window: DataWindow | None = Field(description="Null where the alert is about no datastream.")


class Tally(Body):
    """Open alerts, and those of them that nobody has acknowledged; shelved ones are open and count as seen."""

    open: int = 0
    unacknowledged: int = 0


class StationState(Body):
    state: str = Field(description="`lost`, `over-limit`, `faulty`, `calibrating`, `tendency`, `good`.")
    label_vi: str
    label_en: str
    colour: str
    stations: int
    by_kind: dict[str, int]


class Counts(Body):
    """For a display on the wall."""

    time: datetime
    total: Tally
    muted: int = Field(description="Open ones that lie in an accepted window; they are among the others.")
    by_severity: dict[str, Tally]
    by_kind: dict[str, Tally]
    by_station_kind: dict[str, Tally]
    by_state: dict[str, int] = Field(description="Open ones; cleared ones are not counted.")
    stations: list[StationState] = Field(description="Every station that is not retired, in exactly one state.")
