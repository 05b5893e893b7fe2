"""Runs the consumer process: broker in, database out, and a small page of health and metrics."""

import asyncio
from contextlib import AsyncExitStack

import structlog
import uvloop

from core import log
from core.database import refuse_unsafe_settings
from gateway import broker_watching, consumer_health, resources, stop_signals
from gateway.settings import Settings
from telemetry.admission.keeping import Keeper
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import Intake
from telemetry.mqtt import store
from telemetry.mqtt.acknowledging import BrokerAddress
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
        session = await store.open_session(database, settings.mqtt.client_id)
        consumer = Consumer(
            address_of(settings, session.client_id),
            receive=Receiver(lambda: catalog.snapshot, inflated_cap=settings.intake.inflated_bytes),
            submit=intake.submit,
            kept=resources.admission(settings, catalog, keeper).heard,
            in_flight=settings.mqtt.in_flight,
            session_expected=session.expected,
            subscribed=lambda: store.mark_subscribed(database, session.client_id),
            counters=counters,
        )
        _log.info("consumer.ready", broker=f"{settings.mqtt.host}:{settings.mqtt.port}", client_id=session.client_id)
        await Leadership(database, session.client_id, consumer.run, counters).run(stop)
        _log.info("consumer.draining", waiting=intake.waiting_rows)
    _log.info("consumer.stopped")


def address_of(settings: Settings, client_id: str) -> BrokerAddress:
    mqtt = settings.mqtt
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=settings.mqtt_password,
        client_id=client_id,
        protocol=mqtt.protocol,
        keepalive=mqtt.keepalive_seconds,
        tls=mqtt.tls,
        ca_file=mqtt.ca_file,
        certificate_file=mqtt.certificate_file,
        key_file=mqtt.key_file,
    )
