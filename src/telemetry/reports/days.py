"""Reports by day and by month: the highest hourly means, days, months, and how far stations were available."""

import math
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core import instants
from core.database import Database
from core.instants import VIETNAM, Zone
from telemetry.catalog.snapshot import DatastreamEntry, StationEntry
from telemetry.reports import coverage, hours, store
from telemetry.reports.coverage import Bools, Coverage
from telemetry.reports.hours import HOUR_US
from telemetry.reports.parts import Part, Record, Report, percents
from telemetry.reports.scope import Scope, grid
from telemetry.series.spans import DAYS, HOURS

_RECEIVED = {"receivedPercent": ("received", "expected"), "validPercent": ("valid", "expected")}
_AVAILABLE = {**_RECEIVED, "availablePercent": ("availableHours", "requiredHours")}
_SUFFICIENT = {"sufficientPercent": ("sufficientHours", "hours")}
_COUNTS = ("expected", "received", "valid")
_HOURS = ("hours", "excusedHours", "requiredHours", "availableHours")
_HEAD = ("station", "kind", "symbol", "unit")


class _Lines:
    """The rows of a report about datastreams, in order of station and symbol, from matrices in order of id."""

    def __init__(self, streams: Sequence[tuple[StationEntry, DatastreamEntry]]) -> None:
        self.order = sorted(range(len(streams)), key=lambda at: (streams[at][0].code, streams[at][1].symbol))
        self.heads: list[Record] = [
            {"station": station.code, "kind": station.kind, "symbol": stream.symbol, "unit": stream.unit}
            for station, stream in streams
        ]

    def of(self, found: Coverage, column: int) -> Iterator[tuple[Record, Record]]:
        """The head of each line and its figures in one column, as plain numbers."""
        figures = {name: getattr(found, name)[:, column].tolist() for name in Coverage.__slots__}
        for at in self.order:
            yield self.heads[at], {name: _plain(values[at]) for name, values in figures.items()}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


async def _excused(database: Database, scope: Scope) -> list[Any]:
    stations = [selection.station.id for selection in scope.selections]
    return await store.windows(database, stations, scope.span.begin, scope.span.end)


def excused(
    windows: Sequence[Any], streams: Sequence[tuple[StationEntry, DatastreamEntry]], begin_us: int, end_us: int
) -> Bools:
    """(streams, hours): the hours that an accepted window of the station or of the datastream touches."""
    found = np.zeros((len(streams), (end_us - begin_us) // HOUR_US), np.bool_)
    for window in windows:
        first = max(0, (HOURS.floor(instants.to_us(window["begin_time"])) - begin_us) // HOUR_US)
        behind = max(0, (HOURS.ceiling(instants.to_us(window["end_time"])) - begin_us) // HOUR_US)
        rows = [
            at
            for at, (station, stream) in enumerate(streams)
            if station.id == window["station_id"] and window["datastream_id"] in {None, stream.id}
        ]
        found[rows, first:behind] = True
    return found


async def _by_day(
    database: Database, scope: Scope, begin_us: int, end_us: int, windows: Sequence[Any]
) -> AsyncIterator[tuple[list[int], Coverage]]:
    """The starts of some following days and what is known of them; slices of a size that one statement reads soon."""
    streams = scope.streams()
    ids, grids = [stream.id for _, stream in streams], [grid(station) for station, _ in streams]
    length = hours.days_at_once(len(streams)) * DAYS.step_us
    while begin_us < end_us and streams:
        until = min(DAYS.floor(begin_us) + length, end_us)
        found = await hours.read(database, ids, begin_us, until)
        quiet = excused(windows, streams, begin_us, until)
        starts = coverage.bounds(begin_us, until).tolist()
        yield starts, coverage.by_day(found, grids, begin_us, until, scope.minimum_share, quiet)
        begin_us = until


async def _days(database: Database, scope: Scope) -> AsyncIterator[tuple[str, Coverage, int]]:
    """The date, and the column of the matrices that it stands in."""
    windows = await _excused(database, scope)
    async for starts, found in _by_day(database, scope, scope.span.begin_us, scope.span.end_us, windows):
        for column, start in enumerate(starts):
            yield f"{_local(start):%Y-%m-%d}", found, column


async def _months(database: Database, scope: Scope) -> AsyncIterator[tuple[str, Coverage]]:
    """The month and what is known of it, in matrices of one column."""
    windows = await _excused(database, scope)
    for begin_us, end_us in months(scope.span.begin_us, scope.span.end_us):
        parts = [found async for _, found in _by_day(database, scope, begin_us, end_us, windows)]
        if parts:
            yield f"{_local(begin_us):%Y-%m}", coverage.summed(coverage.joined(parts))


def months(begin_us: int, end_us: int) -> Iterator[tuple[int, int]]:
    """The span in pieces that end with the months of UTC+7."""
    while begin_us < end_us:
        day = _local(begin_us).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = instants.to_us((day + timedelta(days=32)).replace(day=1))
        yield begin_us, min(following, end_us)
        begin_us = following


def _local(time_us: int) -> datetime:
    return instants.from_us(time_us).astimezone(VIETNAM)


def _hour_end(figures: Record, zone: Zone) -> str | None:
    """An hour is called by its end."""
    return None if figures["peak"] is None else instants.text(instants.from_us(figures["peak_us"] + HOUR_US), zone)


def _counts(figures: Record) -> Record:
    counts = {name: figures[name] for name in _COUNTS}
    return {**counts, **percents(counts, _RECEIVED)}


def _available(figures: Record) -> Record:
    found = {
        "hours": figures["hours"],
        "excusedHours": figures["excused"],
        "requiredHours": figures["hours"] - figures["excused"],
        "availableHours": figures["available"],
    }
    return {**found, **percents(found, {"availablePercent": _AVAILABLE["availablePercent"]})}


def _statistics(figures: Record) -> Record:
    return {name: figures[name] for name in ("mean", "least", "greatest")}


async def _day_rows(database: Database, scope: Scope, _: Zone) -> AsyncIterator[Part]:
    lines = _Lines(scope.streams())
    async for date, found, column in _days(database, scope):
        rows = []
        for head, figures in lines.of(found, column):
            enough = 0 < figures["expected"] * scope.minimum_share <= figures["valid"] + 1e-9
            state = {"hours": figures["hours"], "complete": figures["hours"] == 24, "sufficient": enough}
            rows.append({"date": date, **head, **state, **_counts(figures), **_statistics(figures)})
        yield Part(rows)


async def _maximum_rows(database: Database, scope: Scope, zone: Zone) -> AsyncIterator[Part]:
    lines = _Lines(scope.streams())
    async for date, found, column in _days(database, scope):
        rows = []
        for head, figures in lines.of(found, column):
            hours_of = {"hours": figures["hours"], "sufficientHours": figures["sufficient"]}
            peak = {"maximum": figures["peak"], "hourEnd": _hour_end(figures, zone)}
            rows.append({"date": date, **head, **hours_of, **percents(hours_of, _SUFFICIENT), **peak})
        yield Part(rows)


async def _month_rows(database: Database, scope: Scope, zone: Zone) -> AsyncIterator[Part]:
    lines = _Lines(scope.streams())
    async for month, found in _months(database, scope):
        rows = []
        for head, figures in lines.of(found, 0):
            peak = {"maximumHourlyMean": figures["peak"], "hourEnd": _hour_end(figures, zone)}
            told = {**_counts(figures), **_available(figures), **_statistics(figures), **peak}
            rows.append({"month": month, **head, **told})
        yield Part(rows)


async def _station_rows(database: Database, scope: Scope, _: Zone) -> AsyncIterator[Part]:
    lines = _Lines(scope.streams())
    async for month, found in _months(database, scope):
        stations: dict[str, list[Record]] = {s.station.code: [] for s in scope.selections}
        for head, figures in lines.of(found, 0):
            stations[head["station"]].append({**_counts(figures), **_available(figures)})
        rows = []
        for selection in scope.selections:
            parts = stations[selection.station.code]
            sums = {name: sum(part[name] for part in parts) for name in (*_COUNTS, *_HOURS)}
            head = {"station": selection.station.code, "kind": selection.station.kind, "datastreams": len(parts)}
            rows.append({"month": month, **head, **sums, **percents(sums, _AVAILABLE)})
        yield Part(rows)


DAY = Report(
    "day",
    ("date", *_HEAD, "hours", "complete", "sufficient", *_COUNTS, *_RECEIVED, "mean", "least", "greatest"),
    _day_rows,
    _COUNTS,
    _RECEIVED,
)
HOURLY_MAXIMUM = Report(
    "hourly-maximum",
    ("date", *_HEAD, "hours", "sufficientHours", "sufficientPercent", "maximum", "hourEnd"),
    _maximum_rows,
    ("hours", "sufficientHours"),
    _SUFFICIENT,
)
MONTH = Report(
    "month",
    ("month", *_HEAD, *_COUNTS, *_HOURS, *_AVAILABLE, "mean", "least", "greatest", "maximumHourlyMean", "hourEnd"),
    _month_rows,
    (*_COUNTS, *_HOURS),
    _AVAILABLE,
)
AVAILABILITY = Report(
    "availability",
    ("month", "station", "kind", "datastreams", *_COUNTS, *_HOURS, *_AVAILABLE),
    _station_rows,
    (*_COUNTS, *_HOURS),
    _AVAILABLE,
)
