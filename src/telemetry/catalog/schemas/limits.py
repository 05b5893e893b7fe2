"""Bodies of limits: what holds for one datastream over one span of time, and where it comes from."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from core import instants
from core.wire import Body, Number, YesOrNo
from telemetry.catalog.schemas import fields

_SPAN = {"validFrom": "2026-01-01T00:00:00+07:00", "validTo": None}
_PERMIT = {
    "station": "TH-NT-001",
    "symbol": "COD",
    "averaging": "24h",
    "lower": None,
    "upper": 120.0,
    "legalSource": "Giấy phép môi trường số 123/GPMT-UBND",
    "confidence": "read from the permit",
    "verified": True,
}

Coefficient = Annotated[Number, Field(gt=0, le=2)]


class Span(Body):
    """A span of time, half open: `validFrom` belongs to it, `validTo` does not; null is an open end."""

    valid_from: fields.Moment
    valid_to: fields.Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_from >= self.valid_to:
            raise fields.MembersDisagree(
                "validFrom is expected to be before validTo",
                validFrom=instants.text(self.valid_from),
                validTo=instants.text(self.valid_to),
            )
        return self


class NewLimit(Span):
    """A limit of the station's permit; it goes before every rule set."""

    model_config = fields.example(_PERMIT, _SPAN)

    station: fields.Code
    symbol: fields.Symbol
    averaging: fields.Averaging
    lower: Number | None = None
    upper: Number | None = None
    oxygen_reference: fields.OxygenReference | None = None
    limit_unit: fields.LimitUnit | None = None
    legal_source: fields.Source
    confidence: fields.Source
    verified: YesOrNo = False

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        fields.check_bounds(self.lower, self.upper)
        return self


class LimitEdit(Body):
    """Members that are left out stay as they are. Bounds that come from a rule set cannot be edited."""

    lower: Number | None = None
    upper: Number | None = None
    oxygen_reference: fields.OxygenReference | None = None
    limit_unit: fields.LimitUnit | None = None
    valid_to: fields.Moment | None = None
    legal_source: fields.Source = Field(default_factory=fields.absent)
    confidence: fields.Source = Field(default_factory=fields.absent)
    verified: YesOrNo = Field(default_factory=fields.absent)


class Coefficients(Body):
    """Kq and Kf for wastewater (QCVN 40:2011), Kp and Kv for flue gas (QCVN 19:2009); never of both."""

    # Written as the regulations write them, not in camelCase.
    kq: Coefficient | None = Field(None, alias="Kq", description="By the water that receives the discharge.")
    kf: Coefficient | None = Field(None, alias="Kf", description="By the flow of the discharge.")
    kp: Coefficient | None = Field(None, alias="Kp", description="By the flow of the stack.")
    kv: Coefficient | None = Field(None, alias="Kv", description="By the zone of the facility.")

    @model_validator(mode="after")
    def _one_family(self) -> Self:
        given = self.given()
        if given.keys() & {"Kq", "Kf"} and given.keys() & {"Kp", "Kv"}:
            raise fields.MembersDisagree(
                "Kq and Kf (wastewater) or Kp and Kv (flue gas) are expected, not both", **given
            )
        return self

    def given(self) -> dict[str, float]:
        named = {"Kq": self.kq, "Kf": self.kf, "Kp": self.kp, "Kv": self.kv}
        return {name: value for name, value in named.items() if value is not None}


class RuleSetApplication(Span):
    """A rule set for every datastream of a station that it has a base limit for."""

    model_config = fields.example({"ruleSet": "QCVN-40-2011-B", "coefficients": {"Kq": 0.9, "Kf": 1.1}}, _SPAN)

    rule_set: fields.RuleSetCode
    coefficients: Coefficients = Coefficients()
    replace: YesOrNo = Field(False, description="Replace the limits that a rule set gave from the same `validFrom` on.")
    end_others: YesOrNo = Field(
        False, description="Let the station's limits from rule sets that hold then end at `validFrom`."
    )


class Limit(Body):
    model_config = fields.example(
        _PERMIT,
        _SPAN,
        {
            "id": 12,
            "datastream": 7,
            "unit": "mg/l",
            "basis": "permit",
            "ruleSet": None,
            "baseLower": None,
            "baseUpper": 120.0,
            "coefficients": {},
            "oxygenReference": None,
            "limitUnit": None,
            "enteredTime": "2026-01-01T00:00:00Z",
            "revision": 1,
        },
    )

    id: int
    station: str
    datastream: int = Field(description="Id of the datastream.")
    symbol: str
    unit: str
    basis: fields.Basis
    rule_set: str | None
    averaging: fields.Averaging
    valid_from: datetime
    valid_to: datetime | None = Field(description="The first moment at which it no longer holds; null: an open end.")
    base_lower: float | None
    base_upper: float | None
    coefficients: dict[str, float] = Field(
        description="Names and values as applied; `lower` = `baseLower` × their product."
    )
    lower: float | None
    upper: float | None
    oxygen_reference: float | None = Field(
        description="Oxygen content in % that averages are corrected to; single readings are not compared then."
    )
    limit_unit: str | None = Field(
        description="The unit of the bounds, where it is not the kept one; single readings are not compared then."
    )
    legal_source: str
    confidence: str
    verified: bool = Field(description="False: nobody compared the number with the legal text yet.")
    entered_time: datetime
    revision: fields.Revision


class LimitInForce(Limit):
    decisive: bool = Field(
        description="True for the one limit of the datastream that single readings are compared with: a permit's "
        "before a rule set's, then the shortest averaging window, then the newest `validFrom`."
    )


class Applied(Body):
    """What came of applying a rule set."""

    limits: list[Limit]
    without_limit: list[str] = Field(
        description="Active datastreams of the station that the rule set says nothing about."
    )
    without_datastream: list[str] = Field(description="Properties of the rule set that the station does not observe.")
    ended: int = Field(description="Limits that now end at `validFrom`.")
