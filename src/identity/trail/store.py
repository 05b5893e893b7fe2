"""Reads the trail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import instants, queries
from core.database import Database
from identity.trail import schemas
from identity.trail.canonical import Entry
from identity.trail.chain import BEGINNING, Head

_sql = queries.load(__file__, "trail")
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Each None takes all. subject: as entries name it, together with its table or alone."""

    actor: str | None = None
    table: str | None = None
    subject: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(database: Database, wanted: Filter, before: int | None, rows: int) -> list[schemas.Entry]:
    """Newest first, with numbers below `before`."""
    found = await database.fetch(
        _sql["trail_page"],
        wanted.actor, wanted.table, wanted.subject, wanted.action, wanted.since, wanted.until, before, rows,
    )  # fmt: skip
    return [shown(_entry(row)) for row in found]


async def entry(database: Database, number: int) -> schemas.Entry | None:
    row = await database.fetchrow(_sql["trail_entry"], number)
    return None if row is None else shown(_entry(row))


async def head(database: Any) -> tuple[Head, datetime | None]:
    """The last entry and its time; number 0 where there is none. Takes a database or a connection."""
    row = await database.fetchrow(_sql["trail_head"])
    return (BEGINNING, None) if row is None else (Head(row["number"], row["hash"]), row["time"])


async def link(database: Any, number: int) -> Head | None:
    """The number and hash of an entry, or None where there is none."""
    if number == 0:
        return BEGINNING
    row = await database.fetchrow(_sql["trail_link"], number)
    return None if row is None else Head(row["number"], row["hash"])


async def span(database: Any, since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
    """Numbers of the first and the last entry in a span of time; None where there are none."""
    row = await database.fetchrow(_sql["trail_span"], since, until)
    return None if row["first"] is None else (row["first"], row["last"])


async def entries(database: Database, first: int, last: int) -> AsyncIterator[list[Entry]]:
    """Entries with these numbers in their order, some thousands at a time."""
    behind = first - 1
    while behind < last:
        rows = await database.fetch(_sql["trail_entries"], behind, last, _AT_ONCE)
        if not rows:
            return
        behind = rows[-1]["number"]
        yield [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    return Entry(
        number=row["number"],
        time_us=instants.to_us(row["time"]),
        actor=row["actor"],
        address=row["address"],
        reason=row["reason"],
        login=row["login"],
        transaction=int(row["transaction_id"]),
        action=row["action"],
        relation=row["relation"],
        subject=row["subject"],
        before=row["before"],
        after=row["after"],
        previous=row["previous"],
        hash=row["hash"],
    )


def shown(entry: Entry) -> schemas.Entry:
    """The entry as it is told."""
    return schemas.Entry(
        number=entry.number,
        time=instants.from_us(entry.time_us),
        actor=entry.actor,
        address=entry.address,
        reason=entry.reason,
        login=entry.login,
        transaction=entry.transaction,
        action=schemas.Action(entry.action),
        table=entry.relation,
        subject=entry.subject,
        before=schemas.image(entry.before),
        after=schemas.image(entry.after),
        hash=entry.hash.hex(),
    )
