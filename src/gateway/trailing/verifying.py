"""Verifies the trail of a database: the chain itself, then what was measured against the sums in it."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from core import instants
from core.database import Database
from gateway.trailing import explaining
from identity.trail import comparing, store, sum_store, sums
from identity.trail.chain import BEGINNING, Chain, Problem
from identity.trail.comparing import Changed, Stray
from telemetry.catalog import loading
from telemetry.catalog.snapshot import Snapshot

# Told with what is looked at, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass
class Verification:
    """What was looked at."""

    anchors: Mapping[int, bytes] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    progress: Progress = lambda *_: None
    entries: int = 0
    days: int = 0

    @property
    def whole(self) -> bool:
        return self.since is None and self.until is None

    async def chain(self, database: Database) -> AsyncIterator[Problem]:
        """Every entry of the span, each against the one before."""
        span = await store.span(database, self.since, self.until)
        if span is None:
            for problem in Chain(anchors=self.anchors if self.whole else {}).end():
                yield problem
            return
        first, last = span
        head, _ = await store.head(database)
        before = BEGINNING if self.whole else await store.link(database, first - 1)
        if before is None:
            yield Problem(first - 1, "gap", f"Entry {first - 1} is missing before entry {first}.")
        # Anchors of other spans say nothing about this one; those beyond the head say that it was cut off.
        chain = Chain(before, {n: h for n, h in self.anchors.items() if first <= n <= last or n > head.number})
        async for entries in store.entries(database, first, last):
            for entry in entries:
                for problem in chain.check(entry):
                    yield problem
            self.entries = chain.entries
            self.progress("entries", chain.entries, last - first + 1)
        for problem in chain.end():
            yield problem

    async def readings(self, database: Database) -> AsyncIterator[Problem]:
        """What was measured against the sums of its days."""
        first, last = self._days()
        digests = await sum_store.digests(database, first, last)
        for problem in await comparing.whole(database, digests, first, last):
            yield problem
        snapshot = await loading.read(database)
        late: dict[date, list[int]] = {}
        for digest in digests:
            late.setdefault(digest.day, []).extend(digest.late_receipts or ())
        for digest in digests:
            async for found in comparing.day(database, digest, late[digest.day]):
                yield found if isinstance(found, Problem) else await _told(database, snapshot, found)
            self.days += 1
            self.progress("days", self.days, len(digests))
        if digests:
            async for stray in comparing.strays(database, first, digests[-1].day if last is None else last):
                if isinstance(stray, Stray):
                    yield _stray(snapshot, stray)

    def _days(self) -> tuple[date | None, date | None]:
        return (
            None if self.since is None else sums.day_of(self.since),
            None if self.until is None else sums.day_of(self.until),
        )


_THINGS = {
    sums.OBSERVATION: "observations",
    sums.RECEIPT: "receipts",
    sums.CONFLICT: "conflicts",
    sums.QUARANTINE: "readings in quarantine",
}


async def _told(database: Database, snapshot: Snapshot, changed: Changed) -> Problem:
    """With all that the receipts can say about it."""
    difference = changed.difference
    of_stream = difference.kind in {sums.OBSERVATION, sums.CONFLICT}
    name = (explaining.stream_name if of_stream else explaining.station_name)(snapshot, difference.part)
    text = [f"Of the {_THINGS[difference.kind]} of {name} that came on {changed.day}, {difference.told}."]
    if difference.kind == sums.OBSERVATION:
        text += await explaining.observations(database, snapshot, difference.part, changed.receipts)
    if difference.kind == sums.RECEIPT:
        broken = await sum_store.broken_receipts(database, difference.part, changed.day)
        text += [f"Receipt {number}: its bytes are not those that its SHA-256 was taken of." for number in broken]
    return Problem(None, difference.kind, " ".join(text))


def _stray(snapshot: Snapshot, stray: Stray) -> Problem:
    name = explaining.stream_name(snapshot, stray.datastream_id)
    text = f"{name} at {instants.text(stray.time)}: no receipt {stray.receipt_id} accounts for this observation."
    return Problem(None, "stray", text)
