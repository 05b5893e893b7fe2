"""The faults that simulated stations show on demand: which, where, how often, how long, and what must come of each.

Whether a fault is on at a time is a function of seed, station, symbol and time, like the signals. What was injected is
told with the packet that carries it, so the truth is known to whoever reads the ledger.
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from core import errors
from telemetry.readings import Fate, Int64s, Reason
from telemetry.simulation import noise, pacing


class Kind(StrEnum):
    """What can go wrong at a station or on its way to us."""

    LATE = "late"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out-of-order"
    CALIBRATING = "calibrating"
    FAULTY = "faulty"
    EXCEEDING = "exceeding"
    SKEW = "skew"
    STUCK_CLOCK = "stuck-clock"
    OUTAGE = "outage"
    WRONG_UNIT = "wrong-unit"
    UNKNOWN_SYMBOL = "unknown-symbol"
    CONFLICT = "conflict"
    CORRUPT = "corrupt"


# What becomes of a reading that carries the fault, where a single answer can be foretold.
EXPECTED: dict[Kind, tuple[Fate, Reason | None]] = {
    Kind.LATE: (Fate.STORED, None),
    Kind.DUPLICATE: (Fate.DUPLICATE, Reason.SAME_TIME_SAME_VALUE),
    Kind.OUT_OF_ORDER: (Fate.STORED, None),
    Kind.CALIBRATING: (Fate.STORED, None),
    Kind.FAULTY: (Fate.STORED, None),
    Kind.EXCEEDING: (Fate.STORED, None),
    Kind.OUTAGE: (Fate.STORED, None),
    Kind.WRONG_UNIT: (Fate.QUARANTINED, Reason.UNIT_MISMATCH),
    Kind.UNKNOWN_SYMBOL: (Fate.QUARANTINED, Reason.UNKNOWN_SYMBOL),
    Kind.CONFLICT: (Fate.CONFLICT, Reason.SAME_TIME_OTHER_VALUE),
    Kind.CORRUPT: (Fate.QUARANTINED, Reason.UNREADABLE),
}

_SECOND_US = 1_000_000
# Cycles for which an outlook is worked out at once.
_AHEAD = 144


class InvalidFault(errors.Invalid):
    slug = "invalid-fault"
    title = "The fault to inject is not described right"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault on demand.

    rate: share of the time (for packets: of the packets) in which it is on. duration_us: how long it stays on, 0 for a
    packet. stations, symbols: shell patterns. by_us: how late, or how far the clock is ahead. factor: of the limit.
    """

    kind: Kind
    rate: float
    duration_us: int = 0
    stations: str = "*"
    symbols: str = "*"
    by_us: int = 0
    factor: float = 1.35

    def start_us(self, time_us: int, cadence_us: int) -> int:
        """When the span of the fault that holds this time began."""
        length = self.duration_us or cadence_us
        return time_us // length * length

    def concerns(self, station: str, symbol: str | None = None) -> bool:
        return fnmatch.fnmatchcase(station, self.stations) and (
            symbol is None or fnmatch.fnmatchcase(symbol, self.symbols)
        )


_DEFAULTS = {
    Kind.LATE: Fault(Kind.LATE, 0.02, by_us=20 * 60 * _SECOND_US),
    Kind.DUPLICATE: Fault(Kind.DUPLICATE, 0.02),
    Kind.OUT_OF_ORDER: Fault(Kind.OUT_OF_ORDER, 0.02),
    Kind.CALIBRATING: Fault(Kind.CALIBRATING, 0.01, 30 * 60 * _SECOND_US),
    Kind.FAULTY: Fault(Kind.FAULTY, 0.006, 45 * 60 * _SECOND_US),
    Kind.EXCEEDING: Fault(Kind.EXCEEDING, 0.01, 60 * 60 * _SECOND_US),
    Kind.SKEW: Fault(Kind.SKEW, 0.02, 120 * 60 * _SECOND_US, by_us=7 * 60 * _SECOND_US),
    Kind.STUCK_CLOCK: Fault(Kind.STUCK_CLOCK, 0.01, 30 * 60 * _SECOND_US),
    Kind.OUTAGE: Fault(Kind.OUTAGE, 0.02, 40 * 60 * _SECOND_US),
    Kind.WRONG_UNIT: Fault(Kind.WRONG_UNIT, 0.005),
    Kind.UNKNOWN_SYMBOL: Fault(Kind.UNKNOWN_SYMBOL, 0.005),
    Kind.CONFLICT: Fault(Kind.CONFLICT, 0.005),
    Kind.CORRUPT: Fault(Kind.CORRUPT, 0.003),
}
# What a centre meets on ordinary days.
EVERYDAY = tuple(
    replace(_DEFAULTS[kind], rate=rate)
    for kind, rate in (
        (Kind.LATE, 0.01),
        (Kind.DUPLICATE, 0.01),
        (Kind.OUT_OF_ORDER, 0.01),
        (Kind.CALIBRATING, 0.004),
        (Kind.FAULTY, 0.002),
        (Kind.EXCEEDING, 0.004),
        (Kind.OUTAGE, 0.01),
        (Kind.WRONG_UNIT, 0.0005),
        (Kind.UNKNOWN_SYMBOL, 0.0005),
        (Kind.CONFLICT, 0.001),
    )
)


def parse(text: str) -> tuple[Fault, ...]:
    """Read `everyday`, or `kind[:option=value,…]` with the options rate, for, by, factor, station, symbol."""
    name, _, options = text.partition(":")
    if name == "everyday" and not options:
        return EVERYDAY
    if name not in set(Kind):
        raise _invalid(text, name, "one of everyday, " + ", ".join(Kind))
    fault = _DEFAULTS[Kind(name)]
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        fault = _with(fault, text, key.strip(), value.strip())
    return (fault,)


def _with(fault: Fault, text: str, key: str, value: str) -> Fault:
    match key:
        case "rate":
            return replace(fault, rate=_number(text, value, highest=1.0))
        case "for":
            return replace(fault, duration_us=_duration(text, value))
        case "by":
            return replace(fault, by_us=_duration(text, value))
        case "factor":
            return replace(fault, factor=_number(text, value, highest=100.0))
        case "station":
            return replace(fault, stations=value)
        case "symbol":
            return replace(fault, symbols=value)
        case _:
            raise _invalid(text, key, "one of the options rate, for, by, factor, station, symbol")


def _number(text: str, value: str, *, highest: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= highest:
        raise _invalid(text, value, f"a number from 0 to {highest:g}")
    return number


def _duration(text: str, value: str) -> int:
    try:
        return pacing.duration_us(value)
    except ValueError as error:
        raise _invalid(text, value, str(error)) from None


def _invalid(text: str, found: str, expected: str) -> InvalidFault:
    return InvalidFault(f"{text!r} is not a fault to inject.", faults=[errors.Fault(f"fault {text}", found, expected)])


@dataclass(frozen=True, slots=True)
class Plan:
    """All faults of a run."""

    seed: int
    faults: tuple[Fault, ...] = ()

    def of(self, kinds: Iterable[Kind], station: str, symbol: str | None = None) -> list[Fault]:
        wanted = set(kinds)
        return [fault for fault in self.faults if fault.kind in wanted and fault.concerns(station, symbol)]

    def on(
        self, fault: Fault, station: str, symbol: str | None, time_us: Int64s, cadence_us: int
    ) -> npt.NDArray[np.bool_]:
        """(n,) whether the fault is on at each time."""
        return noise.uniform(*self._draw(fault, station, symbol, time_us, cadence_us)) < fault.rate

    def _draw(
        self, fault: Fault, station: str, symbol: str | None, time_us: Int64s, cadence_us: int
    ) -> tuple[np.uint64, Int64s]:
        key = noise.key_of("fault", self.seed, fault.kind, station, symbol or "")
        return key, time_us // (fault.duration_us or cadence_us)


class Outlook:
    """Which faults are on at one station, asked cycle by cycle and worked out for many cycles at once."""

    def __init__(self, plan: Plan, station: str, cadence_us: int) -> None:
        self._plan = plan
        self._station = station
        self._cadence_us = cadence_us
        self._span_us = cadence_us * _AHEAD
        self._begin_us = -1
        self._known: dict[tuple[Fault, str | None], npt.NDArray[np.bool_]] = {}
        self._concerned: dict[tuple[tuple[Kind, ...], str | None], list[Fault]] = {}

    def found(self, kinds: tuple[Kind, ...], cycle_us: int, symbol: str | None = None) -> list[Fault]:
        """The faults of these kinds that are on in the cycle."""
        key = (kinds, symbol)
        if key not in self._concerned:
            self._concerned[key] = self._plan.of(kinds, self._station, symbol)
        return [fault for fault in self._concerned[key] if self._is_on(fault, symbol, cycle_us)]

    def _is_on(self, fault: Fault, symbol: str | None, cycle_us: int) -> bool:
        begin_us = cycle_us // self._span_us * self._span_us
        if begin_us != self._begin_us:
            self._begin_us = begin_us
            self._known.clear()
        on = self._known.get((fault, symbol))
        if on is None:
            times = begin_us + np.arange(_AHEAD, dtype=np.int64) * self._cadence_us
            on = self._known[fault, symbol] = self._plan.on(fault, self._station, symbol, times, self._cadence_us)
        return bool(on[(cycle_us - begin_us) // self._cadence_us])
