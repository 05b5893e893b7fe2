"""Rows of a scan as JSON: items in order of time, or columns by datastream."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from core import instants
from core.instants import Zone
from telemetry.catalog.snapshot import DatastreamEntry
from telemetry.readings import status_text
from telemetry.series import naming
from telemetry.series.scanning import Question
from telemetry.series.selecting import Selection
from telemetry.series.spans import Resolution, grid_of
from telemetry.series.store import Row

Record = dict[str, Any]
Values = Callable[[Row], tuple[Any, ...]]

OBSERVATION_MEMBERS = ("phenomenonTime", "result", "quality", "reasons", "deviceStatus", "receipt")
BUCKET_MEMBERS = ("bucketStart", "complete", "expected", "received", "valid", "suspect", "mean", "least", "greatest")


def members(question: Question) -> tuple[str, ...]:
    return OBSERVATION_MEMBERS if question.resolution is Resolution.RAW else BUCKET_MEMBERS


def values(
    question: Question, selection: Selection, zone: Zone, reasons: Callable[[int], Any], times: bool = True
) -> Values:
    """A function from a row to the values of `members(question)`; `reasons` writes the reason bits."""
    clock: Callable[[datetime], Any] = naming.clock(zone) if times else (lambda instant: instant)
    if question.resolution is not Resolution.RAW:
        return _bucket_values(question, selection, clock)

    def observation(row: Row) -> tuple[Any, ...]:
        time, _, result, quality, bits, status, receipt = row
        if result is None:
            return clock(time), None, None, None, None, None
        return clock(time), result, quality, reasons(bits), status_text(status), receipt

    return observation


def _bucket_values(question: Question, selection: Selection, clock: Callable[[datetime], Any]) -> Values:
    cadence = grid_of(Resolution.RAW, selection.station.cadence_seconds)
    length_us = question.grid.step_us

    def bucket(row: Row) -> tuple[Any, ...]:
        begin, _, received, valid, suspect, mean, least, greatest = row
        begin_us = instants.to_us(begin)
        complete = begin_us + length_us <= question.now_us
        expected = cadence.count(begin_us, begin_us + length_us)
        return clock(begin), complete, expected, received, valid, suspect, mean, least, greatest

    return bucket


def items(rows: Iterable[Row], question: Question, selection: Selection, zone: Zone) -> list[Record]:
    write = values(question, selection, zone, naming.reasons)
    heads = {stream.id: _head(stream) for stream in selection.streams.values()}
    names = members(question)
    raw = question.resolution is Resolution.RAW
    found = []
    for row in rows:
        item = heads[row[1]] | dict(zip(names, write(row), strict=True))
        if raw:
            item["gap"] = row[2] is None
            item["reasons"] = item["reasons"] or []
        found.append(item)
    return found


def columns(rows: Sequence[Row], question: Question, selection: Selection, zone: Zone) -> list[Record]:
    """One record for each datastream that has rows, in order of id."""
    write = values(question, selection, zone, lambda bits: bits)
    names = members(question)
    by_stream: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_stream.setdefault(row[1], []).append(write(row))
    return [
        _head(selection.streams[stream]) | dict(zip(names, map(list, zip(*found, strict=True)), strict=True))
        for stream, found in sorted(by_stream.items())
    ]


def _head(stream: DatastreamEntry) -> Record:
    return {"datastream": stream.id, "symbol": stream.symbol, "unit": stream.unit}
