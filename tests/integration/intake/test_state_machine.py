"""Any sequence of sends, resends, conflicts, late data, crashes and changes of the catalogue keeps the promises.

After every step: what was answered is in the tables (I1), each key has one row (I2), and every stored row was sent,
with its value unchanged (I3).
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core import instants
from core.database import Database
from telemetry.intake.submitting import Intake
from telemetry.readings import Fate, Outcome, Readings
from tests.fixtures.intakes import EMPTY, HASTY, LoopThread, Works, session_of, works_on
from tests.fixtures.submissions import FIRST

NAME = "quantrac-crashing"
ALIAS = "ChemOx"
MINUTE = 60 * 10**6
_LATE, _OUT_OF_WINDOW = 300 * 1440, 500 * 1440


@dataclass(frozen=True)
class Sent:
    """Values of some symbols at one minute before the base."""

    minute: int
    values: tuple[tuple[str, float], ...]
    status: int = 0

    def readings(self) -> Iterator[tuple[int, tuple[str, int], float]]:
        """Position, key and value of each reading; the alias means COD."""
        for at, (symbol, value) in enumerate(self.values):
            yield at, ("COD" if symbol == ALIAS else symbol, self.minute), value


@dataclass
class Centre:
    """The intake that crashes, and what its senders know."""

    works: Works
    database: Database
    intake: Intake
    sent: list[Sent] = field(default_factory=list)
    answered: list[tuple[Sent, Outcome]] = field(default_factory=list)

    @classmethod
    async def open(cls, works: Works) -> "Centre":
        await works.database.execute(EMPTY)
        await works.database.execute("DELETE FROM datastream_alias WHERE alias = $1", ALIAS)
        await works.catalog.refresh()
        return cls(works, *await cls._parts(works))

    @staticmethod
    async def _parts(works: Works) -> tuple[Database, Intake]:
        database = await Database(works.dsn, application_name=NAME, limits=HASTY).__aenter__()
        return database, await Intake(database, works.catalog).__aenter__()

    async def close(self) -> None:
        await self.intake.__aexit__()
        await self.database.__aexit__()

    async def send(self, sent: Sent) -> None:
        """Send, and remember the answer, if there is one."""
        self.sent.append(sent)
        symbols, values = zip(*sent.values, strict=True)
        time_us = self.works.base_us - sent.minute * MINUTE
        readings = Readings(FIRST, symbols, time_us, list(values), status=[sent.status] * len(values))
        self.answered.append((sent, await self.intake.submit(self.works.submission(readings), 20)))

    async def crash(self, pause_steps: int, pause_ms: int, under_way: Sequence[Sent]) -> None:
        """Kill the intake somewhere inside the writing of these, and start another one."""
        tasks = [asyncio.ensure_future(self.send(sent)) for sent in under_way]
        for _ in range(pause_steps):
            await asyncio.sleep(0)
        await asyncio.sleep(pause_ms / 1000)
        assert self.database._pool is not None
        self.database._pool.terminate()
        for task in self.intake._writers:
            task.cancel()
        async with session_of(self.works.dsn) as operator:
            await operator.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = $1 AND datname = current_database()",
                NAME,
            )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self.intake._writers, return_exceptions=True)
        self.database, self.intake = await self._parts(self.works)

    async def turn_alias(self) -> None:
        """Let the station spell COD in another way, or no longer."""
        removed = await self.works.database.execute("DELETE FROM datastream_alias WHERE alias = $1", ALIAS)
        if removed == "DELETE 0":
            await self.works.alias(ALIAS)
        await self.works.catalog.refresh()

    async def check(self) -> None:
        """The invariants, against the tables."""
        rows: dict[tuple[str, int], dict[str, Any]] = {}
        for row in await self.works.observations():
            key = (row["symbol"], (self.works.base_us - instants.to_us(row["phenomenon_time"])) // MINUTE)
            assert key not in rows, f"I2: {key} has two rows"
            rows[key] = row
        await self._nothing_invented(rows)
        await self._nothing_lost(rows)

    async def _nothing_invented(self, rows: dict[tuple[str, int], dict[str, Any]]) -> None:
        possible = {(key, value, sent.status) for sent in self.sent for _, key, value in sent.readings()}
        for key, row in rows.items():
            assert (key, row["result"], row["device_status"]) in possible, f"I3: {key} was never sent"
        receipts = {row["id"] for row in await self.works.receipts()}
        assert {row["receipt_id"] for row in rows.values()} <= receipts
        assert len(receipts) <= len(self.sent)

    async def _nothing_lost(self, rows: dict[tuple[str, int], dict[str, Any]]) -> None:
        receipts = {row["id"]: row for row in await self.works.receipts()}
        quarantine = {(row["receipt_id"], row["reading_index"]) for row in await self.works.quarantine()}
        conflicts = {
            (instants.to_us(row["phenomenon_time"]), row["result"], row["device_status"])
            for row in await self.works.conflicts()
        }
        for sent, outcome in self.answered:
            receipt = receipts[outcome.receipt_id]
            assert (receipt["stored"], receipt["duplicates"], receipt["conflicts"], receipt["quarantined"]) == (
                outcome.stored,
                outcome.duplicates,
                outcome.conflicts,
                outcome.quarantined,
            )
            fates = {verdict.index: verdict.fate for verdict in outcome.verdicts}
            for at, key, value in sent.readings():
                there = rows.get(key)
                match fates.get(at, Fate.STORED):
                    case Fate.QUARANTINED:
                        assert (outcome.receipt_id, at) in quarantine, "I1"
                    case Fate.CONFLICT:
                        assert there is not None, "I1"
                        time_us = self.works.base_us - sent.minute * MINUTE
                        assert (time_us, value, sent.status) in conflicts, "I1"
                    case fate:
                        assert there is not None, "I1"
                        assert (there["result"], there["device_status"]) == (value, sent.status), "I1"
                        assert fate is Fate.DUPLICATE or there["receipt_id"] == outcome.receipt_id, "I1"


_values = st.sampled_from([1.0, 2.0, 3.0])
_packets = st.builds(
    lambda minute, values, status: Sent(minute, tuple(values.items()), status),
    st.integers(0, 3),
    st.dictionaries(st.sampled_from(["COD", "pH", ALIAS, "Xyz"]), _values, min_size=1),
    st.sampled_from([0, 0, 1]),
)


class Life(RuleBasedStateMachine):
    """What may happen to a centre."""

    def __init__(self, works: Works, loop_thread: LoopThread) -> None:
        super().__init__()
        self._works = works
        self._loop = loop_thread
        self._centre: Centre | None = None

    @property
    def centre(self) -> Centre:
        assert self._centre is not None
        return self._centre

    @initialize()
    def open(self) -> None:
        self._centre = self._loop.run(Centre.open(self._works))

    @rule(sent=_packets)
    def send(self, sent: Sent) -> None:
        self._loop.run(self.centre.send(sent))

    @rule(several=st.lists(_packets, min_size=2, max_size=6))
    def send_at_once(self, several: list[Sent]) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(self.centre.send(sent) for sent in several))

        self._loop.run(all_of_them())

    @precondition(lambda self: self._centre is not None and self._centre.sent)
    @rule(data=st.data())
    def resend(self, data: st.DataObject) -> None:
        self._loop.run(self.centre.send(data.draw(st.sampled_from(self.centre.sent))))

    @precondition(lambda self: self._centre is not None and self._centre.sent)
    @rule(data=st.data(), value=_values)
    def send_another_value(self, data: st.DataObject, value: float) -> None:
        old = data.draw(st.sampled_from(self.centre.sent))
        self._loop.run(self.centre.send(Sent(old.minute, tuple((symbol, value) for symbol, _ in old.values))))

    @rule(value=_values, minutes=st.sampled_from([_LATE, _OUT_OF_WINDOW]), more=st.integers(0, 2))
    def send_late(self, value: float, minutes: int, more: int) -> None:
        self._loop.run(self.centre.send(Sent(minutes + more, (("COD", value), ("pH", value)))))

    @rule()
    def change_the_catalogue(self) -> None:
        self._loop.run(self.centre.turn_alias())

    @rule(steps=st.integers(0, 40), ms=st.integers(0, 12), under_way=st.lists(_packets, min_size=1, max_size=4))
    def crash(self, steps: int, ms: int, under_way: list[Sent]) -> None:
        self._loop.run(self.centre.crash(steps, ms, under_way))

    @invariant()
    def promises_are_kept(self) -> None:
        if self._centre is not None:
            self._loop.run(self._centre.check())

    def teardown(self) -> None:
        if self._centre is not None:
            self._loop.run(self._centre.close())


@pytest.fixture
def steady(dsn: str, loop_thread: LoopThread) -> Iterator[Works]:
    opening = works_on(dsn)
    yield loop_thread.run(opening.__aenter__())
    loop_thread.run(opening.__aexit__(None, None, None))


def test_whatever_happens_nothing_is_lost_doubled_or_invented(steady: Works, loop_thread: LoopThread) -> None:
    class LifeHere(Life):
        def __init__(self) -> None:
            super().__init__(steady, loop_thread)

    run_state_machine_as_test(
        LifeHere,
        settings=settings(
            derandomize=True,
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            # A crash hits another moment each time, so a failure cannot be made smaller by trying again.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
