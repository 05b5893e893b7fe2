"""The round that takes old deliveries out of the log."""

from collections.abc import Callable
from datetime import datetime, timedelta

from core import instants
from core.database import Database
from telemetry.hooks.webhooks import delivery_store

_AT_ONCE = 2000


class ForgetDeliveries:
    """Messages that are old and wait for nothing go, with their deliveries and attempts; dead letters too."""

    name = "forget-deliveries"
    pause_seconds = 600.0

    def __init__(self, database: Database, days: int, *, clock: Callable[[], datetime] = instants.now) -> None:
        self._database = database
        self._days = days
        self._clock = clock

    async def turn(self) -> bool:
        before = self._clock() - timedelta(days=self._days)
        return await delivery_store.forget(self._database, before, _AT_ONCE) == _AT_ONCE
