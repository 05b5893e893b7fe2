"""Derives verdicts of periods from the observations that stand in the table."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.quality import reference
from telemetry.readings import Floats, Int64s
from telemetry.verdicts import averaging, correcting, judging, material, planning, windows
from telemetry.verdicts.averaging import Hours, Means
from telemetry.verdicts.book import Book, Policy
from telemetry.verdicts.holding import Limit
from telemetry.verdicts.planning import Bools, Periods
from telemetry.verdicts.reconciling import Derived, floats

_NUMBERS = ("mean", "low", "high")
_COUNTS = ("received_n", "valid_n", "covered_n", "low_us", "high_us", "first_receipt", "last_receipt")


async def derive(connection: Any, book: Book, periods: Periods, until_us: int | None = None) -> Derived:
    """The verdicts of periods that have a limit; after `until_us` nothing is expected yet. Takes a connection."""
    limits = [book.limits[place] for place in periods.limit.tolist()]
    policies = _policies(book, periods)
    cadence_us = np.array([book.streams[limit.datastream_id].cadence_us for limit in limits], np.int64)
    end_us = periods.end_us if until_us is None else np.minimum(periods.end_us, until_us)
    expected_n = judging.expected(periods.start_us, end_us, cadence_us)
    hour_expected = np.maximum(-(-windows.HOUR_US // np.maximum(cadence_us, 1)), 1)
    hindrance = _each(book, periods, _hindrance).astype(np.int8)
    means, measured_n = await _means(connection, book, periods, hindrance, hour_expected)
    found = judging.judged(
        _in_units(means, _each(book, periods, _factor)),
        measured_n,
        expected_n,
        np.array([policy.minimum_share for policy in policies], np.float64),
        (floats([limit.lower for limit in limits]), floats([limit.upper for limit in limits])),
        hindrance,
    )
    return Derived(periods, found.verdict, found.reason, found.means, expected_n, policies)


def _policies(book: Book, periods: Periods) -> list[Policy]:
    known: dict[tuple[int, int], Policy] = {}
    for place, window in set(zip(periods.limit.tolist(), periods.window.tolist(), strict=True)):
        known[place, window] = book.policy_of(book.limits[place], window)
    return [known[pair] for pair in zip(periods.limit.tolist(), periods.window.tolist(), strict=True)]


def _each(book: Book, periods: Periods, of: Callable[[Book, Limit], float]) -> Floats:
    """A number of each period's limit, found once for each limit."""
    places, inverse = np.unique(periods.limit, return_inverse=True)
    found: Floats = np.array([of(book, book.limits[place]) for place in places.tolist()], np.float64)[inverse]
    return found


def _factor(book: Book, limit: Limit) -> float:
    """From the kept unit to the limit's; 1 where it is not known, because then nothing is judged."""
    stream = book.streams[limit.datastream_id]
    found = 1.0 if limit.unit is None else reference.factor(stream.symbol, stream.unit, limit.unit)
    return 1.0 if found is None else found


def _hindrance(book: Book, limit: Limit) -> int:
    stream = book.streams[limit.datastream_id]
    if limit.oxygen_reference is not None and not stream.oxygen_stream:
        return judging.NO_OXYGEN
    if limit.unit is not None and reference.factor(stream.symbol, stream.unit, limit.unit) is None:
        return judging.CONVERSION_UNKNOWN
    return judging.NO_REASON


def _in_units(means: Means, factor: Floats) -> Means:
    if (factor == 1).all():
        return means
    numbers = (getattr(means, name) for name in _NUMBERS)
    scaled = (np.where(factor == 1, number, averaging.significant(number * factor)) for number in numbers)
    return replace(means, **dict(zip(_NUMBERS, scaled, strict=True)))


async def _means(
    connection: Any, book: Book, periods: Periods, hindrance: judging.Int8s, hour_expected: Int64s
) -> tuple[Means, Int64s]:
    """The means of all periods, and how many rows were valid before a correction (of each hour as many as expected).

    Each group of periods whose data are read and corrected in the same way is folded by itself.
    """
    oxygen = floats([book.limits[place].oxygen_reference for place in periods.limit.tolist()])
    oxygen[hindrance != judging.NO_REASON] = np.nan
    plain = np.isnan(oxygen)
    long = periods.window == windows.YEARLY
    groups: list[tuple[Bools, Means, Int64s]] = []
    for which in (plain & long, plain & ~long):
        if which.any():
            hours = await _plain_hours(connection, periods.picked(which))
            means = _fold(hours, periods.picked(which), hour_expected[which])
            groups.append((which, means, means.covered_n))
    for content in np.unique(oxygen[~plain]).tolist():
        which = oxygen == content
        hours, measured = await _corrected_hours(connection, book, periods.picked(which), content)
        counted = _fold(measured, periods.picked(which), hour_expected[which])
        groups.append((which, _fold(hours, periods.picked(which), hour_expected[which]), counted.covered_n))
    return _merged(groups, len(periods))


def _fold(hours: Hours, periods: Periods, hour_expected: Int64s) -> Means:
    return averaging.periods(hours, periods.datastream_id, periods.start_us, periods.end_us, hour_expected)


async def _plain_hours(connection: Any, periods: Periods) -> Hours:
    columns = periods.datastream_id, periods.start_us, periods.end_us
    if (periods.window == windows.YEARLY).all():
        return await material.hours_of_periods(connection, *columns)
    return averaging.hours(await material.rows(connection, *planning.extents(*columns)))


async def _corrected_hours(connection: Any, book: Book, periods: Periods, content: float) -> tuple[Hours, Hours]:
    """Hours of the corrected results, and of the same as they were measured."""
    oxygen_of = {stream: book.streams[stream].oxygen_stream for stream in np.unique(periods.datastream_id).tolist()}
    extents = planning.extents(periods.datastream_id, periods.start_us, periods.end_us)
    beside = np.array([oxygen_of[stream] for stream in extents[0].tolist()], np.int64)
    measured = await material.rows(connection, *extents)
    oxygen = await material.rows(connection, *planning.extents(beside, extents[1], extents[2]))
    return averaging.hours(correcting.corrected(measured, oxygen, oxygen_of, content)), averaging.hours(measured)


def _merged(groups: Iterable[tuple[Bools, Means, Int64s]], size: int) -> tuple[Means, Int64s]:
    """One entry for each period again."""
    columns: dict[str, npt.NDArray[Any]] = {name: np.zeros(size, np.int64) for name in _COUNTS}
    columns |= {name: np.zeros(size, np.float64) for name in _NUMBERS}
    measured_n = np.zeros(size, np.int64)
    for which, means, counted in groups:
        measured_n[which] = counted
        for name, column in columns.items():
            column[which] = getattr(means, name)
    return Means(**columns), measured_n
