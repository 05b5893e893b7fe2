"""Bodies of observed properties: what is observed, and in which unit it is kept."""

from pydantic import Field

from core.wire import Body
from telemetry.catalog.schemas import fields

_EXAMPLE = {"symbol": "COD", "unit": "mg/l", "nameVi": "Nhu cầu oxy hoá học", "nameEn": "Chemical oxygen demand"}


class NewObservedProperty(Body):
    model_config = fields.example(_EXAMPLE)

    symbol: fields.Symbol = Field(
        description="As in the regulator's table where it has one; no slash; it never changes."
    )
    unit: fields.Unit = Field(description="The unit in which results are kept; empty for pH.")
    name_vi: fields.Label
    name_en: fields.Label


class ObservedPropertyEdit(Body):
    """Members that are left out stay as they are. The unit of a property that is in use never changes."""

    unit: fields.Unit = Field(default_factory=fields.absent)
    name_vi: fields.Label = Field(default_factory=fields.absent)
    name_en: fields.Label = Field(default_factory=fields.absent)


class ObservedProperty(Body):
    model_config = fields.example(_EXAMPLE, {"datastreams": 24, "revision": 1})

    symbol: str
    unit: str
    name_vi: str
    name_en: str
    datastreams: int = Field(description="How many datastreams observe it, retired ones too.")
    revision: fields.Revision
