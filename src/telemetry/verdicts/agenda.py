"""How far judging has come, and what is to be judged again, and why.

Rule of this file: whoever judges, or decides what is closed, holds one lock until its transaction ends. A row that is
committed after a period was read is thus seen by the feed's reader when that period is closed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import instants, queries
from telemetry.verdicts import windows

_sql = queries.load(__file__, "agenda")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is judged again: late-data, limit-changed, policy-changed or asked, and by what or whom."""

    kind: str
    receipt_id: int | None = None
    limit_id: int | None = None
    policy_id: int | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A half-open span of a datastream, in µs. since_us: before it there is nothing to judge."""

    id: int
    datastream_id: int
    begin_us: int
    end_us: int
    since_us: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Progress:
    """By window: since when and until when everybody was judged, in µs."""

    from_us: Sequence[int]
    until_us: Sequence[int]


async def lock(connection: Any) -> bool:
    """Whether this transaction may judge."""
    taken: bool = await connection.fetchval(_sql["judging_lock"])
    return taken


async def wait_for_lock(connection: Any) -> None:
    await connection.execute(_sql["judging_lock_waiting"])


async def progress(connection: Any, closed_us: Mapping[int, int]) -> Progress:
    """How far judging has come; where it has not begun it begins with what closes next, at `closed_us` by window."""
    found = {row["averaging"]: row for row in await connection.fetch(_sql["judging_progress"])}
    if len(found) < len(windows.WINDOWS):
        at = [instants.from_us(closed_us[window]) for window in range(len(windows.WINDOWS))]
        await connection.execute(_sql["judging_begin"], list(windows.WINDOWS), at)
        found = {row["averaging"]: row for row in await connection.fetch(_sql["judging_progress"])}
    return Progress(
        [instants.to_us(found[window]["judged_from"]) for window in windows.WINDOWS],
        [instants.to_us(found[window]["judged_until"]) for window in windows.WINDOWS],
    )


async def advance(connection: Any, window: int, until_us: int) -> None:
    await connection.execute(_sql["judging_advance"], windows.WINDOWS[window], instants.from_us(until_us))


async def append_late(connection: Any, late: Sequence[tuple[int, int, int, int]]) -> None:
    """Spans of late data: datastream, begin, end, receipt."""
    if not late:
        return
    streams, begins, ends, receipts = zip(*late, strict=True)
    await connection.execute(
        _sql["judging_due_append"],
        list(streams),
        [instants.from_us(us) for us in begins],
        [instants.from_us(us) for us in ends],
        list(receipts),
    )


async def ask(connection: Any, streams: Sequence[int], begin_us: int, end_us: int, person: str) -> None:
    """Takes a database or a connection."""
    begin, end = instants.from_us(begin_us), instants.from_us(end_us)
    await connection.execute(_sql["judging_due_asked"], list(streams), begin, end, person)


async def due(connection: Any, most: int, judged_from_us: int) -> list[Due]:
    """What is due first. Before judging began, and before a datastream was observed, it owes nothing."""
    begun, last = instants.from_us(judged_from_us), instants.from_us(windows.LAST_US)
    found = await connection.fetch(_sql["judging_due_page"], most, begun, last)
    return [
        Due(
            id=row["id"],
            datastream_id=row["datastream_id"],
            begin_us=instants.to_us(row["begin_time"]),
            end_us=instants.to_us(row["end_time"]),
            since_us=instants.to_us(row["since"]),
            cause=Cause(row["cause"], row["receipt_id"], row["limit_id"], row["policy_id"], row["person"]),
        )
        for row in found
    ]


async def done(connection: Any, ids: Sequence[int]) -> None:
    await connection.execute(_sql["judging_due_done"], list(ids))


async def shorten(connection: Any, due_id: int, begin_us: int) -> None:
    await connection.execute(_sql["judging_due_shorten"], due_id, instants.from_us(begin_us))


async def waiting(database: Any) -> int:
    """How many spans are due. Takes a database or a connection."""
    count: int = await database.fetchval(_sql["judging_due_count"])
    return count
