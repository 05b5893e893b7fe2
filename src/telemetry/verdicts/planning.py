"""Which periods are to be judged, by which limit, and which hours of data that takes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from telemetry.readings import Int64s
from telemetry.verdicts import averaging, holding, windows
from telemetry.verdicts.book import Book

Bools = npt.NDArray[np.bool_]
# Half-open spans of a datastream, in µs.
Spans = Sequence[tuple[int, int]]

_WINDOWS = len(windows.WINDOWS)
_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods in columns; `limit` is a place among the book's limits, holding.NONE where none holds at the end."""

    datastream_id: Int64s
    window: Int64s
    start_us: Int64s
    end_us: Int64s
    limit: Int64s
    split: Bools

    def __len__(self) -> int:
        return len(self.datastream_id)

    def picked(self, which: Bools | Int64s) -> "Periods":
        return Periods(*(getattr(self, item.name)[which] for item in fields(self)))

    @property
    def key(self) -> Int64s:
        """One number for each period, whoever judges it by what."""
        return key_of(self.datastream_id, self.window, self.start_us)


def key_of(datastream_id: Int64s, window: Int64s, start_us: Int64s) -> Int64s:
    return averaging.key_of(datastream_id * _WINDOWS + window, start_us)


def closing(book: Book, window: int, after_us: int, until_us: int) -> Periods:
    """The periods of a window that end after the one and not after the other instant, of everybody who has a limit."""
    start_us = windows.ending(window, after_us, until_us)
    parts = [
        _periods(book, stream.id, window, start_us)
        for stream in book.streams.values()
        if stream.active and (stream.id, window) in book.courses
    ]
    return _judged_ones(_joined(parts))


def touched(book: Book, spans: Mapping[int, Spans], until_us: Sequence[int]) -> Periods:
    """Every closed period of any window that overlaps a span of its datastream; also those without a limit.

    until_us: by window, when the newest closed period ends.
    """
    parts = [
        _periods(book, stream, window, _starts(window, there, until_us[window]))
        for stream, there in spans.items()
        for window in range(_WINDOWS)
        # What is measured now lies in periods that are still open; it is nearly all there is.
        if any(begin < until_us[window] for begin, _ in there)
    ]
    return _joined(parts)


def _starts(window: int, spans: Spans, until_us: int) -> Int64s:
    found = [windows.starts(window, begin, min(end, until_us)) for begin, end in spans]
    start_us = np.unique(np.concatenate([_NOTHING, *found]))
    return start_us[windows.ends(window, start_us) <= until_us]


def _periods(book: Book, stream: int, window: int, start_us: Int64s) -> Periods:
    end_us = windows.ends(window, start_us)
    course = book.courses.get((stream, window))
    if course is None:
        limit, split = np.full(len(start_us), holding.NONE, np.int64), np.zeros(len(start_us), np.bool_)
    else:
        limit, split = course.over(start_us, end_us)
    return Periods(
        np.full(len(start_us), stream, np.int64),
        np.full(len(start_us), window, np.int64),
        start_us,
        end_us,
        limit,
        split,
    )


def _joined(parts: Sequence[Periods]) -> Periods:
    columns = [[getattr(part, item.name) for part in parts] for item in fields(Periods)]
    empty = [_NOTHING] * 5 + [np.empty(0, np.bool_)]
    return Periods(*(np.concatenate([nothing, *column]) for nothing, column in zip(empty, columns, strict=True)))


def _judged_ones(periods: Periods) -> Periods:
    return periods.picked(periods.limit != holding.NONE)


def limited(periods: Periods) -> Periods:
    """Those that a limit is in force for."""
    return _judged_ones(periods)


def extents(datastream_id: Int64s, start_us: Int64s, end_us: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Datastreams, begins and ends of the hours that periods of full hours cover, without overlaps, in order."""
    begin, end = averaging.key_of(datastream_id, start_us), averaging.key_of(datastream_id, end_us)
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], np.maximum.accumulate(end[order])
    if not len(begin):
        return _NOTHING, _NOTHING, _NOTHING
    first = np.flatnonzero(np.append([True], begin[1:] > end[:-1]))
    last = np.append(first[1:], len(begin)) - 1
    streams, begin_us = averaging.hour_of(begin[first])
    _, until_us = averaging.hour_of(end[last])
    return streams, begin_us, until_us


def ends(window: Int64s, start_us: Int64s) -> Int64s:
    """Ends of periods of several windows."""
    found = np.empty(len(start_us), np.int64)
    for each in range(_WINDOWS):
        which = window == each
        found[which] = windows.ends(each, start_us[which])
    return found
