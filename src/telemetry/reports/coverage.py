"""What hours amount to in days and longer spans: expected, received, valid, available, and the figures of valid data.

An hour counts no more observations than the cadence has steps in it, so that a burst does not make up for a gap; a
cadence longer than an hour counts one in an hour and no more than its steps in a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from telemetry.quality.aqi import sufficient
from telemetry.readings import Floats, Int64s
from telemetry.reports import hours as hourly
from telemetry.reports.hours import HOUR_US, Hours
from telemetry.series.spans import DAYS, Grid

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coverage:
    """By datastream and span: (streams, spans).

    hours: of the span. excused: hours of it in an accepted window. expected, received, valid: observations.
    sufficient: hours with enough valid data; available: those of them that are not excused. An observation of a cadence
    longer than an hour speaks for the hours of its step. weight: valid observations that the mean is of, all of them.
    peak: the highest mean of a sufficient hour, that begins at peak_us; NaN and 0 where there is none.
    """

    hours: Int64s
    excused: Int64s
    expected: Int64s
    received: Int64s
    valid: Int64s
    sufficient: Int64s
    available: Int64s
    weight: Int64s
    mean: Floats
    least: Floats
    greatest: Floats
    peak: Floats
    peak_us: Int64s


def bounds(begin_us: int, end_us: int) -> Int64s:
    """The starts of the days of UTC+7 that the span touches, the first one cut to it."""
    days = np.arange(DAYS.floor(begin_us), end_us, DAYS.step_us, dtype=np.int64)
    return np.maximum(days, begin_us)


def by_day(found: Hours, grids: Sequence[Grid], begin_us: int, end_us: int, share: float, excused: Bools) -> Coverage:
    """The hours of a span by day of UTC+7; `excused` are (streams, hours) in accepted windows."""
    starts = bounds(begin_us, end_us)
    at = (starts - begin_us) // HOUR_US
    counted = hourly.expected(grids, begin_us, end_us)
    capped = np.maximum(counted, 1)
    means = sufficient(found.mean, found.valid, capped, share)
    enough = ~np.isnan(means)
    lengths = np.diff(np.append(starts, end_us)) // HOUR_US
    hours = np.broadcast_to(lengths, (len(grids), len(starts)))
    expected = _sums(counted, at)
    free = hours - _sums(excused, at)
    reach = np.array([max(1, grid.step_us // HOUR_US) for grid in grids], np.int64).reshape(-1, 1)
    weight = _sums(found.valid, at)
    total = np.add.reduceat(np.where(found.valid > 0, found.mean, 0.0) * found.valid, at, axis=1)
    peak, place = _peaks(means, at)
    return Coverage(
        hours=hours.astype(np.int64),
        excused=_sums(excused, at),
        expected=expected,
        received=np.minimum(_sums(np.minimum(found.received, capped), at), expected),
        valid=np.minimum(_sums(np.minimum(found.valid, capped), at), expected),
        sufficient=np.minimum(_sums(enough, at) * reach, hours),
        available=np.minimum(_sums(enough & ~excused, at) * reach, free),
        weight=weight,
        mean=np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0),
        least=np.fmin.reduceat(found.least, at, axis=1),
        greatest=np.fmax.reduceat(found.greatest, at, axis=1),
        peak=peak,
        peak_us=np.where(np.isnan(peak), 0, begin_us + place * HOUR_US),
    )


def joined(parts: Sequence[Coverage]) -> Coverage:
    """Coverage of the same datastreams over following spans, side by side."""
    return Coverage(*(np.concatenate([getattr(part, f.name) for part in parts], axis=1) for f in fields(Coverage)))


def summed(days: Coverage) -> Coverage:
    """One span out of all: (streams, 1)."""
    weight = days.weight.sum(axis=1, keepdims=True)
    total = np.where(days.weight > 0, days.mean * days.weight, 0.0).sum(axis=1, keepdims=True)
    highest = np.where(np.isnan(days.peak), -np.inf, days.peak).argmax(axis=1)[:, None]
    counts = {
        name: getattr(days, name).sum(axis=1, keepdims=True)
        for name in ("hours", "excused", "expected", "received", "valid", "sufficient", "available")
    }
    return Coverage(
        **counts,
        weight=weight,
        mean=np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0),
        least=np.fmin.reduce(days.least, axis=1, keepdims=True),
        greatest=np.fmax.reduce(days.greatest, axis=1, keepdims=True),
        peak=np.take_along_axis(days.peak, highest, axis=1),
        peak_us=np.take_along_axis(days.peak_us, highest, axis=1),
    )


def _sums(matrix: Int64s | Bools, at: Int64s) -> Int64s:
    """Sums from each place to the next; of booleans, how many are true."""
    return np.add.reduceat(matrix.astype(np.int64), at, axis=1)


def _peaks(means: Floats, at: Int64s) -> tuple[Floats, Int64s]:
    """The highest mean of each day and the column of its first hour."""
    highest = np.fmax.reduceat(means, at, axis=1)
    of_day = np.repeat(highest, np.diff(np.append(at, means.shape[1])), axis=1)
    columns = np.where(means == of_day, np.arange(means.shape[1]), means.shape[1])
    return highest, np.minimum.reduceat(columns, at, axis=1)
