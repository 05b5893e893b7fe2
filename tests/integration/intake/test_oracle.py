"""Judging and writing against an oracle of dicts and loops: same outcomes, rows, quarantine and conflicts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core import instants
from core.database import Lease
from telemetry.intake import store
from telemetry.intake.committing import Committer
from telemetry.intake.matching import Matcher
from telemetry.intake.pipeline import judge
from telemetry.quality.checking import Window
from telemetry.readings import Flaw, Outcome, Readings, Reason, Submission
from tests.fixtures.intakes import EMPTY, LoopThread, Works, works_on
from tests.fixtures.submissions import FIRST, SECOND, submission

MINUTE = 60 * 10**6
# The hypothesis of every example: received two hours after `Works.base_us`.
RECEIVED_MINUTE = 120

# --- The oracle. It knows the network of tests/fixtures/intakes.py by heart.

_STREAM = {"COD": "COD", " cod": "COD", "pH": "pH", "Amoni": "NH4-N", "NH4-N": "NH4-N"}
_UNIT = {"COD": "mg/l", "pH": "", "NH4-N": "mg/l"}
_FACTOR = {"NH4-N": 0.5}
_STATION_ID = {FIRST: 1, SECOND: 2}

Key = tuple[str, str, int]


@dataclass
class Oracle:
    """Observations by key, conflicts, quarantine entries and receipts, as they have to be."""

    base_us: int
    observations: dict[Key, tuple[float, int, int, int, int]] = field(default_factory=dict)
    conflicts: dict[tuple[Key, float, int], tuple[int, int]] = field(default_factory=dict)
    quarantine: list[tuple[int, int | None, str]] = field(default_factory=list)
    receipts: list[tuple[int, int, int, int]] = field(default_factory=list)

    def take(self, sent: Submission) -> dict[int | None, str]:
        """Keep one submission; what became of each position that was not stored."""
        number = len(self.receipts)
        told: dict[int | None, str] = {flaw.index: flaw.reason for flaw in sent.decoded.flaws}
        for flaw in sent.decoded.flaws:
            self.quarantine.append((number, flaw.index, flaw.reason))
        stored = 0
        for station, symbol, unit, time_us, value, status, index in _each(sent):
            fate = self._reading(sent, number, station, symbol, unit, time_us, value, status, index)
            if fate == "stored":
                stored += 1
            else:
                told[index] = fate
        fates = list(told.values())
        duplicates, conflicts = fates.count("duplicate"), fates.count("conflict")
        self.receipts.append((stored, duplicates, conflicts, len(fates) - duplicates - conflicts))
        return told

    def _reading(
        self,
        sent: Submission,
        number: int,
        station: str,
        symbol: str,
        unit: str | None,
        time_us: int,
        value: float,
        status: int,
        index: int,
    ) -> str:
        reason = _mismatch(sent.station_id, station, symbol, unit)
        if reason is None:
            reason = self._refusal(station, _STREAM[symbol], time_us, value, status)
        if reason is not None:
            self.quarantine.append((number, index, reason))
            return reason
        stream = _STREAM[symbol]
        result = value * _FACTOR.get(stream, 1.0)
        key = (station, stream, time_us)
        there = self.observations.get(key)
        if there is None:
            quality, bits = self._quality(station, stream, time_us, result, status)
            self.observations[key] = (result, status, quality, bits, number)
            return "stored"
        if there[:2] == (result, status):
            return "duplicate"
        self.conflicts.setdefault((key, result, status), (number, index))
        return "conflict"

    def _refusal(self, station: str, stream: str, time_us: int, value: float, status: int) -> str | None:
        result = value * _FACTOR.get(stream, 1.0)
        if math.isnan(result) or math.isinf(result):
            return "not-finite"
        age_minutes = (self.base_us - time_us) / MINUTE + RECEIVED_MINUTE
        if age_minutes > 400 * 24 * 60:
            return "too-old"
        if age_minutes < -10:
            return "in-future"
        if status == 0 and station == FIRST and not -0.0005 <= result <= 500.0005:
            return "out-of-range"
        return None

    def _quality(self, station: str, stream: str, time_us: int, result: float, status: int) -> tuple[int, int]:
        quality, bits = 1, 0
        minute = (time_us - self.base_us) / MINUTE
        if station == SECOND:
            quality, bits = 2, 256
        if status == 0:
            if station == FIRST and (result <= 0.0005 or result >= 499.9995):
                quality, bits = 3, bits + 4
            if station == FIRST and stream == "COD":
                if -120 <= minute < -60 and result > 100:
                    bits += 16
                if minute >= -60 and result > 50:
                    bits += 16 + 32
        else:
            quality, bits = 4, bits + status
        if minute < RECEIVED_MINUTE - 60:
            bits += 64
        if minute > RECEIVED_MINUTE:
            bits += 128
        return quality, bits


def _mismatch(speaker: int | None, station: str, symbol: str, unit: str | None) -> str | None:
    if speaker is not None and _STATION_ID.get(station) != speaker:
        return "wrong-station"
    if station not in _STATION_ID:
        return "unknown-station"
    if symbol not in _STREAM:
        return "unknown-symbol"
    if unit and unit.lower() != _UNIT[_STREAM[symbol]]:
        return "unit-mismatch"
    return None


def _each(sent: Submission) -> Iterator[tuple[str, str, str | None, int, float, int, int]]:
    for readings in sent.decoded.readings:
        for at, value in enumerate(readings.value):
            which = at if readings.symbol is None else int(readings.symbol[at])
            yield (
                readings.station,
                readings.symbols[which],
                None if readings.units is None else readings.units[which],
                readings.time_us if isinstance(readings.time_us, int) else int(readings.time_us[at]),
                float(value),
                0 if readings.status is None else int(readings.status[at]),
                readings.index + at if isinstance(readings.index, int) else int(readings.index[at]),
            )


# --- What is sent.

_MINUTES = st.sampled_from([-121, -120, -61, -60, 0, 1, 2, 60, 61, 120, 125, 130, 131, -400 * 1440 + 120, -400 * 1440])
_VALUES = st.sampled_from([5.0, 5.0, 6.0, 75.0, 150.0, 0.0, 500.0, -0.0004, 500.0006, -3.0, math.nan, math.inf, 1e90])
_SYMBOLS = ["COD", " cod", "pH", "Amoni", "NH4-N", "Xyz"]


@dataclass(frozen=True)
class Block:
    """Readings of one station, as columns; times in minutes since the base, one for all or one for each."""

    station: str
    symbols: list[str]
    picked: list[int] | None
    units: list[str | None] | None
    minutes: int | list[int]
    values: list[float]
    statuses: list[int] | None
    bulk: bool

    def readings(self, base_us: int, first: int) -> Readings:
        one = isinstance(self.minutes, int)
        time_us: Any = (
            base_us + self.minutes * MINUTE  # type: ignore[operator]  # an int where `one` holds
            if one
            else np.array(self.minutes, np.int64) * MINUTE + base_us
        )
        return Readings(
            self.station,
            self.symbols,
            time_us,
            np.array(self.values) if self.bulk else self.values,
            symbol=None if self.picked is None else np.array(self.picked, np.int64),
            units=self.units,
            status=np.array(self.statuses, np.int16) if self.bulk and self.statuses is not None else self.statuses,
            index=first,
        )


@dataclass(frozen=True)
class Sent:
    speaker: int | None
    blocks: list[Block]
    flaws: int

    def submission(self, base_us: int) -> Submission:
        readings: list[Readings] = []
        for block in self.blocks:
            readings.append(block.readings(base_us, sum(map(len, readings))))
        count = sum(map(len, readings))
        flaws = [Flaw(count + n, Reason.NOT_A_NUMBER, "result", "x", "a number") for n in range(self.flaws)]
        received_us = base_us + RECEIVED_MINUTE * MINUTE
        return submission(*readings, flaws=flaws, station_id=self.speaker, received_us=received_us)


@st.composite
def _blocks(draw: st.DrawFn) -> Block:
    symbols = draw(st.lists(st.sampled_from(_SYMBOLS), min_size=1, max_size=4, unique=True))
    picked = draw(st.none() | st.lists(st.integers(0, len(symbols) - 1), max_size=6))
    count = len(symbols) if picked is None else len(picked)

    def each(element: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(element, min_size=count, max_size=count)

    units = st.lists(st.sampled_from([None, "", "mg/l", "MG/L"]), min_size=len(symbols), max_size=len(symbols))
    return Block(
        station=draw(st.sampled_from([FIRST, FIRST, FIRST, SECOND, "nobody"])),
        symbols=symbols,
        picked=picked,
        units=draw(st.none() | units),
        minutes=draw(_MINUTES | each(_MINUTES)),
        values=draw(each(_VALUES)),
        statuses=draw(st.none() | each(st.sampled_from([0, 0, 1, 2]))),
        bulk=draw(st.booleans()),
    )


_sent = st.builds(
    Sent,
    speaker=st.sampled_from([None, None, 1, 2]),
    blocks=st.lists(_blocks(), max_size=3),
    flaws=st.sampled_from([0, 0, 0, 1]),
)
_groups = st.lists(st.lists(_sent, min_size=1, max_size=4), min_size=1, max_size=3)


# --- Both do the same.


async def written(works: Works, committer: Committer, group: Sequence[Submission]) -> list[Outcome]:
    judged = judge(Matcher(works.catalog.snapshot), group, Window())
    lease = Lease(works.database)
    try:
        return await committer.commit(lease, judged, lambda: True)
    finally:
        await lease.close()


async def tables(works: Works, receipts: Sequence[int | None]) -> tuple[Any, Any, Any, Any]:
    """What the tables hold, in the oracle's form; receipts as ordinals."""
    number = {receipt: ordinal for ordinal, receipt in enumerate(receipts)}
    observations = {
        (row["station"], row["symbol"], instants.to_us(row["phenomenon_time"])): (
            row["result"],
            row["device_status"],
            row["result_quality"],
            row["quality_reasons"],
            number[row["receipt_id"]],
        )
        for row in await works.observations()
    }
    conflicts = {
        (
            (row["code"], row["symbol"], instants.to_us(row["phenomenon_time"])),
            row["result"],
            row["device_status"],
        ): (number[row["receipt_id"]], row["reading_index"])
        for row in await works.rows(
            "SELECT s.code, p.symbol, c.* FROM reading_conflict c JOIN datastream d ON d.id = c.datastream_id "
            "JOIN station s ON s.id = d.station_id JOIN observed_property p ON p.id = d.observed_property_id"
        )
    }
    quarantine = sorted(
        (number[row["receipt_id"]], row["reading_index"], row["reason"]) for row in await works.quarantine()
    )
    counted = [
        (row["stored"], row["duplicates"], row["conflicts"], row["quarantined"]) for row in await works.receipts()
    ]
    return observations, conflicts, quarantine, counted


async def compare(works: Works, groups: list[list[Sent]]) -> None:
    await works.database.execute(EMPTY)
    oracle, committer = Oracle(works.base_us), Committer(works.database)
    receipts: list[int | None] = []
    for group in groups:
        submissions = [sent.submission(works.base_us) for sent in group]
        outcomes = await written(works, committer, submissions)
        for sent, outcome in zip(submissions, outcomes, strict=True):
            expected = oracle.take(sent)
            told = {
                v.index: v.reason.value if v.fate.value == "quarantined" else v.fate.value for v in outcome.verdicts
            }
            assert told == expected
            assert [v.index for v in outcome.verdicts] == sorted(expected)  # type: ignore[type-var]  # no None here
            assert (outcome.stored, outcome.duplicates, outcome.conflicts, outcome.quarantined) == oracle.receipts[-1]
            assert outcome.count == sent.decoded.count
            receipts.append(outcome.receipt_id)
    observations, conflicts, quarantine, counted = await tables(works, receipts)
    assert observations == oracle.observations
    assert conflicts == oracle.conflicts
    assert quarantine == sorted(oracle.quarantine, key=lambda entry: (entry[0], entry[1] or 0, entry[2]))
    assert counted == oracle.receipts


def _block(*values: float, minutes: int = 0, station: str = FIRST, status: int = 0) -> Block:
    return Block(station, ["COD"], [0] * len(values), None, minutes, list(values), [status] * len(values), True)


@pytest.fixture
def steady(dsn: str, loop_thread: LoopThread) -> Iterator[Works]:
    """The network, on the loop of the thread, for as many examples as there are."""
    opening = works_on(dsn)
    yield loop_thread.run(opening.__aenter__())
    loop_thread.run(opening.__aexit__(None, None, None))


@settings(
    derandomize=True,
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(groups=[[Sent(None, [_block(5.0, 5.0, 6.0, 5.0)], 0), Sent(None, [_block(6.0), _block(5.0)], 0)]])
@example(groups=[[Sent(None, [_block(5.0)], 0)], [Sent(None, [_block(5.0, status=1), _block(5.0, minutes=1)], 1)]])
@given(groups=_groups)
def test_the_pipeline_does_what_a_plain_loop_would_do(
    groups: list[list[Sent]], steady: Works, loop_thread: LoopThread
) -> None:
    loop_thread.run(compare(steady, groups))


@settings(
    derandomize=True,
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=_sent, sent=_sent)
def test_all_or_nothing_keeps_a_submission_exactly_when_nothing_stands_against_it(
    before: Sent, sent: Sent, steady: Works, loop_thread: LoopThread
) -> None:
    loop_thread.run(_compare_atomic(steady, before, sent))


async def _compare_atomic(works: Works, before: Sent, sent: Sent) -> None:
    await works.database.execute(EMPTY)
    oracle, committer = Oracle(works.base_us), Committer(works.database)
    first = before.submission(works.base_us)
    receipts = [outcome.receipt_id for outcome in await written(works, committer, [first])]
    oracle.take(first)
    expected = (dict(oracle.observations), dict(oracle.conflicts), list(oracle.quarantine), list(oracle.receipts))
    plain = sent.submission(works.base_us)
    whole = submission(
        *plain.decoded.readings,
        flaws=plain.decoded.flaws,
        station_id=plain.station_id,
        received_us=plain.received_us,
        atomic=True,
    )
    against = set(oracle.take(plain).values()) - {"duplicate"}
    try:
        (outcome,) = await written(works, committer, [whole])
    except store.AtomicRefused:
        assert against
    else:
        assert not against
        receipts.append(outcome.receipt_id)
        expected = (oracle.observations, oracle.conflicts, oracle.quarantine, oracle.receipts)
    observations, conflicts, quarantine, counted = await tables(works, receipts)
    assert (observations, conflicts, counted) == (expected[0], expected[1], expected[3])
    assert quarantine == sorted(expected[2], key=lambda entry: (entry[0], entry[1] or 0, entry[2]))
