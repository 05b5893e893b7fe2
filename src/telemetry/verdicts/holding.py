"""Which limit holds when, for each datastream and averaging window.

A permit goes before every rule set while it holds, whatever its window; of several of one basis and window the one that
began last holds. A period is judged by the limit that holds at its last instant, never by one that did not hold in it;
where another one, or none, held during a part of it, it is marked as split. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.readings import Int64s
from telemetry.verdicts import windows

NONE = -1


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in its newest version; to_us is far in the future where the end is open."""

    id: int
    version: int
    datastream_id: int
    averaging: str
    permit: bool
    rule_set_id: int | None
    lower: float | None
    upper: float | None
    unit: str | None
    oxygen_reference: float | None
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Course:
    """What holds over time: from each of `from_us` on the limit at its place in `limit`, NONE where there is none."""

    from_us: Int64s
    limit: Int64s

    def at(self, time_us: Int64s) -> tuple[Int64s, Int64s]:
        """The limit in force at each instant, and which of the spans that is."""
        place = np.searchsorted(self.from_us, time_us, side="right") - 1
        return self.limit[place], place

    def over(self, start_us: Int64s, end_us: Int64s) -> tuple[Int64s, npt.NDArray[np.bool_]]:
        """The limit that each period is judged by, and whether it did not hold during the whole of it."""
        limit, last = self.at(end_us - 1)
        _, first = self.at(start_us)
        return limit, first != last


def courses(limits: Sequence[Limit]) -> dict[tuple[int, int], Course]:
    """By datastream and window; limits are told by their places in the sequence."""
    of: dict[int, list[int]] = {}
    for place, limit in enumerate(limits):
        of.setdefault(limit.datastream_id, []).append(place)
    return {
        (stream, window): _course(limits, places, averaging)
        for stream, places in of.items()
        for window, averaging in enumerate(windows.WINDOWS)
        if any(limits[place].averaging == averaging for place in places)
    }


def _course(limits: Sequence[Limit], places: Sequence[int], averaging: str) -> Course:
    """Of the limits of one datastream."""
    edges = sorted({edge for place in places for edge in (limits[place].from_us, limits[place].to_us)})
    from_us, held = [-(2**62)], [NONE]
    for edge in edges:
        chosen = _in_force(limits, places, averaging, edge)
        if chosen != held[-1]:
            from_us.append(edge)
            held.append(chosen)
    return Course(np.array(from_us, np.int64), np.array(held, np.int64))


def _in_force(limits: Sequence[Limit], places: Iterable[int], averaging: str, at_us: int) -> int:
    there = [place for place in places if limits[place].from_us <= at_us < limits[place].to_us]
    permitted = any(limits[place].permit for place in there)
    fitting = [place for place in there if limits[place].permit == permitted and limits[place].averaging == averaging]
    return max(fitting, key=lambda place: (limits[place].from_us, limits[place].id), default=NONE)
