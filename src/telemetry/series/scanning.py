"""Walks a span of a station's series in slices, so that any span is read in constant memory.

Every slice is a short statement of its own: a slow reader holds neither a connection nor a transaction. Slices are
bounded by the grid of expected times, so that a gap is known to be one when its slice was read.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from core import instants
from core.database import Database
from telemetry.series import store
from telemetry.series.spans import Grid, Resolution
from telemetry.series.store import Row

_NO_OBSERVATION = (None, None, None, None, None)
_EMPTY_BUCKET = (0, 0, 0, None, None, None)
# A slice that holds this many times what was planned is read again in smaller ones.
_OVERFLOW = 4
# Fewer rows than this share of the plan: the next slice is twice as long.
_SPARSE = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one station's datastreams.

    grid: of the cadence, the hours or the days. gaps: raw observations that are missing are told; buckets always are.
    now_us: nothing is missing that could not be there yet.
    """

    streams: list[int]
    begin_us: int
    end_us: int
    resolution: Resolution
    grid: Grid
    gaps: bool
    now_us: int

    @property
    def filled(self) -> bool:
        return self.gaps or self.resolution is not Resolution.RAW


Position = tuple[datetime, int]


async def scan(
    database: Database, question: Question, after: Position | None, rows_at_once: int
) -> AsyncGenerator[list[Row]]:
    """Rows in order of time and datastream, behind the position `after`; a gap is a row with None for its result.

    Yields one list for each slice, of about `rows_at_once` rows, and empty ones too.
    """
    begin, end = _bounds(question)
    if after is not None:
        begin = max(begin, question.grid.floor(instants.to_us(after[0])))
    steps = max(1, rows_at_once // max(1, len(question.streams)))
    while begin < end:
        until = min(question.grid.floor(begin) + steps * question.grid.step_us, end)
        most = None if steps == 1 else rows_at_once * _OVERFLOW
        rows = await _slice(database, question, begin, until, most)
        if most is not None and len(rows) >= most:
            steps = max(1, steps // (2 * _OVERFLOW))
            continue
        if question.filled:
            rows = _with_gaps(question, rows, begin, until)
        elif len(rows) * _SPARSE < rows_at_once:
            steps *= 2
        yield rows if after is None else [row for row in rows if (row[0], row[1]) > after]
        begin = until


def _bounds(question: Question) -> tuple[int, int]:
    """Buckets are those that begin in the span and have begun."""
    if question.resolution is Resolution.RAW:
        return question.begin_us, question.end_us
    grid = question.grid
    return grid.ceiling(question.begin_us), grid.ceiling(min(question.end_us, question.now_us))


async def _slice(database: Database, question: Question, begin: int, end: int, most: int | None) -> list[Row]:
    times = instants.from_us(begin), instants.from_us(end)
    if question.resolution is Resolution.RAW:
        return await store.raw(database, question.streams, *times, most)
    return await store.buckets(database, question.resolution, question.streams, *times)


def _with_gaps(question: Question, rows: list[Row], begin: int, end: int) -> list[Row]:
    """The rows and, between them, one for each expected time that has none."""
    grid = question.grid
    empty: tuple[int | None, ...] = _EMPTY_BUCKET
    if question.resolution is Resolution.RAW:
        empty = _NO_OBSERVATION
        # A step is missing when it lies in the span as a whole and has ended.
        begin, end = grid.whole(begin, min(end, question.now_us))
    present = {(grid.floor(instants.to_us(row[0])), row[1]) for row in rows}
    missing = [
        (instants.from_us(time_us), stream, *empty)
        for time_us in range(begin, end, grid.step_us)
        for stream in question.streams
        if (time_us, stream) not in present
    ]
    return sorted([*rows, *missing], key=_position) if missing else rows


def _position(row: Row) -> Position:
    return row[0], row[1]
