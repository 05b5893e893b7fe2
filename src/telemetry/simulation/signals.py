"""What an instrument would read at any time: plausible courses of day and week, the same in every run.

Everything is a function of (seed, station, symbol, time) and of nothing else: a time sent again has the same value.
"""

from dataclasses import replace

import numpy as np

from telemetry.catalog.snapshot import fold
from telemetry.readings import Floats, Int64s
from telemetry.simulation import noise, profiles
from telemetry.simulation.network import Station, Stream
from telemetry.simulation.profiles import Profile

_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_DAY_US = 24 * _HOUR_US
_SCATTER_STEP_US = 5 * _MINUTE_US
_VIETNAM_US = 7 * _HOUR_US  # no daylight saving time
# 1970-01-01 was a Thursday; days are counted from the Monday before it.
_MONDAY_SHIFT = 3

# The share of a limit that an ordinary plant's level does not pass.
_BELOW_LIMIT = 0.62


def written(seed: int, station: Station, stream: Stream, time_us: Int64s) -> Floats:
    """(n,) values as the station writes them: in its own unit, with the decimals of its files."""
    profile = _profile(station, stream)
    values = kept(seed, station, stream, time_us) / stream.factor
    # A unit that makes the numbers small gets more decimals.
    found: Floats = np.round(values, profile.decimals if profile.level / stream.factor >= 0.5 else 4)
    return found


def kept(seed: int, station: Station, stream: Stream, time_us: Int64s) -> Floats:
    """(n,) results in the unit of the observed property, inside the instrument's range and not at its ends."""
    if not len(time_us):
        return np.empty(0)
    profile = _profile(station, stream)
    key = (seed, station.code, profiles.canonical(stream.symbol))
    hold_us = profile.hold * station.cadence_seconds * 1_000_000
    at = time_us // hold_us * hold_us if profile.hold > 1 else time_us
    pumped = _pumped(seed, station, stream, at)
    found = _course(profile, key, station, at) if pumped is None else pumped
    return _inside(found, stream, profile)


def _course(profile: Profile, key: tuple[int, str, str], station: Station, at: Int64s) -> Floats:
    """Level with the course of the day and the week, the plant's load, and both kinds of noise."""
    level = profile.level * _temper(*key, spread=min(0.12, 1.5 * (profile.scatter + profile.drift)))
    relative = _day(profile, key, at) * _week(profile, at)
    if profile.load:
        relative *= 1.0 + profile.load * (_load(key[0], station.code, at) - 1.0)
    jitter = profile.scatter * noise.wander(noise.key_of("scatter", *key), at, step_us=_SCATTER_STEP_US, memory=4)
    jitter += profile.drift * noise.wander(noise.key_of("drift", *key), at, step_us=_HOUR_US, memory=18)
    # Scatter grows with the value, and a little of it is the instrument's own.
    relative = relative * (1.0 + jitter) + 0.04 * jitter
    return np.maximum(level * relative, profile.least)


def _temper(*key: object, spread: float) -> float:
    """A factor around 1 that is this series' own for ever."""
    step = np.zeros(1, np.int64)
    return float(np.clip(1.0 + spread * noise.normal(noise.key_of("temper", *key), step)[0], 0.75, 1.3))


def _local_hour(at: Int64s) -> Floats:
    found: Floats = ((at + _VIETNAM_US) % _DAY_US) / _HOUR_US
    return found


def _day(profile: Profile, key: tuple[int, str, str], at: Int64s) -> Floats:
    if not profile.swing:
        return np.ones(len(at))
    # Plants and places keep slightly different hours; all series of a station keep the same.
    shift = 0.0 if profile.curve is profiles.Curve.SUN else 6.0 * (_temper(*key[:2], "hours", spread=0.08) - 1.0)
    return 1.0 - profile.swing + profile.swing * profile.curve.at((_local_hour(at) + shift) % 24.0)


def _week(profile: Profile, at: Int64s) -> Floats:
    """Sunday rests, Saturday half; the change takes the first two hours of the day."""
    if profile.rests >= 1.0:
        return np.ones(len(at))
    factors = np.array([1.0, 1.0, 1.0, 1.0, 1.0, (1.0 + profile.rests) / 2, profile.rests])
    days, within = np.divmod(at + _VIETNAM_US, _DAY_US)
    today, before = factors[(days + _MONDAY_SHIFT) % 7], factors[(days + _MONDAY_SHIFT - 1) % 7]
    share = np.clip(within / (2 * _HOUR_US), 0.0, 1.0)
    found: Floats = before + (today - before) * share
    return found


def _load(seed: int, code: str, at: Int64s) -> Floats:
    """The plant's load, 0.45 to 1, which all instruments of a stack see alike."""
    wandering = noise.wander(noise.key_of("load", seed, code), at, step_us=_HOUR_US, memory=9)
    found: Floats = np.clip(0.86 + 0.1 * wandering, 0.45, 1.0)
    return found


def _pumped(seed: int, station: Station, stream: Stream, at: Int64s) -> Floats | None:
    """Flow of a well's pump, or the depth to the water that it draws down; None for all other properties."""
    folded = fold(stream.symbol)
    if station.kind != "groundwater" or folded not in {"flow", "level"}:
        return None
    ceiling = np.inf if stream.upper is None else stream.upper
    ripple = noise.wander(noise.key_of("ripple", seed, station.code, folded), at, step_us=_SCATTER_STEP_US, memory=2)
    if folded == "flow":
        running = _running(seed, station.code, at)
        rate = min(42.0 * _temper(seed, station.code, "rate", spread=0.25), 0.85 * ceiling)
        return np.asarray(running * rate * (1.0 + 0.015 * ripple), np.float64)
    resting = min(12.0 * _temper(seed, station.code, "rest", spread=0.3), 0.9 * ceiling - 6.0)
    season = noise.wander(noise.key_of("season", seed, station.code), at, step_us=_DAY_US, memory=20)
    return max(resting, 1.5) + 0.4 * season + 4.5 * _drawdown(seed, station.code, at) + 0.01 * ripple


def _running(seed: int, code: str, at: Int64s) -> Floats:
    """1 where the pump runs: most half-hours from 5 to 21 o'clock, few at night."""
    half_hour = at // (30 * _MINUTE_US)
    shift = 4.0 * (_temper(seed, code, "pump", spread=0.15) - 1.0)
    hour = (_local_hour(at) + shift) % 24.0
    likely = np.where((hour >= 5) & (hour < 21), 0.82, 0.12)
    # Two half-hours share one draw, so that the pump does not start more often than a pump may.
    found: Floats = (noise.uniform(noise.key_of("pump", seed, code), half_hour // 2) < likely).astype(np.float64)
    return found


def _drawdown(seed: int, code: str, at: Int64s) -> Floats:
    """0 to 1: how far the level is drawn down, with a memory of an hour and a half."""
    weights = np.exp(-np.arange(96) / 18.0)
    step = at // _SCATTER_STEP_US
    first = int(step.min())
    steps = np.arange(first - len(weights) + 1, int(step.max()) + 1, dtype=np.int64)
    running = _running(seed, code, steps * _SCATTER_STEP_US)
    found: Floats = np.convolve(running, weights / weights.sum(), mode="valid")[step - first]
    return found


def _profile(station: Station, stream: Stream) -> Profile:
    """The property's profile fitted to instrument and limit; one from the range where the property is unknown."""
    found = profiles.profile_of(station.kind, stream.symbol)
    low = 0.0 if stream.low is None else max(stream.low, 0.0)
    high = 100.0 if stream.high is None else stream.high
    if found is None:
        # Little is known of the property but that instruments reach far beyond what is usual.
        found = Profile(low + 0.05 * (high - low), scatter=0.05, drift=0.08)
    level = found.level
    if stream.upper is not None and stream.lower is None:
        level = min(level, _BELOW_LIMIT * stream.upper)
    if stream.high is not None and level > low + 0.8 * (high - low):
        level = low + 0.4 * (high - low)
    return replace(found, level=level)


def _inside(values: Floats, stream: Stream, profile: Profile) -> Floats:
    """Keep clear of both ends of the range: a result at an end reads as a saturated instrument."""
    low = -np.inf if stream.low is None else stream.low
    high = np.inf if stream.high is None else stream.high
    margin = 0.002 * (high - low) if np.isfinite(high - low) else 0.0
    return np.clip(values, max(low + margin, profile.least), min(high - margin, profile.most))
