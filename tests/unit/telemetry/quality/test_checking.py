"""Quality checks: a table of single cases, and generated groups against a plain-Python oracle."""

import itertools
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.catalog import snapshot
from telemetry.quality import checking
from telemetry.quality.flags import Quality, Reason
from telemetry.readings import DeviceStatus
from telemetry.readings import Reason as RefusalReason

_SECOND = 10**6
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
_NOW = 1_795_000_000 * _SECOND
_WINDOW = checking.Window()

_STATION = snapshot.StationEntry(
    id=1, code="TH-NT-001", kind="wastewater", status="active", cadence_seconds=300, file_code=None
)


def _stream(number: int, low: float | None, high: float | None) -> snapshot.DatastreamEntry:
    return snapshot.DatastreamEntry(
        id=number,
        station_id=1,
        symbol=f"S{number}",
        unit="mg/l",
        reported_unit="mg/l",
        factor=1.0,
        range_min=low,
        range_max=high,
        status="active",
    )


def _limit(
    stream: int,
    from_us: int,
    to_us: int = snapshot.OPEN_END_US,
    *,
    lower: float | None = None,
    upper: float | None = None,
    verified: bool = True,
) -> snapshot.LimitEntry:
    return snapshot.LimitEntry(stream, from_us, to_us, lower, upper, verified)


def _columns(streams: list[snapshot.DatastreamEntry], limits: list[snapshot.LimitEntry]) -> snapshot.Columns:
    return snapshot.build(1, [_STATION], streams, [], limits, []).columns


_RANGES: dict[int, tuple[float | None, float | None]] = {
    1: (-5.0, 100.0),
    2: (0.0, 14.0),
    3: (None, None),
    4: (None, 50.0),
    5: (0.0, 10.0),
    6: (0.0, 10.0),
    7: (-1.7e308, 1.7e308),
}

# 1: everything known, the limit fell a day ago; 2: pH, between two limits, unverified; 3: nothing known;
# 4: only an upper end; 5: a limit of the past, nothing since; 6: a gap between two limits.
_TABLE = _columns(
    [
        _stream(number, low, high)
        for number, (low, high) in _RANGES.items()
    ],
    [
        _limit(1, _NOW - 500 * _DAY, _NOW - _DAY, upper=80.0),
        _limit(1, _NOW - _DAY, upper=60.0),
        _limit(2, _NOW - 500 * _DAY, lower=6.0, upper=9.0, verified=False),
        _limit(5, _NOW - 9 * _DAY, _NOW - 8 * _DAY, upper=5.0),
        _limit(6, _NOW - 9 * _DAY, _NOW - 8 * _DAY, upper=5.0),
        _limit(6, _NOW - 2 * _DAY, upper=7.0, verified=False),
    ],
)  # fmt: skip


def _check_one(
    stream: int, value: float, *, age: int = 0, status: int = 0
) -> tuple[Quality, Reason, RefusalReason | None]:
    checked = checking.check(
        _TABLE,
        np.array([stream]),
        np.array([_NOW - age]),
        np.array([value]),
        np.array([status], np.int16),
        _NOW,
        _WINDOW,
    )
    return (
        Quality(int(checked.quality[0])),
        Reason(int(checked.reasons[0])),
        checking.REFUSALS[int(checked.refusal[0])],
    )


@pytest.mark.parametrize(
    ("stream", "value", "age", "status", "quality", "reasons"),
    [
        pytest.param(1, 40.0, 0, 0, Quality.PASS, Reason.NONE, id="a calm reading"),
        pytest.param(1, -1.6, 0, 0, Quality.PASS, Reason.NONE, id="a negative result inside the range"),
        pytest.param(1, 40.0, 0, 1, Quality.FAIL, Reason.CALIBRATING, id="calibrating"),
        pytest.param(1, 40.0, 0, 2, Quality.FAIL, Reason.DEVICE_FAULT, id="faulty"),
        pytest.param(1, 99.0, 0, 2, Quality.FAIL, Reason.DEVICE_FAULT, id="a faulty device exceeds no limit"),
        pytest.param(1, -9999.0, 0, 2, Quality.FAIL, Reason.DEVICE_FAULT, id="a faulty device leaves no range"),
        pytest.param(1, 100.0, 0, 1, Quality.FAIL, Reason.CALIBRATING, id="a calibration saturates nothing"),
        pytest.param(1, 100.0, 0, 0, Quality.SUSPECT, Reason.SATURATED | Reason.ABOVE_LIMIT, id="at the upper end"),
        pytest.param(1, 100.00001, 0, 0, Quality.SUSPECT, Reason.SATURATED | Reason.ABOVE_LIMIT, id="a hair above it"),
        pytest.param(1, 99.99999, 0, 0, Quality.SUSPECT, Reason.SATURATED | Reason.ABOVE_LIMIT, id="a hair below it"),
        pytest.param(1, 99.9, 0, 0, Quality.PASS, Reason.ABOVE_LIMIT, id="near the upper end"),
        pytest.param(1, -5.0, 0, 0, Quality.SUSPECT, Reason.SATURATED, id="at the lower end"),
        pytest.param(1, 60.0, 0, 0, Quality.PASS, Reason.NONE, id="exactly at the limit"),
        pytest.param(1, 60.1, 0, 0, Quality.PASS, Reason.ABOVE_LIMIT, id="above the limit in force now"),
        pytest.param(1, 70.0, 2 * _DAY, 0, Quality.PASS, Reason.LATE, id="below the limit in force then"),
        pytest.param(
            1, 70.0, _DAY, 0, Quality.PASS, Reason.LATE | Reason.ABOVE_LIMIT, id="the first instant of a limit"
        ),
        pytest.param(1, 70.0, _DAY + 1, 0, Quality.PASS, Reason.LATE, id="the last instant of a limit"),
        pytest.param(
            2, 5.9, 0, 0, Quality.PASS, Reason.BELOW_LIMIT | Reason.LIMIT_UNVERIFIED, id="below an unverified limit"
        ),
        pytest.param(
            2, 9.1, 0, 0, Quality.PASS, Reason.ABOVE_LIMIT | Reason.LIMIT_UNVERIFIED, id="above an unverified limit"
        ),
        pytest.param(2, 7.0, 0, 0, Quality.PASS, Reason.NONE, id="inside an unverified limit"),
        pytest.param(3, 1e12, 0, 0, Quality.NOT_EVALUATED, Reason.NO_RANGE, id="no range known"),
        pytest.param(3, 1e100, 0, 0, Quality.NOT_EVALUATED, Reason.NO_RANGE, id="as far as any result may be"),
        pytest.param(7, 5.0, 0, 0, Quality.PASS, Reason.NONE, id="a range as wide as the floats"),
        pytest.param(3, 1.0, 0, 1, Quality.FAIL, Reason.NO_RANGE | Reason.CALIBRATING, id="no range, calibrating"),
        pytest.param(4, -1e9, 0, 0, Quality.PASS, Reason.NONE, id="an open lower end"),
        pytest.param(4, 50.0, 0, 0, Quality.SUSPECT, Reason.SATURATED, id="the one known end"),
        pytest.param(5, 6.0, 0, 0, Quality.PASS, Reason.NONE, id="after the last limit"),
        pytest.param(5, 6.0, 9 * _DAY - 1, 0, Quality.PASS, Reason.LATE | Reason.ABOVE_LIMIT, id="while it held"),
        pytest.param(5, 6.0, 20 * _DAY, 0, Quality.PASS, Reason.LATE, id="before the first limit"),
        pytest.param(6, 9.0, 5 * _DAY, 0, Quality.PASS, Reason.LATE, id="between two limits"),
        pytest.param(1, 40.0, _HOUR, 0, Quality.PASS, Reason.NONE, id="one hour old"),
        pytest.param(1, 40.0, _HOUR + 1, 0, Quality.PASS, Reason.LATE, id="older than one hour"),
        pytest.param(1, 40.0, -1, 0, Quality.PASS, Reason.CLOCK_AHEAD, id="ahead of the clock"),
        pytest.param(1, 40.0, -600 * _SECOND, 0, Quality.PASS, Reason.CLOCK_AHEAD, id="ten minutes ahead"),
        pytest.param(1, 40.0, 400 * _DAY, 0, Quality.PASS, Reason.LATE, id="400 days old"),
    ],
)
def test_a_reading_that_is_kept_has_its_quality_and_reasons(
    stream: int, value: float, age: int, status: int, quality: Quality, reasons: Reason
) -> None:
    assert _check_one(stream, value, age=age, status=status) == (quality, reasons, None)


@pytest.mark.parametrize(
    ("stream", "value", "age", "status", "refusal"),
    [
        pytest.param(1, nan, 0, 0, RefusalReason.NOT_FINITE, id="NaN"),
        pytest.param(1, inf, 0, 0, RefusalReason.NOT_FINITE, id="infinity"),
        pytest.param(3, -inf, 0, 0, RefusalReason.NOT_FINITE, id="infinity where no range is known"),
        pytest.param(1, nan, 0, 2, RefusalReason.NOT_FINITE, id="NaN of a faulty device"),
        pytest.param(1, nan, 401 * _DAY, 0, RefusalReason.NOT_FINITE, id="NaN of long ago"),
        pytest.param(1, 40.0, 400 * _DAY + 1, 0, RefusalReason.TOO_OLD, id="too old"),
        pytest.param(1, 40.0, -600 * _SECOND - 1, 0, RefusalReason.IN_FUTURE, id="in the future"),
        pytest.param(1, 40.0, -600 * _SECOND - 1, 2, RefusalReason.IN_FUTURE, id="a faulty device in the future"),
        pytest.param(1, 100.1, 0, 0, RefusalReason.OUT_OF_RANGE, id="above the range"),
        pytest.param(1, -5.1, 0, 0, RefusalReason.OUT_OF_RANGE, id="below the range"),
        pytest.param(4, 51.0, 0, 0, RefusalReason.OUT_OF_RANGE, id="above the one known end"),
        pytest.param(3, 1.01e100, 0, 0, RefusalReason.OUT_OF_RANGE, id="what no instrument shows, no range known"),
        pytest.param(3, -1.7e308, 0, 0, RefusalReason.OUT_OF_RANGE, id="the same, negative"),
        pytest.param(4, -1.7e308, 0, 0, RefusalReason.OUT_OF_RANGE, id="the same beyond an open end"),
        pytest.param(7, 1.5e100, 0, 0, RefusalReason.OUT_OF_RANGE, id="the same within a range that is none"),
        pytest.param(1, 100.1, 401 * _DAY, 0, RefusalReason.TOO_OLD, id="the time is told before the range"),
    ],
)
def test_a_reading_that_is_refused_says_why_and_never_passes(
    stream: int, value: float, age: int, status: int, refusal: RefusalReason
) -> None:
    assert _check_one(stream, value, age=age, status=status) == (Quality.FAIL, Reason.NONE, refusal)


def test_an_empty_group_is_judged_to_nothing() -> None:
    none = np.array([], np.int64)
    checked = checking.check(_TABLE, none, none, np.array([], np.float64), None, _NOW, _WINDOW)
    assert len(checked.quality) == len(checked.reasons) == len(checked.refusal) == 0


def test_another_catalogue_is_judged_by_its_own_bounds() -> None:
    wide = _columns([_stream(1, 0.0, 1000.0)], [])
    narrow = _columns([_stream(1, 0.0, 10.0)], [])
    one, time, value = np.array([1]), np.array([_NOW]), np.array([500.0])
    for columns, refusal in ((wide, 0), (narrow, 4), (wide, 0)):
        assert checking.check(columns, one, time, value, None, _NOW, _WINDOW).refusal[0] == refusal


@dataclass(frozen=True)
class _Case:
    stream: int
    time_us: int
    value: float
    status: int
    received_us: int


_EDGES = [-5.1, -5.0, 0.0, 5.0, 5.5, 6.0, 7.0, 9.0, 10.0, 14.0, 50.0, 60.0, 70.0, 80.0, 100.0, 100.1, nan, inf, -inf]
_AGES = [0, -1, -600 * _SECOND, -600 * _SECOND - 1, _HOUR, _HOUR + 1, _DAY, _DAY + 1, 2 * _DAY, 8 * _DAY, 9 * _DAY]
_values = st.one_of(st.sampled_from(_EDGES), st.floats(-20, 120))
_ages = st.one_of(st.sampled_from(_AGES), st.integers(-_HOUR, 402 * _DAY))


@st.composite
def _cases(draw: st.DrawFn) -> _Case:
    received_us = _NOW + draw(st.integers(0, 10 * _SECOND))
    return _Case(
        stream=draw(st.integers(1, 6)),
        time_us=received_us - draw(_ages),
        value=draw(_values),
        status=draw(st.sampled_from([0, 0, 0, 0, 1, 2])),
        received_us=received_us,
    )


def _oracle_limit(case: _Case) -> tuple[float | None, float | None, bool]:
    spans: dict[int, list[tuple[int, int | None, float | None, float, bool]]] = {
        1: [(_NOW - 500 * _DAY, _NOW - _DAY, None, 80.0, True), (_NOW - _DAY, None, None, 60.0, True)],
        2: [(_NOW - 500 * _DAY, None, 6.0, 9.0, False)],
        5: [(_NOW - 9 * _DAY, _NOW - 8 * _DAY, None, 5.0, True)],
        6: [(_NOW - 9 * _DAY, _NOW - 8 * _DAY, None, 5.0, True), (_NOW - 2 * _DAY, None, None, 7.0, False)],
    }
    for begin, end, lower, upper, verified in spans.get(case.stream, []):
        if begin <= case.time_us and (end is None or case.time_us < end):
            return lower, upper, verified
    return None, None, True


def _oracle_refusal(case: _Case) -> int:
    low, high = _RANGES[case.stream]
    age = case.received_us - case.time_us
    if not isfinite(case.value):
        return 1
    if age > 400 * _DAY:
        return 2
    if age < -600 * _SECOND:
        return 3
    margin = ((high - low) if low is not None and high is not None else (high or 0.0)) * 1e-6
    outside = (low is not None and case.value < low - margin) or (high is not None and case.value > high + margin)
    return 4 if outside and case.status == DeviceStatus.MEASURING else 0


def _oracle_judgement(case: _Case) -> tuple[int, int]:
    low, high = _RANGES[case.stream]
    quality, reasons = Quality.PASS, Reason.NONE
    age = case.received_us - case.time_us
    if age > _HOUR:
        reasons |= Reason.LATE
    if age < 0:
        reasons |= Reason.CLOCK_AHEAD
    if high is None:
        quality, reasons = Quality.NOT_EVALUATED, reasons | Reason.NO_RANGE
    if case.status != DeviceStatus.MEASURING:
        return Quality.FAIL, reasons | (Reason.CALIBRATING if case.status == 1 else Reason.DEVICE_FAULT)
    margin = ((high - low) if low is not None and high is not None else (high or 0.0)) * 1e-6
    if (low is not None and case.value <= low + margin) or (high is not None and case.value >= high - margin):
        quality, reasons = Quality.SUSPECT, reasons | Reason.SATURATED
    lower, upper, verified = _oracle_limit(case)
    beyond = Reason.NONE
    if lower is not None and case.value < lower:
        beyond |= Reason.BELOW_LIMIT
    if upper is not None and case.value > upper:
        beyond |= Reason.ABOVE_LIMIT
    if beyond and not verified:
        beyond |= Reason.LIMIT_UNVERIFIED
    return quality, reasons | beyond


def _oracle(case: _Case) -> tuple[int, int, int]:
    refusal = _oracle_refusal(case)
    if refusal:
        return Quality.FAIL, 0, refusal
    quality, reasons = _oracle_judgement(case)
    return quality, reasons, 0


@settings(max_examples=300, deadline=None)
@given(st.lists(_cases(), min_size=1, max_size=60))
def test_groups_are_judged_as_one_reading_at_a_time_would_be(cases: list[_Case]) -> None:
    checked = checking.check(
        _TABLE,
        np.array([case.stream for case in cases]),
        np.array([case.time_us for case in cases]),
        np.array([case.value for case in cases]),
        np.array([case.status for case in cases], np.int16),
        np.array([case.received_us for case in cases]),
        _WINDOW,
    )
    found = list(zip(checked.quality.tolist(), checked.reasons.tolist(), checked.refusal.tolist(), strict=True))
    assert found == [_oracle(case) for case in cases]


@settings(max_examples=100, deadline=None)
@given(st.lists(_cases(), min_size=1, max_size=30))
def test_no_status_column_means_that_all_were_measuring(cases: list[_Case]) -> None:
    columns = (
        np.array([case.stream for case in cases]),
        np.array([case.time_us for case in cases]),
        np.array([case.value for case in cases]),
    )
    without = checking.check(_TABLE, *columns, None, _NOW, _WINDOW)
    with_zeros = checking.check(_TABLE, *columns, np.zeros(len(cases), np.int16), _NOW, _WINDOW)
    assert without.quality.tolist() == with_zeros.quality.tolist()
    assert without.reasons.tolist() == with_zeros.reasons.tolist()
    assert without.refusal.tolist() == with_zeros.refusal.tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.lists(st.integers(-5, 600), min_size=1, max_size=40))
def test_the_limit_is_the_one_in_force_however_often_it_changed(lengths: list[int], times: list[int]) -> None:
    starts: list[int] = list(itertools.accumulate(lengths, initial=0))
    limits = [_limit(1, begin, end, upper=float(begin)) for begin, end in itertools.pairwise(starts)]
    columns = _columns([_stream(1, -1.0, 10_000.0), _stream(2, -1.0, 10_000.0)], [*limits, _limit(2, 0, upper=1.0)])
    at = np.array(times)
    value = np.array([float(max((begin for begin in starts if begin <= time), default=0)) + 0.5 for time in times])
    checked = checking.check(columns, np.ones(len(at), np.int64), at, value, None, at, _WINDOW)
    expected = [16 if 0 <= time < starts[-1] else 0 for time in times]
    assert (checked.reasons & Reason.ABOVE_LIMIT).tolist() == expected
