"""An alert as everybody is given it: over HTTP, in events, in hooks and in mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import Field

from core import instants
from core.wire import Body
from telemetry.alerts.lifecycle import titles
from telemetry.alerts.lifecycle.lives import Alert, Step
from telemetry.catalog.schemas import fields

_EXAMPLE = {
    "id": 4711,
    "kind": "over-limit",
    "severity": "warning",
    "state": "raised",
    "station": "TH-NT-001",
    "organization": "TH-DN-01",
    "symbol": "COD",
    "datastream": 7,
    "raisedTime": "2026-11-23T01:00:00Z",
    "lastTime": "2026-11-23T01:20:00Z",
    "clearedTime": None,
    "clearedReason": None,
    "detectedTime": "2026-11-23T01:00:03Z",
    "closedTime": None,
    "historical": False,
    "title": {
        "vi": "TH-NT-001: COD vượt giới hạn: 182,4 mg/l (giới hạn 150 mg/l)",
        "en": "TH-NT-001: COD over its limit: 182.4 mg/l (limit 150 mg/l)",
    },
    "detail": {"peak": 182.4, "peakTime": "2026-11-23T01:10:00Z", "limit": 150.0, "bound": "upper", "unit": "mg/l"},
    "assignee": None,
    "acknowledgedBy": None,
    "acknowledgedTime": None,
    "shelvedBy": None,
    "shelvedUntil": None,
    "shelvedReason": None,
    "escalationLevel": 0,
    "escalateTime": "2026-11-23T02:00:03Z",
    "muted": False,
    "mutedBy": None,
    "reraised": 0,
    "revision": 1,
    "links": {"self": "/v1/alerts/4711", "station": "/v1/stations/TH-NT-001"},
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about, by the names that people know; all None for the network as a whole."""

    station: str | None = None
    station_kind: str | None = None
    organization: str | None = None
    symbol: str | None = None
    unit: str | None = None


class Title(Body):
    vi: str
    en: str


class AlertDocument(Body):
    model_config = fields.example(_EXAMPLE)

    id: int
    kind: str
    severity: str
    state: str
    station: str | None = Field(description="Code of the station; null: it is about the network as a whole.")
    organization: str | None = Field(description="Code of the organization that owns the station.")
    symbol: str | None
    datastream: int | None = Field(description="Id of the datastream; null: it is about the station as a whole.")
    raised_time: datetime = Field(description="When the condition began, by the time of the readings.")
    last_time: datetime = Field(description="When the condition was last seen, by the time of the readings.")
    cleared_time: datetime | None = Field(description="When the condition ended; null: it goes on.")
    cleared_reason: str | None = Field(
        description="`condition`: it ended. `by-hand`: a person closed it. `withdrawn`: later data show that it never "
        "was. `merged`: it was part of another."
    )
    detected_time: datetime = Field(description="When the service found it.")
    closed_time: datetime | None = Field(description="When the service or a person closed it.")
    historical: bool = Field(description="It was over, or long begun, when it was found: nobody is called for it.")
    title: Title
    detail: dict[str, Any] = Field(description="Figures of the kind: peak, limit, unit, counts and their times.")
    assignee: str | None
    acknowledged_by: str | None
    acknowledged_time: datetime | None
    shelved_by: str | None
    shelved_until: datetime | None
    shelved_reason: str | None
    escalation_level: int
    escalate_time: datetime | None = Field(description="When it escalates unless somebody acknowledges it.")
    muted: bool = Field(description="It lies in an accepted maintenance or calibration window: nobody is called.")
    muted_by: int | None = Field(description="Id of that window.")
    reraised: int = Field(description="How often it came back.")
    revision: fields.Revision
    links: dict[str, str]


def document(alert: Alert, subject: Subject) -> AlertDocument:
    vi, en = titles.of(alert.kind, subject.station, subject.symbol, alert.detail)
    return AlertDocument(
        id=alert.id,
        kind=alert.kind,
        severity=alert.severity,
        state=alert.state.value,
        station=subject.station,
        organization=subject.organization,
        symbol=subject.symbol,
        datastream=alert.datastream_id,
        raised_time=alert.raised_time,
        last_time=alert.last_time,
        cleared_time=alert.cleared_time,
        cleared_reason=alert.cleared_reason,
        detected_time=alert.detected_time,
        closed_time=alert.closed_time,
        historical=alert.historical,
        title=Title(vi=vi, en=en),
        detail=dict(alert.detail),
        assignee=alert.assignee,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_time=alert.acknowledged_time,
        shelved_by=alert.shelved_by,
        shelved_until=alert.shelved_until,
        shelved_reason=alert.shelved_reason,
        escalation_level=alert.escalation_level,
        escalate_time=alert.escalate_time,
        muted=alert.muted_by is not None,
        muted_by=alert.muted_by,
        reraised=alert.reraised_n,
        revision=alert.revision,
        links=_links(alert, subject),
    )


def _links(alert: Alert, subject: Subject) -> dict[str, str]:
    links = {"self": f"/v1/alerts/{alert.id}"}
    if subject.station is None:
        return links
    links["station"] = f"/v1/stations/{quote(subject.station, safe='')}"
    if alert.datastream_id is not None:
        links["observations"] = f"/v1/observations?datastream={alert.datastream_id}"
        links["rule"] = (
            f"/v1/alert-rules/effective?station={quote(subject.station, safe='')}"
            f"&symbol={quote(subject.symbol or '', safe='')}&kind={alert.kind}"
        )
    return links


def payload(step: Step, subject: Subject) -> dict[str, Any]:
    """What an event says of a move: the alert after it, and the change."""
    change: Mapping[str, Any] = {
        "action": step.action.value,
        "from": step.from_state,
        "to": step.after.state.value,
        "actor": step.actor,
        "reason": step.reason,
        "time": instants.text(step.time),
        "facts": dict(step.facts),
    }
    return {"alert": document(step.after, subject).model_dump(mode="json"), "change": dict(change)}
