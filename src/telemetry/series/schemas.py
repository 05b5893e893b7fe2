"""JSON of series: latest values, observations, buckets, completeness, and the legend of quality."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from core.instants import Zone
from core.wire import Body, Instant
from telemetry.catalog.schemas.fields import StationKind
from telemetry.series.spans import Resolution

_AT = "2026-11-23T08:00:00+07:00"

Quality = Annotated[
    int, Field(ge=1, le=4, description="QARTOD flag; the legend is at /v1/quality-flags.", examples=[1])
]
Reasons = Annotated[list[str], Field(description="Reasons by slug, as in the legend.", examples=[["above-limit"]])]
DeviceStatus = Annotated[str, Field(description="00 measuring, 01 calibrating, 02 faulty.", examples=["00"])]
Symbol = Annotated[str, Field(examples=["COD"])]
Unit = Annotated[str, Field(examples=["mg/l"])]


class LimitState(Body):
    """The limit that held at the phenomenon time, and how the result stands to it."""

    lower: float | None
    upper: float | None
    verified: bool = Field(description="Whether the limit's number was confirmed.")
    state: Literal["within", "above", "below"]


class LatestObservation(Body):
    """The newest observation of one datastream; its members are null where there is none in the last 400 days.

    Where the intake takes older ones, its window counts instead.
    """

    station: str = Field(examples=["TH-NT-001"])
    kind: StationKind
    datastream: int
    symbol: Symbol
    unit: Unit
    phenomenon_time: Instant | None = Field(examples=[_AT])
    age_seconds: int | None = Field(description="Since the phenomenon time; negative where a clock runs ahead.")
    overdue: bool = Field(description="No observation for one cadence and 15 minutes: the connection is lost.")
    result: float | None
    quality: Quality | None
    reasons: Reasons
    device_status: DeviceStatus | None
    limit: LimitState | None = Field(description="Null where no limit holds or no result can be compared.")
    receipt: int | None = Field(description="The submission that brought it.")


class Latest(Body):
    time: Instant = Field(description="When the question was answered; ages count from here.")
    items: Sequence[LatestObservation]


class Observation(Body):
    """One observation, or with `gap` true an expected one that is missing."""

    datastream: int
    symbol: Symbol
    unit: Unit
    phenomenon_time: Instant = Field(
        description="Of a gap: the beginning of the step without observation.", examples=[_AT]
    )
    result: float | None
    quality: Quality | None
    reasons: Reasons
    device_status: DeviceStatus | None
    receipt: int | None = Field(description="The submission that brought it.")
    gap: bool


class Bucket(Body):
    """One hour, or one day of UTC+7, of one datastream. Mean, least and greatest are of valid observations only."""

    datastream: int
    symbol: Symbol
    unit: Unit
    bucket_start: Instant = Field(examples=[_AT])
    complete: bool = Field(description="False while the bucket has not ended.")
    expected: int = Field(description="Observations of the whole bucket at the station's cadence.", examples=[12])
    received: int = Field(examples=[12])
    valid: int = Field(description="Neither calibrating nor faulty; only these enter the figures.", examples=[11])
    suspect: int = Field(description="Of the valid ones, how many are suspect.", examples=[0])
    mean: float | None
    least: float | None
    greatest: float | None


class _Series(Body):
    station: str = Field(examples=["TH-NT-001"])
    resolution: Resolution
    zone: Zone
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


class Observations(_Series):
    items: Sequence[Observation]


class Buckets(_Series):
    items: Sequence[Bucket]


class ObservationColumns(Body):
    """Observations of one datastream, all arrays of the same length; null stands at gaps. `reasons` are bits."""

    datastream: int
    symbol: Symbol
    unit: Unit
    phenomenon_time: Sequence[Instant]
    result: Sequence[float | None]
    quality: Sequence[int | None]
    reasons: Sequence[int | None]
    device_status: Sequence[str | None]
    receipt: Sequence[int | None]


class BucketColumns(Body):
    """Buckets of one datastream, all arrays of the same length."""

    datastream: int
    symbol: Symbol
    unit: Unit
    bucket_start: Sequence[Instant]
    complete: Sequence[bool]
    expected: Sequence[int]
    received: Sequence[int]
    valid: Sequence[int]
    suspect: Sequence[int]
    mean: Sequence[float | None]
    least: Sequence[float | None]
    greatest: Sequence[float | None]


class ObservationsInColumns(_Series):
    columns: Sequence[ObservationColumns]


class BucketsInColumns(_Series):
    columns: Sequence[BucketColumns]


class Share(Body):
    """Steps of the cadence that have an observation, and a valid one; percents have two decimals.

    A step counts once however many readings it has, so that no share is more than 100 % and no burst hides a gap.
    """

    expected: int = Field(description="Steps of the cadence in the span.", examples=[288])
    received: int = Field(description="Steps with at least one observation.", examples=[280])
    valid: int = Field(description="Steps with at least one valid observation.", examples=[276])
    received_percent: float | None = Field(description="received / expected; null: not applicable.", examples=[97.22])
    valid_percent: float | None = Field(description="valid / expected; null: not applicable.", examples=[95.83])


class DatastreamShare(Share):
    datastream: int
    symbol: Symbol


class StationShare(Share):
    station: str = Field(examples=["TH-NT-001"])
    kind: StationKind
    datastreams: Sequence[DatastreamShare]


class Completeness(Body):
    begin: Instant = Field(alias="from")
    end: Instant = Field(alias="to", description="Not after now: nothing is expected of the future.")
    total: Share
    stations: Sequence[StationShare]


class Flag(Body):
    value: int
    name: str
    meaning: str


class ReasonBit(Body):
    bit: int
    name: str
    label_vi: str
    label_en: str


class DeviceState(Body):
    code: str
    name: str


class Legend(Body):
    """What the numbers and names in series mean."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "qualities": [{"value": 1, "name": "pass", "meaning": "…"}],
                    "reasons": [{"bit": 16, "name": "above-limit", "labelVi": "…", "labelEn": "…"}],
                    "deviceStatuses": [{"code": "00", "name": "measuring"}],
                }
            ]
        }
    )

    qualities: Sequence[Flag]
    reasons: Sequence[ReasonBit]
    device_statuses: Sequence[DeviceState]
