"""Sums of what was measured: a hash for each datastream and station of a day, and one over all of them. Pure.

A day is one of UTC+7, by the time of receipt. What a leaf is taken of is written down in sql/sums.sql.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core import instants
from identity.trail.canonical import fields

OBSERVATION, CONFLICT, RECEIPT, QUARANTINE = "observation", "conflict", "receipt", "quarantine"
# Before the spans of receipts were written down, readings of so long ago were taken.
_FARTHEST_BACK, _FARTHEST_AHEAD = timedelta(days=400), timedelta(hours=1)
# Spans that lie so near each other are read as one.
_NEAR = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Leaf:
    """part: the datastream of observations and conflicts, the station of receipts and quarantine; 0: of no one."""

    kind: str
    part: int
    n: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What tells where a receipt's observations lie. datastream_ids: where no station spoke."""

    id: int
    received_time: datetime
    station_id: int | None
    datastream_ids: Sequence[int] | None
    stored: int
    first_time: datetime | None
    last_time: datetime | None

    @property
    def span(self) -> tuple[datetime, datetime]:
        if self.first_time is None or self.last_time is None:
            return self.received_time - _FARTHEST_BACK, self.received_time + _FARTHEST_AHEAD
        return self.first_time, self.last_time


@dataclass(frozen=True, slots=True)
class Patch:
    """Where observations of some receipts lie: of one station or of these datastreams, in these spans."""

    station_id: int | None
    datastream_ids: Sequence[int] | None
    begins: Sequence[datetime]
    ends: Sequence[datetime]
    receipt_ids: Sequence[int]


def root(leaves: Iterable[Leaf]) -> bytes:
    """The hash over all leaves, in whatever order they come."""
    ordered = sorted(leaves, key=lambda leaf: (leaf.kind, leaf.part))
    return hashlib.sha256(b"".join(fields((x.kind, x.part, x.n, x.sha256.hex())) for x in ordered)).digest()


def bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of the day in Vietnam, and of the next one."""
    begin = datetime.combine(day, time(), instants.VIETNAM).astimezone(UTC)
    return begin, begin + timedelta(days=1)


def day_of(instant: datetime) -> date:
    return instant.astimezone(instants.VIETNAM).date()


def patches(receipts: Iterable[Receipt]) -> Iterator[Patch]:
    """Receipts that stored something, those of one station together."""
    groups: dict[tuple[int | None, tuple[int, ...] | None], list[Receipt]] = {}
    for receipt in receipts:
        if receipt.stored:
            streams = receipt.datastream_ids if receipt.station_id is None else None
            key = (receipt.station_id, None if streams is None else tuple(streams))
            groups.setdefault(key, []).append(receipt)
    for (station_id, streams), group in groups.items():
        merged = list(_merged(sorted(receipt.span for receipt in group)))
        begins, ends = [begin for begin, _ in merged], [end for _, end in merged]
        yield Patch(station_id, streams, begins, ends, [receipt.id for receipt in group])


def _merged(spans: Sequence[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Spans that do not touch each other, so that no row is read twice."""
    begin, end = spans[0]
    for later, until in spans[1:]:
        if later > end + _NEAR:
            yield begin, end
            begin, end = later, until
        end = max(end, until)
    yield begin, end


@dataclass(frozen=True, slots=True)
class Difference:
    """A leaf that is not what it was. None: it was not there, or is not."""

    kind: str
    part: int
    was: Leaf | None
    found: Leaf | None

    @property
    def told(self) -> str:
        """What of it is different."""
        was, found = 0 if self.was is None else self.was.n, 0 if self.found is None else self.found.n
        if was == found:
            return f"there are {found} as there were, but what they say is not what it was"
        return f"there are {found} where there were {was}"


def differences(was: Iterable[Leaf], found: Iterable[Leaf]) -> Iterator[Difference]:
    """In the order of kind and part."""
    before = {(leaf.kind, leaf.part): leaf for leaf in was}
    now = {(leaf.kind, leaf.part): leaf for leaf in found}
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield Difference(*key, before.get(key), now.get(key))
