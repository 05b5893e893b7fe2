"""Folding rows into hours and hours into periods, compared with an oracle that takes one row at a time."""

from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import instants
from telemetry.verdicts import averaging, planning, windows
from telemetry.verdicts.averaging import UNKNOWN, Hours, Rows
from tests.fixtures import oracle
from tests.fixtures.verdicts import vietnam

# Around a month's end that is a year's end too.
FIRST, LAST = vietnam(2025, 12, 30), vietnam(2026, 1, 3)
FIRST_US = instants.to_us(FIRST)
MINUTES = int((LAST - FIRST) / timedelta(minutes=1))

sent = st.lists(
    st.tuples(
        st.sampled_from([3, 7]),
        st.integers(0, MINUTES - 1),
        st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 50.0, 100.0])),
        st.booleans(),
    ),
    max_size=120,
    unique_by=lambda row: row[:2],
)


def rows_of(found: list[tuple[int, int, float, bool]]) -> Rows:
    found = sorted(found)
    return Rows(
        datastream_id=np.array([row[0] for row in found], np.int64),
        time_us=np.array([FIRST_US + row[1] * 60 * 10**6 for row in found], np.int64),
        result=np.array([row[2] for row in found], np.float64),
        valid=np.array([row[3] for row in found], np.bool_),
        receipt_id=np.arange(1, len(found) + 1, dtype=np.int64),
    )


def plain(found: list[tuple[int, int, float, bool]], stream: int) -> list[oracle.Row]:
    return [
        oracle.Row(FIRST + timedelta(minutes=minute), result, valid)
        for which, minute, result, valid in found
        if which == stream
    ]


@given(sent, st.sampled_from(["1h", "8h", "24h"]), st.sampled_from([5, 7, 60, 180]))
def test_periods_are_what_the_oracle_says(
    found: list[tuple[int, int, float, bool]], window: str, cadence_minutes: int
) -> None:
    cadence = timedelta(minutes=cadence_minutes)
    starts = oracle.periods(window, FIRST, LAST)
    rule = [oracle.Rule(1, window, 50.0, FIRST, None)]
    for stream in (3, 7):
        start_us = np.array([instants.to_us(start) for start in starts], np.int64)
        end_us = windows.ends(windows.WINDOWS.index(window), start_us)
        expected = np.full(len(starts), max(1, -(-60 // cadence_minutes)), np.int64)
        means = averaging.periods(
            averaging.hours(rows_of(found)), np.full(len(starts), stream, np.int64), start_us, end_us, expected
        )
        for place, start in enumerate(starts):
            said = oracle.say(plain(found, stream), rule, window, start, cadence, Fraction(3, 4))
            assert said is not None
            assert means.valid_n[place] == said.valid_n
            assert means.received_n[place] == said.received_n
            assert (said.mean is None) == bool(np.isnan(means.mean[place]))
            if said.mean is not None:
                assert means.mean[place] == pytest.approx(said.mean, rel=1e-9, abs=1e-6)
            assert (_number(means.low[place]), _time(means.low_us[place])) == (said.minimum, said.minimum_time)
            assert (_number(means.high[place]), _time(means.high_us[place])) == (said.maximum, said.maximum_time)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _time(us: int) -> object:
    return None if us == UNKNOWN else instants.from_us(int(us))


@given(sent)
def test_hours_that_were_folded_in_parts_are_those_of_all_rows(found: list[tuple[int, int, float, bool]]) -> None:
    """An hour of the last part replaces the same hour of an earlier one."""
    whole = averaging.hours(rows_of(found))
    half = averaging.hours(rows_of(found[::2]))
    joined = averaging.joined([half, whole])
    for name in Hours.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_what_happened_in_a_period_names_its_first_and_last_receipt() -> None:
    found = [(3, 10, 1.0, False), (3, 70, 2.0, True), (3, 130, 3.0, True)]
    start_us = np.array([FIRST_US])
    means = averaging.periods(
        averaging.hours(rows_of(found)), np.array([3]), start_us, start_us + windows.DAY_US, np.array([12])
    )
    assert (means.first_receipt[0], means.last_receipt[0]) == (1, 3)


def test_no_hour_counts_more_rows_than_it_is_expected_to_have() -> None:
    found = [(3, minute, 1.0, True) for minute in range(61)]
    start_us = np.array([FIRST_US])
    means = averaging.periods(
        averaging.hours(rows_of(found)), np.array([3]), start_us, start_us + windows.DAY_US, np.array([12])
    )
    assert (means.valid_n[0], means.covered_n[0]) == (61, 13)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (150.00000000000003, 150.0),
        (0.1 + 0.2, 0.3),
        (-1 / 3, -0.333333333333),
        (1.23456789012345e-9, 1.23456789012e-9),
        (9.87654321987654e98, 9.87654321988e98),
        (0.0, 0.0),
        (5e-324, 5e-324),
        (1e300, 1e300),
    ],
)
def test_a_mean_has_twelve_significant_digits(value: float, rounded: float) -> None:
    assert averaging.significant(np.array([value]))[0] == pytest.approx(rounded, rel=1e-15, abs=0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_the_order_in_which_rows_are_added_decides_nothing(values: list[float]) -> None:
    forwards, backwards = np.array(values), np.array(values[::-1])
    first, second = (averaging.significant(np.array([np.add.reduce(v) / len(v)])) for v in (forwards, backwards))
    assert first[0] == pytest.approx(second[0], rel=1e-10, abs=1e-9)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40), st.integers(1, 9)), max_size=25),
)
def test_extents_cover_exactly_the_hours_of_the_periods(found: list[tuple[int, int, int]]) -> None:
    hour = windows.HOUR_US
    stream, begin, width = (np.array([row[n] for row in found], np.int64) for n in range(3))
    begin_us = FIRST_US // hour * hour + begin * hour
    covered = {(s, b + h * hour) for s, b, w in zip(stream, begin_us, width, strict=True) for h in range(w)}
    extents = list(zip(*planning.extents(stream, begin_us, begin_us + width * hour), strict=True))
    again = [(s, at) for s, b, e in extents for at in range(b, e, hour)]
    assert set(again) == covered
    assert len(again) == len(covered)
