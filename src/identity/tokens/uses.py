"""Notes when and from where tokens are used, at most once a minute each, and never while a request waits."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Self

import structlog

from core import instants, peers
from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable
from identity.tokens import store

_EVERY = timedelta(minutes=1)
_MOST = 10_000

_log = structlog.get_logger(__name__)


class Uses:
    """The last use of each token. An async context manager; leaving it writes what is not written yet."""

    def __init__(
        self, database: Database, *, seconds: float = 10, clock: Callable[[], datetime] = instants.now
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._clock = clock
        self._waiting: dict[str, tuple[datetime, str | None]] = {}
        self._noted: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="keep-uses-of-tokens")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    def used(self, token_id: str, address: str | None) -> None:
        """A token opened. Costs a look into a table of this process."""
        now = self._clock()
        noted = self._noted.get(token_id)
        if noted is None or now - noted >= _EVERY:
            if len(self._noted) >= _MOST:
                self._noted.clear()
            self._noted[token_id] = now
            self._waiting[token_id] = (now, _address(address))

    async def flush(self) -> None:
        """Write what waits; while the database is away, it is lost, and the next use is noted."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            try:
                await store.used(self._database, waiting)
            except (DatabaseUnavailable, *DRIVER_ERRORS) as error:
                _log.warning("tokens.uses_not_noted", error=type(error).__name__)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.flush()
            except Exception:  # noqa: BLE001 - the outermost loop: later uses are noted all the same
                _log.exception("tokens.uses_not_noted")


def _address(text: str | None) -> str | None:
    """None for what the database would not take, such as the name of a socket in the file system."""
    found = None if text is None else peers.parsed(text)
    return None if found is None else str(found)
