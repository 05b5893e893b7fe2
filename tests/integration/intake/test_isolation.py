"""A row that the table itself refuses goes to quarantine; whoever was in the same group does not pay for it."""

import asyncio

import numpy as np
import pytest

from telemetry.intake import metering
from telemetry.readings import Outcome, Readings, Reason
from tests.fixtures.intakes import Works, session_of
from tests.fixtures.submissions import SECOND

# TimescaleDB's limit on what one transaction may decompress, as a trigger that any server has.
LIMIT = """
    CREATE FUNCTION limit_rows() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        seen integer := coalesce(nullif(current_setting('test.rows', true), ''), '0')::integer + 1;
    BEGIN
        PERFORM set_config('test.rows', seen::text, true);
        IF seen > 10 AND
           coalesce(current_setting('timescaledb.max_tuples_decompressed_per_dml_transaction', true), '') <> '0' THEN
            RAISE EXCEPTION 'tuple decompression limit exceeded by operation' USING ERRCODE = '53400';
        END IF;
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER limit_rows BEFORE INSERT ON observation FOR EACH ROW EXECUTE FUNCTION limit_rows();
"""
REFUSE_666 = "ALTER TABLE observation ADD CONSTRAINT no_666 CHECK (result <> 666)"


async def in_one_group(works: Works, *submissions: tuple[Readings, ...]) -> list[Outcome]:
    """Submit while both writers are held up, so that all of it becomes one group."""
    async with session_of(works.dsn) as holder, holder.transaction():
        await holder.execute("LOCK TABLE receipt IN ACCESS EXCLUSIVE MODE")
        blockers = [asyncio.ensure_future(works.submit(works.packet(-100 - n, "TH-NT-002", pH=1.0))) for n in range(2)]
        await asyncio.sleep(0.05)
        tasks = [asyncio.ensure_future(works.submit(*readings)) for readings in submissions]
        await asyncio.sleep(0.05)
    await asyncio.gather(*blockers)
    return list(await asyncio.gather(*tasks))


async def test_the_bad_row_is_quarantined_and_every_neighbour_stored(works: Works) -> None:
    await works.database.execute(REFUSE_666)
    group = [(works.packet(n, SECOND, COD=float(n), pH=7.0),) for n in range(20)]
    group[13] = (works.packet(13, SECOND, COD=666.0, pH=7.0),)
    outcomes = await in_one_group(works, *group)
    assert [outcome.stored for outcome in outcomes] == [1 if n == 13 else 2 for n in range(20)]
    (verdict,) = outcomes[13].verdicts
    assert (verdict.index, verdict.reason, verdict.field, verdict.found, verdict.symbol) == (
        0,
        Reason.DATABASE_REFUSED,
        "result",
        "666.0",
        "COD",
    )
    (kept,) = await works.quarantine()
    assert (kept["receipt_id"], kept["reading_index"], kept["reason"], kept["value"]) == (
        outcomes[13].receipt_id,
        0,
        "database-refused",
        "666.0",
    )
    assert len(await works.observations()) == 39 + 2
    receipts = {row["id"]: row for row in await works.receipts()}
    assert len(receipts) == 22
    assert (receipts[outcomes[13].receipt_id]["stored"], receipts[outcomes[13].receipt_id]["quarantined"]) == (1, 1)


async def test_several_bad_rows_are_found_in_a_long_submission(works: Works) -> None:
    await works.database.execute(REFUSE_666)
    values = np.arange(3000.0)
    values[[0, 700, 701, 2999]] = 666.0
    times = np.array([works.time_us(0) - n * 10**6 for n in range(3000)])
    outcome = await works.submit(Readings(SECOND, ("COD",), times, values, symbol=np.zeros(3000, np.int64)))
    assert [verdict.index for verdict in outcome.verdicts] == [0, 666, 700, 701, 2999]
    assert (outcome.stored, outcome.quarantined) == (2995, 5)
    assert await works.counts() == (2995, 1, 5, 0)


async def test_a_bad_row_among_duplicates_and_conflicts_is_still_found(works: Works) -> None:
    await works.submit(works.packet(0, SECOND, COD=1.0, pH=1.0))
    await works.database.execute(REFUSE_666)
    outcome = await works.submit(
        works.packet(0, SECOND, COD=666.0, pH=1.0), works.packet(0, SECOND, COD=2.0), works.packet(1, SECOND, COD=3.0)
    )
    assert (outcome.stored, outcome.duplicates, outcome.conflicts, outcome.quarantined) == (1, 1, 1, 1)
    assert [row["result"] for row in await works.conflicts()] == [2.0]


async def test_a_submission_of_bad_rows_only_leaves_receipt_and_quarantine(works: Works) -> None:
    await works.database.execute(REFUSE_666)
    outcome = await works.submit(works.packet(0, SECOND, COD=666.0, pH=666.0))
    assert (outcome.stored, outcome.quarantined) == (0, 2)
    assert await works.counts() == (0, 1, 2, 0)


async def test_the_search_for_bad_rows_leaves_no_transaction_behind(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    await works.database.execute(REFUSE_666)
    await asyncio.gather(*(works.submit(works.packet(n, SECOND, COD=666.0)) for n in range(10)))
    states = await works.rows(
        "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    assert {row["state"] for row in states} <= {"idle"}
    assert "active transaction" not in caplog.text


async def test_the_search_is_done_again_when_the_database_goes_away_in_the_middle(works: Works) -> None:
    await works.database.execute(REFUSE_666)
    stop = asyncio.Event()

    async def disturb() -> None:
        async with session_of(works.dsn) as operator:
            while not stop.is_set():
                await operator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'quantrac-other-intake' AND datname = current_database() "
                    "AND random() < 0.3"
                )
                await asyncio.sleep(0.02)

    async with works.another_intake() as intake:
        disturbing = asyncio.ensure_future(disturb())
        async with asyncio.timeout(30):
            outcomes = [
                await intake.submit(works.submission(works.packet(n, SECOND, COD=666.0, pH=float(n))))
                for n in range(10)
            ]
        stop.set()
        await disturbing
    assert [(outcome.stored, outcome.quarantined) for outcome in outcomes] == [(1, 1)] * 10
    assert await works.counts() == (10, 10, 10, 0)


async def test_a_group_beyond_a_limit_of_the_server_is_written_in_smaller_groups(works: Works) -> None:
    await works.database.execute(LIMIT)
    before = metering.RETRIES.labels("decompression-limit")._value.get()
    group = [tuple(works.packet(10 * n + k, SECOND, COD=1.0) for k in range(4)) for n in range(-8, 0)]
    outcomes = await in_one_group(works, *group)
    assert [outcome.stored for outcome in outcomes] == [4] * 8
    assert metering.RETRIES.labels("decompression-limit")._value.get() - before >= 3
    groups = await works.rows("SELECT count(*) AS n FROM observation GROUP BY xmin::text")
    assert max(row["n"] for row in groups) == 8


async def test_a_single_submission_beyond_the_limit_is_written_with_the_limit_lifted(works: Works) -> None:
    await works.database.execute(LIMIT)
    await works.submit(works.packet(0, SECOND, COD=1.0))
    readings = [works.packet(-n, SECOND, COD=1.0) for n in range(40)]
    outcome = await works.submit(*readings)
    assert (outcome.stored, outcome.duplicates) == (39, 1)
    # It was lifted for that transaction only.
    (again,) = await in_one_group(works, tuple(works.packet(-n, SECOND, pH=1.0) for n in range(40)))
    assert again.stored == 40
    assert len(await works.observations()) == 40 + 40 + 2
