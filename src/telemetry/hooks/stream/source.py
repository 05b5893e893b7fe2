"""Reads the live stream from the feeds: pages of frames in the order of the stream, from any cursor."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from core import feeds
from core.database import Database
from telemetry.catalog.loading import LiveCatalog
from telemetry.catalog.snapshot import Snapshot
from telemetry.changes import store as changes
from telemetry.changes.store import Receipt
from telemetry.events import store as events
from telemetry.hooks.stream import frames, store
from telemetry.hooks.stream.cursors import Cursor, Stage
from telemetry.hooks.stream.frames import Frame

# Rows of one page; of receipts each brings a dozen readings with it.
_EVENTS, _RECEIPTS = 500, 200


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames of one page, and the cursor behind it whether it has frames or not."""

    frames: Sequence[Frame]
    cursor: Cursor


class Source:
    """Reads for the poller, and for clients that come back."""

    def __init__(self, database: Database, catalog: LiveCatalog) -> None:
        self._database = database
        self._catalog = catalog

    async def now(self) -> feeds.Position:
        """The position that has seen all that is committed."""
        return await feeds.now(self._database)

    async def round(self, cursor: Cursor, stages: frozenset[Stage]) -> AsyncGenerator[Batch]:
        """Pages from a cursor that is under way to the end of its round."""
        while not cursor.at_rest:
            batch = await self.page(cursor, stages)
            cursor = batch.cursor
            yield batch

    async def page(self, cursor: Cursor, stages: frozenset[Stage]) -> Batch:
        """The next page of a round.

        A stage that nobody wants is passed over; what it would have brought is not asked for again.
        """
        if cursor.stage is Stage.EVENTS:
            if Stage.EVENTS in stages:
                batch = await self._events(cursor)
                if batch.frames:
                    return batch
            cursor = cursor.next_stage()
        if Stage.OBSERVATIONS in stages:
            return await self._observations(cursor)
        return Batch((), cursor.reached())

    async def _events(self, cursor: Cursor) -> Batch:
        logged, page = await events.page(self._database, cursor.position, _EVENTS)
        found = [
            frames.of_event(event, cursor.behind(Stage.EVENTS, row["transaction_id"], row["id"]))
            for event, row in zip(logged, page.rows, strict=True)
        ]
        return Batch(found, found[-1].cursor if page.more else cursor.next_stage())

    async def _observations(self, cursor: Cursor) -> Batch:
        receipts, page = await changes.page(self._database, _with_parts_left(cursor), _RECEIPTS)
        keys = [(row["transaction_id"], row["id"]) for row in page.rows]
        found = await self._frames(receipts, keys, cursor)
        return Batch(found, cursor.behind(Stage.OBSERVATIONS, *keys[-1]) if page.more else cursor.reached())

    async def _frames(
        self, receipts: Sequence[Receipt], keys: Sequence[tuple[str, int]], cursor: Cursor
    ) -> list[Frame]:
        """A frame for each receipt and station, without those that lie before the cursor."""
        kept = {
            receipt.id: (receipt, transaction_id)
            for receipt, (transaction_id, _) in zip(receipts, keys, strict=True)
            if receipt.stored and receipt.last_us is not None
        }
        snapshot = await self._snapshot_with(kept[number][0] for number in kept)
        wanted = [(receipt, stream) for receipt, _ in kept.values() for stream in _streams(receipt, snapshot)]
        rows = await store.newest(self._database, wanted)
        found = []
        for number, of_receipt in groupby(rows, itemgetter("receipt_id")):
            receipt, transaction_id = kept[number]
            for station_id, part in _by_station(of_receipt, snapshot):
                at = cursor.behind(Stage.OBSERVATIONS, transaction_id, number, station_id)
                if not _passed(cursor, at):
                    found.append(frames.of_observations(receipt, station_id, part, snapshot, at))
        order = {number: place for place, (_, number) in enumerate(keys)}
        return sorted(found, key=lambda frame: (order[frame.cursor.position.row_id], frame.cursor.part))

    async def _snapshot_with(self, receipts: Iterator[Receipt]) -> Snapshot:
        """The catalogue; read again where a receipt is of a station or datastream that is newer than it."""
        known = self._catalog.snapshot
        for receipt in receipts:
            station_known = receipt.station_id is None or receipt.station_id in known.stations_by_id
            if not station_known or any(stream not in known.datastreams for stream in receipt.datastream_ids):
                await self._catalog.refresh()
                return self._catalog.snapshot
        return known


def _with_parts_left(cursor: Cursor) -> feeds.Position:
    """The position from which the receipt that was sent in part is read once more."""
    position = cursor.position
    return replace(position, row_id=position.row_id - 1) if cursor.part else position


def _passed(cursor: Cursor, at: Cursor) -> bool:
    same = (cursor.position.transaction_id, cursor.position.row_id) == (at.position.transaction_id, at.position.row_id)
    return cursor.part > 0 and same and at.part <= cursor.part


def _streams(receipt: Receipt, snapshot: Snapshot) -> Sequence[int]:
    """The datastreams that the receipt may have readings of; by station, for all of them are many."""
    if receipt.station_id is None:
        return [stream for stream in receipt.datastream_ids if stream in snapshot.datastreams]
    return sorted(set(snapshot.spellings.get(receipt.station_id, {}).values()))


def _by_station(rows: Iterator[Any], snapshot: Snapshot) -> list[tuple[int, list[Any]]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(snapshot.datastreams[row["datastream_id"]].station_id, []).append(row)
    return sorted(found.items())
