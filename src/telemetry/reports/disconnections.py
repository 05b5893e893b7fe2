"""When stations were silent: gaps in their data, with the alerts and maintenance windows that belong to them.

A station is disconnected from when its first observation was missing, one cadence after its last one, once it stays
away for the grace beyond that; until the next observation. What a logger sends later fills a gap: then only the alert
that was raised meanwhile tells of it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import instants
from core.database import Database
from core.instants import Zone
from telemetry.catalog.snapshot import StationEntry
from telemetry.reports import store
from telemetry.reports.parts import Part, Record, Report
from telemetry.reports.scope import Scope
from telemetry.series.selecting import Selection
from telemetry.series.spans import Grid

# As far back as loggers are read out a last observation is looked for.
_REACH = timedelta(days=400)
# Observations that one datastream of each station of a batch is expected to have: the first look reads them all.
_AT_ONCE = 1_000_000
_TINY = timedelta(microseconds=1)

_SHARES = {"connectedPercent": ("connectedSeconds", "seconds")}


@dataclass(frozen=True, slots=True)
class Outage:
    """last: the last observation before, None where none is known. closed: the next one, None while it lasts."""

    station: StationEntry
    last: datetime | None
    opened: datetime
    closed: datetime | None

    def end(self, now: datetime) -> datetime:
        return self.closed or now


@dataclass(frozen=True, slots=True)
class _Silence:
    station: StationEntry
    last: datetime | None
    since: datetime
    until: datetime


def _batches(scope: Scope) -> Iterator[list[Selection]]:
    """Stations with datastreams, so many at once as have few enough steps in the span."""
    batch: list[Selection] = []
    steps = 0
    for selection in scope.selections:
        if selection.streams:
            grid = Grid(selection.station.cadence_seconds * 10**6)
            steps += grid.count(scope.span.begin_us, scope.span.end_us)
            if batch and steps > _AT_ONCE:
                yield batch
                batch, steps = [], 0
            batch.append(selection)
    if batch:
        yield batch


async def outages(database: Database, batch: Sequence[Selection], scope: Scope) -> list[Outage]:
    """The outages that touch the span, in order of station and time."""
    now, begin, end = instants.from_us(scope.span.now_us), scope.span.begin, scope.span.end
    streams = [stream for s in batch for stream in s.streams]
    owners = [s.station.id for s in batch for _ in s.streams]
    last = await store.last_before(database, streams, owners, begin, begin - _REACH)
    following = await store.first_after(database, streams, owners, end, now + timedelta(days=1))
    silences = [_whole(s.station, last, following, begin, now) for s in batch]
    for place in range(max(len(s.streams) for s in batch)):
        heard = {s.station.id: s.ids[place] for s in batch if place < len(s.streams)}
        silences = await _without(database, silences, heard, scope.grace)
    return [
        found
        for found in (_outage(s, following, now) for s in silences)
        if found.opened < end and found.end(now) > begin
    ]


def _whole(
    station: StationEntry,
    last: Mapping[int, datetime],
    following: Mapping[int, datetime],
    begin: datetime,
    now: datetime,
) -> _Silence:
    """As if the station had said nothing from its last observation before the span to its first one after it."""
    known = last.get(station.id)
    return _Silence(station, known, known or begin - _TINY, following.get(station.id, now))


async def _without(
    database: Database, silences: Sequence[_Silence], heard: Mapping[int, int], grace: timedelta
) -> list[_Silence]:
    """What is left of the silences when one datastream of each station is listened to."""
    waiting = [silence for silence in silences if silence.station.id in heard]
    kept = [silence for silence in silences if silence.station.id not in heard]
    asked = [
        (heard[s.station.id], s.since, s.until, timedelta(seconds=s.station.cadence_seconds) + grace) for s in waiting
    ]
    left = await store.silences(database, asked) if asked else []
    found = [
        _Silence(waiting[at].station, waiting[at].last if since == waiting[at].since else since, since, until)
        for at, since, until in left
    ]
    return sorted([*kept, *found], key=lambda silence: (silence.station.code, silence.since))


def _outage(silence: _Silence, following: Mapping[int, datetime], now: datetime) -> Outage:
    opened = silence.since + (_TINY if silence.last is None else timedelta(seconds=silence.station.cadence_seconds))
    lasting = silence.until == now and silence.station.id not in following
    return Outage(silence.station, silence.last, opened, None if lasting else silence.until)


def _row(outage: Outage, scope: Scope, zone: Zone, alerts: Sequence[Any], windows: Sequence[Any]) -> Record:
    now = instants.from_us(scope.span.now_us)
    end = outage.end(now)
    inside = max(timedelta(), min(end, scope.span.end) - max(outage.opened, scope.span.begin))
    mine = [alert for alert in alerts if _touches(alert["raised_time"], alert["cleared_time"], outage.opened, end)]
    quiet = [window for window in windows if _touches(window["begin_time"], window["end_time"], outage.opened, end)]
    return {
        "station": outage.station.code,
        "kind": outage.station.kind,
        "basis": "gap",
        "lastTime": None if outage.last is None else instants.text(outage.last, zone),
        "openedTime": instants.text(outage.opened, zone),
        "closedTime": None if outage.closed is None else instants.text(outage.closed, zone),
        "durationSeconds": int((end - outage.opened).total_seconds()),
        "secondsInSpan": int(inside.total_seconds()),
        "alert": mine[0]["id"] if mine else None,
        "window": quiet[0]["id"] if quiet else None,
    }


def _alert_row(alert: Any, station: StationEntry, scope: Scope, zone: Zone) -> Record:
    """An alert without a gap: what was missing has come since, or the alert knew another grace."""
    end = alert["cleared_time"] or instants.from_us(scope.span.now_us)
    return {
        "station": station.code,
        "kind": station.kind,
        "basis": "alert",
        "lastTime": None,
        "openedTime": instants.text(alert["raised_time"], zone),
        "closedTime": None if alert["cleared_time"] is None else instants.text(alert["cleared_time"], zone),
        "durationSeconds": max(0, int((end - alert["raised_time"]).total_seconds())),
        "secondsInSpan": 0,
        "alert": alert["id"],
        "window": None,
    }


def _touches(begin: datetime, end: datetime | None, opened: datetime, closed: datetime) -> bool:
    return begin < closed and (end is None or end > opened)


async def _rows(database: Database, scope: Scope, zone: Zone) -> AsyncIterator[Part]:
    seconds = (scope.span.end_us - scope.span.begin_us) // 10**6
    for batch in _batches(scope) if seconds else ():
        stations = [selection.station.id for selection in batch]
        alerts = await store.outage_alerts(database, stations, scope.span.begin, scope.span.end)
        windows = await store.windows(database, stations, scope.span.begin, scope.span.end)
        found = await outages(database, batch, scope)
        rows = []
        for selection in batch:
            own = [alert for alert in alerts if alert["station_id"] == selection.station.id]
            quiet = [w for w in windows if w["station_id"] == selection.station.id and w["datastream_id"] is None]
            mine = [_row(outage, scope, zone, own, quiet) for outage in found if outage.station == selection.station]
            told = {row["alert"] for row in mine}
            mine += [_alert_row(alert, selection.station, scope, zone) for alert in own if alert["id"] not in told]
            rows += mine
        silent = sum(row["secondsInSpan"] for row in rows)
        total = seconds * len(batch)
        counts = {"stations": len(batch), "outages": sum(row["basis"] == "gap" for row in rows)}
        yield Part(rows, {**counts, "seconds": total, "connectedSeconds": total - silent})


DISCONNECTION = Report(
    "disconnection",
    (
        "station",
        "kind",
        "basis",
        "lastTime",
        "openedTime",
        "closedTime",
        "durationSeconds",
        "secondsInSpan",
        "alert",
        "window",
    ),
    _rows,
    ("stations", "outages", "seconds", "connectedSeconds"),
    _SHARES,
)
