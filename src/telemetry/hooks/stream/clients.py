"""One client of the live stream: what waits for it, bounded, and whether it is over."""

import asyncio
from collections import deque
from enum import StrEnum

from telemetry.hooks.stream.cursors import Cursor
from telemetry.hooks.stream.filters import Filter

# What may wait for a client, beside one batch and what its connection has taken already; some hundred events.
MOST_WAITING_BYTES = 2**20


class Ending(StrEnum):
    """Why a stream ended; the client comes back to the place where it was."""

    GONE = "gone"
    SLOW = "slow"
    STOPPING = "stopping"
    REVOKED = "revoked"
    DATABASE = "database"
    POLLER = "poller"


class Client:
    """Filled by the poller, emptied by the response. A client that is too slow is ended, not waited for."""

    def __init__(self, name: str, wanted: Filter, most_bytes: int = MOST_WAITING_BYTES) -> None:
        self.name = name
        self.filter = wanted
        self.ended = asyncio.Event()
        self.ending: Ending | None = None
        # Behind all that was put, once it has joined.
        self.cursor: Cursor | None = None
        self._most_bytes = most_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending
            self._news.set()
            self.ended.set()

    def put(self, text: bytes, cursor: Cursor) -> None:
        """Add the events of a batch that the filter takes, together; none where `text` is empty.

        A client that has taken what was there before is not slow, however much comes at once.
        """
        self.cursor = cursor
        if not text or self.ending is not None:
            return
        if self._bytes > self._most_bytes:
            self._waiting.clear()
            self.end(Ending.SLOW)
            return
        self._waiting.append(text)
        self._bytes += len(text)
        self._news.set()

    async def take(self, seconds: float) -> bytes:
        """All that waits; empty where nothing came for so long, or the stream is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return b""
        found = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if self.ending is None:
            self._news.clear()
        return found
