"""Where a reader of the live stream stands, and how that is written as the id of a server-sent event.

The stream is two feeds one after the other, over one snapshot at a time: the log of events, then the receipts. A cursor
is a position in one of them. Written out it holds all that is needed to go on, so that any process can: nothing is kept
about a client that is gone.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Self

from core import errors, instants
from core.feeds import Position

_VERSION = "1"
_ID = re.compile(
    r"1_(?P<seen_us>\d{1,16})_(?P<seen>[0-9:,]+)"
    r"(?:_(?P<target_us>\d{1,16})_(?P<target>[0-9:,]+)_(?P<stage>[eo])_(?P<transaction>\d{1,19})_(?P<row>\d{1,18})"
    r"_(?P<part>\d{1,9}))?",
    re.ASCII,
)
_SNAPSHOT = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)", re.ASCII)
_LONGEST = 6_000
_LARGEST_US = 7_258_118_400 * 10**6  # the year 2200


class EventIdUnreadable(errors.Invalid):
    slug = "event-id-unreadable"
    title = "Last-Event-ID was not given out by this service"


class Stage(StrEnum):
    """The feed that is being read."""

    EVENTS = "e"
    OBSERVATIONS = "o"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the feed of a stage; `part` is the station's id where a receipt has readings of several."""

    position: Position
    stage: Stage = Stage.EVENTS
    part: int = 0

    @property
    def at_rest(self) -> bool:
        """Whether it stands between two rounds: all that `seen` shows was read, and nothing beyond it."""
        return self.position.target is None

    def towards(self, target: Position) -> "Cursor":
        """The same cursor on its way to what `target` has seen; one that is under way stays so."""
        if not self.at_rest:
            return self
        return Cursor(replace(self.position, target=target.seen, target_time=target.seen_time))

    def behind(self, stage: Stage, transaction_id: str, row_id: int, part: int = 0) -> "Cursor":
        """The cursor behind a row of the round that is under way."""
        return Cursor(replace(self.position, transaction_id=transaction_id, row_id=row_id), stage, part)

    def next_stage(self) -> "Cursor":
        return Cursor(replace(self.position, transaction_id="0", row_id=0), Stage.OBSERVATIONS)

    def reached(self) -> "Cursor":
        """The cursor at the end of the round."""
        position = self.position
        return self if position.target is None else Cursor(Position(position.target, seen_time=position.target_time))

    def lies_ahead_of(self, now: Position) -> bool:
        """Whether the database does not know yet what this cursor has seen: it was restored from an older time."""
        newest = self.position.target or self.position.seen
        return _end(newest) > _end(now.seen)

    def write(self) -> str:
        """The id of an event: digits, `_`, `:` and `,` only."""
        at = self.position
        head = f"{_VERSION}_{_us(at.seen_time)}_{at.seen}"
        if at.target is None:
            return head
        return f"{head}_{_us(at.target_time)}_{at.target}_{self.stage}_{at.transaction_id}_{at.row_id}_{self.part}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor that was written. Raises EventIdUnreadable for anything else."""
        found = _ID.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None or not _is_snapshot(found["seen"]):
            raise _unreadable(text)
        position = Position(found["seen"], seen_time=_time(found["seen_us"], text))
        if found["target"] is None:
            return cls(position)
        if not _is_snapshot(found["target"]):
            raise _unreadable(text)
        under_way = replace(
            position,
            target=found["target"],
            transaction_id=found["transaction"],
            row_id=int(found["row"]),
            target_time=_time(found["target_us"], text),
        )
        return cls(under_way, Stage(found["stage"]), int(found["part"]))


def _us(time: datetime | None) -> int:
    return 0 if time is None else instants.to_us(time)


def _time(us: str, text: str) -> datetime:
    if int(us) > _LARGEST_US:
        raise _unreadable(text)
    return instants.from_us(int(us))


def _end(snapshot: str) -> int:
    """The first transaction number that the snapshot knows nothing of."""
    return int(snapshot.split(":")[1])


def _is_snapshot(text: str) -> bool:
    """Whether PostgreSQL takes the text for a pg_snapshot: what is under way lies in order between the bounds."""
    found = _SNAPSHOT.fullmatch(text)
    if found is None:
        return False
    begin, end = int(found[1]), int(found[2])
    running = [int(number) for number in found[3].split(",")] if found[3] else []
    in_order = all(before < after for before, after in pairwise(running))
    return 0 < begin <= end < 2**63 and in_order and all(begin <= number < end for number in running)


def _unreadable(text: str) -> EventIdUnreadable:
    fault = errors.Fault("Last-Event-ID", errors.shown(text), "the id of an event of this stream, as it was sent")
    return EventIdUnreadable("Last-Event-ID cannot be read; leave it out to begin at now.", faults=[fault])
