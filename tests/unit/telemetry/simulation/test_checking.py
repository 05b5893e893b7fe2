"""The checker finds every kind of violation that it is there to find, and nothing where there is none."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from telemetry.catalog.snapshot import Snapshot
from telemetry.simulation import checking, formats, ledger
from telemetry.simulation.checking import Report, Tables
from telemetry.simulation.faults import Plan
from telemetry.simulation.ledger import Deviation, Line
from telemetry.simulation.network import Format, Habit, Wire
from telemetry.simulation.packets import Bench
from telemetry.simulation.parcels import Acceptance, Answer, Parcel
from tests.fixtures.networks import catalog_of, plant

START_US = 1_791_133_200_000_000
HABIT = Habit(Wire.HTTP, Format.JSON)
STATIONS = (plant("TH-NT-001"), plant("TH-NT-002", file_code=None))
CATALOG: Snapshot = catalog_of(*STATIONS)
WIDTH = len(STATIONS[0].streams)


@dataclass
class World:
    """A ledger and the rows that an honest gateway would have written for it."""

    lines: list[Line] = field(default_factory=list)
    rows: list[tuple[int, int, float, int]] = field(default_factory=list)
    conflicts: list[tuple[int, int, float]] = field(default_factory=list)
    receipts: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    quarantine: set[tuple[int, int | None]] = field(default_factory=set)

    def send(self, operation: str, station: int = 0, cycle: int = 0) -> Parcel:
        packet = Bench(1, Plan(1), STATIONS[station]).single(START_US + cycle * 300_000_000)
        parcel = formats.packed(packet, HABIT, operation)
        self.lines.append(ledger.sent(parcel))
        return parcel

    def keep(self, parcel: Parcel, *, skip: tuple[int, ...] = ()) -> int:
        """Write the receipt and the observations of a parcel; the number of the receipt."""
        receipt = len(self.receipts) + 1
        station = next(s for s in CATALOG.stations.values() if s.code == parcel.station)
        self.receipts[receipt] = (station.id, parcel.sha256)
        readings = parcel.readings[0]
        assert isinstance(readings.time_us, int)
        for index, (symbol, value) in enumerate(zip(readings.symbols, readings.value, strict=True)):
            if index not in skip:
                stream = CATALOG.spellings[station.id][symbol]
                result = float(np.float64(value) * CATALOG.columns.factor[stream])
                self.rows.append((stream, readings.time_us, result, receipt))
        return receipt

    def answer(self, operation: str, receipt: int | None, *deviations: Deviation, via: str = "http") -> None:
        document: dict[str, Any] | None = None
        if receipt is not None:
            listed = [{"index": d.index, "outcome": d.outcome, "reason": d.reason} for d in deviations]
            document = {"receipt": receipt, "readings": listed}
        self.lines.append(ledger.answered(operation, Answer(Acceptance.ACKED, via, receipt=document)))

    def tables(self) -> Tables:
        rows, conflicts = self.rows, self.conflicts
        return Tables(
            datastream_id=np.array([row[0] for row in rows], np.int64),
            time_us=np.array([row[1] for row in rows], np.int64),
            result=np.array([row[2] for row in rows], np.float64),
            receipt_id=np.array([row[3] for row in rows], np.int64),
            conflict_datastream_id=np.array([row[0] for row in conflicts], np.int64),
            conflict_time_us=np.array([row[1] for row in conflicts], np.int64),
            conflict_result=np.array([row[2] for row in conflicts], np.float64),
            receipts=self.receipts,
            quarantine=frozenset(self.quarantine),
        )

    def check(self, *, others_send: bool = False) -> Report:
        return checking.check(self.lines, self.tables(), CATALOG, others_send=others_send)


@pytest.fixture
def world() -> World:
    """Two stations, three cycles, all stored and answered."""
    found = World()
    for cycle in range(3):
        for station in (0, 1):
            operation = f"op-{station}-{cycle}"
            found.answer(operation, found.keep(found.send(operation, station, cycle)))
    return found


def test_an_honest_run_has_no_violation(world: World) -> None:
    report = world.check()
    assert report.ok, str(report)
    assert (report.operations, report.acked, report.readings, report.rows) == (6, 6, 6 * WIDTH, 6 * WIDTH)
    assert report.fates == {"stored": 6 * WIDTH}
    assert "lost 0" in str(report)


def test_a_row_that_went_missing_is_lost(world: World) -> None:
    del world.rows[5]
    report = world.check()
    assert dict(report.broken) == {"I1": 1}
    assert report.lost == 1
    assert "TH-NT-002" in report.violations[0].text


def test_a_value_that_changed_breaks_two_promises(world: World) -> None:
    stream, time_us, result, receipt = world.rows[3]
    world.rows[3] = (stream, time_us, np.nextafter(result, np.inf), receipt)
    report = world.check()
    assert dict(report.broken) == {"I1": 1, "I3": 1}
    assert any("value that was not sent" in violation.text for violation in report.violations)


def test_a_second_row_for_a_key_is_found(world: World) -> None:
    world.rows.append(world.rows[0])
    assert dict(world.check().broken) == {"I2": 1}


def test_a_row_that_nobody_sent_is_found(world: World) -> None:
    stream, time_us, result, receipt = world.rows[0]
    world.rows.append((stream, time_us + 1, result, receipt))
    report = world.check()
    assert dict(report.broken) == {"I3": 1}
    assert "never sent" in report.violations[0].text


def test_a_row_under_another_station_is_found(world: World) -> None:
    # The same reading as a row of the other station's datastream, with the first one's receipt.
    stream, _, result, receipt = world.rows[0]
    world.rows.append((stream + WIDTH, START_US + 9 * 300_000_000, result, receipt))
    report = world.check()
    assert report.broken["I4"] == 1
    assert report.broken["I3"] == 1


def test_a_receipt_under_another_station_is_found(world: World) -> None:
    _, sha256 = world.receipts[1]
    world.receipts[1] = (2, sha256)
    assert world.check().broken == {"I4": WIDTH}


def test_a_row_without_a_receipt_is_found(world: World) -> None:
    del world.receipts[1]
    assert world.check().broken["I4"] == WIDTH


def test_what_was_not_answered_is_unknown_and_never_lost(world: World) -> None:
    world.send("silent", cycle=7)
    kept = world.send("kept-but-silent", cycle=8)
    world.keep(kept)
    report = world.check()
    assert report.ok, str(report)
    assert report.unknown == ("silent", "kept-but-silent")


def test_quarantined_readings_must_be_in_quarantine(world: World) -> None:
    parcel = world.send("spoiled", cycle=9)
    receipt = world.keep(parcel, skip=(2,))
    world.answer("spoiled", receipt, Deviation(2, "quarantined", "unknown-symbol"))
    assert dict(world.check().broken) == {"I1": 1}
    world.quarantine.add((receipt, 2))
    report = world.check()
    assert report.ok, str(report)
    assert report.fates["quarantined"] == 1


def test_conflicting_readings_must_be_in_the_conflicts(world: World) -> None:
    other = ledger.sent(formats.packed(Bench(2, Plan(1), STATIONS[0]).single(START_US), HABIT, "other"))
    world.lines.append(other)
    world.receipts[99] = (1, other.sha256)
    conflicts = [Deviation(index, "conflict", "same-time-other-value") for index in range(WIDTH)]
    world.answer("other", 99, *conflicts)
    assert dict(world.check().broken) == {"I1": WIDTH}
    for index, value in enumerate(other.readings[0].value):
        world.conflicts.append((index + 1, START_US, float(value * CATALOG.columns.factor[index + 1])))
    assert world.check().ok


def test_a_puback_means_stored_or_in_conflict_or_in_quarantine(world: World) -> None:
    parcel = world.send("by-mqtt", cycle=11)
    world.answer("by-mqtt", None, via="puback")
    assert dict(world.check().broken) == {"I1": WIDTH}
    receipt = world.keep(parcel, skip=(1,))
    world.quarantine.add((receipt, 1))
    report = world.check()
    assert report.ok, str(report)
    assert report.fates["acked"] == WIDTH


def test_a_later_receipt_tells_more_than_the_puback(world: World) -> None:
    parcel = world.send("by-mqtt", cycle=11)
    receipt = world.keep(parcel, skip=(0,))
    world.quarantine.add((receipt, 0))
    world.answer("by-mqtt", None, via="puback")
    world.answer("by-mqtt", receipt, Deviation(0, "quarantined", "unit-mismatch"), via="receipt")
    report = world.check()
    assert report.ok, str(report)
    assert report.fates["quarantined"] == 1


def test_a_message_that_could_not_be_read_is_in_quarantine_as_a_whole(world: World) -> None:
    packet = Bench(1, Plan(1), STATIONS[0]).single(START_US)
    parcel = formats.packed(packet, HABIT, "corrupt", spoiled=True)
    world.lines.append(ledger.sent(parcel))
    world.answer("corrupt", None, via="puback")
    assert dict(world.check().broken) == {"I1": 1}
    world.receipts[50] = (1, parcel.sha256)
    world.quarantine.add((50, None))
    assert world.check().ok


def test_a_refused_operation_leaves_no_rows(world: World) -> None:
    parcel = world.send("refused", cycle=12)
    world.lines.append(ledger.answered("refused", Answer(Acceptance.REFUSED, "http", "403")))
    assert world.check().ok
    world.keep(parcel)
    assert dict(world.check().broken) == {"G1": 1}


def test_rows_of_other_senders_are_judged_only_when_nobody_else_sends(world: World) -> None:
    world.receipts[70] = (1, "ff" * 32)
    world.rows.append((1, START_US + 55, 1.0, 70))
    assert dict(world.check().broken) == {"I3": 1}
    assert world.check(others_send=True).ok


def test_duplicates_stand_on_the_row_of_the_first_sending(world: World) -> None:
    parcel = world.send("again")
    world.receipts[80] = (1, parcel.sha256)
    world.answer("again", 80, *(Deviation(index, "duplicate", "same-time-same-value") for index in range(WIDTH)))
    report = world.check()
    assert report.ok, str(report)
    assert report.fates["duplicate"] == WIDTH


def test_the_report_shows_the_first_of_many_violations_and_counts_all(world: World) -> None:
    world.rows.clear()
    report = world.check()
    assert report.lost == 6 * WIDTH
    assert len(report.violations) == 20
    world.rows.extend((1, START_US + number, 1.0, 1) for number in range(30))
    assert world.check().broken["I3"] == 30


def test_a_ledger_of_many_readings_is_checked_in_seconds() -> None:
    bench, found = Bench(1, Plan(1), STATIONS[0]), World()
    times = START_US + np.arange(30_000, dtype=np.int64) * 300_000_000
    parcel = formats.packed_history(bench.history(times), Wire.HTTP, "history")
    found.lines.append(ledger.sent(parcel))
    found.answer("history", 1)
    readings = parcel.readings[0]
    assert readings.symbol is not None
    streams = readings.symbol + 1
    tables = replace(
        found.tables(),
        datastream_id=streams,
        time_us=np.asarray(readings.time_us),
        result=np.asarray(readings.value) * CATALOG.columns.factor[streams],
        receipt_id=np.ones(len(readings), np.int64),
        receipts={1: (1, parcel.sha256)},
    )
    report = checking.check(found.lines, tables, CATALOG)
    assert report.ok, str(report)
    assert report.readings == 120_000


def test_an_empty_ledger_and_an_empty_table_agree() -> None:
    assert World().check().ok
