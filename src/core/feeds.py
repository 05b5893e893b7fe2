"""Reads what was committed to a table since the last look: every row once, however late its COMMIT came.

A row carries the number of the transaction that wrote it (`transaction_id xid8 DEFAULT pg_current_xact_id()`). A reader
keeps the snapshot that it has seen; what a newer snapshot shows and the older one does not is news. So a number that
was taken early and committed late is not passed over, and a long transaction holds nobody up. Rules of this file:
reading, the work that follows from it and the new position are one transaction, so a crash repeats or loses nothing;
one transaction at a time reads for a reader.

A feed's query takes $1 seen, $2 target, $3 transaction id, $4 row id, all but the last as text, and $5 the limit, and
returns `transaction_id` as text and `id` among its columns, in their order:

    WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
      AND transaction_id < pg_snapshot_xmax($2::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
      AND pg_visible_in_snapshot(transaction_id, $2::text::pg_snapshot)
      AND (transaction_id, id) > ($3::text::xid8, $4::bigint)
    ORDER BY row.transaction_id, row.id LIMIT $5

where `row` is the table: without it the order would be that of the text, in which 1000 comes before 999.
The query of a `timed` feed also takes $6: when `seen` was taken, or NULL. What had not been committed by then was not
written long before, which spares a look into the chunks of earlier times.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

import structlog

from core import queries
from core.database import Database

_sql = queries.load(__file__, "feeds")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader has seen; between two pages of one round also the target and the last row that was read.

    seen_time, target_time: when these were taken, by the database's clock; None where that is not known.
    """

    seen: str
    target: str | None = None
    transaction_id: str = "0"
    row_id: int = 0
    seen_time: datetime | None = None
    target_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of (transaction_id, id), the position behind them, and whether there is more at once."""

    rows: list[Any]
    position: Position
    more: bool


async def open_reader(database: Database, reader: str) -> None:
    """Let a reader begin at what is committed now, unless it has begun already."""
    await database.execute(_sql["feeds_open"], reader)
    if await database.fetchval(_sql["feeds_restart"], reader) is not None:
        _log.error(
            "feed.restarted", reader=reader, meaning="the database was restored; what was not read before is not read"
        )


async def now(connection: Any) -> Position:
    """The position that has seen all that is committed. Takes a database or a connection."""
    found = await connection.fetchrow(_sql["feeds_now"])
    return Position(found["seen"], seen_time=found["seen_time"])


async def page(connection: Any, query: str, position: Position, limit: int, *, timed: bool = False) -> Page:
    """At most `limit` rows behind the position. Takes a database or a connection."""
    target, target_time = position.target, position.target_time
    if target is None:
        reached = await now(connection)
        target, target_time = reached.seen, reached.seen_time
    since = (position.seen_time,) if timed else ()
    rows = await connection.fetch(query, position.seen, target, position.transaction_id, position.row_id, limit, *since)
    if len(rows) < limit:
        return Page(rows, Position(target, seen_time=target_time), more=False)
    last = rows[-1]
    moved = Position(position.seen, target, last["transaction_id"], last["id"], position.seen_time, target_time)
    return Page(rows, moved, more=True)


@asynccontextmanager
async def reading(
    database: Database, reader: str, query: str, limit: int, *, timed: bool = False
) -> AsyncIterator[tuple[Any, Page] | None]:
    """A transaction with the reader's next page; its position moves with the commit at the end of the block.

    None when another process reads for it just now. An empty page is noted every few seconds only: often enough that
    the search for news does not begin ever further back.
    """
    async with database.transaction() as connection:
        if not await connection.fetchval(_sql["feeds_lock"], reader):
            yield None
            return
        found = await connection.fetchrow(_sql["feeds_position"], reader)
        position = Position(*found[:6])
        news = await page(connection, query, position, limit, timed=timed)
        yield connection, news
        if news.rows or position.target is not None or found["stale"]:
            moved = news.position
            await connection.execute(_sql["feeds_move"], reader, *astuple(moved))
