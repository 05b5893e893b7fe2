"""Late data into chunks that TimescaleDB has compressed: new, duplicate and conflict are told apart there too."""

import asyncio

import numpy as np
import pytest

from telemetry.readings import Outcome, Readings
from tests.fixtures.intakes import Works
from tests.fixtures.submissions import DAY_US, SECOND

pytestmark = pytest.mark.timescale

COUNT = 2000


@pytest.fixture(autouse=True)
async def _only_with_timescale(works: Works) -> None:
    if not await works.database.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("this server has no TimescaleDB")


def old(works: Works, values: list[float], *, first: int = 0) -> Readings:
    """Readings of a hundred days ago, a second apart."""
    start = works.base_us - 100 * DAY_US
    times = np.arange(first, first + len(values)) * 10**6 + start
    return Readings(SECOND, ("COD",), times, np.array(values), symbol=np.zeros(len(values), np.int64))


async def compressed(works: Works) -> None:
    """Two thousand old readings in a compressed chunk."""
    await works.submit(old(works, [float(n) for n in range(COUNT)]))
    await works.database.execute("SELECT compress_chunk(c) FROM show_chunks('observation') c")


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.stored, outcome.duplicates, outcome.conflicts


async def test_new_duplicate_and_other_values_are_told_apart(works: Works) -> None:
    await compressed(works)
    values = [float(n) for n in range(COUNT - 500, COUNT + 500)]
    values[100:200] = [-1.0] * 100
    outcome = await works.submit(old(works, values, first=COUNT - 500))
    assert counts(outcome) == (500, 400, 100)
    assert await works.counts() == (COUNT + 500, 2, 0, 100)
    assert counts(await works.submit(old(works, values, first=COUNT - 500))) == (0, 900, 100)
    assert len(await works.conflicts()) == 100


async def test_a_resend_of_more_rows_than_one_statement_may_decompress_is_answered_all_the_same(works: Works) -> None:
    await compressed(works)
    name = works.dsn.rpartition("/")[2]
    await works.database.execute(
        f"ALTER DATABASE {name} SET timescaledb.max_tuples_decompressed_per_dml_transaction = 100"
    )
    async with works.another_intake() as intake:
        outcomes = await asyncio.gather(
            *(
                intake.submit(works.submission(old(works, [float(n) for n in range(a, a + 250)], first=a)), 30)
                for a in range(0, COUNT + 500, 250)
            )
        )
    assert [counts(outcome) for outcome in outcomes] == [(0, 250, 0)] * 8 + [(250, 0, 0)] * 2
    assert (await works.counts())[0] == COUNT + 500
