"""The round that judges: what closed, what late data reach, and what became due for another reason.

Rules of this file: one transaction judges at a time (the agenda's lock); it reads the observations, writes the
verdicts, their events and how far it came, and its work is bounded. A verdict is a function of what stands in the
tables, so a turn that is repeated, or done elsewhere, gives the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import numpy as np
import structlog

from core import feeds, instants
from core.database import Database
from telemetry.changes import store as changes
from telemetry.readings import Int64s
from telemetry.verdicts import agenda, keeping, material, planning, touching, windows
from telemetry.verdicts.agenda import Cause, Due
from telemetry.verdicts.book import Book
from telemetry.verdicts.keeping import Kept, Time

_log = structlog.get_logger(__name__)

READER = "verdicts"
_HISTORY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Options:
    """grace: how long after its end a period is closed. The rest bounds the work of one transaction."""

    grace: timedelta = timedelta(minutes=10)
    receipts: int = 1_000
    spans: int = 2_000
    # Hours of datastreams that are read at once: a row or sixty each.
    hours: int = 20_000


@dataclass(slots=True)
class _Watch:
    """What one process knows between two turns, and could read again."""

    book: Book | None = None


@dataclass(slots=True)
class Judging:
    """Rounds of verdicts. Several processes may run it side by side; `prepare` once before the first turn."""

    database: Database
    options: Options = Options()
    clock: Callable[[], datetime] = instants.now
    name: str = "verdicts"
    pause_seconds: float = 2.0
    _watch: _Watch = field(default_factory=_Watch)

    async def prepare(self) -> Self:
        """Begin to follow the feed, unless that has begun."""
        await feeds.open_reader(self.database, READER)
        return self

    async def turn(self) -> bool:
        """Note late data, judge what closed, judge a piece of what is due; True when there is more at once."""
        late = await self._note_late_data()
        closed = await self._close()
        due = await self._work_off()
        return late or closed or due

    async def _note_late_data(self) -> bool:
        """Make due what new rows reach of closed periods."""
        async with changes.reading(self.database, READER, self.options.receipts) as found:
            if found is None or not found.receipts:
                return False
            connection = found.connection
            # What is closed may not change between here and the end of this transaction.
            await agenda.wait_for_lock(connection)
            book = await self._book(connection)
            progress = await agenda.progress(connection, self._closed())
            await agenda.append_late(connection, touching.late(book, found.receipts, progress.until_us))
            return found.more

    async def _close(self) -> bool:
        """Judge the next closed periods of each window that has any."""
        more = False
        for window in range(len(windows.WINDOWS)):
            more |= await self._close_window(window)
        return more

    async def _close_window(self, window: int) -> bool:
        async with self.database.transaction() as connection:
            if not await agenda.lock(connection):
                return False
            closed_us = self._closed()[window]
            progress = await agenda.progress(connection, self._closed())
            after_us = progress.until_us[window]
            if after_us >= closed_us:
                return False
            book = await self._book(connection)
            until_us = self._bounded(book, window, after_us, closed_us)
            asked = planning.closing(book, window, after_us, until_us)
            kept = await keeping.judge(connection, book, asked, _no_cause, self._time())
            await agenda.advance(connection, window, until_us)
        _tell("verdicts.closed", kept, window=windows.WINDOWS[window], until=instants.text(instants.from_us(until_us)))
        return until_us < closed_us

    def _bounded(self, book: Book, window: int, after_us: int, closed_us: int) -> int:
        """As many periods as one transaction should judge, and at least one."""
        streams = sum((stream, window) in book.courses for stream in book.streams)
        start_us = windows.ending(window, after_us, closed_us)
        if not len(start_us) or not streams:
            return closed_us
        end_us = windows.ends(window, start_us)
        hours = (end_us - start_us[0]) // windows.HOUR_US * streams
        most = max(1, int(np.count_nonzero(hours <= self.options.hours)))
        return int(end_us[most - 1]) if most < len(end_us) else closed_us

    async def _work_off(self) -> bool:
        """Judge a piece of what is due."""
        async with self.database.transaction() as connection:
            if not await agenda.lock(connection):
                return False
            progress = await agenda.progress(connection, self._closed())
            found = await agenda.due(connection, self.options.spans, progress.from_us[windows.HOURLY])
            if not found:
                return False
            book = await self._book(connection)
            pieces = touching.pieces(found, self.options.hours, max(progress.until_us))
            asked = planning.touched(book, touching.spans_of(pieces), progress.until_us)
            kept = await keeping.judge(connection, book, asked, _causes(pieces), self._time())
            await self._settle(connection, found, pieces)
        _tell("verdicts.judged_again", kept, spans=len(pieces))
        return True

    async def _settle(self, connection: Any, found: Sequence[Due], pieces: Sequence[Due]) -> None:
        """Take what is done off the agenda; of the last piece the rest stays."""
        whole = {due.id: due for due in found}
        left = [piece for piece in pieces if piece.end_us < whole[piece.id].end_us]
        await agenda.done(connection, [piece.id for piece in pieces if piece not in left])
        for piece in left:
            await agenda.shorten(connection, piece.id, piece.end_us)

    async def _book(self, connection: Any) -> Book:
        self._watch.book = await material.book(connection, self._watch.book)
        return self._watch.book

    def _closed(self) -> Mapping[int, int]:
        at_us = instants.to_us(self.clock() - self.options.grace)
        return {window: windows.closed_until(window, at_us) for window in range(len(windows.WINDOWS))}

    def _time(self) -> Time:
        now = self.clock()
        return Time(now, instants.to_us(now - self.options.grace - _HISTORY))


def _no_cause(streams: Int64s, _start_us: Int64s, _end_us: Int64s) -> Sequence[Cause]:
    """A closing finds nothing but what a judgement by request made before it: that was asked."""
    return [Cause("asked", person="quantrac")] * len(streams)


def _causes(pieces: Sequence[Due]) -> keeping.CauseOf:
    """The newest of the causes that a period lies in."""

    def of(streams: Int64s, start_us: Int64s, end_us: Int64s) -> Sequence[Cause]:
        chosen = np.zeros(len(streams), np.int64)
        for place, piece in enumerate(pieces):
            chosen[(streams == piece.datastream_id) & (start_us < piece.end_us) & (end_us > piece.begin_us)] = place
        return [pieces[place].cause for place in chosen.tolist()]

    return of


def _tell(event: str, kept: Kept, **more: object) -> None:
    if kept.new or kept.changed or kept.withdrawn:
        _log.info(event, new=kept.new, changed=kept.changed, withdrawn=kept.withdrawn, **more)
