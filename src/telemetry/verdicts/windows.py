"""The periods over which averages are made: hours, eight hours ending each hour, days and years of UTC+7.

Periods are half open, in µs since the Unix epoch, and begin and end on full hours. QCVN 05 makes 8 h means of eight
hours on end, so there is one that ends with each hour. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from core import instants
from telemetry.readings import Int64s

HOUR_US = 3_600 * 10**6
DAY_US = 24 * HOUR_US
# Việt Nam is UTC+7 without daylight saving since 1975.
OFFSET_US = 7 * HOUR_US

# In columns a window is its place here.
WINDOWS: Sequence[str] = ("1h", "8h", "24h", "year")
HOURLY, EIGHT_HOURS, DAILY, YEARLY = range(4)
# Nothing is observed before; see the table of observations.
FIRST_US = instants.to_us(datetime(2000, 1, 1, tzinfo=UTC))
LAST_US = instants.to_us(datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Periods of one width that begin at offset + n × step."""

    step_us: int
    width_us: int
    offset_us: int = 0

    def starts(self, begin_us: int, end_us: int) -> Int64s:
        """Starts of the periods that have an instant of the span in them."""
        first = (begin_us - self.width_us - self.offset_us) // self.step_us + 1
        last = -(-(end_us - self.offset_us) // self.step_us)
        return np.arange(first, max(first, last), dtype=np.int64) * self.step_us + self.offset_us


_GRIDS = {
    HOURLY: _Grid(HOUR_US, HOUR_US),
    EIGHT_HOURS: _Grid(HOUR_US, 8 * HOUR_US),
    DAILY: _Grid(DAY_US, DAY_US, -OFFSET_US),
}


def _year_start(year: int) -> int:
    return instants.to_us(datetime(year, 1, 1, tzinfo=UTC)) - OFFSET_US


def _year_of(time_us: int) -> int:
    return instants.from_us(time_us + OFFSET_US).year


def starts(window: int, begin_us: int, end_us: int) -> Int64s:
    """Starts of the periods that overlap the span, its end excluded, in order."""
    if begin_us >= end_us:
        return np.empty(0, np.int64)
    grid = _GRIDS.get(window)
    if grid is not None:
        return grid.starts(begin_us, end_us)
    years = range(_year_of(begin_us), _year_of(end_us - 1) + 1)
    return np.array([_year_start(year) for year in years], dtype=np.int64)


def ends(window: int, start_us: Int64s) -> Int64s:
    """Ends of the periods that begin there."""
    grid = _GRIDS.get(window)
    if grid is not None:
        return start_us + grid.width_us
    return np.array([_year_start(_year_of(int(start)) + 1) for start in start_us], dtype=np.int64)


def ending(window: int, after_us: int, until_us: int) -> Int64s:
    """Starts of the periods that end after the one instant and not after the other."""
    found = starts(window, after_us, until_us)
    end_us = ends(window, found)
    return found[(end_us > after_us) & (end_us <= until_us)]


def closed_until(window: int, time_us: int) -> int:
    """The end of the newest period that ended by then."""
    if window == YEARLY:
        return _year_start(_year_of(time_us))
    grid = _GRIDS[window]
    return (time_us - grid.offset_us) // grid.step_us * grid.step_us + grid.offset_us
