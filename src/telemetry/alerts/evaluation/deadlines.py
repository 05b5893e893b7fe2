"""The round for what no reading brings: silence, quiet after a conflict, and spans to be looked at again."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog

from core import instants
from core.database import Database
from telemetry.alerts.evaluation import (
    conflicts,
    deadline_store,
    episode_store,
    outcomes,
    strangers,
    surveys,
    watching_streams,
)
from telemetry.alerts.evaluation.episode_store import Stand
from telemetry.alerts.evaluation.evaluating import Worlds, evaluate
from telemetry.alerts.evaluation.findings import World
from telemetry.alerts.handling import rechecks
from telemetry.alerts.kinds import Kind
from telemetry.catalog.loading import LiveCatalog

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How the round works.

    every_seconds: how often the clock is compared. survey_seconds: how often clocks, quarantine and jobs are looked at.
    reach: how far back the newest readings are looked for.
    shortest, longest: how much of a span is looked at again in one turn; as much as takes about turn_seconds. A turn
    costs the same for an hour and for some days, so shorter pieces would only be more of them.
    """

    every_seconds: float = 10.0
    survey_seconds: float = 30.0
    reach: timedelta = timedelta(days=400)
    shortest: timedelta = timedelta(days=1)
    longest: timedelta = timedelta(days=10)
    turn_seconds: float = 0.06


class Deadlines:
    """Several processes may turn it: what one has done the others find done."""

    name = "deadlines"
    pause_seconds = 1.0

    def __init__(
        self,
        database: Database,
        catalog: LiveCatalog,
        options: Options | None = None,
        clock: Callable[[], datetime] = instants.now,
    ) -> None:
        self._database = database
        self._worlds = Worlds(database, catalog)
        self._options = options or Options()
        self._clock = clock
        self._looked: datetime | None = None
        self._surveyed: datetime | None = None
        self._began = time.monotonic()
        self._piece = self._options.shortest

    async def turn(self) -> bool:
        world, now = await self._worlds.newest(), self._clock()
        if self._looked is None or abs(now - self._looked) >= timedelta(seconds=self._options.every_seconds):
            await self._silent(world, now)
            await self._quiet(world, now)
            self._looked = now
        if self._surveyed is None or abs(now - self._surveyed) >= timedelta(seconds=self._options.survey_seconds):
            running = time.monotonic() - self._began > world.rule(Kind.JOB_STUCK, None).parameter("silentSeconds")
            await surveys.survey(self._database, world, now, readers=running)
            self._surveyed = now
        return await self._again(now)

    async def _silent(self, world: World, now: datetime) -> None:
        """Raise lost connections of stations that have been silent for too long."""
        newest = await deadline_store.newest(self._database, now - self._options.reach)
        known = {stand.alert.station_id for stand in await self._open(Kind.LOST_CONNECTION)}
        now_us = instants.to_us(now)
        silent = {
            station: (last_us, last_us)
            for station, last_us in newest.items()
            if station not in known and self._is_overdue(world, station, now_us - last_us)
        }
        if silent:
            async with self._database.transaction() as connection:
                await episode_store.lock(connection, list(silent))
                await evaluate(connection, world, silent, now)

    def _is_overdue(self, world: World, station_id: int, silent_us: int) -> bool:
        station = world.snapshot.stations_by_id.get(station_id)
        if station is None:
            return False
        rule = world.rule(Kind.LOST_CONNECTION, station_id)
        return rule.enabled and silent_us > station.cadence_seconds * 1_000_000 + rule.raise_us

    async def _quiet(self, world: World, now: datetime) -> None:
        """Clear what ends when nothing of the kind came for a while."""
        now_us = instants.to_us(now)
        over = [
            stand for stand in await self._open(Kind.CONFLICT, Kind.UNKNOWN_SYMBOL) if _is_over(world, stand, now_us)
        ]
        if not over:
            return
        streams, stations = _subjects(over)
        async with self._database.transaction() as connection:
            owners = watching_streams.stations_of(world, streams)
            await episode_store.lock(connection, sorted(owners | stations.keys()))
            findings = await conflicts.find(connection, world, streams, now_us)
            findings += await strangers.find(connection, world, stations, now_us)
            await outcomes.keep(connection, findings, now)

    async def _open(self, *kinds: Kind) -> list[Stand]:
        return await deadline_store.open_alerts(self._database, [kind.value for kind in kinds])

    async def _again(self, now: datetime) -> bool:
        """Look again at a piece of what was asked; True when there may be more.

        Others wait for the station meanwhile, news first of all, so a piece is what a short turn takes.
        """
        try:
            spent = await self._piece_again(now)
        except asyncpg.UniqueViolationError:
            # Nobody can look at this one; the others must not wait for it.
            _log.exception("alerts.recheck_refused")
            spent = await self._piece_again(now, skip=True)
        if spent is None:
            return False
        if spent > self._options.turn_seconds:
            self._piece = max(self._piece / 2, self._options.shortest)
        elif spent < self._options.turn_seconds / 2:
            self._piece = min(self._piece * 2, self._options.longest)
        # Most of the time is for others: what happens now goes before what is long past.
        await asyncio.sleep(min(2 * spent, 4 * self._options.turn_seconds))
        return True

    async def _piece_again(self, now: datetime, *, skip: bool = False) -> float | None:
        """One transaction; how long it kept others from the station, None when nothing is asked.

        skip: only note that the piece was looked at.
        """
        async with self._database.transaction() as connection:
            asked = await rechecks.take(connection)
            if not asked:
                return None
            # What was asked because the catalogue changed is answered with that catalogue.
            world = await self._worlds.newest()
            begin = asked[0].begin
            end = min(_joined_end(asked), begin + self._piece)
            began = time.monotonic()
            if not skip:
                await episode_store.lock(connection, [asked[0].station_id])
                # Who had the station before was not kept waiting by this.
                began = time.monotonic()
                span = instants.to_us(begin), instants.to_us(end)
                await evaluate(connection, world, {asked[0].station_id: span}, now)
            await rechecks.done(connection, [one.id for one in asked if one.begin <= end], end)
        return time.monotonic() - began


def _subjects(
    stands: Iterable[Stand],
) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
    """The spans of alerts by datastream id, and those of alerts about stations by station id."""
    streams, stations = {}, {}
    for stand in stands:
        span = stand.raised_us, stand.last_us
        if stand.alert.datastream_id is not None:
            streams[stand.alert.datastream_id] = span
        elif stand.alert.station_id is not None:
            stations[stand.alert.station_id] = span
    return streams, stations


def _joined_end(asked: Iterable[rechecks.Asked]) -> datetime:
    """Up to where the spans, which are in order of time, follow each other closely."""
    spans = iter(asked)
    end = next(spans).end
    for span in spans:
        if span.begin - end > timedelta(hours=6):
            break
        end = max(end, span.end)
    return end


def _is_over(world: World, stand: Stand, now_us: int) -> bool:
    alert = stand.alert
    rule = world.rule(Kind(alert.kind), alert.station_id, alert.datastream_id)
    return now_us - stand.last_us > rule.clear_us
