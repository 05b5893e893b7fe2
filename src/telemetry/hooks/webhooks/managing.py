"""Adding, editing and testing webhooks, and sending again what did not arrive."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from core import instants
from core.database import Database
from telemetry.catalog import revisions
from telemetry.catalog.revisions import Expected
from telemetry.catalog.store.writing import changing
from telemetry.hooks.webhooks import delivery_store, errors, guarding, signing, store
from telemetry.hooks.webhooks.delivery_store import Message
from telemetry.hooks.webhooks.guarding import Policy
from telemetry.hooks.webhooks.schemas import DeliveryInFull, NewWebhook, Webhook, WebhookEdit, WebhookWithSecret
from telemetry.hooks.webhooks.sealing import Seal
from telemetry.hooks.webhooks.signing import Secret

_TEST_WORDS = "A test of this webhook. Nothing happened."


@dataclass(frozen=True, slots=True)
class Desk:
    """What webhooks are looked after with: where they may go, and what their secrets are encrypted with."""

    policy: Policy
    seal: Seal


async def get(database: Database, number: int) -> Webhook:
    found = await store.find(database, number)
    if found is None:
        raise errors.WebhookNotFound.numbered(number)
    return found


def check_receiver(desk: Desk, url: str) -> None:
    """Raise ReceiverRefused for an address that could never be written to; what its name resolves to is not asked."""
    try:
        guarding.target(url, desk.policy)
    except guarding.Refused as refusal:
        raise errors.ReceiverRefused.because(url, str(refusal)) from None


async def create(database: Database, desk: Desk, new: NewWebhook, by: str) -> WebhookWithSecret:
    """Raises ReceiverRefused, FilterUnknown, KeyMissing."""
    secret = signing.new_secret()
    sealed = desk.seal.close(secret)
    check_receiver(desk, new.url)
    async with changing(database) as connection:
        number = await store.insert(connection, new, by, sealed)
    return WebhookWithSecret(webhook=await get(database, number), secret=secret.text)


async def edit(database: Database, desk: Desk, number: int, changes: WebhookEdit, expected: Expected) -> Webhook:
    """Raises ReceiverRefused, FilterUnknown, RevisionMoved."""
    async with changing(database) as connection:
        current = await _held(connection, number, expected)
        whole = revisions.merged(NewWebhook, current, changes)
        if whole.url != current.url:
            check_receiver(desk, whole.url)
        await store.update(connection, number, whole)
    return await get(database, number)


async def delete(database: Database, number: int, expected: Expected) -> None:
    async with changing(database) as connection:
        await _held(connection, number, expected)
        await store.delete(connection, number)


async def _held(connection: object, number: int, expected: Expected) -> Webhook:
    """The webhook, held until the transaction ends, in a revision that the edit is made on."""
    await store.lock(connection, number)
    current = await store.find(connection, number)
    if current is None:
        raise errors.WebhookNotFound.numbered(number)
    revisions.check(current.revision, expected)
    return current


async def enable(database: Database, number: int) -> Webhook:
    """Let a webhook begin anew; one that is enabled stays as it is."""
    async with changing(database) as connection:
        await store.lock(connection, number)
        await store.enable(connection, number)
    return await get(database, number)


async def disable(database: Database, number: int) -> Webhook:
    """Send nothing more; what waits becomes dead letters. One that is disabled stays as it is."""
    async with changing(database) as connection:
        await store.lock(connection, number)
        await store.disable(connection, number, instants.now(), "by-hand")
    return await get(database, number)


async def rotate(database: Database, desk: Desk, number: int, overlap: timedelta) -> WebhookWithSecret:
    """A new secret; the present one signs too until the overlap is over, and one before it no more."""
    secret = signing.new_secret()
    sealed = desk.seal.close(secret)
    async with changing(database) as connection:
        await store.lock(connection, number)
        await store.rotate(connection, number, sealed, instants.now() + overlap)
    return WebhookWithSecret(webhook=await get(database, number), secret=secret.text)


async def live_secrets(database: Database, desk: Desk, number: int) -> list[Secret]:
    """The secrets that sign now, newest first."""
    return [desk.seal.open(sealed) for sealed in await store.secrets(database, number)]


async def delivery(database: Database, number: int, which: int) -> DeliveryInFull:
    await get(database, number)
    found = await delivery_store.find(database, number, which)
    if found is None:
        raise errors.DeliveryNotFound.numbered(which)
    return found


async def _enabled(database: Database, number: int) -> Webhook:
    found = await get(database, number)
    if not found.enabled:
        raise errors.WebhookDisabled.numbered(number)
    return found


def sample(now: datetime) -> Message:
    data = msgspec.json.encode({"message": _TEST_WORDS}).decode()
    return Message(signing.new_webhook_id(), None, signing.TEST, now, signing.body(signing.TEST, now, data))


async def send_test(database: Database, number: int) -> int:
    """Queue a delivery that says that it is a test; its id. It is tried once."""
    await _enabled(database, number)
    now = instants.now()
    async with changing(database) as connection:
        (made,) = await delivery_store.write(connection, [sample(now)], [[number]], now)
    return made


async def replay_one(database: Database, number: int, which: int) -> DeliveryInFull:
    """Send a delivery again, whatever came of it, under its webhook-id."""
    await _enabled(database, number)
    async with changing(database) as connection:
        if not await delivery_store.replay_one(connection, number, which, instants.now()):
            raise errors.DeliveryNotFound.numbered(which)
    return await delivery(database, number, which)


async def replay(database: Database, number: int, since: datetime) -> int:
    """Send all dead letters again that were given up since; how many."""
    await _enabled(database, number)
    async with changing(database) as connection:
        return await delivery_store.replay(connection, number, since, instants.now())
