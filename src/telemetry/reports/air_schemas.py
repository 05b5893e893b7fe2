"""JSON of the air quality index."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from core.wire import Body, Instant
from telemetry.quality.aqi_rules import Statistic

_AT = "2026-11-23T08:00:00+07:00"

StationCode = Annotated[str, Field(examples=["TH-KK-01"])]


class AirResolution(StrEnum):
    HOUR = "hour"
    DAY = "day"


class Method(Body):
    """How the index is made."""

    code: str = Field(examples=["VN_AQI"])
    legal_source: str
    verified: bool
    minimum_percent: float = Field(description="Least share of valid data that a mean is formed of.", examples=[75])
    minimum_verified: bool = Field(description="Whether that share was confirmed by a legal text.")
    minimum_source: str


class Level(Body):
    code: str = Field(examples=["moderate"])
    name_vi: str = Field(examples=["Trung bình"])
    name_en: str = Field(examples=["Moderate"])
    colour: str = Field(examples=["#ffff00"])
    health_vi: str
    health_en: str


class Component(Body):
    """A sub-index, and the concentration that it is of."""

    symbol: str = Field(description="Of the catalogue.", examples=["PM2,5"])
    name: str = Field(examples=["PM2.5"])
    statistic: Statistic
    value: float | None = Field(description="Null where there are too few data.", examples=[20.27])
    unit: str = Field(examples=["µg/m3"])
    hours: int = Field(description="Hourly means that entered.", examples=[12])
    index: int | None = Field(ge=0, le=500, examples=[41])


class AirIndex(Body):
    """The index of one hour or day; null where neither PM10 nor PM2.5 has one."""

    period_start: Instant
    period_end: Instant = Field(description="Hours are called by their end.", examples=[_AT])
    index: int | None = Field(ge=0, le=500, examples=[59])
    level: Level | None
    dominant: str | None = Field(description="The symbol with the highest sub-index.", examples=["NO2-air"])
    components: Sequence[Component]


class DayIndex(AirIndex):
    date: str = Field(
        description="The day of UTC+7: its hours 01:00 to 00:00 of the next day.", examples=["2026-11-23"]
    )


class _Station(Body):
    station: StationCode
    method: Method


class HourlyAir(_Station):
    resolution: AirResolution = Field(examples=["hour"])
    items: Sequence[AirIndex]


class DailyAir(_Station):
    resolution: AirResolution = Field(examples=["day"])
    items: Sequence[DayIndex]


class AirNow(Body):
    station: StationCode
    hour: AirIndex = Field(description="The newest of the last three hours that has an index, or the last one.")
    day: DayIndex = Field(description="The last whole day.")


class Air(Body):
    time: Instant
    method: Method
    items: Sequence[AirNow]
