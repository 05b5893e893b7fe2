"""Rows of mail subscriptions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from telemetry.hooks.mail import errors as mail_errors
from telemetry.hooks.mail.schemas import MailSubscription, NewMailSubscription
from telemetry.hooks.webhooks import errors

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
        raise mail_errors.MailSubscriptionNotFound.numbered(number)


async def insert(connection: Any, new: NewMailSubscription, by: str) -> int:
    """The id of the new subscription. Raises FilterUnknown."""
    number: int = await connection.fetchval(_sql["mail_subscription_insert"], *await _columns(connection, new), by)
    return number


async def update(connection: Any, number: int, now: NewMailSubscription) -> None:
    """Raises FilterUnknown."""
    await connection.execute(_sql["mail_subscription_update"], number, *await _columns(connection, now))


async def _columns(connection: Any, whole: NewMailSubscription) -> tuple[Any, ...]:
    """What is kept of a subscription, in the order of its queries: codes are kept as ids, and none twice."""
    return (
        whole.address,
        whole.description,
        whole.language,
        _distinct(whole.event_types),
        _distinct(whole.alert_kinds),
        whole.least_severity,
        await _ids(connection, _sql["mail_stations"], "stations", whole.stations),
        _distinct(whole.station_kinds),
        await _ids(connection, _sql["mail_organizations"], "organizations", whole.organizations),
        whole.history,
        whole.digest_minutes,
        whole.quiet_from,
        whole.quiet_to,
        whole.break_through,
        whole.enabled,
    )


def _distinct(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(dict.fromkeys(names))


async def _ids(connection: Any, query: str, field: str, codes: Sequence[str] | None) -> list[int] | None:
    if codes is None:
        return None
    found = {row["code"]: row["id"] for row in await connection.fetch(query, list(codes))}
    if unknown := [code for code in codes if code not in found]:
        raise errors.FilterUnknown.of(field, unknown)
    return sorted(found.values())


async def delete(connection: Any, number: int) -> None:
    await connection.execute(_sql["mail_subscription_delete"], number)


async def drop_waiting(connection: Any, number: int, at: datetime) -> None:
    """Drop what waits for a digest, and make dead letters of the mails that wait for the server."""
    await connection.execute(_sql["mail_subscription_drop_items"], number)
    await connection.execute(_sql["mail_subscription_bury"], number, at)
