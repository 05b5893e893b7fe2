"""Bodies of stations, as JSON and as GeoJSON."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from core.wire import Body, WholeNumber, YesOrNo
from telemetry.catalog.schemas import fields

_EXAMPLE = {
    "code": "TH-NT-001",
    "kind": "wastewater",
    "organization": "TH-DN-01",
    "nameVi": "Trạm nước thải số 1",
    "nameEn": "Wastewater station 1",
    "district": "Thị xã Nghi Sơn",
    "fileCode": "TH_GIAYMAU_NUO01",
    "latitude": 19.807,
    "longitude": 105.776,
    "status": "active",
    "cadenceSeconds": 300,
    "demonstration": True,
}


class NewStation(Body):
    model_config = fields.example(_EXAMPLE)

    code: fields.Code = Field(
        description="Letters, digits, `_` and `-`: it is a level of MQTT topics and never changes."
    )
    kind: fields.StationKind
    organization: fields.Code = Field(description="Code of the organization that owns the station.")
    name_vi: fields.Label
    name_en: fields.Label
    district: fields.District | None = Field(
        None, description="Administrative unit below the province; what people may do can be narrowed to some."
    )
    file_code: fields.FileCode | None = Field(
        None, description="`<province>_<facility>_<station>` as in the regulator's file names; kept in capitals."
    )
    latitude: fields.Latitude | None = Field(None, description="Degrees north, WGS 84; with a longitude or not at all.")
    longitude: fields.Longitude | None = Field(None, description="Degrees east, WGS 84.")
    status: fields.StationStatus = "active"
    cadence_seconds: WholeNumber = Field(300, ge=1, le=86400, description="A reading is expected once in this time.")
    demonstration: YesOrNo = Field(False, description="True for invented stations of the demonstration network.")

    @model_validator(mode="after")
    def _both_coordinates(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise fields.MembersDisagree(
                "latitude and longitude are expected together or not at all",
                latitude=self.latitude,
                longitude=self.longitude,
            )
        return self


class StationEdit(Body):
    """Members that are left out stay as they are; null empties the district, the file code or the coordinates."""

    kind: fields.StationKind = Field(default_factory=fields.absent)
    organization: fields.Code = Field(default_factory=fields.absent)
    name_vi: fields.Label = Field(default_factory=fields.absent)
    name_en: fields.Label = Field(default_factory=fields.absent)
    district: fields.District | None = None
    file_code: fields.FileCode | None = None
    latitude: fields.Latitude | None = None
    longitude: fields.Longitude | None = None
    status: fields.StationStatus = Field(default_factory=fields.absent)
    cadence_seconds: WholeNumber = Field(ge=1, le=86400, default_factory=fields.absent)
    demonstration: YesOrNo = Field(default_factory=fields.absent)


class Station(Body):
    model_config = fields.example(
        _EXAMPLE, {"revision": 1, "createdTime": "2026-11-01T01:00:00Z", "updatedTime": "2026-11-01T01:00:00Z"}
    )

    code: str
    kind: fields.StationKind
    organization: str
    name_vi: str
    name_en: str
    district: str | None
    file_code: str | None
    latitude: float | None
    longitude: float | None
    status: fields.StationStatus
    cadence_seconds: int
    demonstration: bool
    revision: fields.Revision
    created_time: datetime
    updated_time: datetime


class Point(BaseModel):
    type: Literal["Point"] = "Point"
    coordinates: tuple[float, float] = Field(description="Longitude, latitude (RFC 7946).")


class StationFeature(Body):
    """A station as a GeoJSON feature; geometry is null where no coordinates are known."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Point | None
    properties: Station

    @classmethod
    def of(cls, station: Station) -> Self:
        located = station.longitude is not None and station.latitude is not None
        point = Point(coordinates=(station.longitude or 0.0, station.latitude or 0.0)) if located else None
        return cls(id=station.code, geometry=point, properties=station)


class StationFeatures(Body):
    """Stations as a GeoJSON feature collection, with the cursor of the next page as a foreign member."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[StationFeature]
    next_cursor: str | None = None
