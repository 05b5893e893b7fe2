"""Bodies of rule sets: technical regulations with their base limits, before a station's coefficients."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from core.wire import Body, Number, YesOrNo
from telemetry.catalog.schemas import fields

_BASE = {
    "symbol": "COD",
    "averaging": "24h",
    "lower": None,
    "upper": 150.0,
    "scaled": True,
    "oxygenReference": None,
    "limitUnit": None,
}
_EXAMPLE = {
    "code": "QCVN-40-2011-B",
    "nameVi": "Nước thải công nghiệp, cột B",
    "nameEn": "Industrial wastewater, column B",
    "legalSource": "QCVN 40:2011/BTNMT",
    "confidence": "95 %, from memory, spot-checked",
    "verified": False,
}


class BaseLimit(Body):
    """The limit of one observed property in its kept unit."""

    symbol: fields.Symbol
    averaging: fields.Averaging
    lower: Number | None = None
    upper: Number | None = None
    scaled: YesOrNo = Field(
        True, description="Whether coefficients multiply it: not for temperature, colour, pH, coliform."
    )
    oxygen_reference: fields.OxygenReference | None = None
    limit_unit: fields.LimitUnit | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        fields.check_bounds(self.lower, self.upper)
        return self


BaseLimits = Annotated[list[BaseLimit], Field(max_length=500)]


class NewRuleSet(Body):
    model_config = fields.example(_EXAMPLE, {"limits": [_BASE]})

    code: fields.RuleSetCode = Field(description="It never changes.")
    name_vi: fields.Label
    name_en: fields.Label
    legal_source: fields.Source = Field(description="The legal text that the numbers come from.")
    confidence: fields.Source = Field(description="How sure it is that the numbers are the text's, in words.")
    verified: YesOrNo = Field(False, description="True once a person compared every number with the legal text.")
    limits: BaseLimits = Field(default_factory=list)


class RuleSetEdit(Body):
    """Members that are left out stay as they are. Limits that were applied to stations before do not change."""

    name_vi: fields.Label = Field(default_factory=fields.absent)
    name_en: fields.Label = Field(default_factory=fields.absent)
    legal_source: fields.Source = Field(default_factory=fields.absent)
    confidence: fields.Source = Field(default_factory=fields.absent)
    verified: YesOrNo = Field(default_factory=fields.absent)
    limits: BaseLimits = Field(default_factory=fields.absent, description="Replaces all base limits.")


class RuleSetSummary(Body):
    model_config = fields.example(_EXAMPLE, {"revision": 1})

    code: str
    name_vi: str
    name_en: str
    legal_source: str
    confidence: str
    verified: bool
    revision: fields.Revision


class KeptBaseLimit(Body):
    symbol: str
    unit: str
    averaging: fields.Averaging
    lower: float | None
    upper: float | None
    scaled: bool
    oxygen_reference: float | None = None
    limit_unit: str | None = None


class RuleSet(RuleSetSummary):
    model_config = fields.example(_EXAMPLE, {"revision": 1, "limits": [{**_BASE, "unit": "mg/l"}]})

    limits: list[KeptBaseLimit]
