"""Compares what is stored now with the sums that were made when it was new."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from core.database import Database
from identity.trail import sum_store, sums
from identity.trail.chain import Problem
from identity.trail.sum_store import Digest
from identity.trail.sums import Difference, Receipt

_MOST_STRAYS = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """A sum of a day that does not come out any more; receipts: those of the day that it is about."""

    day: date
    difference: Difference
    receipts: Sequence[Receipt]


@dataclass(frozen=True, slots=True)
class Stray:
    """An observation that no receipt accounts for."""

    datastream_id: int
    time: datetime
    receipt_id: int


async def whole(database: Database, digests: Sequence[Digest], first: date | None, last: date | None) -> list[Problem]:
    """What is wrong with the digests as a whole: days without one, and entries whose digest is gone."""
    found = list(_holes(digests))
    for number, day in await sum_store.lost(database, first, last):
        found.append(Problem(number, "digest", f"The digest of {day} is not the one that entry {number} tells of."))
    return found


def _holes(digests: Iterable[Digest]) -> Iterator[Problem]:
    days = [digest.day for digest in digests if digest.late_receipts is None]
    for before, after in pairwise(days):
        if after != before + timedelta(days=1):
            yield Problem(None, "digest", f"There is no digest for the days between {before} and {after}.")


async def day(database: Database, digest: Digest, late: Sequence[int]) -> AsyncIterator[Problem | Changed]:
    """What differs from one digest. late: receipts of its day that other digests are about."""
    noted = await sum_store.noted(database, digest.id)
    if sums.root(noted) != digest.root:
        yield Problem(
            digest.number, "digest", f"The sums of {digest.day} do not make up the root that was noted for them."
        )
    if digest.number is None:
        yield Problem(None, "digest", f"No entry of the trail tells of the digest of {digest.day}.")
    elif digest.root_said != f"\\x{digest.root.hex()}":
        text = f"The digest of {digest.day} is not what entry {digest.number} says of it."
        yield Problem(digest.number, "digest", text)
    besides = () if digest.late_receipts is not None else late
    members = await sum_store.members(database, digest.day, besides, digest.late_receipts)
    found = await sum_store.leaves(database, digest.day, members.receipts)
    for difference in sums.differences(noted, found):
        yield Changed(digest.day, difference, members.receipts)


async def strays(database: Database, first: date | None, last: date | None) -> AsyncIterator[Stray | datetime]:
    """Observations of these days (UTC) that no receipt accounts for; and each day that was looked through."""
    span = await sum_store.span(database)
    if span is None:
        return
    begin, end = span
    if first is not None:
        begin = max(begin, sums.bounds(first)[0])
    if last is not None:
        end = min(end, sums.bounds(last)[1] - timedelta(microseconds=1))
    at = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while at <= end:
        for datastream_id, time, receipt_id in await sum_store.strays(
            database, at, at + timedelta(days=1), _MOST_STRAYS
        ):
            yield Stray(datastream_id, time, receipt_id)
        yield at
        at += timedelta(days=1)
