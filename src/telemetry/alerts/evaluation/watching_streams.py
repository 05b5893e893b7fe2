"""Finds the episodes that lie in readings, in the spans that changed and as far around them as they reach."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core import instants
from telemetry.alerts.evaluation import conditions, episode_store
from telemetry.alerts.evaluation.conditions import CONDITIONS, Sight, View
from telemetry.alerts.evaluation.episode_store import Readings, Span, Stand
from telemetry.alerts.evaluation.episodes import HOLDS, Derived, Episode, Series, derive
from telemetry.alerts.evaluation.findings import Finding, Found, World
from telemetry.alerts.evaluation.sheets import Sheet
from telemetry.alerts.kinds import Kind, Severity
from telemetry.readings import DeviceStatus, Int64s

Bools = npt.NDArray[np.bool_]

_CALIBRATING = int(DeviceStatus.CALIBRATING)
# Readings before and after a span that are read at first; where that is too few to know, so many times more.
CONTEXT, _MORE = 26, 8
_ROUNDS = 6

# The member of a detail that says how bad the peak is.
_BADNESS = {Kind.OVER_LIMIT: "excess", Kind.TENDENCY: "share", Kind.SPIKE: "peak", Kind.SATURATED: "peak"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Readings of some datastreams around their spans. Columns of g: one for each datastream, in order of id.

    first_us, last_us: the spans. begin_us, end_us: first and last reading; earlier, later: whether there are more.
    """

    view: View
    first_us: Int64s
    last_us: Int64s
    begin_us: Int64s
    end_us: Int64s
    earlier: Bools
    later: Bools

    def window(self, group: int) -> Span:
        """What is known as a whole."""
        return (
            int(self.begin_us[group]) if self.earlier[group] else None,
            int(self.end_us[group]) if self.later[group] else None,
        )


@dataclass(slots=True)
class Wider:
    """Spans of datastreams that must be read wider before anything is said of them."""

    spans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def ask(self, stream: int, first_us: int, last_us: int) -> None:
        first, last = self.spans.get(stream, (first_us, last_us))
        self.spans[stream] = (min(first, first_us), max(last, last_us))


async def find(
    connection: Any, world: World, spans: Mapping[int, tuple[int, int]]
) -> tuple[list[Finding], Scene | None]:
    """What the readings show in the spans (µs, both included) by datastream id, and the scene that was read first."""
    findings: list[Finding] = []
    pending, context = dict(sorted(spans.items())), CONTEXT
    first_scene = None
    for attempt in range(_ROUNDS):
        if not pending:
            break
        readings = await episode_store.readings(connection, pending, context)
        scene = _scene(world, readings, pending, context, await _calibrations(connection, readings))
        first_scene = first_scene or scene
        windows = {int(stream): scene.window(group) for group, stream in enumerate(scene.view.stream)}
        standing = await episode_store.of_datastreams(connection, windows)
        wider = Wider()
        found = _look(world, scene, standing, wider, context)
        if attempt == _ROUNDS - 1:
            wider.spans.clear()
        findings += [finding for finding in found if finding.datastream_id not in wider.spans]
        pending, context = dict(sorted(wider.spans.items())), context * _MORE
    return findings, first_scene


async def _calibrations(connection: Any, readings: Readings) -> dict[int, list[conditions.Span]]:
    """By datastream id the accepted windows in which those that calibrate may do so."""
    calibrating = readings.status == _CALIBRATING
    if not calibrating.any():
        return {}
    time_us = readings.time_us[calibrating]
    streams = np.unique(readings.datastream_id[calibrating]).tolist()
    found = await episode_store.calibrations(connection, streams, int(time_us.min()), int(time_us.max()))
    return {stream: [conditions.Span(*window) for window in windows] for stream, windows in found.items()}


def _scene(
    world: World,
    readings: Readings,
    spans: Mapping[int, tuple[int, int]],
    context: int,
    calibrations: Mapping[int, Sequence[conditions.Span]],
) -> Scene:
    stream = np.fromiter(spans, np.int64, len(spans))
    group = np.searchsorted(stream, readings.datastream_id)
    first = np.fromiter((span[0] for span in spans.values()), np.int64, len(spans))
    last = np.fromiter((span[1] for span in spans.values()), np.int64, len(spans))
    time_us, count = readings.time_us, len(spans)
    before = np.bincount(group[time_us < first[group]], minlength=count)
    after = np.bincount(group[time_us > last[group]], minlength=count)
    bounds = np.searchsorted(group, np.arange(count + 1))
    some = bounds[1:] > bounds[:-1]
    begin, end = first.copy(), last.copy()
    begin[some], end[some] = time_us[bounds[:-1][some]], time_us[bounds[1:][some] - 1]
    columns = world.snapshot.columns
    lower, upper = conditions.limits_at(columns, readings.datastream_id, time_us)
    view = View(
        stream=stream,
        group=group,
        time_us=time_us,
        result=readings.result,
        status=readings.status,
        reasons=readings.reasons,
        lower=lower,
        upper=upper,
        range_span=columns.range_max[stream] - columns.range_min[stream],
        held=np.zeros(count, np.bool_),
        calibrations={at: calibrations[one] for at, one in enumerate(spans) if one in calibrations},
    )
    return Scene(view, first, last, begin, end, before >= context, after >= context)


def _look(
    world: World, scene: Scene, standing: Mapping[tuple[str, int], Sequence[Stand]], wider: Wider, context: int
) -> list[Finding]:
    """What every condition shows; datastreams of which that cannot be said yet are asked for in `wider`."""
    by_kind: dict[str, dict[int, Sequence[Stand]]] = {}
    groups = {int(stream): group for group, stream in enumerate(scene.view.stream)}
    for (kind, stream), stands in standing.items():
        by_kind.setdefault(kind, {})[groups[stream]] = stands
    found: list[Finding] = []
    for kind in CONDITIONS:
        found += _Look(world, scene, kind, by_kind.get(kind, {}), wider, context).findings()
    return found


class _Look:
    """One condition in one scene."""

    def __init__(
        self,
        world: World,
        scene: Scene,
        kind: Kind,
        standing: Mapping[int, Sequence[Stand]],
        wider: Wider,
        context: int,
    ) -> None:
        self._world = world
        self._scene = scene
        self._kind = kind
        self._sheet: Sheet = world.sheets[kind]
        self._enabled = self._sheet.enabled[scene.view.stream]
        self._standing = {group: stands for group, stands in standing.items() if self._enabled[group]}
        self._wider = wider
        self._anchors = self._anchored()
        self._ask_for_context(context)

    def findings(self) -> list[Finding]:
        view = self._view()
        sight = CONDITIONS[self._kind](view, self._sheet)
        told = self._told(view, sight)
        if not told.any():
            return []
        sight = _narrowed(sight, told[view.group[sight.at]])
        stream = view.stream
        series = Series(
            group=view.group[sight.at],
            time_us=view.time_us[sight.at],
            shows=sight.shows,
            raise_us=self._sheet.raise_us[stream],
            clear_us=self._sheet.clear_us[stream],
            held=view.held,
        )
        derived = derive(series)
        self._ask_for_more(derived, sight, told)
        return self._settled(view, sight, derived, told)

    def _anchored(self) -> dict[int, Stand]:
        """Alerts that began before what is known, and whose state at a reading before the span is known."""
        found = {}
        for group, stands in self._standing.items():
            if not self._scene.earlier[group]:
                continue
            begin, first = self._scene.begin_us[group], self._scene.first_us[group]
            for stand in stands:
                if stand.raised_us <= begin <= stand.last_us < first:
                    found[group] = stand
        return found

    def _view(self) -> View:
        """The readings of datastreams in which this is looked for, from the anchor on where there is one."""
        view = self._scene.view
        if not self._anchors and self._enabled.all():
            return view
        held = view.held.copy()
        begin = np.full(len(held), -(2**62), np.int64)
        for group, anchor in self._anchors.items():
            held[group], begin[group] = True, anchor.last_us
        kept = self._enabled[view.group] & (view.time_us >= begin[view.group])
        columns = ("group", "time_us", "result", "status", "reasons", "lower", "upper")
        return replace(view, held=held, **{name: getattr(view, name)[kept] for name in columns})

    def _told(self, view: View, sight: Sight) -> Bools:
        """(g,) datastreams of which there is anything to say."""
        told = np.zeros(len(view.stream), np.bool_)
        told[view.group[sight.at[sight.shows == HOLDS]]] = True
        told[list(self._standing)] = True
        return told & self._enabled

    def _ask_for_context(self, context: int) -> None:
        """A condition that counts readings must see as many of them."""
        if self._kind is not Kind.FROZEN_VALUE:
            return
        counts = self._sheet.parameters["count"][self._scene.view.stream]
        few = self._enabled & (counts > context) & (self._scene.earlier | self._scene.later)
        for group in np.flatnonzero(few).tolist():
            self._widen(group)

    def _ask_for_more(self, derived: Derived, sight: Sight, told: Bools) -> None:
        scene = self._scene
        open_left = derived.open_left & scene.earlier
        open_left[[group for group in sight.unsure if scene.earlier[group]]] = True
        open_ends = open_left | (derived.open_right & scene.later)
        for group in np.flatnonzero(open_ends & told).tolist():
            self._widen(group)
        for group, stands in self._standing.items():
            for stand in stands:
                hidden = scene.earlier[group] and stand.raised_us <= scene.begin_us[group]
                if hidden and self._anchors.get(group) is not stand and stand.end_us > scene.begin_us[group]:
                    self._widen(group, first_us=stand.raised_us)
                if scene.later[group] and stand.end_us >= scene.end_us[group] >= stand.raised_us:
                    self._widen(group, last_us=stand.end_us)

    def _widen(self, group: int, first_us: int | None = None, last_us: int | None = None) -> None:
        scene = self._scene
        first, last = int(scene.first_us[group]), int(scene.last_us[group])
        self._wider.ask(
            int(scene.view.stream[group]),
            first if first_us is None else min(first, first_us),
            last if last_us is None else max(last, last_us),
        )

    def _settled(self, view: View, sight: Sight, derived: Derived, told: Bools) -> list[Finding]:
        by_group: dict[int, list[Episode]] = {}
        for episode in derived.episodes:
            by_group.setdefault(episode.group, []).append(episode)
        found = []
        for group in np.flatnonzero(told).tolist():
            stream = self._world.snapshot.datastreams[int(view.stream[group])]
            episodes = [self._found(view, sight, episode) for episode in by_group.get(group, [])]
            stands = self._in_scope(group)
            if episodes or stands:
                rule = self._world.rule(self._kind, stream.station_id, stream.id)
                found.append(Finding(self._kind, stream.station_id, stream.id, rule, stands, episodes))
        return found

    def _in_scope(self, group: int) -> list[Stand]:
        """The alerts that what was derived can speak of."""
        stands = self._standing.get(group, ())
        anchor = self._anchors.get(group)
        if anchor is not None:
            return [stand for stand in stands if stand.raised_us >= anchor.raised_us]
        begin = self._scene.begin_us[group] if self._scene.earlier[group] else -(2**62)
        return [stand for stand in stands if stand.raised_us > begin or stand.end_us > begin]

    def _found(self, view: View, sight: Sight, episode: Episode) -> Found:
        anchor = self._anchors.get(episode.group)
        if anchor is not None and episode.raised_us != anchor.last_us:
            anchor = None
        shown = np.arange(episode.first, episode.last + 1)
        shown = shown[sight.shows[shown] == HOLDS] if anchor is None else shown[1:][sight.shows[shown[1:]] == HOLDS]
        detail = self._detail(view, sight, shown, episode, anchor)
        return Found(
            raised_us=episode.raised_us if anchor is None else anchor.raised_us,
            last_us=episode.last_us,
            due_us=episode.due_us if anchor is None else anchor.raised_us,
            cleared_us=episode.cleared_us,
            settled_us=episode.settled_us,
            detail=detail,
            severity=self._severity(view, episode.group, detail),
        )

    def _detail(
        self, view: View, sight: Sight, shown: Int64s, episode: Episode, anchor: Stand | None
    ) -> dict[str, Any]:
        stream = self._world.snapshot.datastreams[int(view.stream[episode.group])]
        former = {} if anchor is None else dict(anchor.alert.detail)
        detail: dict[str, Any] = former | {"unit": stream.unit, "count": former.get("count", 0) + len(shown)}
        if len(shown):
            worst = shown[int(np.argmax(np.nan_to_num(sight.badness[shown], nan=-np.inf)))]
            member = _BADNESS.get(self._kind)
            if member is None or not former.get(member, -np.inf) >= sight.badness[worst]:
                detail |= _peak(self._kind, view, int(sight.at[worst]), float(sight.badness[worst]))
        if self._kind is Kind.STUCK_CALIBRATION:
            raised_us = episode.raised_us if anchor is None else anchor.raised_us
            detail["seconds"] = ((episode.cleared_us or episode.last_us) - raised_us) // 1_000_000
        return detail

    def _severity(self, view: View, group: int, detail: Mapping[str, Any]) -> Severity | None:
        if self._kind is not Kind.TENDENCY:
            return None
        high = self._sheet.parameters["shareHigh"][view.stream[group]]
        return Severity.WARNING if detail.get("share", 0) >= high else None


def _narrowed(sight: Sight, kept: Bools) -> Sight:
    return Sight(sight.at[kept], sight.shows[kept], sight.badness[kept], sight.unsure)


def _peak(kind: Kind, view: View, at: int, badness: float) -> dict[str, Any]:
    """What is told of the worst reading."""
    result, time = float(view.result[at]), instants.text(instants.from_us(int(view.time_us[at])))
    match kind:
        case Kind.OVER_LIMIT:
            return {"peak": result, "peakTime": time, "excess": badness} | _bound(result, view, at)
        case Kind.TENDENCY:
            return {"peak": result, "peakTime": time, "share": badness} | _bound(result, view, at)
        case Kind.FROZEN_VALUE:
            return {"value": result}
        case Kind.SPIKE:
            return {"peak": badness, "peakTime": time, "value": result}
        case Kind.SATURATED:
            return {"peak": result, "peakTime": time}
    return {}


def _bound(result: float, view: View, at: int) -> dict[str, Any]:
    """The limit that the result is beyond, or nearest to."""
    lower, upper = float(view.lower[at]), float(view.upper[at])
    low = np.isnan(upper) or (not np.isnan(lower) and abs(result - lower) < abs(result - upper))
    return {"limit": lower if low else upper, "bound": "lower" if low else "upper"}


def stations_of(world: World, streams: Iterable[int]) -> set[int]:
    """Those that the datastreams belong to, as far as the catalogue knows them."""
    known = world.snapshot.datastreams
    return {known[stream].station_id for stream in streams if stream in known}
