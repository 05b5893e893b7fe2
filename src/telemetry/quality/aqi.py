"""VN_AQI after QĐ 1459/QĐ-TCMT from hourly means, in columns.

Arrays have pollutants on the axis before the last, in the order of `Rules.symbols`, and hours on the last; axes before
them, such as stations, are carried along. NaN is "no data". An hour is named by its end: the day of 23 November has the
hours 01:00 of the 23rd to 00:00 of the 24th. A mean below zero, which is noise of the instrument, counts as zero.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.quality.aqi_rules import Component, Rules
from telemetry.readings import Floats, Int64s

DAY_HOURS, EIGHT_HOURS, NOWCAST_HOURS = 24, 8, 12
# Hours that must stand before the first one that is asked for.
HOURLY_LEAD, DAILY_LEAD = NOWCAST_HOURS - 1, EIGHT_HOURS - 1
# Of the newest three hours so many must be there for a Nowcast.
_NEWEST, _NEEDED = 3, 2
_LEAST_WEIGHT = 0.5
# Far below the last digit of any concentration: 0.5 that binary fractions missed is rounded up all the same.
_HALF = 0.5 + 1e-9


@dataclass(frozen=True, slots=True)
class Indices:
    """Sub-indices of c components over n hours or days, behind the axes that were carried along.

    value: (…, c, n) the concentration that each sub-index is of. index: (…, c, n) whole numbers, NaN where undefined.
    hours: (…, c, n) how many hourly means entered. total: (…, n), NaN where neither PM10 nor PM2.5 has an index.
    dominant: (…, n) the component with the highest sub-index, the first of equal ones; -1 where there is no total.
    """

    value: Floats
    index: Floats
    hours: Int64s
    total: Floats
    dominant: Int64s


def sufficient(mean: Floats, valid: Int64s, expected: npt.ArrayLike, share: float) -> Floats:
    """Means of enough valid data, at least one; NaN for the others."""
    enough = (valid >= 1) & (valid >= np.ceil(np.asarray(expected, np.float64) * share - 1e-9))
    return np.where(enough, mean, np.nan)


def hourly(means: Floats, rules: Rules) -> Indices:
    """The index of every hour behind the first HOURLY_LEAD: 1-hour means, and Nowcast of particles."""
    means = _not_negative(means)
    cast, counted = nowcast(means)
    plain = means[..., HOURLY_LEAD:]
    there = (~np.isnan(plain)).astype(np.int64)
    value = [cast if c.statistic == "nowcast" else plain for c in rules.hourly]
    hours = [counted if c.statistic == "nowcast" else there for c in rules.hourly]
    return _indices(rules, rules.hourly, value, hours)


def daily(means: Floats, rules: Rules, share: float) -> Indices:
    """The index of every day: DAILY_LEAD hours, then whole days of 24 hours each.

    Particles by the mean of 24 hours, gases by the highest 1-hour mean, O3 also by the highest of the 24 means over 8
    hours that end in the day. Means over several hours need `share` of them.
    """
    means = _not_negative(means)
    eight = _by_day(_running_mean(means, EIGHT_HOURS, share))
    day = _by_day(means[..., DAILY_LEAD:])
    there = (~np.isnan(day)).sum(axis=-1)
    whole = sufficient(_sum(day) / np.maximum(there, 1), there, DAY_HOURS, share)
    found = {"mean-24h": whole, "max-1h": np.fmax.reduce(day, axis=-1), "max-8h": np.fmax.reduce(eight, axis=-1)}
    return _indices(rules, rules.daily, [found[c.statistic] for c in rules.daily], [there] * len(rules.daily))


def nowcast(means: Floats) -> tuple[Floats, Int64s]:
    """The Nowcast of each hour from its newest 12 hourly means, and how many of those there were.

    The first 11 hours have none, so the last axis is shorter by HOURLY_LEAD. NaN without two of the newest three. As
    the decision is written, weights of a half are not scaled up where hours are missing.
    """
    newest_first = _windows(means, NOWCAST_HOURS)[..., ::-1]
    there = ~np.isnan(newest_first)
    lowest, highest = np.fmin.reduce(newest_first, axis=-1), np.fmax.reduce(newest_first, axis=-1)
    ratio = np.divide(lowest, highest, out=np.ones_like(lowest), where=highest > 0)
    weight = np.fmax(ratio, _LEAST_WEIGHT)
    powers = np.where(there, weight[..., None] ** np.arange(NOWCAST_HOURS), 0.0)
    weighted = _sum(newest_first * powers)
    scale = np.where(weight > _LEAST_WEIGHT, powers.sum(axis=-1), 1 / _LEAST_WEIGHT)
    defined = there[..., :_NEWEST].sum(axis=-1) >= _NEEDED
    return np.divide(weighted, scale, out=np.full_like(weighted, np.nan), where=defined), there.sum(axis=-1)


def sub_index(value: Floats, breakpoints: Floats, index: Floats) -> Floats:
    """The index of each concentration, rounded half up.

    Above the last breakpoint it is the highest index where the table reaches that, and undefined where it ends before.
    """
    found = np.interp(value, breakpoints, index[: len(breakpoints)])
    if len(breakpoints) < len(index):
        found = np.where(value > breakpoints[-1], np.nan, found)
    return np.floor(found + _HALF)


def _not_negative(means: Floats) -> Floats:
    return np.maximum(np.asarray(means, np.float64), 0.0)


def _sum(hours: Floats) -> Floats:
    """The sum over the last axis of what is there."""
    total: Floats = np.where(np.isnan(hours), 0.0, hours).sum(axis=-1)
    return total


def _windows(hours: Floats, width: int) -> Floats:
    """(…, n) as (…, n - width + 1, width), each hour with those before it; none where there are fewer hours."""
    if hours.shape[-1] < width:
        return np.empty((*hours.shape[:-1], 0, width))
    return np.lib.stride_tricks.sliding_window_view(hours, width, axis=-1)


def _running_mean(means: Floats, width: int, share: float) -> Floats:
    """The mean over each `width` hours, where `share` of them are there; the last axis is shorter by width - 1."""
    windows = _windows(means, width)
    there = (~np.isnan(windows)).sum(axis=-1)
    return sufficient(_sum(windows) / np.maximum(there, 1), there, width, share)


def _by_day(hours: Floats) -> Floats:
    """(…, 24 d) as (…, d, 24)."""
    return hours.reshape(*hours.shape[:-1], hours.shape[-1] // DAY_HOURS, DAY_HOURS)


def _indices(rules: Rules, components: tuple[Component, ...], values: list[Floats], hours: list[Int64s]) -> Indices:
    """Sub-indices of the components; values and hours are by pollutant, one array for each component."""
    value = np.stack([of[..., c.place, :] for c, of in zip(components, values, strict=True)], axis=-2)
    counted = np.stack([of[..., c.place, :] for c, of in zip(components, hours, strict=True)], axis=-2)
    index = np.stack(
        [sub_index(value[..., at, :], c.breakpoints, rules.index) for at, c in enumerate(components)], axis=-2
    )
    particles = [at for at, c in enumerate(components) if rules.particles[c.place]]
    defined = ~np.isnan(index[..., particles, :]).all(axis=-2)
    highest = np.fmax.reduce(index, axis=-2)
    first = np.where(np.isnan(index), -1.0, index).argmax(axis=-2)
    return Indices(
        value=value,
        index=index,
        hours=counted,
        total=np.where(defined, highest, np.nan),
        dominant=np.where(defined, first, -1),
    )
