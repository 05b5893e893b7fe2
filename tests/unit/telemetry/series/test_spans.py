"""Grids of expected times."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import instants
from telemetry.series.spans import DAYS, HOURS, Grid, Resolution, grid_of

_times = st.integers(-(10**12), 10**12)
_grids = st.builds(Grid, st.integers(1, 10**6), st.integers(0, 10**6))


@given(_grids, _times)
def test_floor_and_ceiling_are_the_neighbours_on_the_grid(grid: Grid, time_us: int) -> None:
    low, high = grid.floor(time_us), grid.ceiling(time_us)
    assert low <= time_us <= high
    assert (low - grid.offset_us) % grid.step_us == (high - grid.offset_us) % grid.step_us == 0
    assert high - low == (0 if low == time_us else grid.step_us)


@given(_grids, st.integers(-(10**4), 10**4), st.integers(0, 10**3))
def test_a_span_holds_as_many_times_as_can_be_counted(grid: Grid, begin: int, length: int) -> None:
    held = sum((time - grid.offset_us) % grid.step_us == 0 for time in range(begin, begin + length))
    assert grid.count(begin, begin + length) == held


@given(_grids, _times, _times, _times)
def test_parts_of_a_span_hold_together_what_the_whole_holds(grid: Grid, one: int, two: int, three: int) -> None:
    begin, middle, end = sorted((one, two, three))
    assert grid.count(begin, middle) + grid.count(middle, end) == grid.count(begin, end)


@given(_grids, _times, st.integers(0, 10**7))
def test_whole_steps_lie_in_the_span(grid: Grid, begin: int, length: int) -> None:
    first, last = grid.whole(begin, begin + length)
    assert begin <= first <= last
    assert first == last or last <= begin + length
    assert (last - first) % grid.step_us == 0


def test_an_empty_or_reversed_span_holds_nothing() -> None:
    assert HOURS.count(10**10, 10**10) == HOURS.count(10**10, 0) == 0


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-23T16:59:59+00:00", "2026-11-22T17:00:00+00:00"),
        ("2026-11-23T17:00:00+00:00", "2026-11-23T17:00:00+00:00"),
        ("2024-02-29T23:59:59+07:00", "2024-02-29T00:00:00+07:00"),
        ("2025-01-01T00:00:00+07:00", "2025-01-01T00:00:00+07:00"),
    ],
)
def test_days_begin_at_midnight_of_viet_nam(moment: str, day: str) -> None:
    begin = DAYS.floor(instants.to_us(instants.parse(moment)))
    assert instants.from_us(begin) == instants.parse(day)


def test_buckets_do_not_depend_on_the_cadence() -> None:
    assert grid_of(Resolution.RAW, 60) == Grid(60 * 10**6)
    assert grid_of(Resolution.HOURLY, 60) == HOURS
    assert grid_of(Resolution.DAILY, 60) == DAYS
    assert HOURS.floor(instants.to_us(datetime(2026, 1, 1, 5, 59, tzinfo=UTC))) % (3600 * 10**6) == 0
