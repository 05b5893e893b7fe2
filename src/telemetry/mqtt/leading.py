"""Lets one process consume a session and the others stand by, by a lock in PostgreSQL.

Two clients with one client id take the session from each other without end, so the right is asked for before the
broker is. While the database is away nobody can be given the right: the process that had it goes on, and steps down
only when another one has it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable
from telemetry.mqtt import store
from telemetry.mqtt.counters import Counters

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0

Consume = Callable[[asyncio.Event], Awaitable[None]]


class Leadership:
    """Runs `consume` while this process is the one that may, until `stop` is set."""

    def __init__(self, database: Database, client_id: str, consume: Consume, counters: Counters) -> None:
        self._database = database
        self._client_id = client_id
        self._consume = consume
        self._counters = counters
        self._leave = asyncio.Event()
        self._consuming: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                try:
                    await self._term(stop)
                except (DatabaseUnavailable, *DRIVER_ERRORS) as error:
                    _log.warning("mqtt.right_unsure", error=type(error).__name__)
                await _pause(stop)
        finally:
            await self._step_down()

    async def _term(self, stop: asyncio.Event) -> None:
        """From when the right is given until it is lost; no time at all where another process has it."""
        async with store.tenure(self._database, self._client_id) as tenure:
            if tenure is None:
                if self._consuming is not None or self._counters.leading != 0:
                    _log.error("mqtt.replaced", client_id=self._client_id)
                await self._step_down()
                self._counters.standing_by = 1
                return
            self._start()
            while not stop.is_set():
                await tenure.check()
                if self._consuming is not None and self._consuming.done():
                    self._consuming.result()
                await _pause(stop)
            await self._step_down()

    def _start(self) -> None:
        self._counters.leading, self._counters.standing_by = 1, 0
        if self._consuming is None:
            _log.info("mqtt.leading", client_id=self._client_id)
            self._leave = asyncio.Event()
            self._consuming = asyncio.create_task(self._run(), name="mqtt-consume")

    async def _run(self) -> None:
        await self._consume(self._leave)

    async def _step_down(self) -> None:
        """Let the consumer finish what it took; the right is given back after it."""
        self._counters.leading = 0
        consuming, self._consuming = self._consuming, None
        if consuming is not None:
            self._leave.set()
            await consuming


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
