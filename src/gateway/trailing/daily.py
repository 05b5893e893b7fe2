"""The round that sums up each day of what was measured, and then tells the head of the trail."""

import structlog

from core import instants
from core.database import Database
from identity.trail import store
from identity.trail.summing import Summing
from telemetry.events import store as events

_log = structlog.get_logger(__name__)


class Daily:
    """A head that is told leaves the machine with logs, webhooks and mails, and nobody rewrites what lies before it."""

    name = "trail"
    pause_seconds = 60.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._summing = Summing(database)

    async def turn(self) -> bool:
        day = await self._summing.next_day()
        if day is None:
            return False
        head, time = await store.head(self._database)
        told = {"number": head.number, "hash": head.hash.hex(), "anchor": str(head), "day": day.isoformat()}
        _log.info("trail.head", **told)
        if time is not None:
            payload = {**told, "time": instants.text(time)}
            async with self._database.transaction() as connection:
                await events.append(connection, [events.Event("trail.head", payload)])
        return True
