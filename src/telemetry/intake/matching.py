"""Names to datastreams: puts the readings of many submissions into one set of columns.

Stations send the same symbols and units every time, so the match of one such layout is computed once for a snapshot
and looked up from then on; nothing is done for each reading of a small packet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from telemetry.catalog.snapshot import Snapshot, StationEntry, fold_unit
from telemetry.readings import FILE_PREFIX, Floats, Int64s, Readings, Reason, Submission

# Names in all remembered layouts: enough for 20,000 stations of a dozen symbols, too few for what senders invent.
_MOST_NAMES = 250_000
_SHOWN_SYMBOLS = 12

# Codes of the stations that somebody may speak for; None: any.
Within = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why the readings of one spelling have no datastream; `station_id` is theirs where at least that is known."""

    reason: Reason
    field: str
    found: str
    expected: str
    station_id: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What a list of symbols and units means at one station: a datastream id for each symbol, 0 where there is none."""

    ids: Int64s
    mismatches: dict[int, Mismatch]


@dataclass(slots=True)
class Matcher:
    """Matches against one snapshot and remembers the layouts that it met."""

    snapshot: Snapshot
    _layouts: dict[tuple[str, int | None, Within, tuple[str, ...], tuple[str | None, ...] | None], Layout] = field(
        default_factory=dict
    )
    _names: int = 0

    def layout(self, readings: Readings, speaker: int | None, within: Within = None) -> Layout:
        """`speaker` is the only station that the submission may speak for; where it is None, those in `within`."""
        units = None if readings.units is None else tuple(readings.units)
        key = (readings.station, speaker, within, tuple(readings.symbols), units)
        found = self._layouts.get(key)
        if found is None:
            self._names += len(readings.symbols) + 1
            if self._names > _MOST_NAMES:
                self._layouts.clear()
                self._names = len(readings.symbols) + 1
            found = self._layouts[key] = self._match(readings, speaker, within)
        return found

    def _match(self, readings: Readings, speaker: int | None, within: Within) -> Layout:
        station, mismatch = self._station(readings.station, speaker, within)
        ids = np.zeros(len(readings.symbols), np.int64)
        mismatches = {}
        for at, symbol in enumerate(readings.symbols):
            unit = None if readings.units is None else readings.units[at]
            if station is None:
                mismatches[at] = mismatch
                continue
            found = self._datastream(station, symbol, unit)
            if isinstance(found, Mismatch):
                mismatches[at] = found
            else:
                ids[at] = found
        return Layout(ids, mismatches)

    def _station(self, name: str, speaker: int | None, within: Within) -> tuple[StationEntry | None, Mismatch]:
        file_code = name.removeprefix(FILE_PREFIX)
        if file_code != name:
            station = self.snapshot.stations_by_file_code.get(file_code.upper())
            where, name = "fileName", file_code
        else:
            station = self.snapshot.stations.get(name)
            where = "station"
        if speaker is not None and (station is None or station.id != speaker):
            own = self.snapshot.stations_by_id[speaker].code if speaker in self.snapshot.stations_by_id else "its own"
            return None, Mismatch(Reason.WRONG_STATION, where, name, f"the sender's own station, {own}")
        if within is not None and (station is None or station.code not in within):
            return None, Mismatch(Reason.WRONG_STATION, where, name, "a station that the sender may speak for")
        return station, Mismatch(Reason.UNKNOWN_STATION, where, name, "a station of the catalogue")

    def _datastream(self, station: StationEntry, symbol: str, unit: str | None) -> int | Mismatch:
        spellings = self.snapshot.spellings[station.id]
        datastream_id = spellings[symbol]
        if not datastream_id:
            known = sorted({self.snapshot.datastreams[d].symbol for d in spellings.values()})
            listed = ", ".join(known[:_SHOWN_SYMBOLS]) + (", …" if len(known) > _SHOWN_SYMBOLS else "")
            wanted = f"a symbol or alias of {station.code}: {listed}"
            return Mismatch(Reason.UNKNOWN_SYMBOL, "symbol", symbol, wanted, station.id)
        expected = self.snapshot.datastreams[datastream_id].reported_unit
        # An empty unit is usual in the regulator's files (pH has none); only a unit that says otherwise is refused.
        if unit and unit != expected and fold_unit(unit) not in {"", fold_unit(expected)}:
            wanted = f"{expected or 'no unit'}, as declared for {symbol}"
            return Mismatch(Reason.UNIT_MISMATCH, "unit", unit, wanted, station.id)
        return datastream_id


@dataclass(frozen=True, slots=True)
class Matched:
    """The readings of a group as columns of n.

    datastream_id: 0 where there is none; value: as sent; result: value times the datastream's factor.
    submission: ordinal in the group; index: position in that submission; received_us: of that submission, the first
    time in a replay.
    mismatched: what was wrong with each reading whose datastream_id is 0, by row.
    """

    datastream_id: Int64s
    time_us: Int64s
    value: Floats
    result: Floats
    status: npt.NDArray[np.int16]
    submission: Int64s
    index: Int64s
    received_us: Int64s
    mismatched: dict[int, tuple[Mismatch, str, str | None]]

    def __len__(self) -> int:
        return len(self.datastream_id)


class _Columns:
    """Collects columns: small packets first as lists, which become arrays when they are many."""

    def __init__(self) -> None:
        self.ids: list[Int64s] = []
        self.times: list[Int64s] = []
        self.values: list[Floats] = []
        self.statuses: list[npt.NDArray[np.int16]] = []
        self.indexes: list[Int64s] = []
        self._value: list[float] = []
        self._status: list[int] = []
        self._time: list[int] = []
        self._first: list[int] = []
        self._count: list[int] = []

    def small(self, ids: Int64s, readings: Readings) -> bool:
        """Take a packet of one time; False when it has another shape."""
        value, status, first, time_us = readings.value, readings.status, readings.index, readings.time_us
        if not (isinstance(value, list) and isinstance(time_us, int) and isinstance(first, int)):
            return False
        if readings.symbol is not None:
            ids = ids[readings.symbol]
        self.ids.append(ids)
        self._value += value
        self._status += [0] * len(value) if status is None else status
        self._time.append(time_us)
        self._first.append(first)
        self._count.append(len(value))
        return True

    def large(self, ids: Int64s, readings: Readings) -> None:
        self.flush()
        count = len(readings)
        first = readings.index
        self.ids.append(ids if readings.symbol is None else ids[readings.symbol])
        self.times.append(np.broadcast_to(np.asarray(readings.time_us, np.int64), (count,)))
        self.values.append(np.asarray(readings.value, np.float64))
        self.statuses.append(
            np.zeros(count, np.int16) if readings.status is None else np.asarray(readings.status, np.int16)
        )
        self.indexes.append(np.arange(first, first + count) if isinstance(first, int) else first)

    def flush(self) -> None:
        if not self._count:
            return
        count = np.array(self._count, np.int64)
        start = np.cumsum(count) - count
        total = len(self._value)
        self.times.append(np.repeat(np.array(self._time, np.int64), count))
        self.values.append(np.array(self._value, np.float64))
        self.statuses.append(np.array(self._status, np.int16))
        self.indexes.append(np.arange(total) + np.repeat(np.array(self._first, np.int64) - start, count))
        self._value, self._status, self._time, self._first, self._count = [], [], [], [], []


def _joined(parts: list[npt.NDArray[np.generic]], kind: type[np.generic]) -> npt.NDArray[np.generic]:
    if not parts:
        return np.empty(0, kind)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def match(matcher: Matcher, submissions: Sequence[Submission]) -> Matched:
    """All readings of the submissions, in order, each with its datastream."""
    columns = _Columns()
    counts = np.zeros(len(submissions), np.int64)
    mismatched: dict[int, tuple[Mismatch, str, str | None]] = {}
    row = 0
    for ordinal, submission in enumerate(submissions):
        before = row
        for readings in submission.decoded.readings:
            layout = matcher.layout(readings, submission.station_id, submission.within)
            if not columns.small(layout.ids, readings):
                columns.large(layout.ids, readings)
            if layout.mismatches:
                mismatched.update(_rows_of(layout, readings, row))
            row += len(readings)
        counts[ordinal] = row - before
    columns.flush()
    ids = _joined(list(columns.ids), np.int64).astype(np.int64, copy=False)
    value = _joined(list(columns.values), np.float64).astype(np.float64, copy=False)
    received = np.fromiter((s.judged_us for s in submissions), np.int64, len(submissions))
    return Matched(
        datastream_id=ids,
        time_us=_joined(list(columns.times), np.int64).astype(np.int64, copy=False),
        value=value,
        result=_converted(value, matcher.snapshot.columns.factor[ids]),
        status=_joined(list(columns.statuses), np.int16).astype(np.int16, copy=False),
        submission=np.repeat(np.arange(len(submissions)), counts),
        index=_joined(list(columns.indexes), np.int64).astype(np.int64, copy=False),
        received_us=np.repeat(received, counts),
        mismatched=mismatched,
    )


def _converted(value: Floats, factor: Floats) -> Floats:
    """Value times factor; what gets too large for a float becomes infinite, and the checks refuse it."""
    with np.errstate(over="ignore"):
        return value * factor


def _rows_of(layout: Layout, readings: Readings, row: int) -> dict[int, tuple[Mismatch, str, str | None]]:
    """The rows that a layout's mismatches stand for, when the readings begin at `row`."""
    found = {}
    symbol_of = range(len(readings)) if readings.symbol is None else readings.symbol.tolist()
    for at, symbol in enumerate(symbol_of):
        mismatch = layout.mismatches.get(symbol)
        if mismatch is not None:
            unit = None if readings.units is None else readings.units[symbol]
            found[row + at] = (mismatch, readings.symbols[symbol], unit)
    return found
