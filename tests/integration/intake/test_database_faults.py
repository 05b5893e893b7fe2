"""The database goes away, hangs or is locked while groups are written: nothing is lost, doubled or told too early."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.database import Lease, PoolLimits
from telemetry.intake.committing import Committer
from telemetry.intake.matching import Matcher
from telemetry.intake.pipeline import judge
from telemetry.intake.submitting import Intake, NotCommittedInTime
from telemetry.quality.checking import Window
from telemetry.readings import Outcome
from tests.fixtures.intakes import HASTY, Works, session_of
from tests.fixtures.proxies import Cut, Proxy, proxied
from tests.fixtures.submissions import SECOND

OTHER = "quantrac-other-intake"


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - what another process does has no event
            await asyncio.sleep(0.01)


async def backends(operator: Any, *, waiting: bool = False) -> int:
    """Sessions of the other intake, all of them or those that wait for a lock."""
    found: int = await operator.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database() "
        "AND (wait_event_type = 'Lock' OR NOT $2)",
        OTHER,
        waiting,
    )
    return found


async def until_it_waits(operator: Any) -> None:
    async def it_waits() -> bool:
        return await backends(operator, waiting=True) > 0

    await eventually(it_waits)


@asynccontextmanager
async def locked(works: Works, table: str = "observation") -> AsyncIterator[Any]:
    """A session that keeps everybody out of the table until it is left."""
    async with session_of(works.dsn) as operator, operator.transaction():
        await operator.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield operator


async def test_a_locked_table_delays_and_loses_nothing(works: Works) -> None:
    async with works.another_intake() as intake:
        async with locked(works) as operator:
            task = asyncio.ensure_future(intake.submit(works.submission(works.packet(0, COD=1.0, Xyz=1.0))))
            await until_it_waits(operator)
            # Longer than the lock time-out of the pool, so that it is tried again.
            await asyncio.sleep(3 * HASTY.lock_seconds)
            assert not task.done()
        outcome = await asyncio.wait_for(task, 10)
    assert (outcome.stored, outcome.quarantined) == (1, 1)
    assert await works.counts() == (1, 1, 1, 0)


async def test_who_waits_for_a_locked_table_no_longer_than_some_time_is_promised_nothing(works: Works) -> None:
    async with works.another_intake() as intake:
        async with locked(works):
            started = time.monotonic()
            with pytest.raises(NotCommittedInTime) as raised:
                await intake.submit(works.submission(works.packet(0, COD=1.0)), 0.3)
            assert time.monotonic() - started < 2
            assert raised.value.retry_after
            # The group is given up at its next attempt, because nobody waits for it.
            await asyncio.sleep(2 * HASTY.lock_seconds)
        again = await intake.submit(works.submission(works.packet(0, COD=1.0)), 20)
    assert (again.stored, again.duplicates) == (1, 0)
    assert await works.counts() == (1, 1, 0, 0)


async def test_a_writer_whose_connection_ended_between_two_groups_writes_the_next_over_another(works: Works) -> None:
    committer, lease = Committer(works.database), Lease(works.database)

    async def write(minute: int, seconds: float) -> Outcome:
        judged = judge(Matcher(works.catalog.snapshot), [works.submission(works.packet(minute, COD=1.0))], Window())
        (outcome,) = await asyncio.wait_for(committer.commit(lease, judged, lambda: True, lambda: True), seconds)
        return outcome

    assert (await write(0, 10)).stored == 1
    async with lease as connection, session_of(works.dsn) as operator:
        behind = connection._con
        await operator.execute("SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())

    async def has_ended() -> bool:
        closed: bool = behind.is_closed()
        return closed

    await eventually(has_ended)
    assert (await write(1, 10)).stored == 1
    await lease.close()
    assert [minute for _, _, minute, _ in await works.results()] == [0, 1]


async def test_what_was_given_up_in_the_queue_is_never_written(works: Works) -> None:
    async with works.another_intake() as intake:
        async with locked(works) as operator:
            submissions = [works.submission(works.packet(minute, COD=1.0)) for minute in range(50)]
            tasks = [asyncio.ensure_future(intake.submit(submission)) for submission in submissions[:5]]
            await until_it_waits(operator)
            tasks += [asyncio.ensure_future(intake.submit(submission)) for submission in submissions[5:]]
            await asyncio.sleep(0.1)
            for task in tasks[5:]:
                task.cancel()
            await asyncio.gather(*tasks[5:], return_exceptions=True)
            assert intake.waiting_rows > 0
        await asyncio.gather(*tasks[:5])

        async def queue_is_empty() -> bool:
            return intake.waiting_rows == 0

        await eventually(queue_is_empty)
    stored = await works.results()
    assert {minute for _, _, minute, _ in stored} == set(range(5))


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_a_backend_that_is_ended_while_it_writes_is_written_for_again(works: Works, end: str) -> None:
    async with works.another_intake() as intake:
        async with locked(works, "receipt") as operator:
            task = asyncio.ensure_future(intake.submit(works.submission(works.packet(0, COD=1.0, pH=7.0, Xyz=1.0))))
            await until_it_waits(operator)
            ended = await operator.fetchval(
                f"SELECT count({end}(pid)) FROM pg_stat_activity WHERE application_name = $1 "
                "AND datname = current_database() AND wait_event_type = 'Lock'",
                OTHER,
            )
            assert ended == 1
            await asyncio.sleep(0.05)
        outcome = await asyncio.wait_for(task, 10)
    assert (outcome.stored, outcome.duplicates, outcome.quarantined) == (2, 0, 1)
    assert await works.counts() == (2, 1, 1, 0)


async def test_backends_that_are_ended_all_the_time_lose_and_double_nothing(works: Works) -> None:
    stop, answered = asyncio.Event(), asyncio.Event()

    async def disturb() -> int:
        """As fast as something is answered: faster, a slow machine would never come to an answer."""
        ended = 0
        async with session_of(works.dsn) as operator:
            while not stop.is_set():
                answered.clear()
                ended += await operator.fetchval(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1 "
                    "AND datname = current_database() AND random() < 0.5",
                    OTHER,
                )
                await answered.wait()
        return ended

    async def station(intake: Intake, number: int) -> list[Outcome]:
        outcomes = []
        for n in range(20):
            packet = works.packet(-number * 20 - n, SECOND, COD=float(n), Xyz=1.0)
            outcomes.append(await intake.submit(works.submission(packet)))
            answered.set()
        return outcomes

    async with works.another_intake() as intake:
        disturbing = asyncio.ensure_future(disturb())
        async with asyncio.timeout(50):
            outcomes = await asyncio.gather(*(station(intake, number) for number in range(6)))
        stop.set()
        answered.set()
        assert await disturbing >= 5
    assert {(o.stored, o.duplicates, o.quarantined) for of_one in outcomes for o in of_one} == {(1, 0, 1)}
    assert await works.counts() == (120, 120, 120, 0)


async def test_two_writers_with_overlapping_keys_store_each_key_once(works: Works) -> None:
    """The same hundred keys through four writers of two intakes at once, each submission in an order of its own."""
    minutes = list(range(-100, 0))
    async with works.another_intake(pool=PoolLimits(max_size=4)) as other:

        async def send(intake: Intake, turn: int) -> Outcome:
            order = minutes[turn * 7 :] + minutes[: turn * 7]
            readings = [works.packet(minute, COD=5.0) for minute in (order if turn % 2 else reversed(order))]
            return await intake.submit(works.submission(*readings), 60)

        outcomes = await asyncio.gather(*(send(intake, turn) for turn in range(10) for intake in (works.intake, other)))
    assert sum(outcome.stored for outcome in outcomes) == 100
    assert sum(outcome.duplicates for outcome in outcomes) == 100 * 20 - 100
    assert await works.counts() == (100, 20, 0, 0)


async def test_of_two_writers_with_other_values_for_the_same_keys_one_wins_each_key(works: Works) -> None:
    async with works.another_intake(pool=PoolLimits(max_size=4)) as other:
        first, second = await asyncio.gather(
            works.submit(*(works.packet(-n, COD=1.0) for n in range(200))),
            other.submit(works.submission(*(works.packet(-n, COD=2.0) for n in reversed(range(200)))), 60),
        )
    assert first.stored + second.stored == 200 == first.conflicts + second.conflicts
    assert await works.counts() == (200, 2, 0, 200)
    # Whatever lost is kept as a conflict with what won.
    clashing = await works.rows(
        "SELECT c.result AS lost, o.result AS won FROM reading_conflict c JOIN observation o USING "
        "(datastream_id, phenomenon_time)"
    )
    assert {(row["lost"], row["won"]) for row in clashing} <= {(1.0, 2.0), (2.0, 1.0)}
    assert len(clashing) == 200


async def test_a_pool_without_a_free_connection_delays_and_loses_nothing(works: Works) -> None:
    tight = PoolLimits(min_size=1, max_size=1, acquire_seconds=0.1)
    async with works.another_intake(pool=tight) as intake:
        async with intake._committer._database.connection():
            task = asyncio.ensure_future(intake.submit(works.submission(works.packet(0, COD=1.0))))
            await asyncio.sleep(0.5)
            assert not task.done()
        assert (await asyncio.wait_for(task, 10)).stored == 1


@asynccontextmanager
async def poor_role(works: Works) -> AsyncIterator[tuple[Any, str]]:
    """A role that may connect once, read and insert; with the operator's session and its own address."""
    role = f"quantrac_poor_{secrets.token_hex(4)}"
    parts = urlsplit(works.dsn)
    async with session_of(works.dsn) as operator:
        await operator.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}' CONNECTION LIMIT 1")
        await operator.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}")
        await operator.execute(f"GRANT USAGE ON SEQUENCE receipt_id TO {role}")
        try:
            yield operator, parts._replace(netloc=f"{role}:{role}@{parts.hostname}:{parts.port}").geturl()
        finally:
            await operator.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_a_role_that_may_only_read_and_insert_is_enough(works: Works) -> None:
    pool = PoolLimits(max_size=1)
    async with poor_role(works) as (_, dsn), works.another_intake(pool=pool, dsn=dsn) as intake:
        readings = (works.packet(0, COD=1.0), works.packet(0, COD=1.0), works.packet(0, COD=2.0, Xyz=1.0))
        outcome = await intake.submit(works.submission(*readings), 20)
    assert (outcome.stored, outcome.duplicates, outcome.conflicts, outcome.quarantined) == (1, 1, 1, 1)


async def test_too_many_connections_at_the_server_delay_and_lose_nothing(works: Works) -> None:
    pool = PoolLimits(min_size=0, max_size=1)
    async with poor_role(works) as (_, dsn), works.another_intake(pool=pool, dsn=dsn) as intake:
        async with session_of(dsn):
            task = asyncio.ensure_future(intake.submit(works.submission(works.packet(0, COD=1.0)), 20))
            await asyncio.sleep(0.5)
            assert not task.done()
        assert (await task).stored == 1


# --- Through a proxy that breaks connections.


@asynccontextmanager
async def behind_a_proxy(works: Works, pool: PoolLimits = HASTY) -> AsyncIterator[tuple[Proxy, Intake]]:
    async with proxied(works.dsn) as (proxy, dsn), works.another_intake(pool=pool, dsn=dsn) as intake:
        yield proxy, intake


@pytest.mark.parametrize("cut", list(Cut))
async def test_a_commit_cut_in_flight_is_told_rightly_and_never_doubled(works: Works, cut: Cut) -> None:
    """Every submission has a new reading, one that is there already, and one for quarantine."""
    await works.submit(works.packet(1, SECOND, pH=7.0))
    rounds = 10
    async with behind_a_proxy(works) as (proxy, intake):
        for number in range(rounds):
            proxy.cuts.append(cut)
            readings = (works.packet(-number, SECOND, COD=float(number), Xyz=1.0), works.packet(1, SECOND, pH=7.0))
            # Every other round the group is written by plain COPY, without the reading that is there already.
            careful = number % 2
            outcome = await intake.submit(works.submission(*readings[: 1 + careful]), 20)
            assert not proxy.cuts, "the connection was not cut"
            assert (outcome.stored, outcome.duplicates, outcome.conflicts, outcome.quarantined) == (1, careful, 0, 1)
            (receipt,) = await works.rows("SELECT * FROM receipt WHERE id = $1", outcome.receipt_id)
            assert (receipt["stored"], receipt["duplicates"], receipt["quarantined"]) == (1, careful, 1)
    assert await works.counts() == (rounds + 1, rounds + 1, rounds, 0)


async def test_a_commit_that_comes_late_while_its_group_is_written_again_is_the_only_one(works: Works) -> None:
    """The old backend holds the keys; without any key (quarantine only) the receipt's number decides."""
    async with behind_a_proxy(works) as (proxy, intake):
        proxy.late_seconds = 0.8
        proxy.cuts.append(Cut.SENT_LATE)
        stored = await intake.submit(works.submission(works.packet(0, COD=1.0)), 20)
        proxy.cuts.append(Cut.SENT_LATE)
        quarantined = await intake.submit(works.submission(works.packet(0, Xyz=1.0)), 20)
    assert (stored.stored, stored.duplicates, quarantined.quarantined) == (1, 0, 1)
    assert await works.counts() == (1, 2, 1, 0)


async def test_several_submissions_of_a_group_whose_commit_was_cut_get_their_own_outcomes(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        for cut in Cut:
            proxy.cuts += [cut, cut]
            at = works.time_us() + list(Cut).index(cut) * 10**6
            outcomes = await asyncio.gather(
                *(intake.submit(works.submission(_at(works, at - n * 60 * 10**6, n)), 30) for n in range(30))
            )
            assert {(outcome.stored, outcome.duplicates) for outcome in outcomes} == {(1, 0)}
    assert await works.counts() == (120, 120, 0, 0)


def _at(works: Works, time_us: int, number: int) -> Any:
    readings = works.packet(0, SECOND, COD=float(number))
    return type(readings)(readings.station, readings.symbols, time_us, readings.value)


async def test_a_submitter_that_gives_up_during_a_cut_commit_may_send_again(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        proxy.cuts.append(Cut.ANSWER_LOST)
        with pytest.raises(NotCommittedInTime):
            await intake.submit(works.submission(works.packet(0, COD=1.0)), 0.05)
        outcome = await intake.submit(works.submission(works.packet(0, COD=1.0)), 20)
        assert outcome.stored + outcome.duplicates == 1
    assert len(await works.results()) == 1


async def test_a_reset_of_all_connections_is_survived(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        for number in range(10):
            task = asyncio.ensure_future(intake.submit(works.submission(works.packet(-number, COD=1.0)), 20))
            await asyncio.sleep(number * 0.002)
            proxy.reset()
            assert (await task).stored == 1
    assert await works.counts() == (10, 10, 0, 0)


async def test_a_black_hole_is_noticed_in_bounded_time_and_healed(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        assert (await intake.submit(works.submission(works.packet(0, COD=1.0)), 10)).stored == 1
        proxy.black_hole()
        started = time.monotonic()
        with pytest.raises(NotCommittedInTime):
            await intake.submit(works.submission(works.packet(1, COD=1.0)), 0.5)
        assert time.monotonic() - started < 1.5
        waiting = asyncio.ensure_future(intake.submit(works.submission(works.packet(2, COD=1.0)), 40))
        await asyncio.sleep(2.5 * HASTY.command_seconds)
        assert not waiting.done()
        proxy.flow()
        assert (await waiting).stored == 1
        assert (await intake.submit(works.submission(works.packet(1, COD=1.0)), 20)).receipt_id
    assert {minute for _, _, minute, _ in await works.results()} == {0, 1, 2}


async def test_a_server_that_stops_sending_but_keeps_reading_is_survived(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        for number in range(5):
            task = asyncio.ensure_future(intake.submit(works.submission(works.packet(-number, COD=1.0)), 20))
            await asyncio.sleep(number * 0.003)
            proxy.half_close()
            assert (await task).stored == 1
    assert await works.counts() == (5, 5, 0, 0)


async def test_one_byte_at_a_time_with_a_delay_is_only_slow(works: Works) -> None:
    async with behind_a_proxy(works, PoolLimits(max_size=4)) as (proxy, intake):
        await intake.submit(works.submission(works.packet(0, COD=1.0)), 20)
        proxy.slice_bytes, proxy.delay_seconds = 1, 0.0005
        outcome = await intake.submit(works.submission(works.packet(0, COD=1.0, pH=2.0, Xyz=1.0)), 30)
    assert (outcome.stored, outcome.duplicates, outcome.quarantined) == (1, 1, 1)


async def test_a_server_that_refuses_connections_is_waited_for(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        proxy.refusing = True
        proxy.reset()
        task = asyncio.ensure_future(intake.submit(works.submission(works.packet(0, COD=1.0)), 20))
        await asyncio.sleep(1)
        assert not task.done()
        proxy.refusing = False
        assert (await task).stored == 1


async def test_no_connection_is_leaked_by_all_of_this(works: Works) -> None:
    async with behind_a_proxy(works) as (proxy, intake):
        for number in range(12):
            proxy.cuts.append(list(Cut)[number % 4])
            await intake.submit(works.submission(works.packet(-number, COD=1.0)), 20)
        assert proxy.open_links <= HASTY.max_size
    async with session_of(works.dsn) as operator:

        async def all_are_gone() -> bool:
            return await backends(operator) == 0

        await eventually(all_are_gone)
