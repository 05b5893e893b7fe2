"""Puts the HTTP application together."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from telemetry.series.router import router as series_router

from core import problems
from core.database import Database, DatabaseUnavailable, PoolLimits, refuse_unsafe_settings
from gateway import health
from gateway.identity import Identity
from gateway.requests import RequestIds
from gateway.settings import Settings
from telemetry.catalog.loading import LiveCatalog
from telemetry.catalog.router import router as catalog_router
from telemetry.evidence.router import router as evidence_router
from telemetry.intake import describing
from telemetry.intake.endpoint import EndpointLimits, ObservationEndpoint
from telemetry.intake.submitting import Intake, IntakeLimits
from telemetry.quality.checking import Window

_log = structlog.get_logger(__name__)
_START_ATTEMPTS = 30

_DESCRIPTION = """\
Readings of automatic monitoring stations: received, judged, kept, answered for.

A 2xx answer to `POST /v1/observations` is given after COMMIT. No other answer promises anything; sending the same
bytes again is always safe. Errors are RFC 9457 problem details.
"""


def database_of(settings: Settings, name: str) -> Database:
    """The pool of one process."""
    limits = PoolLimits(max_size=settings.database.pool_size, command_seconds=settings.database.command_seconds)
    return Database(settings.dsn, application_name=name, limits=limits)


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


def create(settings: Settings) -> FastAPI:
    """The application; its lifespan opens the database, the catalogue and the intake."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.database = database_of(settings, "quantrac-gateway")
            await open_patiently(stack, app.state.database)
            await refuse_unsafe_settings(app.state.database)
            app.state.health_database = await stack.enter_async_context(
                Database(settings.dsn, application_name="quantrac-health", limits=PoolLimits(0, 1, 1, 2, 2))
            )
            app.state.catalog = await stack.enter_async_context(LiveCatalog(app.state.database))
            app.state.identify = Identity(app.state.catalog, settings.staff_token)
            app.state.intake = await stack.enter_async_context(
                Intake(app.state.database, app.state.catalog, intake_limits(settings))
            )
            _log.info("gateway.ready", host=settings.http.host, port=settings.http.port)
            yield
            _log.info("gateway.draining", waiting=app.state.intake.waiting_rows)
        _log.info("gateway.stopped")

    app = FastAPI(
        title="quantrac",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.settings = settings
    for router in (series_router, evidence_router, catalog_router, health.router):
        app.include_router(router)
    problems.install(app)
    app.add_middleware(RequestIds)
    _describe(app)
    return app


def entrance(settings: Settings) -> ObservationEndpoint:
    """What the server calls: the hot endpoint in front of the application."""
    limits = EndpointLimits(
        body_bytes=settings.intake.body_bytes,
        inflated_bytes=settings.intake.inflated_bytes,
        answer_seconds=settings.intake.answer_seconds,
        chunk_bytes=settings.intake.chunk_bytes,
    )
    return ObservationEndpoint(create(settings), limits)


def _describe(app: FastAPI) -> None:
    """Write the hot endpoint, which is no route of the framework, into the OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document["paths"].setdefault("/v1/observations", {})["post"] = describing.OPERATION
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way of extending the document
