"""Runs the consumer process: broker in, database out, and a small page of health and metrics."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import structlog
import uvloop

from core import log
from core.database import Database, refuse_unsafe_settings
from gateway import broker_watching, consumer_health, resources, stop_signals
from gateway.settings import Settings
from telemetry.admission.keeping import Keeper
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import Intake
from telemetry.mqtt import store
from telemetry.mqtt.acknowledging import BrokerAddress
from telemetry.mqtt.brokers import gateway_user
from telemetry.mqtt.consuming import Consumer
from telemetry.mqtt.counters import Counters
from telemetry.mqtt.leading import Leadership
from telemetry.mqtt.receiving import Receiver

_log = structlog.get_logger(__name__)


def consume(settings: Settings) -> None:
    """Consume until SIGTERM or SIGINT; what was taken is committed and acknowledged before the process ends."""
    log.configure(settings.log.level)
    uvloop.run(run(settings))


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    stop = stop or stop_signals.awaited()
    counters = Counters()
    async with AsyncExitStack() as stack:
        database = resources.database_of(settings, "quantrac-consumer")
        await resources.open_patiently(stack, database)
        await refuse_unsafe_settings(database)
        catalog = await stack.enter_async_context(LiveCatalog(database))
        keeper = await stack.enter_async_context(Keeper(database, seconds=settings.stations.note_seconds))
        await stack.enter_async_context(
            broker_watching.looking(settings.mqtt.monitor_url, keeper.sightings, settings.stations.note_seconds)
        )
        intake = await stack.enter_async_context(Intake(database, catalog, resources.intake_limits(settings)))
        await stack.enter_async_context(consumer_health.serve(settings, counters, intake))
        sessions = await _sessions(database, settings)
        receive = Receiver(lambda: catalog.snapshot, inflated_cap=settings.intake.inflated_bytes)
        kept = resources.admission(settings, catalog, keeper).heard
        consumers = [
            Consumer(
                address_of(settings, session.client_id, account),
                receive=receive,
                submit=intake.submit,
                kept=kept,
                in_flight=settings.mqtt.in_flight_of_account,
                session_expected=session.expected,
                subscribed=partial(store.mark_subscribed, database, session.client_id),
                counters=counters,
            )
            for account, session in enumerate(sessions)
        ]
        client_id = sessions[0].client_id
        _log.info("consumer.ready", broker=f"{settings.mqtt.host}:{settings.mqtt.port}", client_id=client_id)
        await Leadership(database, client_id, partial(_consume_all, consumers), counters).run(stop)
        _log.info("consumer.draining", waiting=intake.waiting_rows)
    _log.info("consumer.stopped")


async def _sessions(database: Database, settings: Settings) -> list[store.Session]:
    """One for each account of the broker; the later ones are named after the first."""
    first = await store.open_session(database, settings.mqtt.client_id)
    others = [
        await store.open_session(database, f"{first.client_id}-{account}")
        for account in range(1, settings.mqtt.accounts)
    ]
    return [first, *others]


async def _consume_all(consumers: Sequence[Consumer], stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        for consumer in consumers:
            group.create_task(consumer.run(stop))


def address_of(settings: Settings, client_id: str, account: int = 0) -> BrokerAddress:
    mqtt = settings.mqtt
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        username=gateway_user(mqtt.username, account),
        password=settings.mqtt_password,
        client_id=client_id,
        protocol=mqtt.protocol,
        keepalive=mqtt.keepalive_seconds,
        tls=mqtt.tls,
        ca_file=mqtt.ca_file,
        certificate_file=mqtt.certificate_file,
        key_file=mqtt.key_file,
    )
