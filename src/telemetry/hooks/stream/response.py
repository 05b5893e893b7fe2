"""Answers a request with the live stream until the client leaves, is too slow, or the process stops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from core import errors, instants
from core.feeds import Position
from telemetry.hooks.stream import frames
from telemetry.hooks.stream.clients import Client, Ending
from telemetry.hooks.stream.cursors import Cursor
from telemetry.hooks.stream.filters import Filter
from telemetry.hooks.stream.hub import Hub

_log = structlog.get_logger(__name__)

# How an application is told by its server to break a connection off (a dict with `call`).
ABORT = "quantrac.abort"
MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    # Proxies that gather an answer before they pass it on would hold events back.
    "X-Accel-Buffering": "no",
}

RETRY_SECONDS = 2
# A client that is told to leave may take so long to take what it was sent.
_FAREWELL_SECONDS = 1.0
# How often a client is looked up: what was taken from it ends its stream a little after it ends its requests.
_LOOK_SECONDS = 4.0
# A client that comes back is joined when it is no further behind than what is read in this time.
_NEAR_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wish:
    """Who asks for what, from where on (None: from now on), and whether they may still ask it."""

    name: str
    filter: Filter
    cursor: Cursor | None
    still_known: Callable[[], Awaitable[bool]]


class EventStream(Response):
    media_type = MEDIA_TYPE

    def __init__(self, hub: Hub, wish: Wish) -> None:
        super().__init__(headers=HEADERS)
        # Its length is not known before its end.
        del self.headers["content-length"]
        self._hub = hub
        self._wish = wish
        self._beat_seconds = hub.options.beat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with self._hub.attend(self._wish.name, self._wish.filter) as client:
            telling = asyncio.create_task(self._tell(client, send))
            leaving = asyncio.create_task(_disconnect(receive))
            ending = asyncio.create_task(client.ended.wait())
            looking = asyncio.create_task(self._look(client))
            try:
                await asyncio.wait({telling, leaving, ending, looking}, return_when=asyncio.FIRST_COMPLETED)
                if not leaving.done():
                    await self._part(client, telling, leaving, scope, send)
            finally:
                for task in (telling, leaving, ending, looking):
                    task.cancel()
                results = await asyncio.gather(telling, leaving, ending, looking, return_exceptions=True)
        for error in results:
            if isinstance(error, Exception) and not isinstance(error, OSError):
                raise error

    async def _part(
        self, client: Client, telling: asyncio.Task[None], leaving: asyncio.Task[None], scope: Scope, send: Send
    ) -> None:
        """End the answer properly, or break the connection off where the client does not take it."""
        _log.info("stream.ended", cause=client.ending, client=client.name)
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await telling
                await send(_body(b"", more=False))
        except TimeoutError:
            abort = scope.get("extensions", {}).get(ABORT)
            if abort is not None:
                abort["call"]()
                await leaving

    async def _look(self, client: Client) -> None:
        """End the stream of a client that may not ask for it any more, also of one that takes its time to catch up."""
        try:
            while client.ending is None and await self._wish.still_known():
                with suppress(TimeoutError):
                    await asyncio.wait_for(client.ended.wait(), min(self._beat_seconds, _LOOK_SECONDS))
        finally:
            client.end(Ending.REVOKED)

    async def _tell(self, client: Client, send: Send) -> None:
        try:
            await self._tell_all(client, send)
        except errors.Unavailable as error:
            _log.warning("stream.broken_off", error=type(error).__name__)
            client.end(Ending.DATABASE)

    async def _tell_all(self, client: Client, send: Send) -> None:
        await send(_body(b"retry: %d\n\n" % (RETRY_SECONDS * 1000)))
        cursor = self._wish.cursor
        if cursor is not None:
            cursor = await self._caught_up(client, cursor, send)
        begin = await self._settled(client, send, joins=True)
        if begin is None:
            return
        if cursor is None:
            await send(_body(frames.beat(Cursor(begin))))
        else:
            await self._read(client, cursor.towards(begin), send)
        await self._live(client, send)

    async def _live(self, client: Client, send: Send) -> None:
        loop = asyncio.get_running_loop()
        told = loop.time()
        while client.ending is None:
            text = await client.take(max(0.0, told + self._beat_seconds - loop.time()))
            if text:
                await send(_body(text))
                told = loop.time()
            elif client.ending is None and client.cursor is not None and loop.time() - told >= self._beat_seconds:
                await send(_body(frames.beat(client.cursor)))
                told = loop.time()

    async def _caught_up(self, client: Client, cursor: Cursor, send: Send) -> Cursor | None:
        """Send what came since the cursor, until little is left; where the client stands then.

        None where the stream begins anew: the client was told so.
        """
        loop = asyncio.get_running_loop()
        while client.ending is None:
            now = await self._settled(client, send, joins=False)
            if now is None:
                return cursor
            if refusal := _refusal(cursor, now, self._hub.options.longest_absence):
                await send(_body(frames.reset(Cursor(now), *refusal)))
                return Cursor(now)
            began = loop.time()
            cursor = await self._read(client, cursor.towards(now), send)
            if cursor.position.seen == now.seen and loop.time() - began < _NEAR_SECONDS:
                return cursor
        return cursor

    async def _read(self, client: Client, cursor: Cursor, send: Send) -> Cursor:
        """Send the rest of a round; the cursor at its end."""
        if cursor.position.seen == cursor.position.target and cursor.position.row_id == 0:
            return cursor.reached()
        while not cursor.at_rest and client.ending is None:
            batch = await self._hub.page(cursor, client.filter)
            cursor = batch.cursor
            text = b"".join(frame.text for frame in batch.frames if client.filter.takes(frame))
            if text:
                await send(_body(text))
        return cursor

    async def _settled(self, client: Client, send: Send, *, joins: bool) -> Position | None:
        """What a new turn of the poller has seen; signs of life while the database is away. None: it is over."""
        settled = self._hub.settle(client, joins=joins)
        over = asyncio.create_task(client.ended.wait())
        waited: set[asyncio.Future[Any]] = {settled, over}
        try:
            while True:
                await asyncio.wait(waited, timeout=self._beat_seconds, return_when=asyncio.FIRST_COMPLETED)
                if over.done():
                    return None
                if settled.done():
                    return settled.result()
                await send(_body(b": waiting for the database\n\n"))
        finally:
            over.cancel()
            settled.cancel()


def _refusal(cursor: Cursor, now: Position, longest: timedelta) -> tuple[str, str] | None:
    """Why the stream cannot go on from the cursor: reason and explanation."""
    if cursor.lies_ahead_of(now):
        return "restored", "The database was restored from a time before this id; read the present state again."
    seen = cursor.position.seen_time
    if seen is None or instants.now() - seen > longest:
        detail = f"Events are sent again for {longest.days} days; read the present state and the history from the API."
        return "too-old", detail
    return None


def _body(text: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}


async def _disconnect(receive: Receive) -> None:
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = dict(await receive())
