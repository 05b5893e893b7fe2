"""Rows of webhooks and of their secrets."""

from datetime import datetime
from typing import Any, Literal

from core import queries
from core.database import Database
from telemetry.events import store as events
from telemetry.hooks import filter_store
from telemetry.hooks.webhooks import errors
from telemetry.hooks.webhooks.schemas import NewWebhook, Webhook

_sql = queries.load(__file__, "webhooks")

Reason = Literal["by-hand", "gone", "failing"]


async def page(database: Database, after: int | None, rows: int) -> list[Webhook]:
    return [Webhook(**row) for row in await database.fetch(_sql["webhooks_page"], None, after, rows)]


async def find(database: Any, number: int) -> Webhook | None:
    row = await database.fetchrow(_sql["webhooks_page"], number, None, 1)
    return None if row is None else Webhook(**row)


async def lock(connection: Any, number: int) -> None:
    """Hold the webhook until the transaction ends. Raises WebhookNotFound."""
    if await connection.fetchval(_sql["webhook_lock"], number) is None:
        raise errors.WebhookNotFound.numbered(number)


async def insert(connection: Any, new: NewWebhook, by: str, sealed: bytes) -> int:
    """Add a webhook with its first secret; its id. Raises FilterUnknown."""
    number: int = await connection.fetchval(_sql["webhook_insert"], *await _columns(connection, new), by)
    await connection.execute(_sql["webhook_secret_insert"], number, sealed)
    return number


async def update(connection: Any, number: int, now: NewWebhook) -> None:
    """Raises FilterUnknown."""
    await connection.execute(_sql["webhook_update"], number, *await _columns(connection, now))


async def _columns(connection: Any, whole: NewWebhook) -> tuple[Any, ...]:
    """What is kept of a webhook, in the order of its queries."""
    return (
        whole.url,
        whole.description,
        *await filter_store.columns(connection, whole),
    )


async def delete(connection: Any, number: int) -> None:
    await connection.execute(_sql["webhook_delete"], number)


async def enable(connection: Any, number: int) -> bool:
    """Whether it was disabled."""
    return await connection.fetchval(_sql["webhook_enable"], number) is not None


async def disable(connection: Any, number: int, at: datetime, reason: Reason) -> bool:
    """Disable the webhook, make dead letters of what waits for it, and tell so; whether it was enabled."""
    row = await connection.fetchrow(_sql["webhook_disable"], number, at, reason)
    if row is None:
        return False
    await connection.execute(_sql["webhook_bury"], number, at)
    webhook = {"id": number, "description": row["description"], "failingSince": row["failing_since"]}
    event = events.Event("webhook.disabled", {"webhook": webhook, "reason": reason}, occurred_time=at)
    await events.append(connection, [event])
    return True


async def rotate(connection: Any, number: int, sealed: bytes, former_ends: datetime) -> None:
    """Sign with a new secret, and until then with the present one too; those before it are gone."""
    await connection.execute(_sql["webhook_secrets_retire"], number, former_ends)
    await connection.execute(_sql["webhook_secret_insert"], number, sealed)
    await connection.execute(_sql["webhook_revised"], number)


async def secrets(database: Database, number: int) -> list[bytes]:
    """Live secrets as they are kept, newest first."""
    return [row["sealed"] for row in await database.fetch(_sql["webhook_secrets"], number)]
