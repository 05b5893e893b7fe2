"""The round that writes to people: events become entries, entries become mails, and mails are handed to the server.

Entries and the position in the log of events are one transaction, and a mail is noted as sent when the server has said
so. A process that dies between that answer and its note sends the mail once more, under the same Message-ID.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import prometheus_client as prometheus
import structlog

from core import feeds, instants
from core.database import Database
from telemetry.events import store as events
from telemetry.hooks.mail import messages, outbox, timing
from telemetry.hooks.mail import sending as mail_sending
from telemetry.hooks.mail.errors import MailServerUnavailable
from telemetry.hooks.mail.messages import Envelope
from telemetry.hooks.mail.outbox import Claimed, Entry, Match, Note
from telemetry.hooks.mail.sending import Reply, Server, Session
from telemetry.hooks.mail.wording import Wording

_log = structlog.get_logger(__name__)

READER = "mail"
MAILS = prometheus.Counter(
    "quantrac_mails_total", "Mails that were handed to the server, by what came of it.", ["outcome"]
)

_EVENTS_AT_ONCE = 500
_SUBSCRIBERS_AT_ONCE = 100
_FORGET_SECONDS = 600
_FORGET_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class MailOptions:
    """base_url: where links lead. most_lines: events told one by one in a mail. keep_days: of what is closed."""

    base_url: str | None = None
    most_lines: int = 200
    claim_seconds: float = 300
    turn_seconds: float = 30
    keep_days: int = 90
    schedule: Sequence[float] = timing.SCHEDULE


class Mail:
    """Without a server it passes over what happens: nobody can subscribe then, and nothing piles up."""

    name = "mail"
    pause_seconds = 0.5

    def __init__(
        self,
        database: Database,
        server: Server | None,
        options: MailOptions | None = None,
        *,
        clock: Callable[[], datetime] = instants.now,
    ) -> None:
        self._database = database
        self._server = server
        self._options = options or MailOptions()
        self._clock = clock
        self._opened = False
        self._forget_at = 0.0

    async def turn(self) -> bool:
        """Write down what happened, collect what is due, send. Raises MailServerUnavailable, after the first two."""
        if not self._opened:
            await feeds.open_reader(self._database, READER)
            self._opened = True
        more = await self._write_down()
        if self._server is None:
            return more
        collected = await outbox.collect(self._database, self._clock(), _SUBSCRIBERS_AT_ONCE)
        await self._forget()
        sending = await self._send(self._server)
        return more or sending or collected == _SUBSCRIBERS_AT_ONCE

    async def _write_down(self) -> bool:
        async with events.reading(self._database, READER, _EVENTS_AT_ONCE) as found:
            if found is None:
                return False
            connection, logged, more = found
            if logged and self._server is not None:
                now = self._clock()
                matches = await outbox.matches(connection, [event.id for event in logged])
                subscriptions = list({match.subscription_id for match in matches})
                recent = await outbox.recent(connection, subscriptions, now - timing.FLOOD_TIME)
                await outbox.write(connection, entries(matches, recent, now), now)
        return more

    async def _forget(self) -> None:
        if time.monotonic() >= self._forget_at:
            before = self._clock() - timedelta(days=self._options.keep_days)
            gone = await outbox.forget(self._database, before, _FORGET_AT_ONCE)
            if gone < _FORGET_AT_ONCE:
                self._forget_at = time.monotonic() + _FORGET_SECONDS

    async def _send(self, server: Server) -> bool:
        """Send what is due, for a bounded time; whether there may be more."""
        claimed = await self._claim()
        if claimed is None:
            return False
        until = time.monotonic() + self._options.turn_seconds
        try:
            async with mail_sending.connected(server) as session:
                while claimed is not None:
                    sent, claimed = claimed, None
                    await self._send_one(session, server, sent)
                    if not session.open or time.monotonic() >= until:
                        return True
                    claimed = await self._claim()
        except MailServerUnavailable as failure:
            MAILS.labels("unavailable").inc()
            if claimed is not None:
                await self._release(claimed, failure.detail)
            raise
        return False

    async def _claim(self) -> Claimed | None:
        return await outbox.claim(self._database, self._clock(), self._options.claim_seconds)

    async def _send_one(self, session: Session, server: Server, claimed: Claimed) -> None:
        message = await self._message(server, claimed)
        try:
            reply = await session.send(claimed.address, message)
        except MailServerUnavailable as failure:
            await self._release(claimed, failure.detail)
            raise
        note = self._noted(claimed, reply)
        if not await outbox.note(self._database, claimed, note):
            _log.warning("mail.claim_lost", mail=claimed.id)
        MAILS.labels(note.state).inc()
        if note.state == "dead":
            _log.warning("mail.dead", mail=claimed.id, subscription=claimed.subscription_id, code=reply.code)

    async def _message(self, server: Server, claimed: Claimed) -> bytes:
        envelope = Envelope(
            server.sender, claimed.address, claimed.token, claimed.created_time, claimed.subscription_id
        )
        wording = Wording(claimed.language, self._options.base_url)
        items, count = await outbox.items(self._database, claimed.id, self._options.most_lines)
        message = messages.of_items(envelope, wording, items, count) if items else messages.test(envelope, wording)
        return messages.as_bytes(message)

    async def _release(self, claimed: Claimed, error: str) -> None:
        """Give a mail back that nobody looked at; the attempt does not count."""
        await outbox.note(self._database, claimed, Note("pending", error=error, counts=False))

    def _noted(self, claimed: Claimed, reply: Reply) -> Note:
        now = self._clock()
        if reply.taken:
            return Note("sent", closed_time=now, code=reply.code)
        wait = timing.delay(claimed.attempts + 1, self._options.schedule)
        if reply.permanent or wait is None or claimed.test:
            return Note("dead", closed_time=now, code=reply.code, error=reply.text)
        return Note("pending", now + timedelta(seconds=wait), code=reply.code, error=reply.text)


def entries(matches: Sequence[Match], recent: dict[int, int], now: datetime) -> list[Entry]:
    """When each match is told; who has had many mails lately is told the next ones together."""
    had = Counter(recent)
    found = []
    for match in matches:
        flooded = had[match.subscription_id] >= timing.FLOOD_MAILS
        due = timing.due(match.plan, match.severity, now, flooded=flooded)
        if due is None:
            had[match.subscription_id] += 1
        found.append(Entry(match, now if due is None else due, alone=due is None))
    return found
