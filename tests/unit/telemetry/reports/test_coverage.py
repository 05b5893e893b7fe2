"""Hours put together to days and months, against a plain loop over the hours."""

import math
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import instants
from telemetry.reports import coverage, hours
from telemetry.reports.coverage import Coverage
from telemetry.reports.hours import HOUR_US, Hours
from telemetry.series.spans import Grid

NAN = math.nan
_SECOND = 10**6
# A midnight of UTC+7.
MIDNIGHT = instants.to_us(datetime(2026, 11, 22, 17, tzinfo=UTC))
FIVE_MINUTES = Grid(300 * _SECOND)


@dataclass(frozen=True)
class Hour:
    received: int
    valid: int
    mean: float


def _hours(rows: list[list[Hour]]) -> Hours:
    def matrix(name: str) -> np.ndarray:
        return np.array([[getattr(hour, name) for hour in row] for row in rows])

    mean = np.where(matrix("valid") > 0, matrix("mean").astype(float), NAN)
    return Hours(matrix("received"), matrix("valid"), mean, mean - 1, mean + 1)


def _one(
    row: list[Hour], grid: Grid = FIVE_MINUTES, begin_us: int = MIDNIGHT, excused: tuple[int, ...] = ()
) -> Coverage:
    quiet = np.zeros((1, len(row)), np.bool_)
    quiet[0, list(excused)] = True
    return coverage.by_day(_hours([row]), [grid], begin_us, begin_us + len(row) * HOUR_US, 0.75, quiet)


def _values(found: Coverage, *names: str) -> list[object]:
    return [getattr(found, name)[0].tolist() for name in names]


FULL, EMPTY, HALF = Hour(12, 12, 10.0), Hour(0, 0, 0.0), Hour(12, 6, 40.0)


def test_a_full_day_is_received_valid_and_available() -> None:
    found = _one([FULL] * 24)
    assert _values(found, "hours", "expected", "received", "valid", "sufficient", "available") == [
        [24], [288], [288], [288], [24], [24],
    ]  # fmt: skip
    assert _values(found, "mean", "least", "greatest", "peak") == [[10.0], [9.0], [11.0], [10.0]]


def test_a_burst_does_not_make_up_for_a_gap() -> None:
    found = _one([Hour(24, 24, 10.0), EMPTY, *[FULL] * 22])
    assert _values(found, "received", "valid", "sufficient") == [[276], [276], [23]]


def test_an_hour_with_too_little_valid_data_is_not_available_and_has_no_peak() -> None:
    found = _one([FULL, HALF, *[FULL] * 22])
    assert _values(found, "received", "valid", "available", "peak") == [[288], [282], [23], [10.0]]
    # The mean of the day is that of all valid observations.
    assert found.mean[0, 0] == pytest.approx((23 * 12 * 10 + 6 * 40) / 282)


def test_hours_in_a_window_are_not_asked_for() -> None:
    found = _one([FULL] * 24, excused=(0, 1, 2))
    assert _values(found, "hours", "excused", "sufficient", "available") == [[24], [3], [24], [21]]


def test_days_are_those_of_vietnam_and_the_ends_are_cut() -> None:
    begin_us = MIDNIGHT + 22 * HOUR_US
    found = _one([FULL] * 27, begin_us=begin_us)
    assert _values(found, "hours", "expected") == [[2, 24, 1], [24, 288, 12]]
    assert coverage.bounds(begin_us, begin_us + 27 * HOUR_US).tolist() == [
        begin_us, MIDNIGHT + 24 * HOUR_US, MIDNIGHT + 48 * HOUR_US,
    ]  # fmt: skip


def test_the_peak_is_the_first_of_equal_hours() -> None:
    found = _one([FULL, Hour(12, 12, 70.0), FULL, Hour(12, 12, 70.0), *[FULL] * 20])
    assert _values(found, "peak", "peak_us") == [[70.0], [MIDNIGHT + HOUR_US]]


def test_a_day_without_data_has_no_figures() -> None:
    found = _one([EMPTY] * 24)
    assert _values(found, "received", "available", "peak_us") == [[0], [0], [0]]
    assert all(math.isnan(getattr(found, name)[0, 0]) for name in ("mean", "least", "greatest", "peak"))


def test_an_observation_every_six_hours_speaks_for_six() -> None:
    row = [Hour(1, 1, 5.0) if hour % 6 == 2 else EMPTY for hour in range(24)]
    found = _one(row, Grid(6 * 3600 * _SECOND))
    assert _values(found, "expected", "received", "sufficient", "available") == [[4], [4], [24], [24]]


@pytest.mark.parametrize(("cadence", "expected"), [(300, 12), (600, 6), (3600, 1), (1, 3600)])
def test_an_hour_is_expected_to_have_one_observation_in_each_step(cadence: int, expected: int) -> None:
    found = hours.expected([Grid(cadence * _SECOND)], MIDNIGHT, MIDNIGHT + 24 * HOUR_US)
    assert found.tolist() == [[expected] * 24]


def test_a_cadence_that_does_not_divide_the_hour_is_counted_on_its_grid() -> None:
    grid = Grid(420 * _SECOND)
    found = hours.expected([grid], MIDNIGHT, MIDNIGHT + 24 * HOUR_US)
    assert found[0].tolist() == [grid.count(MIDNIGHT + h * HOUR_US, MIDNIGHT + (h + 1) * HOUR_US) for h in range(24)]
    assert found.sum() == grid.count(MIDNIGHT, MIDNIGHT + 24 * HOUR_US)


def test_more_datastreams_are_read_in_fewer_days_at_once() -> None:
    assert (hours.days_at_once(1), hours.days_at_once(1000), hours.days_at_once(0)) == (31, 1, 31)


_HOUR = st.builds(
    lambda received, valid, mean: Hour(received, min(received, valid), float(mean)),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(-50, 50),
)


@settings(max_examples=60)
@given(
    st.lists(_HOUR, min_size=1, max_size=80),
    st.sampled_from([60, 300, 420, 3600, 7200, 86_400]),
    st.integers(0, 23),
    st.sampled_from([0.0, 0.5, 0.75, 1.0]),
    st.sets(st.integers(0, 79)),
)
def test_days_are_what_a_plain_loop_gives(
    row: list[Hour], cadence: int, first: int, share: float, quiet: set[int]
) -> None:
    grid, begin_us = Grid(cadence * _SECOND), MIDNIGHT + first * HOUR_US
    end_us = begin_us + len(row) * HOUR_US
    excused = np.array([[hour in quiet for hour in range(len(row))]])
    found = coverage.by_day(_hours([row]), [grid], begin_us, end_us, share, excused)
    plain: dict[int, dict[str, float]] = {}
    for hour, of in enumerate(row):
        at = begin_us + hour * HOUR_US
        day = plain.setdefault((at - MIDNIGHT) // (24 * HOUR_US), dict.fromkeys(("n", "e", "r", "v", "s", "a", "x"), 0))
        cap = max(1, grid.count(at, at + HOUR_US))
        enough = of.valid >= 1 and of.valid >= math.ceil(cap * share - 1e-9)
        day["n"] += 1
        day["e"] += grid.count(at, at + HOUR_US)
        day["r"] += min(of.received, cap)
        day["v"] += min(of.valid, cap)
        day["s"] += enough
        day["x"] += hour in quiet
        day["a"] += enough and hour not in quiet
    reach = max(1, cadence // 3600)
    days = list(plain.values())
    assert found.hours[0].tolist() == [day["n"] for day in days]
    assert found.expected[0].tolist() == [day["e"] for day in days]
    assert found.received[0].tolist() == [min(day["r"], day["e"]) for day in days]
    assert found.valid[0].tolist() == [min(day["v"], day["e"]) for day in days]
    assert found.sufficient[0].tolist() == [min(day["s"] * reach, day["n"]) for day in days]
    assert found.available[0].tolist() == [min(day["a"] * reach, day["n"] - day["x"]) for day in days]
    whole = coverage.summed(found)
    total = sum(of.mean * of.valid for of in row)
    number = sum(of.valid for of in row)
    assert whole.weight.tolist() == [[number]]
    assert math.isnan(whole.mean[0, 0]) if not number else whole.mean[0, 0] == pytest.approx(total / number)
    assert whole.expected[0, 0] == found.expected.sum()


def test_days_side_by_side_are_summed_as_if_they_were_one_span() -> None:
    row = [FULL, HALF, Hour(12, 12, 99.0), *[FULL] * 45]
    whole = coverage.summed(_one(row))
    parts = coverage.joined([_one(row[:24]), _one(row[24:], begin_us=MIDNIGHT + 24 * HOUR_US)])
    again = coverage.summed(parts)
    for field in fields(Coverage):
        assert getattr(whole, field.name) == pytest.approx(getattr(again, field.name))
    assert again.peak.tolist() == [[99.0]]
    assert again.peak_us.tolist() == [[MIDNIGHT + 2 * HOUR_US]]
