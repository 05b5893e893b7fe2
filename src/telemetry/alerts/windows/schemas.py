"""Bodies of windows: when a station may be silent or calibrate without calling anybody."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from core.wire import Body, Number, YesOrNo
from telemetry.alerts.lifecycle.schemas import Reason
from telemetry.alerts.windows.moves import WindowKind, WindowState
from telemetry.catalog.schemas import fields

_SPAN = {"from": "2026-11-24T08:00:00+07:00", "to": "2026-11-24T10:00:00+07:00"}
_EXAMPLE = {
    "kind": "calibration",
    "station": "TH-NT-001",
    "symbol": "COD",
    "reason": "Hiệu chuẩn định kỳ quý 4",
    "standards": [75.0, 150.0],
    "tolerance": 5.0,
}

Begin = Annotated[fields.Moment, Field(alias="from", description="The first moment that belongs to it.")]
End = Annotated[fields.Moment, Field(alias="to", description="The first moment that no longer belongs to it.")]
Standards = Annotated[
    list[Number], Field(max_length=10, description="Of a calibration: values of the standards, in the property's unit.")
]
Tolerance = Annotated[
    Number | None, Field(ge=0, description="Of a calibration: the deviation that is allowed, in the property's unit.")
]


class WindowValues(Body):
    """What may be changed while it is a draft."""

    symbol: fields.Symbol | None = Field(None, description="Only this property; null: all of the station.")
    begin: Begin
    end: End
    reason: Reason
    standards: Standards = Field(default_factory=list)
    tolerance: Tolerance = None


class NewWindow(WindowValues):
    model_config = fields.example(_EXAMPLE, _SPAN, {"draft": False})

    kind: WindowKind
    station: fields.Code | None = Field(None, description="May be left out where a station's key asks.")
    draft: YesOrNo = Field(False, description="Not asked for yet; a draft can be edited.")


class WindowEdit(Body):
    """Members that are left out stay as they are."""

    model_config = fields.example({"to": "2026-11-24T11:00:00+07:00"})

    symbol: fields.Symbol | None = None
    begin: Begin = Field(default_factory=fields.absent, alias="from")
    end: End = Field(default_factory=fields.absent, alias="to")
    reason: Reason = Field(default_factory=fields.absent)
    standards: Standards = Field(default_factory=fields.absent)
    tolerance: Tolerance = None


class Decision(Body):
    model_config = fields.example({"reason": "Kế hoạch đã được duyệt"})

    reason: fields.Note = ""


class Refusal(Body):
    model_config = fields.example({"reason": "Trùng với đợt lấy mẫu kiểm tra"})

    reason: Reason


class WindowMove(Body):
    """One line of a window's timeline."""

    time: datetime
    action: str
    actor: str
    reason: str


class Window(Body):
    model_config = fields.example(
        {"id": 8},
        _EXAMPLE,
        _SPAN,
        {
            "state": "accepted",
            "datastream": 7,
            "requestedBy": "st_3f9k2m7q",
            "requestedTime": "2026-11-23T01:00:00Z",
            "decidedBy": "staff",
            "decidedTime": "2026-11-23T02:00:00Z",
            "decisionReason": "",
            "hindsight": False,
            "moves": [{"time": "2026-11-23T01:00:00Z", "action": "request", "actor": "st_3f9k2m7q", "reason": ""}],
            "revision": 2,
        },
    )

    id: int
    kind: WindowKind
    station: str
    symbol: str | None
    datastream: int | None
    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    state: WindowState
    reason: str
    standards: list[float]
    tolerance: float | None
    requested_by: str
    requested_time: datetime
    decided_by: str | None
    decided_time: datetime | None
    decision_reason: str
    hindsight: bool = Field(description="It was accepted after it had begun.")
    moves: list[WindowMove] = Field(description="Its timeline, oldest first.")
    revision: fields.Revision
