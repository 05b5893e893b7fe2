"""Where periods begin and end, compared with calendars."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import instants
from telemetry.verdicts import windows
from tests.fixtures import oracle
from tests.fixtures.verdicts import HOUR, MINUTE, vietnam

moments = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(moments, st.integers(1, 60 * 24 * 40), st.sampled_from(["1h", "8h", "24h"]))
def test_a_span_touches_the_periods_that_have_an_instant_of_it(begin: datetime, minutes: int, window: str) -> None:
    end = begin + timedelta(minutes=minutes)
    code = windows.WINDOWS.index(window)
    hour = begin.replace(minute=0, second=0, microsecond=0)
    every = oracle.periods(window, hour - 25 * HOUR, end + 25 * HOUR)
    touched = [start for start in every if start < end and oracle.end_of(window, start) > begin]
    found = windows.starts(code, instants.to_us(begin), instants.to_us(end))
    assert [instants.from_us(us) for us in found.tolist()] == touched


@given(moments)
def test_a_year_is_one_of_vietnam(at: datetime) -> None:
    (start,) = windows.starts(windows.YEARLY, instants.to_us(at), instants.to_us(at) + 1)
    local = instants.from_us(int(start)).astimezone(instants.VIETNAM)
    (end,) = windows.ends(windows.YEARLY, np.array([start]))
    assert (local.month, local.day, local.hour) == (1, 1, 0)
    assert instants.to_us(oracle.end_of("year", instants.from_us(int(start)))) == end
    assert start <= instants.to_us(at) < end


@pytest.mark.parametrize(
    ("window", "at", "closed"),
    [
        ("1h", vietnam(2026, 10, 5, 8, 59), vietnam(2026, 10, 5, 8)),
        ("1h", vietnam(2026, 10, 5, 9), vietnam(2026, 10, 5, 9)),
        ("8h", vietnam(2026, 10, 5, 9, 30), vietnam(2026, 10, 5, 9)),
        ("24h", vietnam(2026, 10, 5, 23, 59), vietnam(2026, 10, 5)),
        ("24h", vietnam(2026, 11, 1), vietnam(2026, 11, 1)),
        ("year", vietnam(2026, 12, 31, 23, 59), vietnam(2026, 1, 1)),
        ("year", vietnam(2027, 1, 1), vietnam(2027, 1, 1)),
    ],
)
def test_a_period_is_closed_once_it_has_ended(window: str, at: datetime, closed: datetime) -> None:
    found = windows.closed_until(windows.WINDOWS.index(window), instants.to_us(at))
    assert instants.from_us(found) == closed


def test_periods_that_end_in_a_span_are_those_that_end_after_its_begin_and_by_its_end() -> None:
    after, until = (instants.to_us(time) for time in (vietnam(2026, 2, 27), vietnam(2026, 3, 2)))
    days = windows.ending(windows.DAILY, after, until)
    assert [instants.from_us(us) for us in days.tolist()] == [
        vietnam(2026, 2, 27),
        vietnam(2026, 2, 28),
        vietnam(2026, 3, 1),
    ]
    assert len(windows.ending(windows.EIGHT_HOURS, after, until)) == 72
    assert len(windows.ending(windows.HOURLY, after, after)) == 0


def test_an_empty_span_touches_nothing() -> None:
    at = instants.to_us(vietnam(2026, 1, 1) + MINUTE)
    assert all(len(windows.starts(window, at, at)) == 0 for window in range(4))
