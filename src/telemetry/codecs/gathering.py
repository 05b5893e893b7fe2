"""Collects readings and flaws one by one, where a submission cannot be taken in columns.

Every call of `keep` or `flaw` takes the next position, so that no reading is lost and none is counted twice.
"""

from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from telemetry.codecs.flaws import check_number, shown
from telemetry.readings import Decoded, Flaw, Readings, Reason


@dataclass(frozen=True, slots=True)
class Blemish:
    """What is wrong with one reading: the reason, the member that it shows in, what was found and what was expected."""

    reason: Reason
    field: str
    found: str
    expected: str

    def behind(self, where: str) -> "Blemish":
        """The same, with the place before the field."""
        return replace(self, field=where + self.field)


class Spoilt(Exception):
    """Something makes a reading unusable; it becomes a flaw and never leaves the codecs."""

    def __init__(self, reason: Reason, field: str, found: str, expected: str) -> None:
        super().__init__(reason)
        self.blemish = Blemish(reason, field, found, expected)

    @classmethod
    def of(cls, blemish: Blemish) -> "Spoilt":
        return cls(blemish.reason, blemish.field, blemish.found, blemish.expected)


class AsSent(msgspec.Struct, frozen=True):
    """The texts of one reading as they were sent, None where nothing was."""

    symbol: str | None = None
    value: str | None = None
    unit: str | None = None
    time: str | None = None
    status: str | None = None


NOTHING_SENT = AsSent()


@dataclass(slots=True)
class _Columns:
    names: dict[tuple[str, str | None], int] = field(default_factory=dict)
    symbol: list[int] = field(default_factory=list)
    time_us: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    index: list[int] = field(default_factory=list)


class Gathering:
    def __init__(self, first: int = 0) -> None:
        self._first = first
        self._next = first
        self._stations: dict[str, _Columns] = {}
        self._flaws: list[Flaw] = []

    def keep(self, station: str, symbol: str, unit: str | None, time_us: int, value: float, status: int) -> None:
        columns = self._stations.get(station)
        if columns is None:
            columns = self._stations[station] = _Columns()
        columns.symbol.append(columns.names.setdefault((symbol, unit), len(columns.names)))
        columns.time_us.append(time_us)
        columns.value.append(value)
        columns.status.append(status)
        columns.index.append(self._next)
        self._next += 1

    def flaw(self, blemish: Blemish, sent: AsSent = NOTHING_SENT) -> None:
        self._flaws.append(flaw_at(self._next, blemish, sent))
        check_number(self._flaws)
        self._next += 1

    def decoded(self) -> Decoded:
        readings = [_readings(station, columns) for station, columns in self._stations.items()]
        return Decoded(readings, self._flaws, self._next - self._first)


def flaw_at(index: int | None, blemish: Blemish, sent: AsSent) -> Flaw:
    """The flaw at a position, with every text safe to store."""
    return Flaw(
        index=index,
        reason=blemish.reason,
        field=shown(blemish.field),
        found=shown(blemish.found),
        expected=blemish.expected,
        symbol=_shown(sent.symbol),
        value=_shown(sent.value),
        unit=_shown(sent.unit),
        phenomenon_time=_shown(sent.time),
        status=_shown(sent.status),
    )


def _shown(text: str | None) -> str | None:
    return None if text is None else shown(text)


def _readings(station: str, columns: _Columns) -> Readings:
    units = [unit for _, unit in columns.names]
    times = set(columns.time_us)
    first, count = columns.index[0], len(columns.index)
    return Readings(
        station=station,
        symbols=[symbol for symbol, _ in columns.names],
        time_us=times.pop() if len(times) == 1 else np.array(columns.time_us, dtype=np.int64),
        value=columns.value,
        symbol=None if len(units) == count else np.array(columns.symbol, dtype=np.int64),
        units=units if any(unit is not None for unit in units) else None,
        status=columns.status if any(columns.status) else None,
        index=first if columns.index[-1] - first == count - 1 else np.array(columns.index, dtype=np.int64),
    )
