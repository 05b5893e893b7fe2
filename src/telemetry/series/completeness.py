"""How much of what was expected was received, and how much of that is valid."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from core import instants
from core.database import Database
from telemetry.series import errors, store
from telemetry.series.rendering import Record
from telemetry.series.selecting import Selection
from telemetry.series.spans import Grid, Resolution, grid_of

# As many observations as are counted in a few seconds: the whole network over a month, a station over some years.
_MOST_EXPECTED = 15_000_000

# Rows of one statement. Observations lie in order of time: many datastreams over a day are side by side, while a month
# of them, one after the other, would be read from all over the table for each.
_AT_ONCE = 250_000

_MEMBERS = ("expected", "received", "valid", "receivedPercent", "validPercent")


async def read(
    database: Database, selections: Sequence[Selection], begin: datetime, end: datetime
) -> tuple[Record, list[Record]]:
    """The share of all, and the shares of each station with its datastreams.

    One observation is expected in each step of the cadence that lies in the span as a whole, and a step counts once
    however many observations it has: a burst does not make up for a gap. The span ends by now.
    """
    begin_us, end_us = instants.to_us(begin), instants.to_us(end)
    spans = {s.station.id: _cadence(s).whole(begin_us, end_us) for s in selections}
    expected = {s.station.id: _cadence(s).count(*spans[s.station.id]) for s in selections}
    rows = sum(expected[s.station.id] * len(s.streams) for s in selections)
    _refuse_long(rows, begin, end)
    counted = await _counted(database, selections, spans, -(-rows // _AT_ONCE))
    stations = [_station(selection, expected[selection.station.id], counted) for selection in selections]
    return _sum(stations), stations


async def _counted(
    database: Database, selections: Sequence[Selection], spans: dict[int, tuple[int, int]], pieces: int
) -> dict[int, tuple[int, int]]:
    """Steps with an observation and with a valid one, by datastream, counted in slices of time."""
    found = {stream: (0, 0) for selection in selections for stream in selection.streams}
    for piece in slices(selections, spans, pieces) if pieces else ():
        for stream, (received, valid) in (await store.counts(database, piece)).items():
            found[stream] = (found[stream][0] + received, found[stream][1] + valid)
    return found


def slices(
    selections: Sequence[Selection], spans: dict[int, tuple[int, int]], pieces: int
) -> Iterator[list[tuple[int, datetime, datetime, timedelta]]]:
    """The spans of the datastreams in `pieces` that follow each other, each cut between two steps of the cadence."""
    first, last = min(begin for begin, _ in spans.values()), max(end for _, end in spans.values())
    cuts = [first + (last - first) * piece // pieces for piece in range(pieces)] + [last]
    for since, until in pairwise(cuts):
        piece = []
        for selection in selections:
            grid, (begin, end) = _cadence(selection), spans[selection.station.id]
            here = max(begin, grid.floor(since)), end if until == last else min(end, grid.floor(until))
            if here[0] < here[1]:
                step = timedelta(seconds=selection.station.cadence_seconds)
                piece += [(stream, *_instants(here), step) for stream in selection.streams]
        yield piece


def _instants(span: tuple[int, int]) -> tuple[datetime, datetime]:
    return instants.from_us(span[0]), instants.from_us(span[1])


def flattened(stations: Sequence[Record]) -> tuple[Sequence[str], list[list[Any]]]:
    """Header and rows of a table, one row for each datastream."""
    return ("station", "kind", "symbol", *_MEMBERS), [
        [station["station"], station["kind"], stream["symbol"], *(stream[name] for name in _MEMBERS)]
        for station in stations
        for stream in station["datastreams"]
    ]


def _cadence(selection: Selection) -> Grid:
    return grid_of(Resolution.RAW, selection.station.cadence_seconds)


def _refuse_long(expected: int, begin: datetime, end: datetime) -> None:
    if expected > _MOST_EXPECTED:
        found = f"{expected} observations expected from {instants.text(begin)} to {instants.text(end)}"
        raise errors.long_span("to", found, f"a span or a choice of stations with at most {_MOST_EXPECTED} of them")


def _station(selection: Selection, expected: int, counted: dict[int, tuple[int, int]]) -> Record:
    streams = [
        {"datastream": stream.id, "symbol": stream.symbol, **_share(expected, *counted[stream.id])}
        for stream in sorted(selection.streams.values(), key=lambda stream: stream.symbol)
    ]
    head = {"station": selection.station.code, "kind": selection.station.kind}
    return {**head, **_sum(streams), "datastreams": streams}


def _sum(parts: Iterable[Record]) -> Record:
    parts = list(parts)
    return _share(*(sum(part[name] for part in parts) for name in ("expected", "received", "valid")))


def _share(expected: int, received: int, valid: int) -> Record:
    return {
        "expected": expected,
        "received": received,
        "valid": valid,
        "receivedPercent": percent(received, expected),
        "validPercent": percent(valid, expected),
    }


def percent(numerator: int, denominator: int) -> float | None:
    """Two decimals, never rounded up to a whole that it is not; None where nothing was expected."""
    if denominator == 0:
        return None
    found = round(100 * numerator / denominator, 2)
    return 99.99 if found == 100 and numerator < denominator else found
