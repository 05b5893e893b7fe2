"""Liveness, readiness and metrics of the gateway process."""

import asyncio
import time
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily
from pydantic import Field

from core import access, describing, queries, wire
from core.database import Database, DatabaseUnavailable, Opened
from telemetry.intake.submitting import Intake

router = APIRouter(tags=["health"])
_sql = queries.load(__file__, "health")
_log = structlog.get_logger(__name__)


class Liveness(wire.Body):
    status: str = Field(examples=["alive"])


class Readiness(wire.Body):
    status: str = Field(examples=["ready"], description="`ready`, or `not-ready` with the reason in `checks`.")
    checks: dict[str, str] = Field(examples=[{"database": "ok", "intake": "ok", "process": "ok"}])
    waiting_readings: int = Field(examples=[0], description="Readings that wait for the database.")


@router.get("/livez", summary="The process runs and its event loop turns")
async def livez() -> Liveness:
    """Answers as long as the process should be left running; asks nothing of database or broker."""
    return Liveness(status="alive")


@router.get(
    "/readyz",
    summary="The service can take readings now",
    description="503 while the database does not answer, while the queue is full, and from a stop signal on.",
    responses={503: {"model": Readiness, "description": "Not ready; `checks` says what is missing."}},
)
async def readyz(request: Request, response: Response) -> Readiness:
    intake: Intake = request.app.state.intake
    checks = {
        "database": await _database_check(request.app.state.health_database),
        "intake": "ok" if intake.has_room else "the queue is full",
        "process": "stopping" if getattr(request.app.state, "stopping", False) else "ok",
    }
    ready = all(state == "ok" for state in checks.values())
    if not ready:
        response.status_code = 503
    return Readiness(status="ready" if ready else "not-ready", checks=checks, waiting_readings=intake.waiting_rows)


async def _database_check(own: Database) -> str:
    """Ask over a connection of its own: a busy pool is not a dead database."""
    try:
        async with asyncio.timeout(2):
            await own.fetchval(_sql["health_answers"])
    except (DatabaseUnavailable, TimeoutError):
        return "does not answer"
    return "ok"


@router.get(
    "/metrics",
    summary="Metrics in the Prometheus text format",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **describing.refusals()},
)
async def metrics(_: access.Scraper, db: Opened) -> Response:
    """Readings by outcome and channel, group sizes, commit times, queues, refusals, and the lag of each station."""
    own = generate_latest(REGISTRY)
    return Response(own + _lags(await _station_ages(db)), media_type=CONTENT_TYPE_LATEST)


async def _station_ages(db: Database) -> list[Any]:
    try:
        return await db.fetch(_sql["health_station_ages"])
    except DatabaseUnavailable:
        _log.warning("metrics.without_stations")
        return []


def _lags(rows: list[Any]) -> bytes:
    """Seconds since each station was heard, in the text format of Prometheus."""
    family = GaugeMetricFamily(
        "quantrac_station_lag_seconds", "Seconds since the last submission of a station.", labels=["station"]
    )
    now = time.time()
    for row in rows:
        family.add_metric([row["code"]], now - row["received_time"].timestamp())
    return generate_latest(_Single(family))


class _Single:
    """A registry of one metric family, as generate_latest wants it."""

    def __init__(self, family: GaugeMetricFamily) -> None:
        self._family = family

    def collect(self) -> list[GaugeMetricFamily]:
        return [self._family]
