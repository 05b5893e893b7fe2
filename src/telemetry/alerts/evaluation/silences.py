"""Finds when stations were silent: gaps between the times of their readings, and the one that goes on now.

An outage begins when the first reading that was due did not come, and ends with the next one. Readings that fill a gap
later show that there was none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from telemetry.alerts.evaluation import episode_store
from telemetry.alerts.evaluation.episode_store import Span, Stand
from telemetry.alerts.evaluation.findings import Finding, Found, World
from telemetry.alerts.evaluation.watching_streams import Scene
from telemetry.alerts.kinds import Kind
from telemetry.readings import Int64s

_KIND = Kind.LOST_CONNECTION
_LONG_AGO, _FAR_AHEAD = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Presence:
    """The times (µs) at which a station sent anything, all of them between the first and the last one.

    latest: whether there is nothing after them.
    """

    station_id: int
    time_us: Int64s
    latest: bool

    @property
    def span(self) -> Span:
        return int(self.time_us[0]), None if self.latest else int(self.time_us[-1])


def presences(world: World, scene: Scene) -> list[Presence]:
    """What a scene that holds all datastreams of some stations says of each station."""
    begin = np.where(scene.earlier, scene.begin_us, _LONG_AGO)
    end = np.where(scene.later, scene.end_us, _FAR_AHEAD)
    streams = world.snapshot.datastreams
    owner = np.array([streams[int(stream)].station_id for stream in scene.view.stream], np.int64)
    of = owner[scene.view.group]
    found = []
    for station in np.unique(owner).tolist():
        mine = owner == station
        first, last = int(begin[mine].max()), int(end[mine].min())
        times = np.unique(scene.view.time_us[of == station])
        times = times[(times >= first) & (times <= last)]
        if len(times):
            found.append(Presence(station, times, bool(last == _FAR_AHEAD)))
    return found


async def find(connection: Any, world: World, present: Sequence[Presence], now_us: int) -> list[Finding]:
    """The gaps of each station, as far as its presence is known."""
    spans = {presence.station_id: presence.span for presence in present}
    standing = await episode_store.of_stations(connection, _KIND, spans) if spans else {}
    found = [_look(world, presence, standing, now_us) for presence in present]
    return [finding for finding in found if finding is not None]


def _look(world: World, presence: Presence, standing: Mapping[int, Sequence[Stand]], now_us: int) -> Finding | None:
    station = world.snapshot.stations_by_id[presence.station_id]
    rule = world.rule(_KIND, station.id)
    first_us = int(presence.time_us[0])
    stands = [stand for stand in standing.get(station.id, ()) if stand.cleared_us is None or stand.end_us > first_us]
    if not rule.enabled:
        return None
    cadence_us = station.cadence_seconds * 1_000_000
    silent = station.status == "active" and presence.latest
    episodes = gaps(presence.time_us, cadence_us, rule.raise_us, now_us if silent else None)
    if not episodes and not stands:
        return None
    return Finding(_KIND, station.id, None, rule, stands, episodes, lasting=True)


def gaps(time_us: Int64s, cadence_us: int, grace_us: int, now_us: int | None) -> list[Found]:
    """Outages between the times, and after the last one when it is now too long ago."""
    patience_us = cadence_us + grace_us
    at = np.flatnonzero(np.diff(time_us) > patience_us).tolist()
    found = [_outage(int(time_us[i]), int(time_us[i + 1]), cadence_us, patience_us) for i in at]
    last_us = int(time_us[-1])
    if now_us is not None and now_us - last_us > patience_us:
        found.append(_outage(last_us, None, cadence_us, patience_us))
    return found


def _outage(last_us: int, next_us: int | None, cadence_us: int, patience_us: int) -> Found:
    raised_us = last_us + cadence_us
    detail: dict[str, Any] = {"graceSeconds": (patience_us - cadence_us) // 1_000_000}
    if next_us is None:
        return Found(raised_us, last_us + patience_us, last_us + patience_us, None, None, detail)
    detail["seconds"] = (next_us - raised_us) // 1_000_000
    return Found(raised_us, next_us, last_us + patience_us, next_us, next_us, detail)
