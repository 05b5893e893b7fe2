"""Bodies of alert rules: what is looked for, for whom, and how strictly."""

from typing import Annotated, Literal

from pydantic import Field

from core.wire import Body, Number, WholeNumber, YesOrNo
from telemetry.alerts.kinds import Kind, Severity
from telemetry.alerts.rules.book import Rule
from telemetry.catalog.schemas import fields

_LONGEST = 30 * 86_400
_VALUES = {
    "enabled": True,
    "severity": "warning",
    "raiseAfterSeconds": 600,
    "clearAfterSeconds": 300,
    "hysteresis": 0.02,
    "escalateAfterSeconds": 7200,
    "parameters": {"share": 0.85},
    "source": "Thoả thuận với nhà máy, 11/2026",
    "verified": False,
}
_KEY = {"kind": "tendency", "stationKind": None, "symbol": "COD", "station": "TH-NT-001"}

Delay = Annotated[WholeNumber, Field(ge=0, le=_LONGEST, description="Seconds of the readings' time.")]
Escalation = Annotated[
    WholeNumber, Field(ge=60, le=_LONGEST, description="Seconds without acknowledgement; null: it never escalates.")
]
Hysteresis = Annotated[
    Number, Field(ge=0, lt=1, description="Share of the threshold by which a value must get better to end it.")
]
Parameters = Annotated[
    dict[str, Number],
    Field(max_length=20, description="What only the kind knows; what is left out comes from wider rules."),
]


class AlertRuleValues(Body):
    """All of a rule but for whom it holds."""

    model_config = fields.example(_VALUES)

    enabled: YesOrNo = True
    severity: Severity
    raise_after_seconds: Delay = 0
    clear_after_seconds: Delay = 0
    hysteresis: Hysteresis = 0.0
    escalate_after_seconds: Escalation | None = None
    parameters: Parameters = Field(default_factory=dict)
    source: fields.Note = Field("", description="Where the numbers come from.")
    verified: YesOrNo = Field(False, description="True once somebody compared them with a text that binds.")


class NewAlertRule(AlertRuleValues):
    """A rule holds for the stations of a kind, a property, a station, or what is named together; null is for all."""

    model_config = fields.example(_KEY, _VALUES)

    kind: Kind
    station_kind: fields.StationKind | None = None
    symbol: fields.Symbol | None = Field(None, description="Symbol of the observed property.")
    station: fields.Code | None = Field(None, description="Code of the station.")


class AlertRuleEdit(Body):
    """Members that are left out stay as they are; `parameters` replaces all of them."""

    model_config = fields.example({"escalateAfterSeconds": 3600})

    enabled: YesOrNo = Field(default_factory=fields.absent)
    severity: Severity = Field(default_factory=fields.absent)
    raise_after_seconds: Delay = Field(default_factory=fields.absent)
    clear_after_seconds: Delay = Field(default_factory=fields.absent)
    hysteresis: Hysteresis = Field(default_factory=fields.absent)
    escalate_after_seconds: Escalation | None = None
    parameters: Parameters = Field(default_factory=fields.absent)
    source: fields.Note = Field(default_factory=fields.absent)
    verified: YesOrNo = Field(default_factory=fields.absent)


class AlertRule(Body):
    model_config = fields.example({"id": 12, "origin": "kept"}, _KEY, _VALUES, {"revision": 1})

    id: int | None = Field(description="Null for a rule that the service comes with.")
    origin: Literal["kept", "packaged"] = Field(
        description="`packaged`: it comes with the service; a rule for the same subject takes its place."
    )
    kind: Kind
    station_kind: fields.StationKind | None
    symbol: str | None
    station: str | None
    enabled: bool
    severity: Severity
    raise_after_seconds: int
    clear_after_seconds: int
    hysteresis: float
    escalate_after_seconds: int | None
    parameters: dict[str, float]
    source: str
    verified: bool
    revision: int | None


class EffectiveRule(AlertRule):
    """The rule that holds, with every parameter of its kind: from it, from wider rules, or by default."""


def shown(rule: Rule, rule_id: int | None, revision: int | None) -> AlertRule:
    origin: Literal["kept", "packaged"] = "packaged" if rule_id is None else "kept"
    return AlertRule(**dict(rule), id=rule_id, origin=origin, revision=revision)
