"""Notes deliveries that arrived, many in one statement: while one is under way the next ones gather."""

import asyncio
from collections.abc import Sequence

from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, is_transient
from telemetry.hooks.webhooks import delivery_store
from telemetry.hooks.webhooks.delivery_store import Arrival

_PAUSE_SECONDS = 0.5

Waiting = list[tuple[Arrival, asyncio.Future[None]]]


class Arrivals:
    """Hands in what arrived; the future that comes back is done when that stands in the database."""

    def __init__(self, database: Database, patience_seconds: float) -> None:
        """What is not noted is sent again when its claim ends: the database is asked for `patience_seconds`."""
        self._database = database
        self._patience = patience_seconds
        self._waiting: Waiting = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, arrival: Arrival) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        noted: asyncio.Future[None] = loop.create_future()
        self._waiting.append((arrival, noted))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="note-arrivals")
        return noted

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await self._write([arrival for arrival, _ in group])
            except (DatabaseUnavailable, *DRIVER_ERRORS) as failure:
                _end(group, failure)
            except BaseException as failure:
                _end(group, failure)
                raise
            else:
                _end(group, None)

    async def _write(self, arrivals: Sequence[Arrival]) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                await delivery_store.delivered(self._database, arrivals)
            except (DatabaseUnavailable, *DRIVER_ERRORS) as failure:
                transient = isinstance(failure, DatabaseUnavailable) or is_transient(failure)
                if not transient or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return


def _end(group: Waiting, failure: BaseException | None) -> None:
    for _, noted in group:
        if noted.done():
            continue
        if failure is None:
            noted.set_result(None)
        else:
            noted.set_exception(failure)
