"""The round that turns events into deliveries: one row for each webhook that an event goes to."""

from collections.abc import Callable
from datetime import datetime

import structlog

from core import feeds, instants
from core.database import Database
from telemetry.events import store as events
from telemetry.hooks.webhooks import delivery_store, signing

_log = structlog.get_logger(__name__)

READER = "webhooks"
_EVENTS_AT_ONCE = 500


class FanOut:
    """Reads the log of events; deliveries and the position in the log are one transaction."""

    name = "fan-out"
    pause_seconds = 0.2

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = instants.now) -> None:
        self._database = database
        self._clock = clock
        self._opened = False

    async def turn(self) -> bool:
        if not self._opened:
            await feeds.open_reader(self._database, READER)
            self._opened = True
        async with events.reading(self._database, READER, _EVENTS_AT_ONCE) as found:
            if found is None:
                return False
            connection, logged, more = found
            if logged:
                receivers = await delivery_store.matches(connection, [event.id for event in logged])
                told = [event for event in logged if event.id in receivers]
                await delivery_store.write(
                    connection,
                    [_message(event) for event in told],
                    [receivers[event.id] for event in told],
                    self._clock(),
                )
        return more


def _message(event: events.Logged) -> delivery_store.Message:
    return delivery_store.Message(
        webhook_id=signing.new_webhook_id(),
        event_id=event.id,
        type=event.type,
        occurred_time=event.occurred_time,
        body=signing.body(event.type, event.occurred_time, event.payload),
    )
