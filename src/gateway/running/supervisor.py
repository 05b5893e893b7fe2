"""Starts everything on one machine in order, from the database to the stations, watches it, and stops it in reverse."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import structlog

from core import instants
from core.database import Database, DatabaseUnavailable
from gateway import migrating
from gateway.embedded import ownership
from gateway.running import credentials, store, telling, watching
from gateway.running.assembling import Assembly, Render
from gateway.running.counting import Counts
from gateway.running.services import Broker, Service
from telemetry.alerts.rules import seeding as alert_seeding
from telemetry.catalog import seeding
from telemetry.mqtt import broker_files
from telemetry.mqtt.store import broker_users

_log = structlog.get_logger(__name__)

_LINE_SECONDS = 60.0
# Receipts carry the time of arrival and are committed a little later: the line looks at what is settled.
_SETTLING_SECONDS = 5.0


class Supervisor:
    """One run. `main` returns after everything that it started has been stopped."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._places = assembly.places
        self._stop = asyncio.Event()
        self._started: list[Service] = []

    async def main(self) -> None:
        """Start, show, watch until SIGINT, SIGTERM or SIGHUP, stop.

        Raises CannotStart, after stopping the others, where a part does not start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        self._places.make()
        owned = ownership.take(self._places.root, wait_seconds=1)
        try:
            await self._until_stopped()
        finally:
            await self._stop_services()
            ownership.release(owned)

    async def _until_stopped(self) -> None:
        """The run itself; a stop signal ends it wherever it is."""
        running = asyncio.create_task(self._run(), name="run")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        telling.step("Starting the database …")
        database = self._assembly.database()
        await self._start(database)
        credentials.write_secret(self._places.database_address, database.dsn + "\n")
        credentials.ensure_secret(self._places.staff_token)
        credentials.ensure_secret(self._places.broker_password)
        credentials.ensure_secret(self._places.webhook_key)
        self._places.write_variables(self._assembly.variables())
        telling.step("Bringing its schema up to date …")
        await asyncio.to_thread(migrating.migrate, database.dsn)
        async with Database(database.dsn, application_name="quantrac-run") as pool, AsyncExitStack() as stack:
            telling.step("Entering the network and the keys of its stations …")
            await seeding.seed(pool)
            await alert_seeding.seed(pool)
            keys = await credentials.ensure_station_keys(pool, self._places.station_keys)
            telling.step("Starting broker, gateway, consumer and watch …")
            await self._start_service_processes(pool, stack)
            if self._assembly.options.stations:
                await self._start(self._assembly.stations())
            for service in self._started:
                await stack.enter_async_context(_beside(watching.keep_running(service, telling.notice)))
            telling.table(self._assembly, len(keys), await self._assembly.first_link(pool))
            await self._tell_each_minute(pool)

    async def _start_service_processes(self, pool: Database, stack: AsyncExitStack) -> None:
        render = self._assembly.renderer()
        broker_files.write(render(await broker_users(pool)))
        broker = self._assembly.broker()
        await self._start(broker, self._assembly.gateway(), self._assembly.consumer(), self._assembly.watch())
        await stack.enter_async_context(_beside(self._keep_broker_current(pool, broker, render)))

    async def _start(self, *services: Service) -> None:
        """Launch them all, then wait for each."""
        for service in services:
            self._started.append(service)
            service.launch()
        for service in services:
            await service.ready()
            _log.info("service.ready", service=service.name)

    async def _keep_broker_current(self, pool: Database, broker: Broker, render: Render) -> None:
        async def reload() -> None:
            if not await broker.reload():
                telling.notice(f"The broker refused its new configuration and keeps the old one (log: {broker.log}).")

        await broker_files.keep_current(pool, render, reload, self._stop)

    async def _tell_each_minute(self, pool: Database) -> None:
        counts = Counts(self._assembly.metric_pages(), self._places.log("nats.log"))
        # What was counted before the first minute is no part of it.
        await counts.since_last_look()
        found: Counter[str] = Counter()
        after = instants.now()
        while True:
            await asyncio.sleep(_LINE_SECONDS - _SETTLING_SECONDS)
            until = instants.now()
            found.update(await counts.since_last_look())
            await asyncio.sleep(_SETTLING_SECONDS)
            try:
                reporting = await store.reporting(pool)
                received = await store.received(pool, after, until)
            except DatabaseUnavailable as error:
                # The next line covers this minute too.
                telling.notice(f"No figures: {error}")
                continue
            telling.minute(reporting, received, found)
            after = until
            found.clear()

    async def _stop_services(self) -> None:
        """Stop what was started, the last one first, so that each finds what it needs until it has ended."""
        if self._started:
            telling.step("\nStopping …")
        for service in reversed(self._started):
            await asyncio.to_thread(service.stop)
            telling.step(f"  {service.name} stopped")
        if self._started:
            telling.step(f"All processes are stopped. The data stay in {self._places.root}.")


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `work` beside the block and ends it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
