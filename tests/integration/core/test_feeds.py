"""A feed shows every committed row once, however late its COMMIT comes, and whatever ends the reader in between."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from core import feeds
from core.database import Database, PoolLimits

_TABLES = """
    CREATE TABLE note (
        id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        transaction_id  xid8 NOT NULL DEFAULT pg_current_xact_id(),
        text            text NOT NULL
    );
    CREATE INDEX note_transaction ON note (transaction_id, id);
    CREATE TABLE seen (text text NOT NULL, reader text NOT NULL);
"""
_PAGE = """
    SELECT transaction_id::text AS transaction_id, id, text
    FROM note
    WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
      AND transaction_id < pg_snapshot_xmax($2::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
      AND pg_visible_in_snapshot(transaction_id, $2::text::pg_snapshot)
      AND (transaction_id, id) > ($3::text::xid8, $4::bigint)
    ORDER BY note.transaction_id, note.id
    LIMIT $5
"""
_WRITE = "INSERT INTO note (text) VALUES ($1)"
# A number is taken by a transaction's first write, whatever it writes to.
_TAKE_NUMBER = "SELECT pg_current_xact_id()"


@dataclass
class Notes:
    """A table of notes, its writers' sessions, and readers of its feed."""

    database: Database
    open_session: Callable[[], Awaitable[Any]]
    limit: int = 100

    async def write(self, *texts: str) -> None:
        for text in texts:
            await self.database.execute(_WRITE, text)

    async def follow(self, reader: str = "reader") -> None:
        await feeds.open_reader(self.database, reader)

    def reading(self, reader: str = "reader", limit: int | None = None) -> Any:
        return feeds.reading(self.database, reader, _PAGE, limit or self.limit)

    async def page(self, reader: str = "reader", limit: int | None = None) -> tuple[list[str], bool]:
        """The texts of the next page, and whether there is more at once."""
        async with self.reading(reader, limit) as found:
            assert found is not None
            _, page = found
            return [row["text"] for row in page.rows], page.more

    async def news(self, reader: str = "reader", limit: int | None = None) -> list[str]:
        """All pages up to the last."""
        texts, more = await self.page(reader, limit)
        while more:
            further, more = await self.page(reader, limit)
            texts += further
        return texts


@pytest.fixture
async def notes(database: Database, dsn: str) -> AsyncIterator[Notes]:
    await database.execute(_TABLES)
    async with AsyncExitStack() as stack:

        async def open_session() -> Any:
            session = await asyncpg.connect(dsn)
            stack.push_async_callback(session.close)
            return session

        yield Notes(database, open_session)


async def test_a_reader_begins_at_what_is_committed_when_it_is_opened(notes: Notes) -> None:
    await notes.write("old")
    await notes.follow()
    assert await notes.news() == []
    await notes.write("new")
    assert await notes.news() == ["new"]
    assert await notes.news() == []


async def test_opening_a_reader_again_does_not_move_it(notes: Notes) -> None:
    await notes.follow()
    await notes.write("unread")
    await notes.follow()
    assert await notes.news() == ["unread"]


async def test_what_is_committed_while_the_reader_is_being_opened_is_not_lost(notes: Notes) -> None:
    session = await notes.open_session()
    writing = session.transaction()
    await writing.start()
    await session.execute(_WRITE, "under way")
    await notes.follow()
    await writing.commit()
    assert await notes.news() == ["under way"]


async def test_rows_come_in_the_order_of_their_commits_one_after_the_other(notes: Notes) -> None:
    await notes.follow()
    texts = [f"{number:02d}" for number in range(20)]
    await notes.write(*texts)
    assert await notes.news() == texts


async def test_a_number_that_was_taken_early_and_committed_late_is_not_passed_over(notes: Notes) -> None:
    await notes.follow()
    session = await notes.open_session()
    late = session.transaction()
    await late.start()
    await session.execute(_WRITE, "late")
    await notes.write("early")
    assert await notes.news() == ["early"]
    await notes.write("between")
    assert await notes.news() == ["between"]
    await late.commit()
    await notes.write("after")
    assert await notes.news() == ["late", "after"]
    assert await notes.news() == []


async def test_a_long_foreign_transaction_holds_nobody_up(notes: Notes) -> None:
    foreigner = await notes.open_session()
    long = foreigner.transaction(isolation="repeatable_read")
    await long.start()
    await foreigner.fetchval(_TAKE_NUMBER)
    await notes.follow()
    for round_number in range(3):
        await notes.write(f"{round_number}")
        assert await notes.news() == [f"{round_number}"]
    await long.rollback()
    await notes.write("last")
    assert await notes.news() == ["last"]


async def test_what_was_rolled_back_is_never_shown_and_hides_nothing(notes: Notes) -> None:
    await notes.follow()
    session = await notes.open_session()
    undone = session.transaction()
    await undone.start()
    await session.execute(_WRITE, "undone")
    await notes.write("kept")
    assert await notes.news() == ["kept"]
    await undone.rollback()
    assert await notes.news() == []


async def test_rows_of_a_savepoint_belong_to_their_transaction(notes: Notes) -> None:
    await notes.follow()
    session = await notes.open_session()
    async with session.transaction():
        await session.execute(_WRITE, "outer")
        async with session.transaction():
            await session.execute(_WRITE, "inner")
        undone = session.transaction()
        await undone.start()
        await session.execute(_WRITE, "undone")
        await undone.rollback()
    assert await notes.news() == ["outer", "inner"]


@pytest.mark.parametrize("count", [1, 3, 6, 7])
async def test_pages_cut_by_a_limit_hold_every_row_once(notes: Notes, count: int) -> None:
    await notes.follow()
    texts = [f"{number}" for number in range(count)]
    async with notes.database.transaction() as connection:
        # One transaction: the pages are cut between rows of the same number.
        await connection.executemany(_WRITE, [(text,) for text in texts])
    found, more = await notes.page(limit=3)
    assert (len(found), more) == (min(count, 3), count >= 3)
    assert found + await notes.news(limit=3) == texts
    assert await notes.news(limit=3) == []


async def test_numbers_of_different_lengths_are_read_in_their_order(notes: Notes) -> None:
    """As text, 1000 comes before 999."""
    await notes.follow()
    numbers = [9, 10, 11, 99, 100, 101, 999, 1000]
    for number in numbers:
        await notes.database.execute("INSERT INTO note (transaction_id, text) VALUES ($1::text::xid8, $1)", str(number))
    await notes.database.execute("UPDATE feed_position SET seen = '9:9:'")
    assert await notes.news(limit=2) == [f"{number}" for number in numbers]


async def test_what_is_committed_between_two_pages_is_shown_once_as_well(notes: Notes) -> None:
    await notes.follow()
    session = await notes.open_session()
    late = session.transaction()
    await late.start()
    await session.execute(_WRITE, "late")
    await notes.write("0", "1", "2", "3")
    found, more = await notes.page(limit=2)
    assert (found, more) == (["0", "1"], True)
    # Its number is smaller than that of the last row that was read.
    await late.commit()
    await notes.write("4")
    found += await notes.news(limit=2)
    assert found == ["0", "1", "2", "3"]
    assert await notes.news(limit=2) == ["late", "4"]


async def test_an_error_in_the_middle_undoes_the_work_and_repeats_the_page(notes: Notes) -> None:
    await notes.follow()
    await notes.write("0", "1", "2")

    async def fail() -> None:
        async with notes.reading(limit=2) as found:
            assert found is not None
            connection, page = found
            for row in page.rows:
                await connection.execute("INSERT INTO seen VALUES ($1, 'reader')", row["text"])
            raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError, match="the work failed"):
        await fail()
    assert await notes.database.fetchval("SELECT count(*) FROM seen") == 0
    assert await notes.news(limit=2) == ["0", "1", "2"]


async def test_a_reader_whose_connection_is_ended_reads_the_page_again(notes: Notes) -> None:
    await notes.follow()
    await notes.write("0", "1")

    async def lose() -> None:
        async with notes.reading() as found:
            assert found is not None
            connection, _ = found
            ended = await connection.fetchval("SELECT pg_backend_pid()")
            await notes.database.execute("SELECT pg_terminate_backend($1, 5000)", ended)

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await lose()
    assert await notes.news() == ["0", "1"]


async def test_readers_of_different_names_read_for_themselves(notes: Notes) -> None:
    await notes.follow("first")
    await notes.write("0")
    await notes.follow("second")
    await notes.write("1")
    assert await notes.news("first") == ["0", "1"]
    assert await notes.news("second") == ["1"]
    assert await notes.news("first") == []


async def test_one_transaction_at_a_time_reads_for_a_reader(notes: Notes) -> None:
    await notes.follow("first")
    await notes.follow("second")
    await notes.write("0")
    async with notes.reading("first") as mine:
        assert mine is not None
        async with notes.reading("first") as theirs:
            assert theirs is None
        # Another reader is nobody's competitor.
        assert await notes.news("second") == ["0"]
    assert await notes.news("first") == []


async def test_a_position_of_an_older_cluster_is_set_to_what_is_committed_now(notes: Notes) -> None:
    await notes.follow()
    await notes.follow("other")
    await notes.write("before")
    far = 10**12
    await notes.database.execute(
        "UPDATE feed_position SET seen = $1::text::pg_snapshot, target = $1::text::pg_snapshot, "
        "transaction_id = $2::text::xid8, row_id = 7 WHERE reader = 'reader'",
        f"{far}:{far}:",
        str(far - 1),
    )
    # Unnoticed it would read nothing for ever.
    assert await notes.news() == []
    await notes.follow()
    assert await notes.news() == []
    await notes.write("after")
    assert await notes.news() == ["after"]
    assert await notes.news("other") == ["before", "after"]


async def test_an_idle_reader_writes_its_position_now_and_then_only(notes: Notes) -> None:
    written = "SELECT xmin::text FROM feed_position WHERE reader = 'reader'"
    await notes.follow()
    first = await notes.database.fetchval(written)
    for _ in range(3):
        assert await notes.news() == []
    assert await notes.database.fetchval(written) == first
    await notes.database.execute("UPDATE feed_position SET moved_time = now() - INTERVAL '11 seconds'")
    stale = await notes.database.fetchval(written)
    assert await notes.news() == []
    assert await notes.database.fetchval(written) != stale


async def test_a_reader_that_keeps_its_position_itself_reads_the_same(notes: Notes) -> None:
    position = await feeds.now(notes.database)
    await notes.write("0", "1", "2")
    found: list[str] = []
    more = True
    while more:
        page = await feeds.page(notes.database, _PAGE, position, 2)
        found += [row["text"] for row in page.rows]
        position, more = page.position, page.more
    assert found == ["0", "1", "2"]
    assert (await feeds.page(notes.database, _PAGE, position, 2)).rows == []


@dataclass
class Writer:
    """A session whose transactions stay open over many steps."""

    session: Any
    transaction: Any = None
    pending: list[str] = field(default_factory=list)


@pytest.mark.parametrize("seed", range(6))
async def test_any_interleaving_of_writers_and_readers_shows_every_row_once(notes: Notes, seed: int) -> None:
    """A random walk: begin, write, commit and undo in four sessions; two readers with pages of their own sizes."""
    choose = random.Random(seed)
    await notes.follow("small")
    await notes.follow("large")
    writers = [Writer(await notes.open_session()) for _ in range(4)]
    committed: list[str] = []
    found: dict[str, list[str]] = {"small": [], "large": []}

    for step in range(250):
        writer = choose.choice(writers)
        match choose.randrange(6):
            case 0 | 1 | 2:
                if writer.transaction is None:
                    writer.transaction = writer.session.transaction()
                    await writer.transaction.start()
                await writer.session.execute(_WRITE, f"{step}")
                writer.pending.append(f"{step}")
            case 3 if writer.transaction is not None:
                undo = choose.random() < 0.3
                await (writer.transaction.rollback() if undo else writer.transaction.commit())
                committed += [] if undo else writer.pending
                writer.transaction, writer.pending = None, []
            case 4:
                texts, _ = await notes.page("small", limit=choose.randint(1, 3))
                found["small"] += texts
            case _:
                # What is committed is seen at once, not only some day.
                found["large"] += await notes.news("large", limit=5)
                assert sorted(found["large"]) == sorted(committed)
    for writer in writers:
        if writer.transaction is not None:
            await writer.transaction.commit()
            committed += writer.pending
    # A round of pages ends at what was committed when it began; the next one shows the rest.
    for _ in range(2):
        found["small"] += await notes.news("small", limit=2)
        found["large"] += await notes.news("large", limit=5)
    assert sorted(found["small"]) == sorted(committed)
    assert sorted(found["large"]) == sorted(committed)
    # Rows of one transaction keep their order, whatever came in between.
    assert committed


async def _take_page(database: Database, which: int, choose: random.Random) -> int | None:
    """Read a page and write what follows from it, which fails now and then; how many rows, None: nothing was done."""
    async with feeds.reading(database, "reader", _PAGE, 5) as found:
        if found is None:
            return None
        connection, page = found
        for row in page.rows:
            await connection.execute("INSERT INTO seen VALUES ($1, $2)", row["text"], f"{which}")
        if page.rows and choose.random() < 0.2:
            raise RuntimeError("failed")
        return len(page.rows)


async def test_several_processes_that_read_for_one_reader_share_its_rows_without_doubling(
    notes: Notes, dsn: str
) -> None:
    """Consequences are written in the transaction of the position; some of the work fails in the middle."""
    await notes.follow()
    done = asyncio.Event()

    async def write(which: int) -> None:
        session = await notes.open_session()
        choose = random.Random(which)
        for number in range(30):
            async with session.transaction():
                await session.execute(_WRITE, f"{which}-{number}")
                await asyncio.sleep(choose.random() * 0.01)

    async def read(which: int) -> None:
        choose = random.Random(100 + which)
        async with Database(dsn, application_name="quantrac-test", limits=PoolLimits(max_size=3)) as database:
            last, taken = False, None
            while not (last and taken == 0):
                last, taken = done.is_set(), None
                with suppress(RuntimeError):
                    taken = await _take_page(database, which, choose)
                await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        for which in range(3):
            group.create_task(read(which))
        await asyncio.gather(*(write(which) for which in range(4)))
        done.set()
    seen = await notes.database.fetch("SELECT text FROM seen")
    assert sorted(row["text"] for row in seen) == sorted(f"{w}-{n}" for w in range(4) for n in range(30))
