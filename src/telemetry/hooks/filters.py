"""Which events somebody is told of: the filters that webhooks and mail subscriptions have in common."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from core.wire import Body, YesOrNo
from telemetry.alerts import kinds
from telemetry.alerts.lifecycle import workflow
from telemetry.catalog.schemas import fields

# Each with its group.
_GROUPS = {
    "alert": tuple(dict.fromkeys(workflow.EVENTS.values())),
    "verdict": ("verdict.exceeded", "verdict.changed"),
    "station": (
        "station.connected",
        "station.disconnected",
        "station.anomaly",
        "station.enrolled",
        "station.key-expiring",
    ),
    "webhook": ("webhook.disabled",),
    "trail": ("trail.head",),
}
EVENT_TYPES: tuple[str, ...] = tuple(name for group, members in _GROUPS.items() for name in (f"{group}.*", *members))
ALERT_KINDS: tuple[str, ...] = tuple(kind.value for kind in kinds.Kind)
SEVERITIES: tuple[str, ...] = tuple(severity.value for severity in kinds.Severity)

if TYPE_CHECKING:
    EventType = str
    AlertKind = str
    Severity = str
else:
    # What alerts themselves are told with, so that it is written once.
    EventType = Literal[EVENT_TYPES]
    AlertKind = Literal[ALERT_KINDS]
    Severity = Literal[SEVERITIES]

EventTypes = Annotated[list[EventType], Field(min_length=1, max_length=50)]
AlertKinds = Annotated[list[AlertKind], Field(min_length=1, max_length=50)]
Codes = Annotated[list[fields.Code], Field(min_length=1, max_length=1000)]
StationKinds = Annotated[list[fields.StationKind], Field(min_length=1, max_length=10)]


class NewFilters(Body):
    """A filter that is null takes everything; one that is given takes only events that have what it names."""

    event_types: EventTypes | None = Field(
        None,
        description="Types of events, or groups of them (`alert.*`). `webhook.disabled` and `trail.head` are told only "
        "where named.",
    )
    alert_kinds: AlertKinds | None = Field(None, description="Only alerts of these kinds.")
    least_severity: Severity | None = Field(None, description="Only alerts of this severity or a greater one.")
    stations: Codes | None = Field(None, description="Only events of these stations, by their codes.")
    station_kinds: StationKinds | None = Field(None, description="Only events of stations of these kinds.")
    organizations: Codes | None = Field(None, description="Only events of these organizations, by their codes.")
    history: YesOrNo = Field(False, description="Whether to tell also what had been over long before it was known.")


class FilterEdit(Body):
    """Members that are left out stay as they are; null opens a filter."""

    event_types: EventTypes | None = None
    alert_kinds: AlertKinds | None = None
    least_severity: Severity | None = None
    stations: Codes | None = None
    station_kinds: StationKinds | None = None
    organizations: Codes | None = None
    history: YesOrNo = Field(default_factory=fields.absent)


class Kept(Body):
    """A receiver or subscription with its filters."""

    id: int
    event_types: list[str] | None
    alert_kinds: list[str] | None
    least_severity: Severity | None
    stations: list[str] | None
    station_kinds: list[str] | None
    organizations: list[str] | None
    history: bool
