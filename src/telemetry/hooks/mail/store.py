"""Rows of mail subscriptions."""

from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from telemetry.hooks import filter_store
from telemetry.hooks.mail import errors
from telemetry.hooks.mail.schemas import MailSubscription, NewMailSubscription

_sql = queries.load(__file__, "mail")


async def page(database: Database, after: int | None, rows: int) -> list[MailSubscription]:
    found = await database.fetch(_sql["mail_subscriptions_page"], None, after, rows)
    return [MailSubscription(**row) for row in found]


async def find(database: Any, number: int) -> MailSubscription | None:
    row = await database.fetchrow(_sql["mail_subscriptions_page"], number, None, 1)
    return None if row is None else MailSubscription(**row)


async def lock(connection: Any, number: int) -> None:
    """Hold the subscription until the transaction ends. Raises MailSubscriptionNotFound."""
    if await connection.fetchval(_sql["mail_subscription_lock"], number) is None:
        raise errors.MailSubscriptionNotFound.numbered(number)


async def insert(connection: Any, new: NewMailSubscription, by: str) -> int:
    """The id of the new subscription. Raises FilterUnknown."""
    number: int = await connection.fetchval(_sql["mail_subscription_insert"], *await _columns(connection, new), by)
    return number


async def update(connection: Any, number: int, now: NewMailSubscription) -> None:
    """Raises FilterUnknown."""
    await connection.execute(_sql["mail_subscription_update"], number, *await _columns(connection, now))


async def _columns(connection: Any, whole: NewMailSubscription) -> tuple[Any, ...]:
    """What is kept of a subscription, in the order of its queries."""
    return (
        whole.address,
        whole.description,
        whole.language,
        *await filter_store.columns(connection, whole),
        whole.digest_minutes,
        whole.quiet_from,
        whole.quiet_to,
        whole.break_through,
        whole.enabled,
    )


async def delete(connection: Any, number: int) -> None:
    await connection.execute(_sql["mail_subscription_delete"], number)


async def drop_waiting(connection: Any, number: int, at: datetime) -> None:
    """Drop what waits for a digest, and make dead letters of the mails that wait for the server."""
    await connection.execute(_sql["mail_subscription_drop_items"], number)
    await connection.execute(_sql["mail_subscription_bury"], number, at)
