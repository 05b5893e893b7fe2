"""Pages of the live stream that were read lately, for the many clients that come back from the same place at once."""

import asyncio

from telemetry.hooks.stream.cursors import Cursor, Stage
from telemetry.hooks.stream.source import Batch, Source

# Pages that are read side by side, so that a storm leaves the database to others.
_READERS = 2
# A page does not change: it is dropped to bound the memory, not because it would be wrong.
_MOST_PAGES = 16
_KEPT_SECONDS = 3.0

_Key = tuple[Cursor, frozenset[Stage]]


class Pages:
    """Reads each page once while it is wanted by many."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._readers = asyncio.Semaphore(_READERS)
        self._pages: dict[_Key, asyncio.Task[Batch]] = {}

    async def read(self, cursor: Cursor, stages: frozenset[Stage]) -> Batch:
        """The page behind the cursor; whoever waits for it may leave without taking it from the others."""
        key = (cursor, stages)
        page = self._pages.get(key)
        if page is None:
            page = asyncio.create_task(self._read(cursor, stages))
            page.add_done_callback(lambda done: self._on_read(key, done))
            self._pages[key] = page
            while len(self._pages) > _MOST_PAGES:
                del self._pages[next(iter(self._pages))]
        return await asyncio.shield(page)

    async def close(self) -> None:
        pages = list(self._pages.values())
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)

    async def _read(self, cursor: Cursor, stages: frozenset[Stage]) -> Batch:
        async with self._readers:
            return await self._source.page(cursor, stages)

    def _on_read(self, key: _Key, page: asyncio.Task[Batch]) -> None:
        if page.cancelled() or page.exception() is not None:
            self._drop(key, page)
        else:
            page.get_loop().call_later(_KEPT_SECONDS, self._drop, key, page)

    def _drop(self, key: _Key, page: asyncio.Task[Batch]) -> None:
        if self._pages.get(key) is page:
            del self._pages[key]
