"""Spans of time and the grids of expected times on them, in µs since the Unix epoch.

A span is half open: its begin belongs to it, its end does not.
"""

from dataclasses import dataclass
from enum import StrEnum

_SECOND = 10**6
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
# Days are those of Việt Nam, UTC+7 without daylight saving since 1975.
_DAY_OFFSET = 17 * _HOUR


class Resolution(StrEnum):
    RAW = "raw"
    HOURLY = "hourly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class Grid:
    """The times offset + n × step."""

    step_us: int
    offset_us: int = 0

    def floor(self, time_us: int) -> int:
        """The newest time of the grid that is not after."""
        return (time_us - self.offset_us) // self.step_us * self.step_us + self.offset_us

    def ceiling(self, time_us: int) -> int:
        """The oldest time of the grid that is not before."""
        return -(-(time_us - self.offset_us) // self.step_us) * self.step_us + self.offset_us

    def count(self, begin_us: int, end_us: int) -> int:
        """How many times of the grid the span holds."""
        return max(0, (self.ceiling(end_us) - self.ceiling(begin_us)) // self.step_us)

    def whole(self, begin_us: int, end_us: int) -> tuple[int, int]:
        """The part of the span that consists of whole steps; empty ones have begin == end."""
        begin = self.ceiling(begin_us)
        return begin, max(begin, self.floor(end_us))


HOURS = Grid(_HOUR)
DAYS = Grid(_DAY, _DAY_OFFSET)


def grid_of(resolution: Resolution, cadence_seconds: int) -> Grid:
    """Where values are expected: one in each step of the cadence, or one for each bucket."""
    if resolution is Resolution.HOURLY:
        return HOURS
    if resolution is Resolution.DAILY:
        return DAYS
    return Grid(cadence_seconds * _SECOND)
