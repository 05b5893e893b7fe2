"""Rows of what subscribers are told: events that wait, the mails that tell them, and what came of those."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from telemetry.hooks.mail.schemas import Mail, MailState
from telemetry.hooks.mail.timing import Plan
from telemetry.hooks.mail.wording import Item

_sql = queries.load(__file__, "mail_outbox")


@dataclass(frozen=True, slots=True)
class Match:
    """An event that a subscriber is told of."""

    event_id: int
    severity: str | None
    subscription_id: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Entry:
    """A match with its time; at once and alone, or together with others then."""

    match: Match
    due: datetime
    alone: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this process sends now."""

    id: int
    token: str
    test: bool
    created_time: datetime
    attempts: int
    claim: int
    subscription_id: int
    address: str
    language: str


@dataclass(frozen=True, slots=True)
class Note:
    """What came of an attempt; one that says nothing of the mail does not count."""

    state: MailState
    next_time: datetime | None = None
    closed_time: datetime | None = None
    code: int | None = None
    error: str = ""
    counts: bool = True


def new_token() -> str:
    return uuid.uuid4().hex


async def matches(connection: Any, event_ids: Sequence[int]) -> list[Match]:
    """Who is told of which of these events, in their order."""
    return [
        Match(
            row["event_id"],
            row["severity"],
            row["subscription_id"],
            Plan(row["digest_minutes"], row["quiet_from"], row["quiet_to"], row["break_through"]),
        )
        for row in await connection.fetch(_sql["outbox_matches"], event_ids)
    ]


async def recent(connection: Any, subscriptions: Sequence[int], since: datetime) -> dict[int, int]:
    """How many mails each of the subscriptions has had since then."""
    rows = await connection.fetch(_sql["outbox_recent"], subscriptions, since)
    return {row["subscription_id"]: row["mails"] for row in rows}


async def write(connection: Any, entries: Sequence[Entry], now: datetime) -> None:
    """Write down who is told of what and when; an event that a subscriber was told of is not told again."""
    if entries:
        await connection.execute(
            _sql["outbox_write"],
            [entry.match.subscription_id for entry in entries],
            [entry.match.event_id for entry in entries],
            [entry.due for entry in entries],
            [new_token() if entry.alone else None for entry in entries],
            now,
        )


async def collect(database: Database, now: datetime, most: int) -> int:
    """Put what is due into one mail for each subscriber, with all else that waits for him; how many subscribers."""
    async with database.transaction() as connection:
        rows = await connection.fetch(_sql["outbox_ripe"], now, most)
        for row in rows:
            await connection.execute(_sql["outbox_collect"], row["id"], new_token(), now)
    return len(rows)


async def write_test(connection: Any, subscription: int, now: datetime) -> int:
    number: int = await connection.fetchval(_sql["outbox_test"], subscription, new_token(), now)
    return number


async def claim(database: Database, now: datetime, seconds: float) -> Claimed | None:
    """The mail that is due for the longest time, which no other process sends meanwhile; None: none is."""
    row = await database.fetchrow(_sql["outbox_claim"], now, seconds)
    return None if row is None else Claimed(**row)


async def items(database: Database, number: int, most: int) -> tuple[list[Item], int]:
    """What the mail tells of, in the order that it happened, and how much that is in all."""
    rows = await database.fetch(_sql["outbox_items"], number, most)
    found = [
        Item(row["type"], row["occurred_time"], row["severity"], row["historical"], row["payload"]) for row in rows
    ]
    return found, rows[0]["items"] if rows else 0


async def note(database: Database, claimed: Claimed, what: Note) -> bool:
    """Whether the claim still held."""
    number = await database.fetchval(
        _sql["outbox_note"],
        claimed.id,
        claimed.claim,
        what.state,
        what.next_time,
        what.closed_time,
        what.code,
        what.error,
        1 if what.counts else 0,
    )
    return number is not None


async def page(
    database: Database, subscription: int, state: str | None, before: int | None, rows: int, domain: str
) -> list[Mail]:
    found = await database.fetch(_sql["outbox_page"], subscription, state, None, before, rows)
    return [_mail(row, domain) for row in found]


async def find(database: Database, subscription: int, number: int, domain: str) -> Mail | None:
    rows = await database.fetch(_sql["outbox_page"], subscription, None, number, None, 1)
    return _mail(rows[0], domain) if rows else None


def _mail(row: Any, domain: str) -> Mail:
    members = dict(row)
    return Mail(message_id=f"<{members.pop('token')}@{domain}>", **members)


async def replay(connection: Any, subscription: int, now: datetime, number: int | None, since: datetime | None) -> int:
    """Make dead letters due again; how many. One by its number, or all that were given up since a time."""
    count: int = await connection.fetchval(_sql["outbox_replay"], subscription, now, number, since)
    return count


async def forget(database: Database, before: datetime, most: int) -> int:
    """Take out mails that were closed before; how many."""
    count: int = await database.fetchval(_sql["outbox_forget"], before, most)
    return count
