"""Rows of what is sent to webhooks: messages, deliveries, attempts, and how each receiver is doing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from telemetry.hooks.webhooks.schemas import Attempt, Delivery, DeliveryInFull

_sql = queries.load(__file__, "deliveries")


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent; `event_id` is None for a test."""

    webhook_id: str
    event_id: int | None
    type: str
    occurred_time: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this process's to send until the claim ends."""

    id: int
    endpoint_id: int
    attempts: int
    claim: int
    webhook_id: str
    type: str
    body: str
    url: str
    failing: bool
    sealed: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as the log keeps it."""

    started_time: datetime
    milliseconds: int
    address: str | None
    status: int | None
    error: str
    answer: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An attempt that arrived, and when that was known."""

    claimed: Claimed
    tried: Tried
    closed_time: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """What becomes of a delivery after an attempt: delivered, dead, or due again at `next_time`."""

    state: str
    next_time: datetime | None
    closed_time: datetime | None


async def matches(connection: Any, event_ids: Sequence[int]) -> Mapping[int, Sequence[int]]:
    """The webhooks that each event goes to; events that go to none are left out."""
    rows = await connection.fetch(_sql["deliveries_matches"], list(event_ids))
    return {row["event_id"]: row["endpoint_ids"] for row in rows}


async def write(
    connection: Any, messages: Sequence[Message], receivers: Sequence[Sequence[int]], due: datetime
) -> list[int]:
    """Write messages and a delivery of each to its receivers; the deliveries' ids."""
    pairs = [(place, number) for place, numbers in enumerate(receivers, 1) for number in numbers]
    rows = await connection.fetch(
        _sql["deliveries_write"],
        [message.webhook_id for message in messages],
        [message.event_id for message in messages],
        [message.type for message in messages],
        [message.occurred_time for message in messages],
        [message.body for message in messages],
        [place for place, _ in pairs],
        [number for _, number in pairs],
        due,
    )
    return [row["id"] for row in rows]


async def ready(connection: Any, now: datetime, rows: int) -> list[tuple[int, bool]]:
    """Webhooks with something due, held until the transaction ends, and whether each fails at present."""
    found = await connection.fetch(_sql["deliveries_ready"], now, rows)
    return [(row["id"], row["failing"]) for row in found]


async def claim(
    connection: Any, endpoints: Sequence[int], now: datetime, *, batch: int, each: int, seconds: float
) -> list[Claimed]:
    """Claim deliveries of webhooks that `ready` holds in the same transaction, in the order that they are due.

    A batch of a webhook that nothing is under way to; beside what is, as many as make `each`; one of a failing one.
    """
    await connection.execute(_sql["deliveries_lightly"])
    rows = await connection.fetch(_sql["deliveries_claim"], list(endpoints), now, batch, each, seconds)
    return [Claimed(**row) for row in rows]


async def release(database: Database, claims: Sequence[Claimed]) -> None:
    """Give claims back, for whoever comes next."""
    await database.execute(_sql["deliveries_release"], [c.id for c in claims], [c.claim for c in claims])


async def delivered(database: Database, arrivals: Sequence[Arrival]) -> None:
    """Write down that claimed deliveries arrived at receivers that work."""
    await database.fetchrow(
        _sql["deliveries_delivered"],
        [arrival.claimed.id for arrival in arrivals],
        [arrival.claimed.claim for arrival in arrivals],
        [arrival.closed_time for arrival in arrivals],
        [arrival.tried.started_time for arrival in arrivals],
        [arrival.tried.milliseconds for arrival in arrivals],
        [arrival.tried.address for arrival in arrivals],
        [arrival.tried.status for arrival in arrivals],
        [arrival.tried.answer for arrival in arrivals],
    )


async def note(connection: Any, claimed: Claimed, tried: Tried, noted: Noted) -> bool:
    """Write down what came of a claim; False where it was lost in the meantime, and the attempt is logged only."""
    found = await connection.fetchval(
        _sql["deliveries_note"],
        claimed.id,
        claimed.claim,
        noted.state,
        noted.next_time,
        noted.closed_time,
        tried.status,
        tried.error,
    )
    await connection.execute(
        _sql["deliveries_attempted"],
        claimed.id,
        tried.started_time,
        tried.milliseconds,
        tried.address,
        tried.status,
        tried.error,
        tried.answer,
    )
    return found is not None


async def arrived(connection: Any, endpoint: int) -> None:
    """Something arrived: the receiver works."""
    await connection.execute(_sql["deliveries_arrived"], endpoint)


async def failed(connection: Any, endpoint: int, at: datetime) -> tuple[int, datetime] | None:
    """How many attempts failed in a row, and since when; None where the webhook is gone."""
    row = await connection.fetchrow(_sql["deliveries_failed"], endpoint, at)
    return None if row is None else (row["failures_in_row"], row["failing_since"])


async def pause(connection: Any, endpoint: int, until: datetime) -> None:
    await connection.execute(_sql["deliveries_pause"], endpoint, until)


async def page(database: Database, endpoint: int, state: str | None, before: int | None, rows: int) -> list[Delivery]:
    """Deliveries to a webhook, newest first."""
    found = await database.fetch(_sql["deliveries_page"], endpoint, state, None, before, rows)
    return [Delivery(**row) for row in found]


async def find(database: Database, endpoint: int, number: int) -> DeliveryInFull | None:
    row = await database.fetchrow(_sql["deliveries_page"], endpoint, None, number, None, 1)
    if row is None:
        return None
    attempts = await database.fetch(_sql["deliveries_attempts"], number)
    body = await database.fetchval(_sql["deliveries_body"], number)
    return DeliveryInFull(delivery=Delivery(**row), body=body, attempts=[Attempt(**tried) for tried in attempts])


async def replay_one(connection: Any, endpoint: int, number: int, due: datetime) -> bool:
    """Whether there is such a delivery; it is due again, as if it were new."""
    return await connection.fetchval(_sql["deliveries_replay_one"], endpoint, number, due) is not None


async def replay(connection: Any, endpoint: int, since: datetime, due: datetime) -> int:
    """Make dead letters due again that were given up since; how many."""
    again: int = await connection.fetchval(_sql["deliveries_replay"], endpoint, since, due)
    return again


async def forget(database: Database, before: datetime, most: int = 5000) -> int:
    """Take out messages from before that wait for nothing, with the log of their deliveries; how many."""
    gone: int = await database.fetchval(_sql["deliveries_forget"], before, most)
    return gone
