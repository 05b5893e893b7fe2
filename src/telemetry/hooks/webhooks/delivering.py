"""The round that sends: claims what is due, posts side by side within bounds, and notes what came of it.

Rules of this file: a claim is committed before anything is sent, and carries a number; what came of it is noted under
that number only. So two processes send the same delivery twice only where the first died, or was so slow that its
claim ended. A receiver has few places at a time, a failing one a single place of a part of the process's places, and
one that fails again and again is left in peace for a while.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from prometheus_client import Counter, Gauge, Histogram

from core import instants
from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, is_transient
from telemetry.hooks.webhooks import delivery_store, errors, scheduling, signing, store
from telemetry.hooks.webhooks.delivery_store import Arrival, Claimed, Noted, Tried
from telemetry.hooks.webhooks.noting import Arrivals
from telemetry.hooks.webhooks.scheduling import SCHEDULE, Breaker
from telemetry.hooks.webhooks.sealing import Seal
from telemetry.hooks.webhooks.sending import Reply, Sender

_log = structlog.get_logger(__name__)

GONE = 410

ATTEMPTS = Counter("quantrac_webhook_attempts_total", "Attempts to deliver, by what came of them.", ["outcome"])
ATTEMPT_SECONDS = Histogram(
    "quantrac_webhook_attempt_seconds",
    "Time that one attempt took.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
UNDER_WAY = Gauge("quantrac_webhook_attempts_under_way", "Attempts under way in this process.")
DISABLED = Counter("quantrac_webhooks_disabled_total", "Webhooks that were disabled by the service.", ["reason"])


@dataclass(frozen=True, slots=True)
class DeliverOptions:
    """Bounds of one process, and the times that rule attempts."""

    # Attempts side by side; of them at most a quarter go to receivers that fail.
    places: int = 64
    places_each: int = 4
    # Deliveries to one receiver that are claimed at once and sent one after the other in its places.
    batch: int = 50
    # Of a batch attempts begin for so long; with the longest of them its claim still lasts.
    begin_seconds: float = 10.0
    claim_seconds: float = 30.0
    schedule: Sequence[float] = SCHEDULE
    breaker: Breaker = field(default_factory=Breaker)
    # A receiver that nothing arrived at for so long, in so many attempts, is disabled.
    give_up_days: int = 5
    give_up_failures: int = 10
    drain_seconds: float = 20.0


class Deliver:
    """Sends what is due. Use as an async context manager: at its end attempts under way are awaited."""

    name = "deliver"
    pause_seconds = 0.2

    def __init__(
        self,
        database: Database,
        sender: Sender,
        seal: Seal,
        options: DeliverOptions | None = None,
        *,
        clock: Callable[[], datetime] = instants.now,
    ) -> None:
        self._database = database
        self._sender = sender
        self._seal = seal
        self._options = options or DeliverOptions()
        self._clock = clock
        self._arrivals = Arrivals(database, self._options.claim_seconds / 2)
        self._stopping = False
        # Batches under way: their places, and those of them that are to a receiver that failed before.
        self._tasks: dict[asyncio.Task[None], tuple[int, int]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._options.drain_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def turn(self) -> bool:
        """Claim what there is room for; True as long as attempts are under way, for the next may be due."""
        if self._seal.ready:
            for batch in await self._claim():
                places = min(len(batch), self._options.places_each)
                task = asyncio.create_task(self._serve(batch, places), name=f"deliver-to-{batch[0].endpoint_id}")
                self._tasks[task] = (places, places if batch[0].failing else 0)
        UNDER_WAY.set(sum(places for places, _ in self._tasks.values()))
        if not self._tasks:
            return False
        done, _ = await asyncio.wait(self._tasks, timeout=self.pause_seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del self._tasks[task]
        for task in done:
            # What went wrong in one of them is told by whoever turns the round.
            task.result()
        return True

    async def _claim(self) -> list[list[Claimed]]:
        """Batches that are this process's now, each to one receiver."""
        options = self._options
        room = (options.places - sum(places for places, _ in self._tasks.values())) // options.places_each
        if room <= 0:
            return []
        room_for_failing = options.places // 4 - sum(failing for _, failing in self._tasks.values())
        now = self._clock()
        async with self._database.transaction() as connection:
            working: list[int] = []
            failing: list[int] = []
            for number, fails in await delivery_store.ready(connection, now, room + options.places):
                (failing if fails else working).append(number)
            chosen = (working + failing[: max(0, room_for_failing)])[:room]
            if not chosen:
                return []
            claimed = await delivery_store.claim(
                connection, chosen, now, batch=options.batch, each=options.places_each, seconds=options.claim_seconds
            )
        batches: dict[int, list[Claimed]] = {}
        for one in claimed:
            batches.setdefault(one.endpoint_id, []).append(one)
        return list(batches.values())

    async def _serve(self, batch: list[Claimed], places: int) -> None:
        """Send a batch, `places` at a time; what is left when one fails, or when time is up, is given back."""
        waiting = deque(batch)
        noting: list[asyncio.Future[None]] = []
        until = asyncio.get_running_loop().time() + self._options.begin_seconds
        works = not batch[0].failing

        async def send_in_turn() -> None:
            nonlocal works
            while waiting and not self._stopping and asyncio.get_running_loop().time() < until:
                claimed = waiting.popleft()
                tried, reply = await self._attempt(claimed)
                if reply.arrived and works:
                    noting.append(self._arrivals.note(Arrival(claimed, tried, self._clock())))
                    continue
                # The receiver counts as failing, and has one place until something arrives.
                works = False
                await self._note_patiently(claimed, tried, reply)
                return

        await asyncio.gather(*(send_in_turn() for _ in range(places)))
        if waiting:
            await delivery_store.release(self._database, list(waiting))
        await asyncio.gather(*noting)

    async def _attempt(self, claimed: Claimed) -> tuple[Tried, Reply]:
        started = self._clock()
        try:
            keys = [self._seal.open(sealed) for sealed in claimed.sealed]
        except errors.KeyMissing as missing:
            reply = Reply(error="the secret cannot be read with the key of this process")
            _log.error("webhook.key_missing", webhook=claimed.endpoint_id, detail=missing.detail)
        else:
            content = claimed.body.encode()
            headers = signing.headers(keys, claimed.webhook_id, started, content)
            reply = await self._sender.post(claimed.url, headers, content, claimed.attempts)
        ATTEMPTS.labels(_outcome(reply)).inc()
        ATTEMPT_SECONDS.observe(reply.milliseconds / 1000)
        return Tried(started, reply.milliseconds, reply.address, reply.status, _error(reply), reply.answer), reply

    async def _note_patiently(self, claimed: Claimed, tried: Tried, reply: Reply) -> None:
        """What is not noted is sent again when the claim ends: the database is asked for as long as that."""
        deadline = asyncio.get_running_loop().time() + self._options.claim_seconds / 2
        while True:
            try:
                await self._note(claimed, tried, reply)
            except (DatabaseUnavailable, *DRIVER_ERRORS) as failure:
                transient = isinstance(failure, DatabaseUnavailable) or is_transient(failure)
                if not transient or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def _note(self, claimed: Claimed, tried: Tried, reply: Reply) -> None:
        """Write down what came of an attempt, and what follows from it for the webhook."""
        now = self._clock()
        noted = self._noted(claimed, reply, now)
        async with self._database.transaction() as connection:
            # The webhook before its delivery, as everybody who changes both.
            standing = await self._standing(connection, claimed, reply, now)
            if await delivery_store.note(connection, claimed, tried, noted) and standing is not None:
                await self._answer_failure(connection, claimed.endpoint_id, standing, reply, now)
        if noted.state == "dead":
            _log.warning("webhook.dead_letter", webhook=claimed.endpoint_id, delivery=claimed.id, error=tried.error)

    @staticmethod
    async def _standing(connection: Any, claimed: Claimed, reply: Reply, now: datetime) -> tuple[int, datetime] | None:
        """Count the attempt; after one that failed how many did in a row, and since when. A test counts for nothing."""
        if reply.arrived:
            await delivery_store.arrived(connection, claimed.endpoint_id)
            return None
        if claimed.type == signing.TEST:
            return None
        return await delivery_store.failed(connection, claimed.endpoint_id, now)

    def _noted(self, claimed: Claimed, reply: Reply, now: datetime) -> Noted:
        if reply.arrived:
            return Noted("delivered", None, now)
        asked = scheduling.retry_after(reply.retry_after, now)
        wait = scheduling.delay(self._options.schedule, claimed.attempts + 1, asked)
        # A test tells how things are now, and a receiver that is gone is not asked again.
        if wait is None or claimed.type == signing.TEST or reply.status == GONE:
            return Noted("dead", None, now)
        return Noted("pending", now + timedelta(seconds=wait), None)

    async def _answer_failure(
        self, connection: Any, number: int, standing: tuple[int, datetime], reply: Reply, now: datetime
    ) -> None:
        """Leave the receiver in peace, or disable it, where it is time to."""
        failures, since = standing
        if reply.status == GONE:
            await self._disable(connection, number, now, "gone")
        elif failures >= self._options.give_up_failures and now - since >= timedelta(days=self._options.give_up_days):
            await self._disable(connection, number, now, "failing")
        else:
            peace = self._options.breaker.pause(failures)
            if reply.status in scheduling.THROTTLING:
                asked = scheduling.retry_after(reply.retry_after, now) or 0
                peace = max(peace, min(asked, scheduling.LONGEST_RETRY_AFTER))
            if peace:
                await delivery_store.pause(connection, number, now + timedelta(seconds=peace))

    async def _disable(self, connection: Any, number: int, now: datetime, reason: store.Reason) -> None:
        if await store.disable(connection, number, now, reason):
            DISABLED.labels(reason).inc()
            _log.warning("webhook.disabled", webhook=number, reason=reason)


def _outcome(reply: Reply) -> str:
    if reply.refused:
        return "refused"
    if reply.status is None:
        return "unreachable"
    return "delivered" if reply.arrived else f"{reply.status // 100}xx"


def _error(reply: Reply) -> str:
    if reply.arrived:
        return ""
    return reply.error or f"answered {reply.status}"
