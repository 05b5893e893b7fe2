"""The round that follows what was committed: looks at what readings show around every change, and keeps the alerts.

Alerts are a function of what stands in the tables, so a page that is evaluated again changes nothing. What is long past
and much is left to the rounds that look again, so that what happens now is found at once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from core import feeds, instants
from core.database import Database
from telemetry.alerts.evaluation import (
    averages,
    conflicts,
    episode_store,
    outcomes,
    sheets,
    silences,
    strangers,
    watching_streams,
)
from telemetry.alerts.evaluation.conditions import CONDITIONS
from telemetry.alerts.evaluation.findings import World
from telemetry.alerts.evaluation.outcomes import Kept
from telemetry.alerts.handling import rechecks
from telemetry.alerts.rules import store
from telemetry.catalog.loading import LiveCatalog
from telemetry.changes import store as changes
from telemetry.changes.store import Changes, Receipt
from telemetry.verdicts import store as verdict_store

_log = structlog.get_logger(__name__)

READER = "alerts"

# Spans of the past that lie no further apart are looked at together.
_NEAR_US = 6 * 3_600 * 10**6
# Station, first and last time of a span of the past in µs.
_Past = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Options:
    """page: receipts that a turn takes. live_us: how far back a change may begin to be looked at in the turn itself."""

    page: int = 400
    live_us: int = 6 * 3_600 * 10**6


class Worlds:
    """The newest catalogue with the rules that belong to it; read again when the catalogue's revision moves."""

    def __init__(self, database: Database, catalog: LiveCatalog) -> None:
        self._database = database
        self._catalog = catalog
        self._world: World | None = None

    async def newest(self) -> World:
        await self._catalog.refresh()
        snapshot = self._catalog.snapshot
        world = self._world
        if world is None or world.snapshot is not snapshot:
            book = await store.read(self._database)
            drawn = {kind: sheets.draw_up(book, snapshot, kind) for kind in CONDITIONS}
            world = self._world = World(snapshot, book, drawn)
        return world


async def evaluate(connection: Any, world: World, stations: Mapping[int, tuple[int, int]], now: datetime) -> Kept:
    """Look at all readings of the stations in their spans (µs, both included) and keep what they mean.

    The caller holds the evaluation locks of the stations.
    """
    spans = {
        stream.id: stations[stream.station_id]
        for stream in world.snapshot.datastreams.values()
        if stream.station_id in stations
    }
    if not spans:
        return Kept()
    findings, scene = await watching_streams.find(connection, world, spans)
    if scene is not None:
        present = silences.presences(world, scene)
        findings += await silences.find(connection, world, present, instants.to_us(now))
    return await outcomes.keep(connection, findings, now)


class Alerts:
    """Evaluates what receipts brought. Several processes may turn it: one at a time reads."""

    name = "alerts"
    pause_seconds = 0.25

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
        self._begun = False
        self._more = False

    async def turn(self) -> bool:
        if not self._begun:
            await feeds.open_reader(self._database, READER)
            await feeds.open_reader(self._database, averages.READER)
            self._begun = True
        world = await self._worlds.newest()
        received = await self._received(world)
        return await self._judged(world) or received

    async def _received(self, world: World) -> bool:
        """Follow the receipts; True when there is more at once.

        One station whose alerts cannot be brought together must not keep all others from theirs: where the table
        refuses what was found, every station of the page is looked at again by itself.
        """
        try:
            return await self._page(world)
        except asyncpg.UniqueViolationError:
            _log.exception("alerts.page_refused")
        async with changes.reading(self._database, READER, self._options.page) as page:
            if page is not None:
                live, past = spans_of(page, world, 0)
                for station, first_us, last_us in [(s, *span) for s, span in live.items()] + past:
                    span = instants.from_us(first_us), instants.from_us(last_us)
                    await rechecks.ask(page.connection, station, None, *span, "refused")
        return True

    async def _page(self, world: World) -> bool:
        async with changes.reading(self._database, READER, self._options.page) as page:
            if page is None:
                return False
            if page.receipts:
                await self._evaluate(page, world, self._clock())
            # The last page of a round ends where that round began; what came meanwhile lies behind it.
            more, self._more = page.more or self._more, page.more
            return more

    async def _evaluate(self, page: Changes, world: World, now: datetime) -> None:
        live, past = spans_of(page, world, instants.to_us(now) - self._options.live_us)
        for station, first_us, last_us in past:
            span = instants.from_us(first_us), instants.from_us(last_us)
            await rechecks.ask(page.connection, station, None, *span, "backlog")
        contradicted, strange = await conflicts.touched(page), await strangers.touched(page)
        owners = watching_streams.stations_of(world, contradicted)
        await episode_store.lock(page.connection, sorted(live.keys() | owners | strange.keys()))
        await evaluate(page.connection, world, live, now)
        now_us = instants.to_us(now)
        findings = await conflicts.find(page.connection, world, contradicted, now_us)
        findings += await strangers.find(page.connection, world, strange, now_us)
        await outcomes.keep(page.connection, findings, now)

    async def _judged(self, world: World) -> bool:
        """Follow the verdicts on averages; True when there is more at once."""
        async with verdict_store.reading(self._database, averages.READER, self._options.page) as page:
            if page is None:
                return False
            if page.verdicts:
                spans = averages.touched(page)
                await episode_store.lock(page.connection, sorted(watching_streams.stations_of(world, spans)))
                findings = await averages.find(page.connection, world, spans)
                await outcomes.keep(page.connection, findings, self._clock())
            return page.more


def spans_of(page: Changes, world: World, live_since_us: int) -> tuple[dict[int, tuple[int, int]], list[_Past]]:
    """By station what is new since `live_since_us`, and the spans before that, put together where they are near."""
    live: dict[int, tuple[int, int]] = {}
    past: dict[int, list[tuple[int, int]]] = {}
    for receipt in page.receipts:
        first, last = receipt.first_us, receipt.last_us
        if first is None or last is None:
            continue
        for station in _stations(receipt, world):
            if last >= live_since_us:
                begin, end = live.get(station, (last, last))
                live[station] = (min(begin, max(first, live_since_us)), max(end, last))
            if first < live_since_us:
                past.setdefault(station, []).append((first, min(last, live_since_us)))
    return live, [(station, *span) for station, spans in past.items() for span in _joined(spans)]


def _stations(receipt: Receipt, world: World) -> Iterable[int]:
    if receipt.station_id is not None:
        return (receipt.station_id,)
    streams = world.snapshot.datastreams
    return {streams[stream].station_id for stream in receipt.datastream_ids if stream in streams}


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first - joined[-1][1] <= _NEAR_US:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
