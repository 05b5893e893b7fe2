"""Bodies of datastreams: one observed property at one station, and how the station writes it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from core.wire import Body, Number, YesOrNo
from telemetry.catalog.schemas import fields

_EXAMPLE = {
    "station": "TH-NT-001",
    "symbol": "NH4-N",
    "reportedUnit": "mg/l",
    "reportedAs": "NH4+",
    "factor": 0.7764412416851441,
    "rangeMin": 0.0,
    "rangeMax": 50.0,
    "mandatory": True,
    "status": "active",
    "aliases": ["Amoni", "NH4"],
}

Factor = Annotated[Number, Field(gt=0)]
Aliases = Annotated[
    list[fields.Alias],
    Field(
        max_length=50, description="How the station spells the property, beside its symbol; `m,p-Xylene`, `Nhiệtđộ`."
    ),
]


class NewDatastream(Body):
    model_config = fields.example(_EXAMPLE)

    station: fields.Code
    symbol: fields.Symbol = Field(description="Symbol of an observed property of the catalogue.")
    reported_unit: fields.Unit | None = Field(
        None, description="The unit that the station writes; the observed property's own where left out."
    )
    reported_as: fields.Unit | None = Field(
        None, description="What the instrument reports where that is not the property itself, such as `NH4+` for NH4-N."
    )
    factor: Factor | None = Field(
        None,
        description="Kept result = reported value × factor. Left out, it follows from `reportedAs` and the units where "
        "that conversion is known, and is demanded where it is not.",
    )
    range_min: Number | None = Field(None, description="Least value of the instrument, in the kept unit.")
    range_max: Number | None = Field(None, description="Greatest value of the instrument, in the kept unit.")
    mandatory: YesOrNo = True
    status: fields.DatastreamStatus = "active"
    aliases: Aliases = Field(default_factory=list)

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.range_min is not None and self.range_max is not None and self.range_min >= self.range_max:
            raise fields.MembersDisagree(
                "rangeMin is expected to be less than rangeMax", rangeMin=self.range_min, rangeMax=self.range_max
            )
        return self


class DatastreamEdit(Body):
    """Members that are left out stay as they are; `aliases` replaces all aliases; null empties a range or `reportedAs`.

    A change of unit or `reportedAs` without a factor works the factor out anew.
    """

    reported_unit: fields.Unit = Field(default_factory=fields.absent)
    reported_as: fields.Unit | None = None
    factor: Factor = Field(default_factory=fields.absent)
    range_min: Number | None = None
    range_max: Number | None = None
    mandatory: YesOrNo = Field(default_factory=fields.absent)
    status: fields.DatastreamStatus = Field(default_factory=fields.absent)
    aliases: Aliases = Field(default_factory=fields.absent)


class Datastream(Body):
    model_config = fields.example(
        _EXAMPLE, {"id": 7, "unit": "mg/l", "nameVi": "Amoni (tính theo N)", "nameEn": "Ammonium as N", "revision": 1}
    )

    id: int
    station: str
    symbol: str
    unit: str = Field(description="The unit in which results are kept.")
    name_vi: str
    name_en: str
    reported_unit: str
    reported_as: str | None
    factor: float
    range_min: float | None
    range_max: float | None
    mandatory: bool
    status: fields.DatastreamStatus
    aliases: list[str]
    revision: fields.Revision
