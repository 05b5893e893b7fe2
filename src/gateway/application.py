"""Puts the HTTP application together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from fastapi import Depends, FastAPI

from core import problems, query_parameters
from core.database import Database, PoolLimits, refuse_unsafe_settings
from core.peers import Networks
from core.throttling import Throttle
from gateway import health, hooking, identity_sources, mailing, resources, streaming
from gateway.body_limits import BodyLimit
from gateway.doorkeeping import Doorkeeper
from gateway.edges.headers import Headers
from gateway.identity import Identity
from gateway.pages.router import router as pages_router
from gateway.request_ids import RequestIds
from gateway.settings import Settings
from identity.trail.router import router as trail_router
from telemetry.admission.keeping import Keeper
from telemetry.admission.router import router as admission_router
from telemetry.alerts.router import router as alerts_router
from telemetry.catalog.loading import LiveCatalog
from telemetry.catalog.router import router as catalog_router
from telemetry.evidence.router import router as evidence_router
from telemetry.hooks.mail.router import router as mail_router
from telemetry.hooks.stream.router import router as streaming_router
from telemetry.hooks.webhooks.router import router as webhooks_router
from telemetry.intake import describing
from telemetry.intake.endpoint import EndpointLimits, ObservationEndpoint
from telemetry.intake.submitting import Intake
from telemetry.reports.router import router as reports_router
from telemetry.series.router import router as series_router
from telemetry.verdicts.router import router as verdicts_router

_log = structlog.get_logger(__name__)

# One connection that is made when it is asked for: it must answer soon or not at all.
_HEALTH_POOL = PoolLimits(min_size=0, max_size=1, acquire_seconds=1, connect_seconds=2, command_seconds=2)

# Of the largest edit, the import of stations; observations have limits of their own.
_MOST_BODY_BYTES = 8 * 2**20
# Strangers are answered there.
_SMALLER_BODIES = {"/session": 16 * 2**10, "/sign-in": 64 * 2**10, "/v1/enrolments": 16 * 2**10}
_DESCRIPTION = """\
Readings of automatic monitoring stations: received, judged, kept, answered for.

A 2xx answer to `POST /v1/observations` is given after COMMIT. No other answer promises anything; sending the same
bytes again is always safe. Errors are RFC 9457 problem details.
"""


def create(settings: Settings) -> FastAPI:
    """The application; its lifespan opens the database, the catalogue and the intake."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.database = resources.database_of(settings, "quantrac-gateway")
            await resources.open_patiently(stack, app.state.database)
            await refuse_unsafe_settings(app.state.database)
            app.state.health_database = await stack.enter_async_context(
                Database(settings.dsn, application_name="quantrac-health", limits=_HEALTH_POOL)
            )
            app.state.catalog = await stack.enter_async_context(LiveCatalog(app.state.database))
            keeper = await stack.enter_async_context(Keeper(app.state.database, seconds=settings.stations.note_seconds))
            app.state.sightings = keeper.sightings
            app.state.gate = resources.admission(settings, app.state.catalog, keeper)
            sources = await identity_sources.sources(stack, app, settings)
            app.state.identify = Identity(app.state.catalog, settings.staff_token, sources, notes=app.state.gate)
            app.state.intake = await stack.enter_async_context(
                Intake(app.state.database, app.state.catalog, resources.intake_limits(settings))
            )
            app.state.streams = await stack.enter_async_context(
                streaming.opened(settings, app.state.catalog, lambda: getattr(app.state, "stopping", False))
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
        # A redirect would go to an address that the caller's Host header made up, with the caller's key.
        redirect_slashes=False,
        # Operations are named after the functions that answer them.
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    days = settings.stations.key_days
    app.state.key_lifetime = None if days is None else timedelta(days=days)
    limits = settings.limits
    app.state.throttle = Throttle(limits.failures_per_address, limits.failures_per_name, limits.requests_per_minute)
    app.state.webhooks = hooking.desk(settings)
    app.state.mail_sender = mailing.sender(settings)
    for router in (
        series_router,
        reports_router,
        evidence_router,
        admission_router,
        catalog_router,
        verdicts_router,
        alerts_router,
        webhooks_router,
        mail_router,
        streaming_router,
        *identity_sources.ROUTERS,
        trail_router,
    ):
        app.include_router(router, dependencies=[Depends(query_parameters.known_only)])
    # Probes and pages are asked by programs that add what they like.
    for router in (health.router, pages_router, *identity_sources.BROWSER_ROUTERS):
        app.include_router(router)
    problems.install(app)
    app.add_middleware(BodyLimit, most=_MOST_BODY_BYTES, smaller=_SMALLER_BODIES)
    scrapers = Networks(settings.http.metrics_networks)
    app.add_middleware(Doorkeeper, public_interface=settings.http.public_interface, scrapers=scrapers)
    app.add_middleware(RequestIds)
    app.add_middleware(Headers)
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
    """Write what the framework does not know into the OpenAPI document: the hot endpoint, and the form of errors."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document["paths"].setdefault("/v1/observations", {})["post"] = describing.OPERATION
        document["components"]["schemas"][problems.SCHEMA_NAME] = dict(problems.SCHEMA)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way of extending the document
