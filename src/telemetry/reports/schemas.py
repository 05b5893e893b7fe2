"""JSON of reports: the rows of each kind, their totals, and the policy that they were made by."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from core.wire import Body, Instant
from telemetry.catalog.schemas.fields import StationKind

_AT = "2026-11-23T08:00:00+07:00"

StationCode = Annotated[str, Field(examples=["TH-KT-001"])]
Symbol = Annotated[str, Field(examples=["SO2"])]
Unit = Annotated[str, Field(examples=["mg/Nm3"])]
Date = Annotated[str, Field(description="A day of UTC+7.", pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-11-23"])]
Month = Annotated[str, Field(description="A month of UTC+7.", pattern=r"^\d{4}-\d{2}$", examples=["2026-11"])]
Percent = Annotated[
    float | None, Field(description="With two decimals; null where the denominator is 0.", examples=[97.22])
]
Value = Annotated[float | None, Field(description="Of valid observations; null where there are none.", examples=[41.5])]
HourEnd = Annotated[Instant | None, Field(description="An hour is called by its end.", examples=[_AT])]


class _Counts(Body):
    """Observations; an hour counts no more of them than the cadence has steps in it."""

    expected: int = Field(description="Steps of the cadence.", examples=[288])
    received: int = Field(examples=[280])
    valid: int = Field(description="Neither calibrating nor faulty.", examples=[276])
    received_percent: Percent = Field(description="received / expected.")
    valid_percent: Percent = Field(description="valid / expected.")


class _Availability(_Counts):
    """Hours of datastreams: those of several are added up."""

    hours: int = Field(description="Hours of the span that have ended.", examples=[720])
    excused_hours: int = Field(description="In an accepted window of maintenance or calibration.", examples=[4])
    required_hours: int = Field(description="The others.", examples=[716])
    available_hours: int = Field(description="Required hours with enough valid data.", examples=[700])
    available_percent: Percent = Field(description="availableHours / requiredHours.")


class _Statistics(Body):
    mean: Value
    least: Value
    greatest: Value


class _Stream(Body):
    station: StationCode
    kind: StationKind
    symbol: Symbol
    unit: Unit


class DayRow(_Counts, _Statistics, _Stream):
    date: Date
    hours: int = Field(description="Hours of the day that the report covers.", examples=[24])
    complete: bool = Field(description="Whether these are all hours of the day.")
    sufficient: bool = Field(description="Whether enough of the expected observations are valid.")


class HourlyMaximumRow(_Stream):
    date: Date
    hours: int = Field(examples=[24])
    sufficient_hours: int = Field(description="Hours with enough valid data; only these have a mean.", examples=[23])
    sufficient_percent: Percent = Field(description="sufficientHours / hours.")
    maximum: Value = Field(description="The highest 1-hour mean of the day.")
    hour_end: HourEnd


class MonthRow(_Availability, _Statistics, _Stream):
    month: Month
    maximum_hourly_mean: Value
    hour_end: HourEnd


class AvailabilityRow(_Availability):
    month: Month
    station: StationCode
    kind: StationKind
    datastreams: int = Field(examples=[8])


class ExceedanceRow(_Stream):
    averaging: Literal["1h", "8h", "24h", "year"]
    period_start: Instant
    period_end: Instant
    mean: float
    lower: float | None
    upper: float | None
    ratio: float | None = Field(description="mean / upper, where that is exceeded.")
    least: Value
    least_time: Instant | None
    greatest: Value
    greatest_time: Instant | None
    valid: int
    received: int
    expected: int
    rule_set: str | None = Field(description="Null where a permit sets the limit.", examples=["QCVN-19-2009-B"])
    basis: Literal["rule_set", "permit"]
    legal_source: str
    limit_verified: bool = Field(description="Whether the limit's number was confirmed.")
    judged_time: Instant
    former_verdicts: int = Field(description="How often the period was judged otherwise before.")
    verdict: int = Field(description="Number of the verdict.")


class DisconnectionRow(Body):
    station: StationCode
    kind: StationKind
    basis: Literal["gap", "alert"] = Field(
        description="`gap`: data are missing. `alert`: they were missing when the alert was raised and came later."
    )
    last_time: Instant | None = Field(description="The last observation before; null where none is known.")
    opened_time: Instant = Field(description="When the first observation was missing.")
    closed_time: Instant | None = Field(description="The next observation; null while the outage lasts.")
    duration_seconds: int = Field(description="Up to now while it lasts.", examples=[5400])
    seconds_in_span: int = Field(description="What of it lies in the report's span.", examples=[5400])
    alert: int | None = Field(description="Number of the alert that was raised for it.")
    window: int | None = Field(description="Number of the accepted window that it touches.")


class _CoverageTotal(Body):
    rows: int
    expected: int
    received: int
    valid: int
    received_percent: Percent
    valid_percent: Percent


class _AvailabilityTotal(_CoverageTotal):
    hours: int
    excused_hours: int
    required_hours: int
    available_hours: int
    available_percent: Percent


class _MaximumTotal(Body):
    rows: int
    hours: int
    sufficient_hours: int
    sufficient_percent: Percent


class _ExceedanceTotal(Body):
    rows: int
    exceeded: int
    judged: int = Field(description="Verdicts `compliant` and `exceeded`.")
    insufficient_data: int
    not_judged: int = Field(description="Verdicts `cannot-be-judged`.")
    exceeded_percent: Percent = Field(description="exceeded / judged.")


class _DisconnectionTotal(Body):
    rows: int
    stations: int
    outages: int = Field(description="Gaps in the data.")
    seconds: int = Field(description="The span, once for each station.")
    connected_seconds: int
    connected_percent: Percent = Field(description="connectedSeconds / seconds.")


class _Report(Body):
    begin: Instant = Field(alias="from")
    end: Instant = Field(alias="to", description="The last whole hour before now where the span is not over.")
    minimum_percent: float = Field(description="Least share of valid data that a mean is formed of.", examples=[75])
    minimum_verified: bool = Field(description="Whether that share was confirmed by a legal text.")
    grace_seconds: int = Field(description="How long beyond its cadence a station may be silent.", examples=[900])


class DayReport(_Report):
    report: Literal["day"]
    items: Sequence[DayRow]
    total: _CoverageTotal


class HourlyMaximumReport(_Report):
    report: Literal["hourly-maximum"]
    items: Sequence[HourlyMaximumRow]
    total: _MaximumTotal


class MonthReport(_Report):
    report: Literal["month"]
    items: Sequence[MonthRow]
    total: _AvailabilityTotal


class AvailabilityReport(_Report):
    report: Literal["availability"]
    items: Sequence[AvailabilityRow]
    total: _AvailabilityTotal


class ExceedanceReport(_Report):
    report: Literal["exceedance"]
    items: Sequence[ExceedanceRow]
    total: _ExceedanceTotal


class DisconnectionReport(_Report):
    report: Literal["disconnection"]
    items: Sequence[DisconnectionRow]
    total: _DisconnectionTotal


AnyReport = HourlyMaximumReport | DayReport | MonthReport | AvailabilityReport | ExceedanceReport | DisconnectionReport
