"""Writes down what was seen of keys and stations: every half minute, and at once what somebody should know.

Nothing of this is on the way of a reading. What was collected since the last time is lost when the process is killed.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

import structlog

from core import errors
from core.database import DRIVER_ERRORS, Database
from telemetry.admission import places, schemas, store
from telemetry.admission.sightings import Oddity, Seen, Sightings, network_of
from telemetry.events.store import Event, append

_log = structlog.get_logger(__name__)

EVENT = "station.anomaly"
# Collected for so long in one go even where it is urgent.
_URGENT_SECONDS = 0.5
_MOST_LEFT = 20_000


class Keeper:
    """Keeps the sightings of one process in the database. An async context manager; leaving it writes the rest."""

    def __init__(self, database: Database, *, seconds: float = 30.0) -> None:
        self._database = database
        self._seconds = seconds
        self._urgent = asyncio.Event()
        self.sightings = Sightings(self._urgent.set)
        self._left: Seen | None = None
        self._task: asyncio.Task[None] | None = None
        # Two at once would read the same networks as known and tell the same thing twice.
        self._flushing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="keep-sightings")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), self._seconds)
                await asyncio.sleep(_URGENT_SECONDS)
            self._urgent.clear()
            try:
                await self.flush()
            except Exception:  # noqa: BLE001 - the outermost loop: what was seen later is written all the same
                _log.exception("sightings.not_kept")

    async def flush(self) -> None:
        """Write what was collected; while the database is away it waits for the next time."""
        async with self._flushing:
            seen, self._left = _joined(self._left, self.sightings.drain()), None
            if not seen:
                return
            if seen.lost:
                _log.warning("sightings.lost", lost=seen.lost)
            try:
                async with self._database.transaction() as connection:
                    told = await note(connection, seen)
            except (errors.Unavailable, *DRIVER_ERRORS) as error:
                self._left = seen if len(seen.uses) < _MOST_LEFT else replace(seen, uses=[])
                _log.warning("sightings.waiting", error=type(error).__name__)
                return
        for one in told:
            anomaly = one.anomaly
            _log.warning(
                "station.anomaly",
                kind=anomaly.kind,
                station=anomaly.station,
                key=anomaly.key,
                channel=anomaly.channel,
                address=anomaly.address,
                detail=anomaly.detail,
            )


def _joined(left: Seen | None, seen: Seen) -> Seen:
    if left is None:
        return seen
    pauses = {**left.pauses, **seen.pauses}
    return Seen(left.uses + seen.uses, left.oddities + seen.oddities, pauses, left.lost + seen.lost)


async def note(connection: Any, seen: Seen) -> list[store.Told]:
    """Write all of it in the transaction of the connection; the anomalies that nobody was told of before."""
    uses = [use for use in seen.uses if network_of(use.address) is not None]
    key_ids = sorted({use.key_id for use in uses})
    odd = list(seen.oddities)
    if key_ids:
        owners = await store.owners(connection, key_ids)
        uses = [use for use in uses if use.key_id in owners]
        found = places.odd(await store.known(connection, key_ids), uses, owners)
        await store.note_uses(connection, uses)
        if found:
            await store.forget_networks(connection, sorted({one.key_id for one in found if one.key_id}))
        odd += found
    told = await store.note_anomalies(connection, merged(odd)) if odd else []
    await append(connection, [_event(one) for one in told])
    if seen.pauses:
        await store.pause(connection, seen.pauses)
    return told


def merged(odd: Iterable[Oddity]) -> list[Oddity]:
    """One for each kind, station, key and day, with the newest of what was found."""
    found: dict[object, Oddity] = {}
    for one in odd:
        key = (one.kind, one.station_id, one.key_id, one.day)
        before = found.get(key)
        if before is not None:
            newest = max(before, one, key=lambda either: either.last_us)
            first = min(before.first_us, one.first_us)
            one = replace(newest, first_us=first, times=before.times + one.times)  # noqa: PLW2901 - the two as one
        found[key] = one
    return list(found.values())


def _event(told: store.Told) -> Event:
    return Event(
        type=EVENT,
        payload={"station": told.anomaly.station, "anomaly": schemas.document(told.anomaly)},
        station_id=told.station_id,
        occurred_time=max(told.anomaly.last_time, told.anomaly.first_time),
    )
