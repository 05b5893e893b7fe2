"""Who acts belongs to the task that acts, and is always something that the database takes."""

import asyncio

import pytest

from core import acting, database
from core.acting import LONGEST_REASON, Acting


def test_who_acts_ends_with_the_block() -> None:
    with acting.acts(Acting("lan")):
        with acting.acts(Acting("mai", "10.0.0.7", "x")):
            assert acting.current() == Acting("mai", "10.0.0.7", "x")
        with acting.acts(None):
            assert acting.current() is None
        assert acting.current() == Acting("lan")
    assert acting.current() is None


async def test_tasks_side_by_side_act_each_as_themselves() -> None:
    async def act(name: str) -> Acting | None:
        acting.begin(Acting(name))
        await asyncio.sleep(0)
        return acting.current()

    assert [*await asyncio.gather(act("lan"), act("mai"))] == [Acting("lan"), Acting("mai")]
    assert acting.current() is None


def test_whatever_was_sent_can_be_written_down() -> None:
    with acting.acts(Acting("a\0b", "\udc80", "ư" * 1000)):
        assert acting.current() == Acting("a␀b", "?", "ư" * LONGEST_REASON)


@pytest.mark.parametrize(
    ("query", "writes"),
    [
        ("-- INSERT is not meant\nSELECT 1", False),
        ("SELECT updated_time, deleted FROM x", False),
        ("WITH gone AS (DELETE FROM x RETURNING 1) SELECT * FROM gone", True),
        ("-- name\ninsert into x values (1)", True),
        ("UPDATE x SET y = 1", True),
        ("SELECT 1 FROM x FOR UPDATE", True),
        ("TRUNCATE x", True),
    ],
)
def test_statements_that_write_are_known(query: str, writes: bool) -> None:
    assert database._writes(query) is writes
