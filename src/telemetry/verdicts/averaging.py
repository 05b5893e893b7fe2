"""Averages in columns: rows are folded into hours, and hours into periods, without a loop over either.

Only valid rows enter the mean, the minimum and the maximum. A mean has twelve significant digits, so that the order
in which floats were added decides nothing. Hours are told apart by one int64 of datastream and number of hour. Pure.
"""

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from telemetry.readings import Floats, Int64s
from telemetry.verdicts.windows import HOUR_US

Bools = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.int64, np.float64)

DIGITS = 12
UNKNOWN = -1
# Hours since 1970 stay below this until the year 2448.
_HOURS = 2**22


@dataclass(frozen=True, slots=True)
class Rows:
    """Observations in order of datastream and time."""

    datastream_id: Int64s
    time_us: Int64s
    result: Floats
    valid: Bools
    receipt_id: Int64s

    def __len__(self) -> int:
        return len(self.datastream_id)

    def picked(self, which: Bools) -> "Rows":
        return Rows(*(getattr(self, item.name)[which] for item in fields(self)))


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours that have rows, in order of `key`; times and receipts are UNKNOWN where an aggregate gave the hour.

    low and high are infinite where no row is valid; low_us and high_us are the first times at which they were observed.
    """

    key: Int64s
    received_n: Int64s
    valid_n: Int64s
    total: Floats
    low: Floats
    low_us: Int64s
    high: Floats
    high_us: Int64s
    first_receipt: Int64s
    last_receipt: Int64s

    def __len__(self) -> int:
        return len(self.key)

    def picked(self, which: npt.NDArray[np.bool_] | Int64s) -> "Hours":
        return Hours(*(getattr(self, item.name)[which] for item in fields(self)))


@dataclass(frozen=True, slots=True)
class Means:
    """One entry for each period; mean, low and high are NaN and times and receipts UNKNOWN where there is nothing."""

    received_n: Int64s
    valid_n: Int64s
    covered_n: Int64s
    mean: Floats
    low: Floats
    low_us: Int64s
    high: Floats
    high_us: Int64s
    first_receipt: Int64s
    last_receipt: Int64s


def key_of(datastream_id: Int64s, time_us: Int64s) -> Int64s:
    """The hour that the time lies in, of the datastream."""
    found: Int64s = datastream_id * _HOURS + time_us // HOUR_US
    return found


def hour_of(key: Int64s) -> tuple[Int64s, Int64s]:
    """Datastream and begin of an hour."""
    return key // _HOURS, key % _HOURS * HOUR_US


def hours(rows: Rows) -> Hours:
    """Fold rows into the hours that they lie in."""
    key = key_of(rows.datastream_id, rows.time_us)
    begin = _begins(key)
    group = np.repeat(np.arange(len(begin)), _lengths(begin, len(key)))
    low = _least(np.where(rows.valid, rows.result, np.inf), begin)
    high = -_least(np.where(rows.valid, -rows.result, np.inf), begin)
    last = begin + _lengths(begin, len(key)) - 1
    return Hours(
        key=key[begin],
        received_n=_lengths(begin, len(key)),
        valid_n=_sum(rows.valid.astype(np.int64), begin),
        total=_sum(np.where(rows.valid, rows.result, 0.0), begin),
        low=low,
        low_us=_first(rows.time_us, rows.valid & (rows.result == low[group]), group, len(begin)),
        high=high,
        high_us=_first(rows.time_us, rows.valid & (rows.result == high[group]), group, len(begin)),
        first_receipt=rows.receipt_id[begin],
        last_receipt=rows.receipt_id[last],
    )


def joined(parts: list[Hours]) -> Hours:
    """All hours in order; of several for one hour the one of the last part stays."""
    together = Hours(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Hours)))
    order = np.argsort(together.key, kind="stable")
    key = together.key[order]
    final = np.append(key[1:] != key[:-1], [True]) if len(key) else np.empty(0, np.bool_)
    return together.picked(order[final])


def periods(found: Hours, datastream_id: Int64s, start_us: Int64s, end_us: Int64s, hour_expected: Int64s) -> Means:
    """Fold hours into periods of full hours, which may overlap.

    hour_expected: how many rows an hour is expected to have; more of them do not make up for another hour's gap.
    """
    left = np.searchsorted(found.key, key_of(datastream_id, start_us))
    count = np.searchsorted(found.key, key_of(datastream_id, end_us)) - left
    filled = count > 0
    begin = np.cumsum(count[filled]) - count[filled]
    group = np.repeat(np.arange(len(begin)), count[filled])
    place = np.arange(len(group)) - begin[group] + left[filled][group]
    hour = found.picked(place)
    valid_n = _sum(hour.valid_n, begin)
    low, high = _least(hour.low, begin), -_least(-hour.high, begin)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = significant(_sum(hour.total, begin) / valid_n)
    none = valid_n == 0
    has = hour.valid_n > 0
    covered = np.minimum(hour.valid_n, hour_expected[filled][group])
    last = begin + count[filled] - 1
    return Means(
        received_n=_spread(_sum(hour.received_n, begin), filled, 0),
        valid_n=_spread(valid_n, filled, 0),
        covered_n=_spread(_sum(covered, begin), filled, 0),
        mean=_spread(np.where(none, np.nan, mean), filled, np.nan),
        low=_spread(np.where(none, np.nan, low), filled, np.nan),
        low_us=_spread(_first(hour.low_us, has & (hour.low == low[group]), group, len(begin)), filled, UNKNOWN),
        high=_spread(np.where(none, np.nan, high), filled, np.nan),
        high_us=_spread(_first(hour.high_us, has & (hour.high == high[group]), group, len(begin)), filled, UNKNOWN),
        first_receipt=_spread(hour.first_receipt[begin], filled, UNKNOWN),
        last_receipt=_spread(hour.last_receipt[last], filled, UNKNOWN),
    )


def telling(found: Hours, datastream_id: Int64s, start_us: Int64s, end_us: Int64s) -> Int64s:
    """Keys of the hours that hold the extremes, the first and the last row of each period."""
    keys = []
    for stream, start, end in zip(datastream_id, start_us, end_us, strict=True):
        left, right = np.searchsorted(found.key, key_of(stream, np.array([start, end])))
        if left < right:
            low, high = found.low[left:right].argmin(), found.high[left:right].argmax()
            keys.append(found.key[[left, right - 1, left + low, left + high]])
    return np.unique(np.concatenate(keys)) if keys else np.empty(0, np.int64)


def significant(value: Floats) -> Floats:
    """Rounded to twelve significant digits."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        exponent = DIGITS - 1 - np.floor(np.log10(np.abs(value)))
        scale = 10.0**exponent
        rounded = np.round(value * scale) / scale
    # Of zero there is no logarithm, and near the ends of the floats no power of ten.
    return np.where(np.isfinite(rounded) & np.isfinite(scale), rounded, value)


def _begins(key: Int64s) -> Int64s:
    if not len(key):
        return np.empty(0, np.int64)
    return np.flatnonzero(np.append([True], key[1:] != key[:-1]))


def _lengths(begin: Int64s, size: int) -> Int64s:
    return np.diff(np.append(begin, size))


def _sum(values: npt.NDArray[Number], begin: Int64s) -> npt.NDArray[Number]:
    found: npt.NDArray[Number] = np.add.reduceat(values, begin) if len(begin) else values[:0]
    return found


def _least(values: Floats, begin: Int64s) -> Floats:
    found: Floats = np.minimum.reduceat(values, begin) if len(begin) else values[:0]
    return found


def _first(values: Int64s, which: Bools, group: Int64s, size: int) -> Int64s:
    """The first value of each group of those that are meant, UNKNOWN where a group has none."""
    found = np.full(size, UNKNOWN, np.int64)
    meant = np.flatnonzero(which)
    # Later assignments win, so the first one of each group comes last.
    found[group[meant[::-1]]] = values[meant[::-1]]
    return found


def _spread(values: npt.NDArray[Number], filled: Bools, otherwise: float) -> npt.NDArray[Number]:
    found = np.full(len(filled), otherwise, values.dtype)
    found[filled] = values
    return found
