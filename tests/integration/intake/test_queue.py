"""The queue in front of the writers: bounded, drained when the intake closes, and back to nothing afterwards."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from core.database import DatabaseUnavailable
from telemetry.intake.submitting import Intake, IntakeFull, IntakeLimits
from telemetry.readings import Readings, Submission
from tests.fixtures.intakes import HASTY, Works, session_of
from tests.fixtures.submissions import SECOND

SMALL = IntakeLimits(queue_rows=40, queue_bytes=10_000, group_rows=8, writers=1)


@asynccontextmanager
async def held_up(works: Works) -> AsyncIterator[None]:
    """Nobody can write while this is open."""
    async with session_of(works.dsn) as operator, operator.transaction():
        await operator.execute("LOCK TABLE receipt IN ACCESS EXCLUSIVE MODE")
        yield


def packets(works: Works, count: int, *, raw: bytes = b"{}") -> list[Submission]:
    return [works.submission(works.packet(-n, SECOND, COD=1.0), raw=raw) for n in range(count)]


async def offer(intake: Intake, submissions: list[Submission]) -> list[asyncio.Future[object]]:
    tasks: list[asyncio.Future[object]] = []
    for submission in submissions:
        tasks.append(asyncio.ensure_future(intake.submit(submission, 30)))
        await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize(("raw", "bound"), [(b"{}", "rows"), (b"{" + b" " * 3000 + b"}", "bytes")])
async def test_a_full_queue_refuses_at_once_and_is_empty_again_later(works: Works, raw: bytes, bound: str) -> None:
    async with works.another_intake(limits=SMALL) as intake:
        async with held_up(works):
            tasks = await offer(intake, packets(works, 100, raw=raw))
            started = time.monotonic()
            refused = [task for task in tasks if task.done()]
            taken = [task for task in tasks if not task.done()]
            assert time.monotonic() - started < 0.5
            assert {type(task.exception()) for task in refused} == {IntakeFull}
            assert all(1 <= getattr(task.exception(), "retry_after", 0) <= 5 for task in refused)
            assert not intake.has_room
            # What may wait is bounded, by one submission more than the bound at most.
            assert intake.waiting_rows <= SMALL.queue_rows + 2
            assert len(taken) * len(raw) <= SMALL.queue_bytes + len(raw) * 5
            assert (len(taken) < 10) == (bound == "bytes")
        await asyncio.gather(*taken)
        assert intake.has_room
        assert (intake.waiting_rows, intake._bytes, len(intake._small.queue)) == (0, 0, 0)
    assert len(await works.observations()) == len(taken)


def _submissions() -> int:
    gc.collect()
    return sum(isinstance(thing, Submission) for thing in gc.get_objects())


async def test_nothing_of_a_submission_stays_in_memory_after_its_answer(works: Works) -> None:
    # Tests before this one may have left some: what failed holds what it was called with.
    before = _submissions()
    for submission in packets(works, 300):
        await works.intake.submit(submission)
    del submission
    # The writers may still hold their last group.
    assert _submissions() <= before + works.intake._limits.writers + 1


async def test_groups_are_bounded_in_rows_and_each_reading_is_answered_once(works: Works) -> None:
    async with works.another_intake(limits=IntakeLimits(group_rows=50, writers=1)) as intake:
        async with held_up(works):
            tasks = await offer(intake, packets(works, 200))
        await asyncio.gather(*tasks)
    groups = await works.rows("SELECT xmin::text AS tx, count(*) AS n FROM receipt GROUP BY 1")
    assert sum(group["n"] for group in groups) == 200
    assert max(group["n"] for group in groups) <= 25
    assert len(groups) >= 8


async def test_a_submission_larger_than_a_group_is_written_alone(works: Works) -> None:
    async with works.another_intake(limits=IntakeLimits(group_rows=5)) as intake:
        outcome = await intake.submit(works.submission(*(works.packet(-n, SECOND, COD=1.0) for n in range(60))), 20)
    assert outcome.stored == 60


async def test_closing_writes_what_waits(works: Works) -> None:
    async with works.another_intake(limits=IntakeLimits(group_rows=8, writers=2)) as intake:
        tasks = await offer(intake, packets(works, 100))
    assert all(task.done() for task in tasks)
    await asyncio.gather(*tasks)
    assert await works.counts() == (100, 100, 0, 0)


async def test_a_closed_intake_takes_nothing(works: Works) -> None:
    async with works.another_intake() as intake:
        pass
    assert not intake.has_room
    with pytest.raises(IntakeFull):
        await intake.submit(works.submission(works.packet(0, COD=1.0)), 5)


async def test_closing_without_a_database_ends_in_time_and_answers_everybody(works: Works) -> None:
    """Those in the queue and those in the group that is being written: nobody is left waiting for ever."""
    async with held_up(works):
        started = time.monotonic()
        async with works.another_intake(limits=IntakeLimits(group_rows=8, writers=1)) as intake:
            tasks = [asyncio.ensure_future(intake.submit(submission)) for submission in packets(works, 30)]
            await asyncio.sleep(0.2)
        assert 9 < time.monotonic() - started < 9 + 10
        errors = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
        assert {type(error) for error in errors} == {DatabaseUnavailable}
        assert intake.waiting_rows == 0
    assert await works.counts() == (0, 0, 0, 0)


async def test_an_idle_intake_writes_a_submission_at_once(works: Works) -> None:
    await works.submit(works.packet(0, COD=1.0))
    seconds = []
    for number in range(20):
        started = time.monotonic()
        await works.submit(works.packet(-number - 1, COD=1.0))
        seconds.append(time.monotonic() - started)
    # No timer is waited for: the quickest of them took no longer than a few round trips and one flush.
    assert min(seconds) < 0.1


async def test_an_error_of_our_own_is_told_to_the_whole_group_and_the_next_group_is_written(works: Works) -> None:
    async with works.another_intake(pool=HASTY) as intake:
        await works.database.execute("ALTER TABLE quarantine RENAME TO elsewhere")
        with pytest.raises(Exception, match="quarantine"):
            await intake.submit(works.submission(works.packet(0, COD=1.0, Xyz=1.0)), 20)
        await works.database.execute("ALTER TABLE elsewhere RENAME TO quarantine")
        outcome = await intake.submit(works.submission(works.packet(0, COD=1.0, Xyz=1.0)), 20)
    assert (outcome.stored, outcome.quarantined) == (1, 1)


async def test_what_is_little_waits_for_the_busy_writer_and_shares_its_next_group(works: Works) -> None:
    async with works.another_intake(limits=IntakeLimits(writers=2)) as intake:
        async with held_up(works):
            first, *others = packets(works, 5)
            tasks = await offer(intake, [first])
            await asyncio.sleep(0.05)
            tasks += await offer(intake, others)
            await asyncio.sleep(0.05)
            assert len(intake._small.queue) == len(others)
        await asyncio.gather(*tasks)
    assert len(await works.observations()) == 5


def history(works: Works, first: int, count: int = 1_500) -> Submission:
    """What a logger sends in bulk, a reading a second."""
    times = works.base_us - (np.arange(count) + first) * 10**6
    return works.submission(Readings(SECOND, ("pH",), times, np.full(count, 7.0), symbol=np.zeros(count, np.int64)))


async def test_packets_of_the_moment_share_no_group_with_history_and_overtake_it(works: Works) -> None:
    async with works.another_intake(limits=IntakeLimits(writers=1)) as intake:
        async with held_up(works):
            bulk = await offer(intake, [history(works, 1_500 * n) for n in range(40)])
            await asyncio.sleep(0.05)
            small = await offer(intake, packets(works, 20))
        await asyncio.gather(*small)
        assert sum(not task.done() for task in bulk) > 10
        await asyncio.gather(*bulk)
    mixed = await works.rows("SELECT xmin::text FROM receipt GROUP BY 1 HAVING min(stored) <> max(stored)")
    assert mixed == []
    assert (await works.counts())[:2] == (40 * 1_500 + 20, 60)


async def test_closing_writes_the_history_that_waits_too(works: Works) -> None:
    started = time.monotonic()
    async with works.another_intake(limits=IntakeLimits(writers=1)) as intake:
        tasks = await offer(intake, [history(works, 1_500 * n) for n in range(5)] + packets(works, 5))
    assert time.monotonic() - started < 9
    await asyncio.gather(*tasks)
    assert intake.waiting_rows == 0


@pytest.mark.parametrize(("overlap_rows", "pause"), [(1, 0.0), (1000, 0.3)])
async def test_much_or_long_waiting_begins_a_group_beside_the_busy_one(
    works: Works, overlap_rows: int, pause: float
) -> None:
    async with works.another_intake(limits=IntakeLimits(writers=2, overlap_rows=overlap_rows)) as intake:
        async with held_up(works):
            first, *others = packets(works, 5)
            tasks = await offer(intake, [first])
            await asyncio.sleep(0.05 + pause)
            tasks += await offer(intake, others)
            await asyncio.sleep(0.05)
            assert len(intake._small.queue) < len(others)
        await asyncio.gather(*tasks)
    assert len(await works.observations()) == 5
