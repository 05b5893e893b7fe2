"""Finds what only our own clock tells: station clocks that are off, a growing quarantine, jobs that stand still.

These conditions are looked at as they are now. Their alerts end when the condition is gone at a later look.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import instants
from core.database import Database
from telemetry.alerts.evaluation import deadline_store, episode_store, outcomes, survey_store
from telemetry.alerts.evaluation.episode_store import Stand
from telemetry.alerts.evaluation.findings import Finding, Found, World
from telemetry.alerts.evaluation.survey_store import Job, Sent
from telemetry.alerts.kinds import Kind
from telemetry.alerts.rules.book import Rule

KINDS = (Kind.CLOCK_SKEW, Kind.QUARANTINE_GROWING, Kind.JOB_STUCK)
# The subject of what is about the network as a whole.
NETWORK = None
# Cadences of a station that are read beside those that are counted, since the newest may still be under way.
_SPARE = 2
# A person's closing stands for so long.
_REST = timedelta(hours=1)
# A job that never succeeded and failed so often does not only wait for its first run.
_FAILURES = 3


@dataclass(frozen=True, slots=True)
class State:
    """How a subject stands now: since when (µs) the condition holds, None when it is gone."""

    since_us: int | None
    detail: Mapping[str, Any]


# None as a state: nothing can be said, an alert stays as it is.
States = Mapping[int | None, State | None]


async def survey(database: Database, world: World, now: datetime, *, readers: bool) -> None:
    """Look at everything once and keep what it means. readers: whether our own readers had time to begin."""
    states: dict[Kind, States] = {
        Kind.CLOCK_SKEW: await _skews(database, world, now),
        Kind.QUARANTINE_GROWING: await _growing(database, world, now),
        Kind.JOB_STUCK: await _stuck(database, world, now, readers=readers),
    }
    if not any(state for found in states.values() for state in found.values()):
        open_now = await deadline_store.open_alerts(database, [kind.value for kind in KINDS])
        if not open_now:
            return
    async with database.transaction() as connection:
        await episode_store.lock(connection, [0])
        open_now = await deadline_store.open_alerts(connection, [kind.value for kind in KINDS])
        findings = [
            finding
            for kind, found in states.items()
            for finding in _findings(
                world, kind, found, open_now, await survey_store.latest(connection, kind.value), now
            )
        ]
        await outcomes.keep(connection, findings, now)


def _findings(
    world: World,
    kind: Kind,
    states: States,
    open_now: Sequence[Stand],
    latest: Mapping[int | None, tuple[datetime, datetime | None]],
    now: datetime,
) -> Iterable[Finding]:
    standing = {stand.alert.station_id: stand for stand in open_now if stand.alert.kind == kind}
    for subject in states.keys() | standing.keys():
        state = states.get(subject, State(None, {}))
        stand = standing.get(subject)
        if state is None or (stand is None and state.since_us is None):
            continue
        episodes = []
        if state.since_us is not None:
            ended, closed = latest.get(subject, (None, None))
            if stand is None and closed is not None and now - closed < _REST:
                continue
            episodes.append(_found(state.since_us, state.detail, stand, ended, now))
        rule = world.rule(kind, subject)
        yield Finding(kind, subject, None, rule, [] if stand is None else [stand], episodes, lasting=True, lapsing=True)


def _found(
    since_us: int, detail: Mapping[str, Any], stand: Stand | None, ended: datetime | None, now: datetime
) -> Found:
    """As it stands now: an alert keeps its beginning, and a new one begins after the last one ended."""
    now_us = instants.to_us(now)
    raised_us = since_us if ended is None else max(since_us, instants.to_us(ended) + 1)
    raised_us = min(raised_us, now_us) if stand is None else stand.raised_us
    return Found(raised_us, max(now_us, raised_us), raised_us, None, None, detail)


# --- Clocks of stations.


async def _skews(database: Database, world: World, now: datetime) -> States:
    active = [station for station in world.snapshot.stations_by_id.values() if station.status == "active"]
    rules = {station.id: world.rule(Kind.CLOCK_SKEW, station.id) for station in active}
    if not any(rule.enabled for rule in rules.values()):
        return {}
    longest = max(s.cadence_seconds * (rules[s.id].parameter("submissions") + _SPARE) for s in active)
    since = now - timedelta(seconds=min(longest, 86_400))
    fresh, ahead = await survey_store.lags(database, since), await survey_store.ahead(database, since)
    return {
        station.id: skew(
            _slots([*fresh.get(station.id, ()), *ahead.get(station.id, ())], station.cadence_seconds), rules[station.id]
        )
        for station in active
        if rules[station.id].enabled and (station.id in fresh or station.id in ahead)
    }


def _slots(sent: Sequence[Sent], cadence_seconds: int) -> list[Sent]:
    """The freshest of each cadence, in order of time."""
    found: dict[int, Sent] = {}
    for one in sent:
        slot = one.time_us // (cadence_seconds * 1_000_000)
        if slot not in found or one.lag_seconds < found[slot].lag_seconds:
            found[slot] = one
    return [found[slot] for slot in sorted(found)]


def skew(sent: Sequence[Sent], rule: Rule) -> State | None:
    """How a clock stands by the median of the newest live submissions; None when there are too few to say."""
    count, most = int(rule.parameter("submissions")), rule.parameter("skewSeconds")
    live = [one for one in sent if one.lag_seconds <= rule.parameter("behindSeconds")][-count:]
    if len(live) < count:
        return None
    lag = statistics.median(one.lag_seconds for one in live)
    if abs(lag) <= most:
        return State(None, {})
    since = live[-1].time_us
    for one in reversed(live):
        if abs(one.lag_seconds) <= most:
            break
        since = one.time_us
    direction = "ahead" if lag < 0 else "behind"
    return State(since, {"seconds": round(abs(lag)), "direction": direction, "submissions": count})


# --- The quarantine.


async def _growing(database: Database, world: World, now: datetime) -> States:
    stations = list(world.snapshot.stations_by_id)
    rules: dict[int | None, Rule] = {station: world.rule(Kind.QUARANTINE_GROWING, station) for station in stations}
    rules[NETWORK] = world.rule(Kind.QUARANTINE_GROWING, None)
    counts = {
        span: await survey_store.quarantined(database, now - timedelta(seconds=span))
        for span in {rule.parameter("spanSeconds") for rule in rules.values() if rule.enabled}
    }
    found: dict[int | None, State] = {}
    for subject, rule in rules.items():
        if rule.enabled:
            counted = counts[rule.parameter("spanSeconds")]
            n = sum(counted.values()) if subject is NETWORK else counted.get(subject, 0)
            found[subject] = grown(n, rule, now, "countNetwork" if subject is NETWORK else "count")
    return found


def grown(n: int, rule: Rule, now: datetime, threshold: str) -> State:
    if n < rule.parameter(threshold):
        return State(None, {})
    return State(instants.to_us(now), {"count": n, "spanSeconds": int(rule.parameter("spanSeconds"))})


# --- Jobs of the database and readers of ours.


async def _stuck(database: Database, world: World, now: datetime, *, readers: bool) -> States:
    rule = world.rule(Kind.JOB_STUCK, None)
    if not rule.enabled:
        return {}
    silent = [
        *_late_jobs(await survey_store.jobs(database), rule.parameter("schedules"), now),
        *(_late_readers(await survey_store.readers(database), rule.parameter("silentSeconds"), now) if readers else ()),
    ]
    if not silent:
        return {NETWORK: State(None, {})}
    silent.sort(key=lambda one: one[1])
    name, since = silent[0]
    detail = {
        "job": name,
        "seconds": int((now - since).total_seconds()),
        "jobs": [{"job": one, "lastSuccess": instants.text(time)} for one, time in silent],
    }
    return {NETWORK: State(instants.to_us(since), detail)}


def _late_jobs(jobs: Iterable[Job], schedules: float, now: datetime) -> Iterable[tuple[str, datetime]]:
    """Jobs whose last success is longer ago than so many of their intervals, with when that was."""
    for job in jobs:
        interval = timedelta(seconds=job.seconds)
        last = job.succeeded
        if last is None and job.next_time is not None:
            # It never succeeded: counted from when it was to begin, or told at once where it fails again and again.
            last = job.next_time - interval if job.failures < _FAILURES else now - (schedules + 1) * interval
        if last is not None and now - last > schedules * interval:
            yield job.name, last


def _late_readers(readers: Mapping[str, datetime], seconds: float, now: datetime) -> Iterable[tuple[str, datetime]]:
    for reader, moved in readers.items():
        if (now - moved).total_seconds() > seconds:
            yield f"reader {reader}", moved
