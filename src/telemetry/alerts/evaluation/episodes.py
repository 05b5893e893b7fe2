"""Turns what each reading shows into episodes: when a condition began, when it was last seen, and when it ended.

Pure and vectorised; a function of the readings in order of their time, so the order of delivery does not matter. Rule
of this file: the state at a time follows from readings up to that time alone, which is what lets a part of the series
be derived again from a reading whose state is known.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.readings import Int64s

Bools = npt.NDArray[np.bool_]
Int8s = npt.NDArray[np.int8]

# What a reading shows of a condition. In the band between raising and clearing it says nothing: the state stays.
HOLDS, SILENT, GONE = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of many groups as columns of n, in order of group and time, and the delays of each of g groups.

    shows: HOLDS, SILENT or GONE. raise_us, clear_us: (g,) how long it must hold, and be gone. held: (g,) whether the
    condition held at the group's first reading and was raised before.
    """

    group: Int64s
    time_us: Int64s
    shows: Int8s
    raise_us: Int64s
    clear_us: Int64s
    held: Bools


@dataclass(frozen=True, slots=True)
class Episode:
    """One span of a condition in one group.

    raised_us, last_us: first and last reading that show it. due_us: when it had held for long enough. cleared_us: the
    first reading of those that show it gone, None while that is not settled; settled_us: when it was.
    first, last: positions in the series of the readings that show it.
    """

    group: int
    raised_us: int
    last_us: int
    due_us: int
    cleared_us: int | None
    settled_us: int | None
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Derived:
    """Episodes in order of group and time.

    open_left, open_right: (g,) whether readings before, or after, could change what was found.
    """

    episodes: list[Episode]
    open_left: Bools
    open_right: Bools


@dataclass(frozen=True, slots=True)
class _Runs:
    """Readings of one group that lie together and show the same; columns of r."""

    group: Int64s
    start: Int64s
    stop: Int64s
    holds: Bools
    # Gone for long enough to end an episode.
    settled: Bools


def derive(series: Series) -> Derived:
    """Everything that the readings show, group by group."""
    groups = len(series.raise_us)
    if not len(series.time_us):
        return Derived([], np.zeros(groups, np.bool_), np.zeros(groups, np.bool_))
    first = np.flatnonzero(np.diff(series.group, prepend=-1))
    runs = _runs(series, first)
    # Episodes of a group are parted by runs in which it was gone for long enough, and groups by their first run.
    begins = np.diff(runs.group, prepend=-1) != 0
    chain = np.cumsum(runs.settled | begins)
    holding = np.flatnonzero(runs.holds)
    starts = np.flatnonzero(np.diff(chain[holding], prepend=-1))
    stops = np.append(starts[1:], len(holding))[: len(starts)]
    found = [
        _episode(series, runs, int(holding[start]), int(holding[stop - 1]))
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    ]
    open_left, open_right = _open_ends(series, runs, begins, first)
    return Derived([episode for episode in found if episode is not None], open_left, open_right)


def _runs(series: Series, first: Int64s) -> _Runs:
    decisive = series.shows != SILENT
    decisive[first] = True
    at = np.maximum.accumulate(np.where(decisive, np.arange(len(decisive)), 0))
    shows = series.shows.copy()
    shows[first] = np.where(series.held[series.group[first]], HOLDS, np.where(shows[first] == HOLDS, HOLDS, GONE))
    holds = shows[at] == HOLDS
    begins = np.zeros(len(holds), np.bool_)
    begins[first] = True
    begins[1:] |= holds[1:] != holds[:-1]
    start = np.flatnonzero(begins)
    stop = np.append(start[1:], len(holds)) - 1
    group = series.group[start]
    lasted = series.time_us[stop] - series.time_us[start]
    return _Runs(group, start, stop, holds[start], ~holds[start] & (lasted >= series.clear_us[group]))


def _episode(series: Series, runs: _Runs, first_run: int, last_run: int) -> Episode | None:
    """The episode from its first run to its last one; None when it did not hold for long enough."""
    group = int(runs.group[first_run])
    first, last = int(runs.start[first_run]), int(runs.stop[last_run])
    raised_us, last_us = int(series.time_us[first]), int(series.time_us[last])
    delay_us, clear_us = int(series.raise_us[group]), int(series.clear_us[group])
    known = bool(series.held[group]) and (first == 0 or int(series.group[first - 1]) != group)
    if last_us - raised_us < delay_us and not known:
        return None
    due = first + int(np.searchsorted(series.time_us[first : last + 1], raised_us + delay_us))
    cleared_us = settled_us = None
    after = last_run + 1
    if after < len(runs.group) and runs.group[after] == group and runs.settled[after]:
        start, stop = int(runs.start[after]), int(runs.stop[after])
        cleared_us = int(series.time_us[start])
        settled = start + int(np.searchsorted(series.time_us[start : stop + 1], cleared_us + clear_us))
        settled_us = int(series.time_us[settled])
    due_us = int(series.time_us[min(due, last)])
    return Episode(group, raised_us, last_us, due_us, cleared_us, settled_us, first, last)


def _open_ends(series: Series, runs: _Runs, begins: Bools, first: Int64s) -> tuple[Bools, Bools]:
    groups = len(series.raise_us)
    holding = np.zeros(groups, np.bool_)
    holding[runs.group[runs.holds]] = True
    head = np.flatnonzero(begins)
    tail = np.append(head[1:], len(begins)) - 1
    of = runs.group[head]
    left, right = np.zeros(groups, np.bool_), np.zeros(groups, np.bool_)
    left[of] = ~runs.settled[head] | (series.shows[first] == SILENT)
    right[of] = ~runs.settled[tail]
    return left & holding & ~series.held, right & holding
