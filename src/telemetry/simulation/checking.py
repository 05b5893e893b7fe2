"""Compares a sender's ledger with the tables: what was answered is there, what is there was sent, nothing is elsewhere.

I1: answered readings are stored, in conflict or in quarantine. I2: one row for a key. I3: every row was sent, with its
value. I4: no row is under another station. I8: what was not answered is unknown, never lost.
G1: an answer that refuses means that nothing was kept.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core import instants
from telemetry.catalog.snapshot import Snapshot
from telemetry.readings import Fate, Floats, Int64s
from telemetry.simulation import ledger
from telemetry.simulation.parcels import Acceptance

Bools = npt.NDArray[np.bool_]

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tables:
    """What the database holds.

    Observations and conflicts as columns of n and m: datastream, time, result, and for observations the receipt.
    receipts: id -> (station id, sha256 as hex). quarantine: (receipt id, index or None).
    """

    datastream_id: Int64s
    time_us: Int64s
    result: Floats
    receipt_id: Int64s
    conflict_datastream_id: Int64s
    conflict_time_us: Int64s
    conflict_result: Floats
    receipts: Mapping[int, tuple[int | None, str]]
    quarantine: frozenset[tuple[int, int | None]]


@dataclass(slots=True)
class Operation:
    """One operation of the ledger, with the strongest thing that is known of it."""

    sent: ledger.Sent
    acceptance: Acceptance = Acceptance.UNKNOWN
    answer: ledger.Answered | None = None
    sendings: int = 1


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    text: str


@dataclass(slots=True)
class Report:
    """Counts, and what was found wrong: `violations` shows the first of each rule, `broken` counts all."""

    operations: int = 0
    sendings: int = 0
    acked: int = 0
    refused: int = 0
    unknown: tuple[str, ...] = ()
    readings: int = 0
    rows: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.broken

    @property
    def lost(self) -> int:
        return self.broken["I1"]

    def note(self, rule: str, text: str) -> None:
        self.broken[rule] += 1
        if self.broken[rule] <= _MOST_SHOWN:
            self.violations.append(Violation(rule, text))

    def __str__(self) -> str:
        counts = (
            f"{self.operations} operations in {self.sendings} sendings: {self.acked} acked, {self.refused} refused, "
            f"{len(self.unknown)} unknown; {self.readings} readings sent, {self.rows} rows, lost {self.lost}"
        )
        return "\n".join([counts, *(f"{each.rule}: {each.text}" for each in self.violations)])


def operations(lines: Iterable[ledger.Line]) -> dict[str, Operation]:
    """The operations of a ledger. An acknowledgement stands whatever comes later; a receipt beats a PUBACK."""
    found: dict[str, Operation] = {}
    for line in lines:
        match line:
            case ledger.Sent():
                found[line.operation] = Operation(line)
            case ledger.Resent():
                found[line.operation].sendings += 1
            case ledger.Answered():
                _take(found[line.operation], line)
    return found


def _take(operation: Operation, line: ledger.Answered) -> None:
    acceptance = Acceptance(line.acceptance)
    if operation.acceptance is Acceptance.ACKED:
        # The first receipt tells what became of the readings; a later one says duplicate of the same.
        told = operation.answer is not None and operation.answer.receipt is not None
        if acceptance is Acceptance.ACKED and line.receipt is not None and not told:
            operation.answer = line
    else:
        operation.acceptance, operation.answer = acceptance, line


@dataclass(frozen=True, slots=True)
class _Readings:
    """All readings of the ledger as columns of n; datastream_id 0 where the catalogue knows none."""

    operation: Int64s
    index: Int64s
    datastream_id: Int64s
    time_us: Int64s
    result: Floats


def _columns(found: list[Operation], catalog: Snapshot) -> _Readings:
    parts: list[tuple[Int64s, Int64s, Int64s, Int64s, Floats]] = []
    for at, operation in enumerate(found):
        index = 0
        for columns in operation.sent.readings:
            count = len(columns.value)
            ids = _datastreams(columns, catalog)
            per_reading = ids if columns.symbol is None else ids[np.array(columns.symbol, np.int64)]
            result = np.array(columns.value, np.float64) * catalog.columns.factor[per_reading]
            time_us = np.broadcast_to(np.array(columns.time_us, np.int64), (count,))
            positions = np.arange(index, index + count, dtype=np.int64)
            parts.append((np.full(count, at, np.int64), positions, per_reading, time_us, result))
            index += count
    if not parts:
        empty = np.empty(0, np.int64)
        return _Readings(empty, empty, empty, empty, np.empty(0))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return _Readings(*joined)


def _datastreams(columns: ledger.Columns, catalog: Snapshot) -> Int64s:
    station = catalog.stations.get(columns.station)
    if station is None:
        return np.zeros(len(columns.symbols), np.int64)
    spellings = catalog.spellings[station.id]
    return np.array([spellings[symbol] for symbol in columns.symbols], np.int64)


class _Rows:
    """Rows of a table by (datastream, time) and by (datastream, time, result)."""

    def __init__(self, datastream_id: Int64s, time_us: Int64s, result: Floats) -> None:
        keys = list(zip(datastream_id.tolist(), time_us.tolist(), strict=True))
        self.keys = set(keys)
        self.whole = set(zip(keys, result.tolist(), strict=True))

    def holds(self, datastream_id: Int64s, time_us: Int64s, result: Floats) -> Bools:
        """(n,) whether the key is there with this very value."""
        keys = zip(datastream_id.tolist(), time_us.tolist(), strict=True)
        rows = zip(keys, result.tolist(), strict=True)
        return np.fromiter((row in self.whole for row in rows), np.bool_, len(result))

    def knows(self, datastream_id: Int64s, time_us: Int64s) -> Bools:
        """(n,) whether the key is there with any value."""
        keys = zip(datastream_id.tolist(), time_us.tolist(), strict=True)
        return np.fromiter((key in self.keys for key in keys), np.bool_, len(time_us))


def check(lines: Iterable[ledger.Line], tables: Tables, catalog: Snapshot, *, others_send: bool = False) -> Report:
    """Hold the ledger against the tables. `others_send`: rows of bytes that the ledger does not know are not judged."""
    found = list(operations(lines).values())
    return _Check(found, tables, catalog, others_send).report()


class _Check:
    def __init__(self, found: list[Operation], tables: Tables, catalog: Snapshot, others_send: bool) -> None:
        self._operations = found
        self._tables = tables
        self._catalog = catalog
        self._others_send = others_send
        self._sent = _columns(found, catalog)
        self._observations = _Rows(tables.datastream_id, tables.time_us, tables.result)
        self._conflicts = _Rows(tables.conflict_datastream_id, tables.conflict_time_us, tables.conflict_result)
        self._receipts_of: dict[str, list[int]] = {}
        for receipt, (_, sha256) in tables.receipts.items():
            self._receipts_of.setdefault(sha256, []).append(receipt)
        self._report = Report()

    def report(self) -> Report:
        self._count()
        self._answered_are_kept()
        self._refused_are_not_kept()
        self._keys_are_unique()
        self._rows_were_sent()
        self._rows_are_under_their_station()
        return self._report

    def _count(self) -> None:
        report, operations_ = self._report, self._operations
        report.operations = len(operations_)
        report.sendings = sum(operation.sendings for operation in operations_)
        report.acked = sum(operation.acceptance is Acceptance.ACKED for operation in operations_)
        report.refused = sum(operation.acceptance is Acceptance.REFUSED for operation in operations_)
        report.unknown = tuple(o.sent.operation for o in operations_ if o.acceptance is Acceptance.UNKNOWN)
        report.readings = len(self._sent.index)
        report.rows = len(self._tables.result)

    def _answered_are_kept(self) -> None:
        """I1, by what the answer says of each reading; without a receipt any committed state will do."""
        stored = self._observations.holds(self._sent.datastream_id, self._sent.time_us, self._sent.result)
        conflicting = self._conflicts.holds(self._sent.datastream_id, self._sent.time_us, self._sent.result)
        ends = np.searchsorted(self._sent.operation, np.arange(len(self._operations) + 1))
        for at, operation in enumerate(self._operations):
            if operation.acceptance is not Acceptance.ACKED:
                continue
            told = operation.answer is not None and operation.answer.deviations is not None
            deviations = _deviations(operation)
            whole = deviations.pop(None, None)
            if whole is not None or operation.sent.spoiled:
                self._whole_is_quarantined(operation)
                continue
            for row in range(int(ends[at]), int(ends[at + 1])):
                index = int(self._sent.index[row])
                fate = deviations.get(index, Fate.STORED if told else None)
                self._report.fates[fate or "acked"] += 1
                if not self._kept(operation, fate, index, bool(stored[row]), bool(conflicting[row])):
                    self._report.note("I1", f"{self._shown(row)} was answered {fate or 'acked'} and is not there")

    def _kept(self, operation: Operation, fate: Fate | None, index: int, stored: bool, conflicting: bool) -> bool:
        match fate:
            case Fate.STORED | Fate.DUPLICATE:
                return stored
            case Fate.CONFLICT:
                return conflicting
            case Fate.QUARANTINED:
                return self._quarantined(operation, index)
            case Fate.REJECTED:
                return True
            case _:
                return stored or conflicting or self._quarantined(operation, index)

    def _quarantined(self, operation: Operation, index: int | None) -> bool:
        receipts = self._receipts_of.get(operation.sent.sha256, [])
        return any(
            (receipt, index) in self._tables.quarantine or (receipt, None) in self._tables.quarantine
            for receipt in receipts
        )

    def _whole_is_quarantined(self, operation: Operation) -> None:
        self._report.fates[Fate.QUARANTINED] += 1
        if not self._quarantined(operation, None):
            self._report.note("I1", f"operation {operation.sent.operation} as a whole is not in quarantine")

    def _refused_are_not_kept(self) -> None:
        """G1: a refusal means that no observation came of these bytes, unless they were taken at another time."""
        acked = {o.sent.sha256 for o in self._operations if o.acceptance is not Acceptance.REFUSED}
        refused = {
            receipt: operation
            for operation in self._operations
            if operation.acceptance is Acceptance.REFUSED and operation.sent.sha256 not in acked
            for receipt in self._receipts_of.get(operation.sent.sha256, [])
        }
        kept = Counter(receipt for receipt in self._tables.receipt_id.tolist() if receipt in refused)
        for receipt, rows in kept.items():
            self._report.note("G1", f"operation {refused[receipt].sent.operation} was refused and left {rows} rows")

    def _keys_are_unique(self) -> None:
        keys = Counter(zip(self._tables.datastream_id.tolist(), self._tables.time_us.tolist(), strict=True))
        for (datastream_id, time_us), rows in keys.items():
            if rows > 1:
                self._report.note("I2", f"{self._key(datastream_id, time_us)} has {rows} rows")

    def _rows_were_sent(self) -> None:
        """I3: a row whose key was never sent was invented; one whose value was never sent for its key was changed."""
        tables, sent = self._tables, self._sent
        known = _Rows(sent.datastream_id, sent.time_us, sent.result)
        good = known.holds(tables.datastream_id, tables.time_us, tables.result)
        good |= self._of_unknown_content()
        if self._others_send:
            good |= ~self._ours()
        keyed = known.knows(tables.datastream_id, tables.time_us)
        for row in np.flatnonzero(~good).tolist():
            key = self._key(int(tables.datastream_id[row]), int(tables.time_us[row]))
            what = "holds a value that was not sent" if keyed[row] else "was never sent"
            self._report.note("I3", f"{key} = {tables.result[row]} {what}")

    def _ours(self) -> Bools:
        """(n,) which rows belong to receipts of bytes that the ledger knows."""
        return self._with_hashes({operation.sent.sha256 for operation in self._operations})

    def _of_unknown_content(self) -> Bools:
        """(n,) which rows came of bytes that the sender itself did not read, such as a file sent as it is."""
        return self._with_hashes({o.sent.sha256 for o in self._operations if not (o.sent.readings or o.sent.spoiled)})

    def _with_hashes(self, hashes: set[str]) -> Bools:
        ours = {receipt for receipt, (_, sha256) in self._tables.receipts.items() if sha256 in hashes}
        return np.fromiter((receipt in ours for receipt in self._tables.receipt_id.tolist()), np.bool_)

    def _rows_are_under_their_station(self) -> None:
        """I4: the station of a row, of its receipt and of the operation that carried it are one."""
        senders: dict[str, set[str]] = {}
        for operation in self._operations:
            senders.setdefault(operation.sent.sha256, set()).add(operation.sent.station)
        pairs = Counter(zip(self._tables.datastream_id.tolist(), self._tables.receipt_id.tolist(), strict=True))
        for (datastream_id, receipt_id), rows in pairs.items():
            stream = self._catalog.datastreams.get(datastream_id)
            station_id, sha256 = self._tables.receipts.get(receipt_id, (None, ""))
            if stream is None or receipt_id not in self._tables.receipts:
                self._report.note("I4", f"{rows} rows of datastream {datastream_id} have no datastream or receipt")
                continue
            code = self._catalog.stations_by_id[stream.station_id].code
            if station_id not in {None, stream.station_id} or code not in senders.get(sha256, {code}):
                self._report.note("I4", f"{rows} rows under {code} came with receipt {receipt_id} of another station")

    def _key(self, datastream_id: int, time_us: int) -> str:
        stream = self._catalog.datastreams.get(datastream_id)
        if stream is None:
            return f"datastream {datastream_id} at {_time(time_us)}"
        return f"{self._catalog.stations_by_id[stream.station_id].code} {stream.symbol} at {_time(time_us)}"

    def _shown(self, row: int) -> str:
        sent = self._sent
        operation = self._operations[int(sent.operation[row])].sent
        key = self._key(int(sent.datastream_id[row]), int(sent.time_us[row]))
        return f"operation {operation.operation} of {operation.station}, reading {sent.index[row]}, {key}"


def _time(time_us: int) -> str:
    try:
        return instants.text(instants.from_us(time_us))
    except OverflowError:
        return f"{time_us} µs"


def _deviations(operation: Operation) -> dict[int | None, Fate]:
    if operation.answer is None or operation.answer.deviations is None:
        return {}
    return {each.index: Fate(each.outcome) for each in operation.answer.deviations}
