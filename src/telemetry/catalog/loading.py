"""Reads the catalogue into a snapshot and keeps it fresh while the process runs."""

import asyncio
from contextlib import suppress
from typing import Any, Self

import structlog

from core import instants, queries
from core.database import Database, DatabaseUnavailable
from telemetry.catalog import snapshot

_log = structlog.get_logger(__name__)
_sql = queries.load(__file__, "snapshot")


async def revision(database: Database) -> int:
    """The number of the catalogue's newest change."""
    found: int = await database.fetchval(_sql["catalog_revision"])
    return found


def _us(instant: Any, otherwise: int) -> int:
    return otherwise if instant is None else instants.to_us(instant)


async def read(database: Database) -> snapshot.Snapshot:
    """One consistent picture of the catalogue."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        number = await connection.fetchval(_sql["catalog_revision"])
        stations = await connection.fetch(_sql["snapshot_stations"])
        datastreams = await connection.fetch(_sql["snapshot_datastreams"])
        aliases = await connection.fetch(_sql["snapshot_aliases"])
        limits = await connection.fetch(_sql["snapshot_limits"])
        keys = await connection.fetch(_sql["snapshot_keys"])
        quotas = await connection.fetch(_sql["snapshot_quotas"])
    return snapshot.build(
        number,
        [snapshot.StationEntry(**row) for row in stations],
        [snapshot.DatastreamEntry(**row) for row in datastreams],
        [(row["station_id"], row["alias"], row["datastream_id"]) for row in aliases],
        [
            snapshot.LimitEntry(
                datastream_id=row["datastream_id"],
                from_us=instants.to_us(row["valid_from"]),
                to_us=_us(row["valid_to"], snapshot.OPEN_END_US),
                lower=row["lower"],
                upper=row["upper"],
                verified=row["verified"],
            )
            for row in limits
        ],
        [
            snapshot.KeyEntry(
                id=row["id"],
                station_id=row["station_id"],
                sha256=row["sha256"],
                expires_us=_us(row["expires_time"], snapshot.OPEN_END_US),
                revoked=row["revoked"],
            )
            for row in keys
        ],
        {row["station_id"]: snapshot.QuotaEntry(row["requests"], row["readings"], row["bytes"]) for row in quotas},
    )


class LiveCatalog:
    """The newest snapshot; a change in the database is seen within `poll_seconds`. Use as an async context manager."""

    def __init__(self, database: Database, *, poll_seconds: float = 1.0) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._snapshot: snapshot.Snapshot | None = None
        self._task: asyncio.Task[None] | None = None
        # Two reads side by side could end in the wrong order and leave the older picture.
        self._refreshing = asyncio.Lock()

    @property
    def snapshot(self) -> snapshot.Snapshot:
        if self._snapshot is None:
            raise RuntimeError("the catalogue was not read yet")
        return self._snapshot

    async def refresh(self) -> None:
        """Read the catalogue again if it changed."""
        async with self._refreshing:
            if self._snapshot is None or await revision(self._database) != self._snapshot.revision:
                self._snapshot = await read(self._database)
                _log.info("catalog.read", revision=self._snapshot.revision, stations=len(self._snapshot.stations))

    async def __aenter__(self) -> Self:
        await self.refresh()
        self._task = asyncio.create_task(self._poll(), name="catalog-poll")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _poll(self) -> None:
        """Look for changes for ever; while the database is away the last picture stays in use."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                _log.warning("catalog.poll_failed", error=error.detail)
            except Exception:  # noqa: BLE001 - the outermost loop: the last picture stays in use
                _log.exception("catalog.poll_failed")
