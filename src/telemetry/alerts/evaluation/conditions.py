"""What each reading shows of each condition that lies in the readings of one datastream.

Pure and vectorised. A condition looks at some of the readings, says of each whether it holds, and measures how badly,
so that the worst can be told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from telemetry.alerts.evaluation.episodes import GONE, HOLDS, SILENT, Int8s
from telemetry.alerts.evaluation.sheets import Sheet
from telemetry.alerts.kinds import Kind
from telemetry.catalog.snapshot import Columns
from telemetry.quality import flags
from telemetry.readings import DeviceStatus, Floats, Int64s

Bools = npt.NDArray[np.bool_]

_SATURATED = int(flags.Reason.SATURATED)
_MEASURING, _CALIBRATING, _FAULTY = (int(status) for status in DeviceStatus)


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, its end excluded."""

    begin_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class View:
    """Readings as columns of n in order of group and time; a group is a datastream, `stream` (g,) are their ids.

    lower, upper: the limits in force at each time, NaN where that side is open. range_span: (g,) width of the range.
    calibrations: accepted calibration windows by group. held: (g,) whether the first reading showed the condition.
    """

    stream: Int64s
    group: Int64s
    time_us: Int64s
    result: Floats
    status: npt.NDArray[np.int16]
    reasons: npt.NDArray[np.int32]
    lower: Floats
    upper: Floats
    range_span: Floats
    held: Bools
    calibrations: Mapping[int, Sequence[Span]] = field(default_factory=dict)

    def of(self, column: Floats, at: Int64s) -> Floats:
        """A column by datastream id, for the readings at some positions."""
        found: Floats = column[self.stream[self.group[at]]]
        return found


@dataclass(frozen=True, slots=True)
class Sight:
    """What the readings at positions `at` show.

    badness: how far from right, larger is worse; NaN where that is no matter.
    unsure: groups in which readings before the first could show something else.
    """

    at: Int64s
    shows: Int8s
    badness: Floats
    unsure: Sequence[int] = ()


def limits_at(columns: Columns, datastream_id: Int64s, time_us: Int64s) -> tuple[Floats, Floats]:
    """Lower and upper limit in force at each time; NaN where there is none."""
    if not len(columns.limit_from_us):
        return np.full(len(time_us), np.nan), np.full(len(time_us), np.nan)
    first = columns.limit_start[datastream_id]
    low, high = first, first + columns.limit_count[datastream_id]
    for _ in range(int((high - low).max(initial=0)).bit_length()):
        middle = (low + high) >> 1
        begun = (middle < high) & (np.take(columns.limit_from_us, middle, mode="clip") <= time_us)
        low, high = np.where(begun, middle + 1, low), np.where(begun, high, middle)
    span = np.maximum(low - 1, 0)
    held = (low > first) & (time_us < columns.limit_to_us[span])
    return np.where(held, columns.limit_lower[span], np.nan), np.where(held, columns.limit_upper[span], np.nan)


def _measured(view: View) -> Int64s:
    """A device that calibrates or is broken says nothing of what it measures."""
    return np.flatnonzero(view.status == _MEASURING)


def excess(result: Floats, lower: Floats, upper: Floats) -> Floats:
    """How far beyond its limit, as a share of the limit; negative inside, NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (result - upper) / np.maximum(np.abs(upper), 1e-9)
        below = (lower - result) / np.maximum(np.abs(lower), 1e-9)
    return np.fmax(above, below)


def over_limit(view: View, sheet: Sheet) -> Sight:
    """Beyond the limit it holds; better than the limit by the hysteresis it is gone."""
    at = _measured(view)
    result, lower, upper = view.result[at], view.lower[at], view.upper[at]
    band = view.of(sheet.hysteresis, at)
    shows = np.full(len(at), GONE, np.int8)
    near = (result > upper - band * np.abs(upper)) | (result < lower + band * np.abs(lower))
    shows[near & (band > 0)] = SILENT
    shows[(result > upper) | (result < lower)] = HOLDS
    return Sight(at, shows, excess(result, lower, upper))


def nearness(result: Floats, lower: Floats, upper: Floats) -> Floats:
    """Share of the way to the limit, 1 at it; between two limits counted from their middle, NaN without a limit."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(upper > 0, result / upper, np.nan)
        other = np.where((lower > 0) & (result > 0), lower / result, np.nan)
        both = np.abs(result - (upper + lower) / 2) / ((upper - lower) / 2)
    share: Floats = np.where(np.isnan(lower), one, np.where(np.isnan(upper), other, both))
    return share


def tendency(view: View, sheet: Sheet) -> Sight:
    """Near the limit but not beyond it; what is beyond keeps a tendency going but begins none."""
    at = _measured(view)
    share = nearness(view.result[at], view.lower[at], view.upper[at])
    told = view.of(sheet.parameters["share"], at)
    shows = np.full(len(at), GONE, np.int8)
    shows[share > told * (1 - view.of(sheet.hysteresis, at))] = SILENT
    shows[(share >= told) & (share <= 1)] = HOLDS
    return Sight(at, shows, np.where(share <= 1, share, np.nan))


def instrument_fault(view: View, _: Sheet) -> Sight:
    shows = np.where(view.status == _FAULTY, HOLDS, GONE).astype(np.int8)
    return Sight(np.arange(len(shows)), shows, np.full(len(shows), np.nan))


def saturated(view: View, _: Sheet) -> Sight:
    at = _measured(view)
    shows = np.where(view.reasons[at] & _SATURATED, HOLDS, GONE).astype(np.int8)
    return Sight(at, shows, np.abs(view.result[at]))


def frozen(view: View, sheet: Sheet) -> Sight:
    """All readings of a run of equal results hold once the run is long enough, from its first on."""
    at = _measured(view)
    if not len(at):
        return Sight(at, np.empty(0, np.int8), np.empty(0))
    group, result, time_us = view.group[at], view.result[at], view.time_us[at]
    begins = np.ones(len(at), np.bool_)
    heads = np.diff(group, prepend=-1) != 0
    far = np.diff(time_us) > view.of(sheet.parameters["gapSeconds"], at[1:]) * 1e6
    begins[1:] = (result[1:] != result[:-1]) | far
    begins |= heads
    start = np.flatnonzero(begins)
    length = np.diff(np.append(start, len(at)))
    long = length >= view.of(sheet.parameters["count"], at[start])
    # The run that an episode goes on with is longer than what is seen of it here.
    long |= view.held[group[start]] & heads[start]
    long &= ~((result[start] == 0) & (view.of(sheet.parameters["ignoreZero"], at[start]) > 0))
    shows = np.where(np.repeat(long, length), HOLDS, GONE).astype(np.int8)
    return Sight(at, shows, np.repeat(length, length).astype(np.float64))


def spike(view: View, sheet: Sheet) -> Sight:
    """A reading too far from the one before it, and the one with which it comes back."""
    at = _measured(view)
    if not len(at):
        return Sight(at, np.empty(0, np.int8), np.empty(0))
    group, result, time_us = view.group[at], view.result[at], view.time_us[at]
    heads = np.diff(group, prepend=-1) != 0
    step = np.abs(np.diff(result, prepend=result[0]))
    step[heads] = 0.0
    near = np.diff(time_us, prepend=time_us[0]) <= view.of(sheet.parameters["gapSeconds"], at) * 1e6
    absolute = view.of(sheet.parameters["change"], at)
    relative = view.of(sheet.parameters["rangeShare"], at) * view.range_span[group]
    far = ((absolute > 0) & (step > absolute)) | ((relative > 0) & (step > relative))
    shows = np.where(far & near & ~heads, HOLDS, GONE).astype(np.int8)
    # The first reading of a group is compared with nothing: it shows nothing, unless the episode goes on with it.
    kept = ~heads | view.held[group]
    return Sight(at[kept], shows[kept], step[kept])


def stuck_calibration(view: View, sheet: Sheet) -> Sight:
    """Calibrating outside every accepted window, or for longer than any calibration may last."""
    calibrating = view.status == _CALIBRATING
    shows = np.where(calibrating, HOLDS, GONE).astype(np.int8)
    unsure: list[int] = []
    for group in np.unique(view.group[calibrating]).tolist() if view.calibrations else ():
        spans = view.calibrations.get(group)
        if spans:
            at = np.flatnonzero(view.group == group)
            longest_us = float(sheet.parameters["longestSeconds"][view.stream[group]]) * 1e6
            shows[at] = _outside(view.time_us[at], calibrating[at], spans, longest_us)
            if calibrating[at[0]] and not view.held[group]:
                unsure.append(group)
    return Sight(np.arange(len(shows)), shows, np.full(len(shows), np.nan), unsure)


def _outside(time_us: Int64s, calibrating: Bools, spans: Sequence[Span], longest_us: float) -> Int8s:
    inside = np.zeros(len(time_us), np.bool_)
    for span in spans:
        inside |= (time_us >= span.begin_us) & (time_us < span.end_us)
    begins = calibrating & ~np.concatenate([[False], calibrating[:-1]])
    since = np.maximum.accumulate(np.where(begins, np.arange(len(time_us)), 0))
    lasting = time_us - time_us[since] > longest_us
    return np.where(calibrating & (~inside | lasting), HOLDS, GONE).astype(np.int8)


# The kinds whose alerts are a function of one datastream's readings.
CONDITIONS: Mapping[Kind, Callable[[View, Sheet], Sight]] = {
    Kind.OVER_LIMIT: over_limit,
    Kind.TENDENCY: tendency,
    Kind.INSTRUMENT_FAULT: instrument_fault,
    Kind.STUCK_CALIBRATION: stuck_calibration,
    Kind.FROZEN_VALUE: frozen,
    Kind.SPIKE: spike,
    Kind.SATURATED: saturated,
}
