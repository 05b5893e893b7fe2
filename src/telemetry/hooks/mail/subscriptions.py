"""Adding, editing and testing mail subscriptions, and sending again what was given up."""

from datetime import datetime

from core import instants
from core.database import Database
from telemetry.catalog import revisions
from telemetry.catalog.revisions import Expected
from telemetry.catalog.store.writing import changing
from telemetry.hooks.mail import errors, outbox, store
from telemetry.hooks.mail.schemas import MailSubscription, MailSubscriptionEdit, NewMailSubscription


async def get(database: Database, number: int) -> MailSubscription:
    found = await store.find(database, number)
    if found is None:
        raise errors.MailSubscriptionNotFound.numbered(number)
    return found


async def create(database: Database, new: NewMailSubscription, by: str) -> MailSubscription:
    """Raises FilterUnknown."""
    async with changing(database) as connection:
        number = await store.insert(connection, new, by)
    return await get(database, number)


async def edit(database: Database, number: int, changes: MailSubscriptionEdit, expected: Expected) -> MailSubscription:
    """Raises FilterUnknown, RevisionMoved. What waits goes to the new address; of a disabled one nothing does."""
    async with changing(database) as connection:
        whole = revisions.merged(NewMailSubscription, await _held(connection, number, expected), changes)
        await store.update(connection, number, whole)
        if not whole.enabled:
            await store.drop_waiting(connection, number, instants.now())
    return await get(database, number)


async def delete(database: Database, number: int, expected: Expected) -> None:
    async with changing(database) as connection:
        await _held(connection, number, expected)
        await store.delete(connection, number)


async def _held(connection: object, number: int, expected: Expected) -> MailSubscription:
    """The subscription, held until the transaction ends, in a revision that the edit is made on."""
    await store.lock(connection, number)
    current = await store.find(connection, number)
    if current is None:
        raise errors.MailSubscriptionNotFound.numbered(number)
    revisions.check(current.revision, expected)
    return current


async def send_test(database: Database, number: int) -> int:
    """Queue a mail that says that it is a test; its id. It is tried once."""
    if not (await get(database, number)).enabled:
        raise errors.MailSubscriptionDisabled.numbered(number)
    async with changing(database) as connection:
        return await outbox.write_test(connection, number, instants.now())


async def replay(database: Database, number: int, *, mail: int | None = None, since: datetime | None = None) -> int:
    """Send dead letters again, one or all that were given up since a time; how many."""
    if not (await get(database, number)).enabled:
        raise errors.MailSubscriptionDisabled.numbered(number)
    async with changing(database) as connection:
        return await outbox.replay(connection, number, instants.now(), mail, since)
