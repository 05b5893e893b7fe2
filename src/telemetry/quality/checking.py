"""Judges matched readings in columns: may each be kept, what is its quality, and why.

Nearly every reading is calm: measured, inside the instrument's range and inside the limit in force now. Two comparisons
with bounds that are prepared once per catalogue find the others, and only those go through the single tests. Rules of
this file: no loop over readings; NaN in a bound means "not known" and every comparison with it is false; flags are
plain ints here, because numpy takes a microsecond for each enumeration member.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.catalog.snapshot import OPEN_END_US, Columns
from telemetry.quality import flags
from telemetry.readings import DeviceStatus, Floats, Int64s, Reason

Int8s = npt.NDArray[np.int8]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

LATE_AFTER_US = 3_600 * 10**6
# Loggers are read out after a year; clocks differ by minutes. Settings may widen or narrow both.
OLDEST_DAYS, FUTURE_MINUTES = 400, 10
# A result this close to an end of the range, as a share of its span, stands at that end: text and factors cost digits.
END_TOLERANCE = 1e-6
# No instrument shows more than this, known range or not; two results near the end of the floats have no sum any more.
FARTHEST = 1e100

# What a refusal code means; code 0 keeps the reading. Of several reasons the one with the lowest code is told.
REFUSALS: tuple[Reason | None, ...] = (
    None,
    Reason.NOT_FINITE,
    Reason.TOO_OLD,
    Reason.IN_FUTURE,
    Reason.OUT_OF_RANGE,
)
_NOT_FINITE, _TOO_OLD, _IN_FUTURE, _OUT_OF_RANGE = range(1, 5)

_NOT_EVALUATED = int(flags.Quality.NOT_EVALUATED)
_SUSPECT = int(flags.Quality.SUSPECT)
_FAIL = int(flags.Quality.FAIL)
_MEASURING, _CALIBRATING, _FAULTY = (int(status) for status in DeviceStatus)
_BITS = {reason: int(reason) for reason in flags.Reason}


@dataclass(frozen=True, slots=True)
class Window:
    """How far a phenomenon time may lie before and after the time of receipt, both ends included."""

    oldest_us: int = OLDEST_DAYS * 86_400 * 10**6
    future_us: int = FUTURE_MINUTES * 60 * 10**6


@dataclass(frozen=True, slots=True)
class Checked:
    """One entry per reading. Where `refusal` is not 0 the reading is not kept: quality FAIL, reasons 0."""

    quality: Int16s
    reasons: Int32s
    refusal: Int8s


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What follows from the catalogue alone, by datastream id.

    calm_low, calm_high: strictly between them a measured result needs no single test while the newest limit holds;
        NaN where no range is known, so that every result is tested.
    edges: (d, 4) outer low, inner low, inner high, outer high. Beyond outer is out of range, from outer to inner is at
        the end of the range; NaN where an inner one is unknown.
    newest: (d,) the span of the newest limit, `len(spans)` where there is none.
    newest_from_us, newest_to_us: when it holds; `settled_*`: when the newest limits of all datastreams hold.
    spans: (s + 1, 3) lower, upper and the bit for an unverified limit; the last row is no limit at all.
    """

    columns: Columns
    calm_low: Floats
    calm_high: Floats
    edges: Floats
    newest: Int64s
    newest_from_us: Int64s
    newest_to_us: Int64s
    settled_from_us: int
    settled_to_us: int
    spans: Floats


def _prepare(columns: Columns) -> _Bounds:
    low, high = np.maximum(columns.range_min, -FARTHEST), np.minimum(columns.range_max, FARTHEST)
    unknown = np.isnan(low) & np.isnan(high)
    span = np.where(np.isnan(high - low), np.abs(np.fmax(low, high)), high - low)
    margin = span * END_TOLERANCE
    unverified = np.where(columns.limit_verified, 0.0, _BITS[flags.Reason.LIMIT_UNVERIFIED])
    spans = np.column_stack([columns.limit_lower, columns.limit_upper, unverified])
    spans = np.vstack([spans, [np.nan, np.nan, 0.0]])
    newest = np.where(columns.limit_count > 0, columns.limit_start + columns.limit_count - 1, len(spans) - 1)
    newest_from_us = np.append(columns.limit_from_us, -OPEN_END_US)[newest]
    newest_to_us = np.append(columns.limit_to_us, OPEN_END_US)[newest]
    return _Bounds(
        columns=columns,
        calm_low=np.where(unknown, np.nan, np.fmax(np.fmax(low + margin, spans[newest, 0]), -FARTHEST)),
        calm_high=np.where(unknown, np.nan, np.fmin(np.fmin(high - margin, spans[newest, 1]), FARTHEST)),
        edges=np.column_stack(
            [np.fmax(low - margin, -FARTHEST), low + margin, high - margin, np.fmin(high + margin, FARTHEST)]
        ),
        newest=newest,
        newest_from_us=newest_from_us,
        newest_to_us=newest_to_us,
        settled_from_us=int(newest_from_us.max()),
        settled_to_us=int(newest_to_us.min()),
        spans=spans,
    )


_latest: _Bounds | None = None


def _bounds_of(columns: Columns) -> _Bounds:
    """The bounds of this catalogue; those of the catalogue asked for last are remembered."""
    global _latest  # noqa: PLW0603 - a memo of one entry, replaced as a whole, so threads at worst prepare twice
    found = _latest
    if found is None or found.columns is not columns:
        found = _latest = _prepare(columns)
    return found


def check(
    columns: Columns,
    datastream_id: Int64s,
    time_us: Int64s,
    value: Floats,
    status: Int16s | None,
    received_us: Int64s | int,
    window: Window,
) -> Checked:
    """Judge n readings.

    value: results in the kept unit, after the factor. status: DeviceStatus values, None when all are measuring.
    received_us: one instant for all, or one for each.
    """
    count = len(value)
    checked = Checked(np.ones(count, np.int16), np.zeros(count, np.int32), np.zeros(count, np.int8))
    if not count:
        return checked
    bounds = _bounds_of(columns)
    if status is not None and not status.any():
        status = None
    oldest_us, newest_us = int(np.minimum.reduce(time_us)), int(np.maximum.reduce(time_us))
    settled = oldest_us >= bounds.settled_from_us and newest_us < bounds.settled_to_us
    calm = _calm(bounds, datastream_id, value, status)
    if not settled:
        calm &= _newest_holds(bounds, datastream_id, time_us)
    if not calm.all():
        at = np.flatnonzero(~calm)
        _judge(bounds, datastream_id[at], time_us[at], value[at], None if status is None else status[at], at, checked)
    # Nothing to say of the age: all on time by one clock.
    if isinstance(received_us, int) and newest_us <= received_us and received_us - oldest_us <= LATE_AFTER_US:
        return checked
    _judge_age(received_us - time_us, window, checked)
    return checked


def _calm(bounds: _Bounds, datastream_id: Int64s, value: Floats, status: Int16s | None) -> Bools:
    calm: Bools = value > bounds.calm_low[datastream_id]
    calm &= value < bounds.calm_high[datastream_id]
    if status is not None:
        calm &= status == _MEASURING
    return calm


def _newest_holds(bounds: _Bounds, datastream_id: Int64s, time_us: Int64s) -> Bools:
    holds: Bools = time_us >= bounds.newest_from_us[datastream_id]
    holds &= time_us < bounds.newest_to_us[datastream_id]
    return holds


def _judge(
    bounds: _Bounds,
    datastream_id: Int64s,
    time_us: Int64s,
    value: Floats,
    status: Int16s | None,
    at: npt.NDArray[np.intp],
    checked: Checked,
) -> None:
    """The single tests of value and device, for the readings at positions `at`."""
    reasons, quality = np.zeros(len(value), np.int32), np.ones(len(value), np.int16)
    finite = np.isfinite(value)
    # The range and the limits say nothing about what a device shows while it is calibrated or broken.
    measured = finite if status is None else finite & (status == _MEASURING)
    outer_low, inner_low, inner_high, outer_high = bounds.edges[datastream_id].T
    outside = measured & ((value < outer_low) | (value > outer_high))
    at_end = measured & ((value <= inner_low) | (value >= inner_high))
    unknown = np.isnan(bounds.calm_low[datastream_id])
    _set(reasons, quality, unknown, flags.Reason.NO_RANGE, _NOT_EVALUATED)
    _set(reasons, quality, at_end, flags.Reason.SATURATED, _SUSPECT)
    lower, upper, unverified = _limits_at(bounds, datastream_id, time_us)
    below, above = measured & (value < lower), measured & (value > upper)
    _set(reasons, quality, below, flags.Reason.BELOW_LIMIT)
    _set(reasons, quality, above, flags.Reason.ABOVE_LIMIT)
    np.bitwise_or(reasons, unverified.astype(np.int32), out=reasons, where=below | above)
    if status is not None:
        _set(reasons, quality, status == _CALIBRATING, flags.Reason.CALIBRATING, _FAIL)
        _set(reasons, quality, status == _FAULTY, flags.Reason.DEVICE_FAULT, _FAIL)
    checked.reasons[at], checked.quality[at] = reasons, quality
    if outside.any():
        _refuse(at[outside], _OUT_OF_RANGE, checked)
    if not finite.all():
        _refuse(at[~finite], _NOT_FINITE, checked)


def _set(reasons: Int32s, quality: Int16s, where: Bools, reason: flags.Reason, level: int | None = None) -> None:
    np.bitwise_or(reasons, _BITS[reason], out=reasons, where=where)
    if level is not None:
        np.copyto(quality, level, where=where)


def _limits_at(bounds: _Bounds, datastream_id: Int64s, time_us: Int64s) -> tuple[Floats, Floats, Floats]:
    """Lower, upper and the bit for unverified of the limits in force at those times."""
    span = bounds.newest[datastream_id]
    earlier = np.flatnonzero(~_newest_holds(bounds, datastream_id, time_us))
    if earlier.size:
        span[earlier] = _span_at(bounds, datastream_id[earlier], time_us[earlier])
    lower, upper, unverified = bounds.spans[span].T
    return lower, upper, unverified


def _span_at(bounds: _Bounds, datastream_id: Int64s, time_us: Int64s) -> Int64s:
    """The span that held at each time, `len(spans) - 1` where none did: a binary search for all of them at once.

    Every datastream has at least one span.
    """
    columns = bounds.columns
    first = columns.limit_start[datastream_id]
    low, high = first, first + columns.limit_count[datastream_id]
    for _ in range(int((high - low).max()).bit_length()):
        middle = (low + high) >> 1
        # Where the search is over, middle may stand behind the last span of all.
        begun = (middle < high) & (np.take(columns.limit_from_us, middle, mode="clip") <= time_us)
        low, high = np.where(begun, middle + 1, low), np.where(begun, high, middle)
    span = low - 1
    held = (span >= first) & (time_us < columns.limit_to_us[span])
    return np.where(held, span, len(bounds.spans) - 1)


def _judge_age(age_us: Int64s, window: Window, checked: Checked) -> None:
    """Tests of the time, age being receipt minus phenomenon; they overrule all but a result that is not finite."""
    youngest_us, oldest_us = int(np.minimum.reduce(age_us)), int(np.maximum.reduce(age_us))
    kept = checked.refusal == 0
    if oldest_us > LATE_AFTER_US:
        late = kept if youngest_us > LATE_AFTER_US else kept & (age_us > LATE_AFTER_US)
        np.bitwise_or(checked.reasons, _BITS[flags.Reason.LATE], out=checked.reasons, where=late)
    if youngest_us < 0:
        ahead = kept & (age_us < 0)
        np.bitwise_or(checked.reasons, _BITS[flags.Reason.CLOCK_AHEAD], out=checked.reasons, where=ahead)
    if oldest_us > window.oldest_us:
        _refuse((age_us > window.oldest_us) & (checked.refusal != _NOT_FINITE), _TOO_OLD, checked)
    if youngest_us < -window.future_us:
        _refuse((age_us < -window.future_us) & (checked.refusal != _NOT_FINITE), _IN_FUTURE, checked)


def _refuse(these: Bools | npt.NDArray[np.intp], code: int, checked: Checked) -> None:
    checked.refusal[these] = code
    checked.quality[these] = _FAIL
    checked.reasons[these] = 0
