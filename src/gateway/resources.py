"""What the processes of the service share: their pool, the limits of intake and of judging, from the settings."""

import asyncio
import random
import ssl
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import structlog

from core.database import Database, DatabaseUnavailable, PoolLimits
from gateway.settings import Settings
from telemetry.admission.admitting import Admission
from telemetry.admission.keeping import Keeper
from telemetry.admission.quotas import Quota, Quotas
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import IntakeLimits
from telemetry.quality.checking import Window
from telemetry.verdicts.rounds import Options as JudgingOptions

_log = structlog.get_logger(__name__)
_START_ATTEMPTS = 30


def database_of(settings: Settings, name: str) -> Database:
    """The pool of one process."""
    limits = PoolLimits(max_size=settings.database.pool_size, command_seconds=settings.database.command_seconds)
    return Database(settings.dsn, application_name=name, limits=limits)


def outbound_tls(ca_file: Path | None) -> ssl.SSLContext:
    """For servers outside: the usual authorities, and one more where the settings name it."""
    tls = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        tls.load_verify_locations(cafile=str(ca_file))
    return tls


def intake_limits(settings: Settings) -> IntakeLimits:
    intake = settings.intake
    return IntakeLimits(
        group_rows=intake.group_rows,
        group_bytes=intake.group_bytes,
        queue_rows=intake.queue_rows,
        queue_bytes=intake.queue_bytes,
        writers=intake.writers,
        window=Window(oldest_us=intake.oldest_days * 86_400 * 10**6, future_us=intake.future_minutes * 60 * 10**6),
    )


def quota(settings: Settings) -> Quota:
    """What a station may send where nothing else was set for it."""
    stations = settings.stations
    return Quota(
        requests=stations.requests_per_minute,
        readings=stations.readings_per_minute,
        bytes=stations.bytes_per_minute,
        burst_minutes=stations.burst_minutes,
    )


def admission(settings: Settings, catalog: LiveCatalog, keeper: Keeper) -> Admission:
    """The gate of one process."""
    quotas = Quotas(catalog, quota(settings), time.monotonic)
    return Admission(catalog, quotas, keeper.sightings, rest_seconds=settings.stations.pause_seconds)


def judging_options(settings: Settings) -> JudgingOptions:
    return JudgingOptions(grace=timedelta(minutes=settings.verdicts.grace_minutes))


async def open_patiently(stack: AsyncExitStack, database: Database) -> None:
    """Open the pool; a database that is just starting is waited for."""
    for attempt in range(_START_ATTEMPTS):
        try:
            await stack.enter_async_context(database)
        except (OSError, DatabaseUnavailable) as error:
            if attempt == _START_ATTEMPTS - 1:
                raise
            _log.warning("database.waiting", error=type(error).__name__)
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        else:
            return
