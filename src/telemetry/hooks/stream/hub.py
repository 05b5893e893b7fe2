"""Polls the feeds for all clients of a process together, and only while there are any.

Invariant: a client is joined between two rounds, at the cursor that the poller has then. What came before it reads for
itself, what comes after is put to it, and nothing lies in both or in neither.
"""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import prometheus_client as prometheus
import structlog

from core import errors
from core.database import DRIVER_ERRORS, is_transient
from core.feeds import Position
from telemetry.hooks.stream.clients import MOST_WAITING_BYTES, Client, Ending
from telemetry.hooks.stream.cursors import Cursor, Stage
from telemetry.hooks.stream.filters import Filter
from telemetry.hooks.stream.pages import Pages
from telemetry.hooks.stream.source import Batch, Source

_log = structlog.get_logger(__name__)

CLIENTS = prometheus.Gauge("quantrac_stream_clients", "Clients of the live stream.")
EVENTS = prometheus.Counter("quantrac_stream_events_total", "Events that the live stream read for its clients, once.")
ENDED = prometheus.Counter("quantrac_stream_ended_total", "Streams that ended, by cause.", ["cause"])

LONGEST_ABSENCE = timedelta(days=7)
# Whoever joins between two turns has the next one at once, with all who come in this time.
_GATHER_SECONDS = 0.02
_STOP_SECONDS = 0.1


class TooManyStreams(errors.Overloaded):
    slug = "too-many-streams"
    title = "No more live streams are served just now"


@dataclass(frozen=True, slots=True)
class HubOptions:
    """Seconds between two looks for news, of silence until a sign of life, of looking on without clients; bounds.

    longest_absence: what came before is not looked for; a screen that was away for longer begins anew.
    """

    pause_seconds: float = 0.25
    beat_seconds: float = 15.0
    linger_seconds: float = 2.0
    most_clients: int = 1000
    most_of_one_station: int = 5
    longest_absence: timedelta = LONGEST_ABSENCE
    most_waiting_bytes: int = MOST_WAITING_BYTES


@dataclass(frozen=True, slots=True)
class _Waiter:
    client: Client
    joins: bool
    settled: asyncio.Future[Position]


class Hub:
    """The clients of a process and their poller. Use as an async context manager."""

    def __init__(self, source: Source, stopping: Callable[[], bool], options: HubOptions | None = None) -> None:
        self._source = source
        self._pages = Pages(source)
        self._stopping = stopping
        self.options = options or HubOptions()
        self._clients: set[Client] = set()
        self._of: Counter[str] = Counter()
        self._joined: set[Client] = set()
        self._waiting: list[_Waiter] = []
        self._cursor: Cursor | None = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end_all(Ending.STOPPING)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pages.close()

    def admit(self, name: str, *, station: bool) -> None:
        """Raise TooManyStreams where there is no room for another stream of this principal."""
        if self._stopping():
            raise TooManyStreams("This process is about to stop; come again.", retry_after=2)
        if len(self._clients) >= self.options.most_clients:
            raise TooManyStreams(f"There are {len(self._clients)} streams.", retry_after=10)
        if station and self._of[name] >= self.options.most_of_one_station:
            raise TooManyStreams(f"This station has {self._of[name]} streams already.", retry_after=10)

    @contextmanager
    def attend(self, name: str, wanted: Filter) -> Iterator[Client]:
        """A client for the time of the block; nothing is put to it before it has joined."""
        client = Client(name, wanted, self.options.most_waiting_bytes)
        self._clients.add(client)
        self._of[name] += 1
        CLIENTS.set(len(self._clients))
        try:
            if self._stopping():
                client.end(Ending.STOPPING)
            self._start()
            yield client
        finally:
            self._clients.discard(client)
            self._joined.discard(client)
            self._waiting = [waiter for waiter in self._waiting if waiter.client is not client]
            self._of -= Counter([name])
            CLIENTS.set(len(self._clients))
            ENDED.labels(client.ending or Ending.GONE).inc()

    async def page(self, cursor: Cursor, wanted: Filter) -> Batch:
        """The next page of a round for a client that comes back, read once for all who come from the same place."""
        return await self._pages.read(cursor, wanted.stages)

    def settle(self, client: Client, *, joins: bool) -> asyncio.Future[Position]:
        """What a turn that begins after this call has seen at its end; where the client joins, it joins there."""
        waiter = _Waiter(client, joins, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._wake.set()
        return waiter.settled

    def _start(self) -> None:
        if self._tasks:
            return
        for work in (self._poll, self._watch_for_stop):
            # A context of its own: the poller's lines in the log are not those of the request that started it.
            task = asyncio.create_task(work(), name="stream", context=contextvars.Context())
            task.add_done_callback(self._on_end)
            self._tasks.append(task)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Whatever ended a task ends the streams: their clients come back and a new poller begins."""
        if task not in self._tasks:
            return
        tasks, self._tasks = self._tasks, []
        for other in tasks:
            other.cancel()
        self._cursor = None
        self._end_all(Ending.STOPPING if self._stopping() else Ending.POLLER)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("stream.failed", exc_info=error)

    def _end_all(self, ending: Ending) -> None:
        for client in list(self._clients):
            client.end(ending)

    async def _watch_for_stop(self) -> None:
        """The stop signal sets no event, and a turn may hang at the database."""
        while not self._stopping():  # noqa: ASYNC110 - see above
            await asyncio.sleep(_STOP_SECONDS)

    async def _poll(self) -> None:
        """Turn after turn, until there were no clients for a while."""
        loop = asyncio.get_running_loop()
        attended = loop.time()
        while loop.time() - attended < self.options.linger_seconds:
            if self._clients:
                attended = loop.time()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await self._turn()
            except (errors.Unavailable, *DRIVER_ERRORS) as error:
                if not isinstance(error, errors.Unavailable) and not is_transient(error):
                    raise
                _log.warning("stream.waits", error=type(error).__name__, clients=len(self._clients))
                self._waiting = [*waiting, *self._waiting]
                await asyncio.sleep(self.options.pause_seconds)
            else:
                self._settle(waiting)
                await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.options.pause_seconds):
                await self._wake.wait()
        await asyncio.sleep(_GATHER_SECONDS)

    async def _turn(self) -> None:
        """Bring the cursor to all that is committed now, and what lies between to the clients."""
        if self._cursor is not None and not self._cursor.at_rest:
            # The turn before was broken off by an outage; what it had put is not put again.
            await self._round(self._cursor)
        now = await self._source.now()
        if self._cursor is None or self._cursor.lies_ahead_of(now):
            if self._cursor is not None:
                _log.error(
                    "stream.restarted", meaning="the database was restored; clients are told when they come back"
                )
                self._end_all(Ending.POLLER)
            self._cursor = Cursor(now)
        elif self._cursor.position.seen == now.seen:
            self._cursor = Cursor(now)
        else:
            await self._round(self._cursor.towards(now))

    async def _round(self, cursor: Cursor) -> None:
        stages = frozenset[Stage]().union(*(client.filter.stages for client in self._joined))
        self._cursor = cursor
        async with aclosing(self._source.round(cursor, stages)) as batches:
            async for batch in batches:
                self._cursor = batch.cursor
                self._spread(batch)

    def _spread(self, batch: Batch) -> None:
        """Put a batch to every client, put together once for those that want the same."""
        EVENTS.inc(len(batch.frames))
        texts: dict[Filter, bytes] = {}
        for client in self._joined:
            text = texts.get(client.filter)
            if text is None:
                text = b"".join(frame.text for frame in batch.frames if client.filter.takes(frame))
                texts[client.filter] = text
            client.put(text, batch.cursor)

    def _settle(self, waiting: list[_Waiter]) -> None:
        if self._cursor is None:
            raise RuntimeError("a turn ends with a cursor")
        for waiter in waiting:
            if waiter.settled.done() or waiter.client not in self._clients:
                continue
            if waiter.joins:
                self._joined.add(waiter.client)
                waiter.client.cursor = self._cursor
            waiter.settled.set_result(self._cursor.position)
