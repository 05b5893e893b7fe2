"""Runs the watch process: judges averages, raises alerts, and tells those who want to know."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import structlog
import uvloop

from core import instants, log
from core.database import Database
from gateway import hooking, mailing, probes, resources, stop_signals
from gateway.rounds import Round, Rounds
from gateway.settings import Settings
from gateway.trailing.daily import Daily
from telemetry.admission.announcing import KeyExpiry
from telemetry.alerts.evaluation.deadlines import Deadlines
from telemetry.alerts.evaluation.evaluating import Alerts
from telemetry.alerts.handling.escalating import Escalation
from telemetry.catalog.loading import LiveCatalog
from telemetry.events import store as events
from telemetry.hooks.webhooks.fanning import FanOut
from telemetry.hooks.webhooks.forgetting import ForgetDeliveries
from telemetry.verdicts.rounds import Judging

_log = structlog.get_logger(__name__)


class Forgetting:
    """Takes events out of the log that are old and that every reader has seen."""

    name = "forget"
    pause_seconds = 600.0

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._days = days

    async def turn(self) -> bool:
        gone = await events.forget(self._database, instants.now() - timedelta(days=self._days))
        if gone:
            _log.info("events.forgotten", events=gone)
        return False


def watch(settings: Settings) -> None:
    """Watch until SIGTERM or SIGINT; a turn under way is finished before the process ends."""
    log.configure(settings.log.level)
    uvloop.run(run(settings))


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    stop = stop or stop_signals.awaited()
    async with AsyncExitStack() as stack:
        database = resources.database_of(settings, "quantrac-watch")
        await resources.open_patiently(stack, database)
        catalog = await stack.enter_async_context(LiveCatalog(database))
        deliver = await stack.enter_async_context(hooking.deliver(settings, database))
        rounds = Rounds([*await all_rounds(settings, database, catalog), deliver])
        own = settings.watch
        await stack.enter_async_context(
            probes.serve(own.health_host, own.health_port, rounds.standing, "watch-health", own.metrics_networks)
        )
        _log.info("watch.ready")
        await rounds.run(stop)
        _log.info("watch.draining")
    _log.info("watch.stopped")


async def all_rounds(settings: Settings, database: Database, catalog: LiveCatalog) -> list[Round]:
    """Every round of the service, each with its place in the feeds."""
    return [
        Forgetting(database, settings.watch.event_days),
        await Judging(database, resources.judging_options(settings)).prepare(),
        Alerts(database, catalog),
        Deadlines(database, catalog),
        Escalation(database),
        FanOut(database),
        KeyExpiry(database, settings.stations.notice_days),
        ForgetDeliveries(database, settings.hooks.keep_days),
        mailing.round_of(settings, database),
        Daily(database),
    ]
