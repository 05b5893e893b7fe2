"""Receipts as binary COPY against the driver's own encoding of the same receipts, on a real server."""

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from core.database import Database
from telemetry.intake import receipt_rows, store
from telemetry.intake.receipt_rows import RECEIPT_COLUMNS
from telemetry.readings import Outcome
from tests.fixtures.intakes import LoopThread
from tests.fixtures.submissions import NOW_US, submission
from tests.unit.intake.receipt_groups import Sent, group_of, groups, row_of

# The table's own types and constraints, without the chunks that times of ten thousand years would make.
_TABLES = """
    CREATE TEMP TABLE ours (LIKE receipt INCLUDING ALL) ON COMMIT DROP;
    CREATE TEMP TABLE theirs (LIKE receipt INCLUDING ALL) ON COMMIT DROP;
"""
_DIFFERENCES = """
    SELECT count(*)
    FROM (SELECT id, ours::text AS row FROM ours) AS o
    FULL JOIN (SELECT id, theirs::text AS row FROM theirs) AS t USING (id)
    WHERE o.row IS DISTINCT FROM t.row
"""


async def compare(dsn: str, group: list[Sent]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(_TABLES)
            expected = [row_of(sent) for sent in group]
            await connection.copy_records_to_table(
                "theirs",
                records=[tuple(row[column] for column in RECEIPT_COLUMNS) for row in expected],
                columns=RECEIPT_COLUMNS,
            )
            await store._copy(connection, "ours", RECEIPT_COLUMNS, receipt_rows.copy_data(*group_of(group)))
            assert await connection.fetchval(_DIFFERENCES) == 0
            found = await connection.fetch(f"SELECT {', '.join(RECEIPT_COLUMNS)} FROM ours")
            by_id = {row["id"]: row for row in expected}
            assert {row["id"]: dict(row) for row in found} == by_id
    finally:
        await connection.close()


@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(group=groups)
def test_the_table_holds_what_the_driver_would_have_written(
    group: list[Sent], dsn: str, loop_thread: LoopThread
) -> None:
    loop_thread.run(compare(dsn, group))


async def test_every_column_of_the_table_is_written_but_the_transaction(database: Database) -> None:
    columns = await database.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'receipt'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    assert {row["attname"] for row in columns} - set(RECEIPT_COLUMNS) == {"transaction_id"}
    assert len(set(RECEIPT_COLUMNS)) == len(RECEIPT_COLUMNS)


async def test_a_digest_of_the_wrong_length_is_refused_by_the_table_and_not_padded(database: Database) -> None:
    sent = Sent(replace(submission(), sha256=bytes(31)), Outcome(1, NOW_US, None))
    data = receipt_rows.copy_data(*group_of([sent]))
    async with database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await store._copy(connection, "receipt", RECEIPT_COLUMNS, data)
