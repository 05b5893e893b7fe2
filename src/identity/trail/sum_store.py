"""Computes the sums of a day from the tables, notes them, and reads what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from core import queries
from identity.trail import sums
from identity.trail.sums import Leaf, Patch, Receipt

_sql = queries.load(__file__, "sums")

# Time, result, device status and receipt of an observation.
Row = tuple[datetime, float, int, int]
# No COMMIT takes longer than this after its readings came; what turns up later was put in by somebody.
_LATEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Members:
    """The receipts that a digest is about, and what was committed when they were read."""

    receipts: Sequence[Receipt]
    seen: str


@dataclass(frozen=True, slots=True)
class Digest:
    """As it was noted. number, root_said: of its entry in the trail; None where there is none."""

    id: int
    day: date
    late_receipts: Sequence[int] | None
    root: bytes
    number: int | None
    root_said: str | None


async def lock(connection: Any) -> bool:
    """Whether nobody else sums up until the transaction ends."""
    taken: bool = await connection.fetchval(_sql["sums_lock"])
    return taken


async def transactions(database: Any) -> tuple[int, int]:
    """Numbers of the oldest transaction under way, and of the next one."""
    row = await database.fetchrow(_sql["sums_transactions"])
    return int(row["oldest"]), int(row["next"])


async def newest(database: Any) -> date | None:
    """The newest day that was summed up."""
    found: date | None = await database.fetchval(_sql["sums_newest"])
    return found


async def first_receipt(database: Any) -> datetime | None:
    found: datetime | None = await database.fetchval(_sql["sums_first_receipt"])
    return found


async def late(connection: Any, before: datetime) -> dict[date, list[int]]:
    """Receipts that were committed after their day was summed up, by that day."""
    found: dict[date, list[int]] = {}
    for row in await connection.fetch(_sql["sums_late"], before - _LATEST, before):
        found.setdefault(sums.day_of(row["received_time"]), []).append(row["id"])
    return found


async def members(connection: Any, day: date, besides: Sequence[int], only: Sequence[int] | None) -> Members:
    """The receipts of the day, without some, or some of them only."""
    rows = await connection.fetch(
        _sql["sums_receipts"], *sums.bounds(day), list(besides), None if only is None else list(only)
    )
    names = ("id", "received_time", "station_id", "datastream_ids", "stored", "first_time", "last_time")
    receipts = [Receipt(*(row[name] for name in names)) for row in rows if row["id"] is not None]
    return Members(receipts, rows[0]["seen"])


async def leaves(connection: Any, day: date, receipts: Sequence[Receipt]) -> list[Leaf]:
    """What the tables say now of these receipts of the day. Takes a database or a connection."""
    begin, end = sums.bounds(day)
    ids = [receipt.id for receipt in receipts]
    found = [
        _leaf(kind, row)
        for kind, query in (
            (sums.RECEIPT, _sql["sums_of_receipts"]),
            (sums.CONFLICT, _sql["sums_of_conflicts"]),
            (sums.QUARANTINE, _sql["sums_of_quarantine"]),
        )
        for row in await connection.fetch(query, begin, end, ids)
    ]
    for patch in sums.patches(receipts, await _streams(connection)):
        found += await _observations(connection, patch)
    return found


async def _streams(connection: Any) -> dict[int, list[int]]:
    """Datastreams by station."""
    found: dict[int, list[int]] = {}
    for row in await connection.fetch(_sql["sums_streams"]):
        found.setdefault(row["station_id"], []).append(row["id"])
    return found


async def _observations(connection: Any, patch: Patch) -> list[Leaf]:
    given = (list(patch.datastream_ids), *patch.whole, list(patch.receipt_ids))
    if len(patch.spans) == 1:
        rows = await connection.fetch(_sql["sums_of_observations"], *given)
    else:
        begins, ends = zip(*patch.spans, strict=True)
        rows = await connection.fetch(_sql["sums_of_observations_apart"], *given, list(begins), list(ends))
    return [_leaf(sums.OBSERVATION, row) for row in rows]


def _leaf(kind: str, row: Any) -> Leaf:
    return Leaf(kind, row["part"], row["n"], row["sha256"])


async def note(
    connection: Any, day: date, late_receipts: Sequence[int] | None, found: Sequence[Leaf], seen: str
) -> None:
    """Write a digest down; its entry in the trail follows at COMMIT."""
    counts = dict.fromkeys((sums.RECEIPT, sums.OBSERVATION, sums.CONFLICT, sums.QUARANTINE), 0)
    for leaf in found:
        counts[leaf.kind] += leaf.n
    number = await connection.fetchval(
        _sql["sums_note"],
        day,
        None if late_receipts is None else list(late_receipts),
        *counts.values(),
        sums.root(found),
        seen,
    )
    await connection.execute(
        _sql["sums_note_leaves"],
        number,
        [leaf.kind for leaf in found],
        [leaf.part for leaf in found],
        [leaf.n for leaf in found],
        [leaf.sha256 for leaf in found],
    )


async def digests(database: Any, first: date | None, last: date | None) -> list[Digest]:
    """In the order of their days."""
    return [Digest(**row) for row in await database.fetch(_sql["sums_digests"], first, last)]


async def lost(database: Any, first: date | None, last: date | None) -> list[tuple[int, str]]:
    """Entries of digests that are gone, with their days."""
    return [(row["number"], row["subject"]) for row in await database.fetch(_sql["sums_lost"], first, last)]


async def noted(database: Any, digest: int) -> list[Leaf]:
    """The leaves that were written down."""
    return [Leaf(**row) for row in await database.fetch(_sql["sums_leaves"], digest)]


async def rows(
    database: Any, datastream_id: int, receipts: Sequence[Receipt]
) -> list[tuple[datetime, float, int, int]]:
    """Time, result, device status and receipt of the datastream's observations that came with these receipts."""
    spans = [receipt.span for receipt in receipts if receipt.stored]
    if not spans:
        return []
    begin, end = min(first for first, _ in spans), max(last for _, last in spans)
    found = await database.fetch(_sql["sums_rows"], datastream_id, begin, end, [receipt.id for receipt in receipts])
    return [(row["phenomenon_time"], row["result"], row["device_status"], row["receipt_id"]) for row in found]


async def broken_receipts(database: Any, station_id: int, day: date) -> list[int]:
    """Receipts whose bytes are not those that their SHA-256 was taken of."""
    rows = await database.fetch(_sql["sums_broken_receipts"], station_id, *sums.bounds(day))
    return [row["id"] for row in rows]


async def strays(database: Any, begin: datetime, end: datetime, most: int) -> list[tuple[int, datetime, int]]:
    """Datastream, time and receipt of observations that no receipt accounts for."""
    rows = await database.fetch(_sql["sums_strays"], begin, end, most)
    return [(row["datastream_id"], row["phenomenon_time"], row["receipt_id"]) for row in rows]


async def span(database: Any) -> tuple[datetime, datetime] | None:
    """Times of the first and the last observation."""
    row = await database.fetchrow(_sql["sums_span"])
    return None if row["first"] is None else (row["first"], row["last"])
