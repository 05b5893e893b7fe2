"""Sums of what was measured: a hash for each datastream and station of a day, and one over all of them. Pure.

A day is one of UTC+7, by the time of receipt. What a leaf is taken of is written down in sql/sums.sql.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core import instants
from identity.trail.canonical import fields

OBSERVATION, CONFLICT, RECEIPT, QUARANTINE = "observation", "conflict", "receipt", "quarantine"
# Before the spans of receipts were written down, readings of so long ago were taken.
_FARTHEST_BACK, _FARTHEST_AHEAD = timedelta(days=400), timedelta(hours=1)
# Spans that lie so near each other are read as one.
_NEAR = timedelta(hours=6)
# What a station sends within a day of when it was measured spans no more than this, and is read with that of others, up
# to about so many rows at once.
_LIVE, _MOST_ROWS = timedelta(days=2), 100_000


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
    """Where observations of some receipts lie: datastreams, which no other patch has, and spans that do not touch."""

    datastream_ids: Sequence[int]
    spans: Sequence[tuple[datetime, datetime]]
    receipt_ids: Sequence[int]

    @property
    def whole(self) -> tuple[datetime, datetime]:
        return self.spans[0][0], self.spans[-1][1]


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


def patches(receipts: Iterable[Receipt], streams: Mapping[int, Sequence[int]]) -> Iterator[Patch]:
    """Where to look for the observations of the receipts. streams: datastreams by station.

    Stations that sent what they had just measured are looked at together, others each by itself.
    """
    groups = _by_stations([receipt for receipt in receipts if receipt.stored], streams)
    together: list[tuple[list[int], tuple[datetime, datetime], list[Receipt]]] = []
    rows = 0
    for ids, group in groups:
        spans = list(_merged(sorted(receipt.span for receipt in group)))
        if len(spans) > 1 or spans[0][1] - spans[0][0] > _LIVE:
            yield Patch(ids, spans, [receipt.id for receipt in group])
            continue
        if together and (rows > _MOST_ROWS or not _overlap(together[0][1], spans[0])):
            yield _joined(together)
            together, rows = [], 0
        together.append((ids, spans[0], group))
        rows += sum(receipt.stored for receipt in group)
    if together:
        yield _joined(together)


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] <= other[1] + _NEAR and other[0] <= one[1] + _NEAR


def _joined(parts: Sequence[tuple[list[int], tuple[datetime, datetime], list[Receipt]]]) -> Patch:
    begin, end = min(span[0] for _, span, _ in parts), max(span[1] for _, span, _ in parts)
    ids = [stream for streams, _, _ in parts for stream in streams]
    return Patch(ids, [(begin, end)], [receipt.id for _, _, group in parts for receipt in group])


def _by_stations(
    receipts: Sequence[Receipt], streams: Mapping[int, Sequence[int]]
) -> list[tuple[list[int], list[Receipt]]]:
    """Receipts by station; one that speaks of several stations counts for each of them."""
    owner = {stream: station for station, ids in streams.items() for stream in ids}
    groups: dict[int, list[Receipt]] = {}
    for receipt in receipts:
        for station in _stations(receipt, owner):
            groups.setdefault(station, []).append(receipt)
    return [(list(streams.get(station, ())), groups[station]) for station in sorted(groups)]


def _stations(receipt: Receipt, owner: Mapping[int, int]) -> Iterable[int]:
    if receipt.station_id is not None:
        return (receipt.station_id,)
    if receipt.datastream_ids is None:
        return set(owner.values())
    return {owner[stream] for stream in receipt.datastream_ids if stream in owner}


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
