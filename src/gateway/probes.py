"""Liveness, readiness and metrics of a process that has no HTTP interface of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core import errors, peers, problems
from core.peers import Networks
from gateway.edges import connections
from gateway.edges.headers import Headers

# What was looked at and how it stands, and whether the process does its work.
Checks = Callable[[], tuple[Mapping[str, str], bool]]


class _Server(connections.Server):
    """A server that leaves the stop signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def create(checks: Checks, scrapers: Networks) -> Starlette:
    """scrapers: who may read the metrics; to others there are none."""

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        found, ready = checks()
        document = {"status": "ready" if ready else "not-ready", "checks": dict(found)}
        return JSONResponse(document, status_code=200 if ready else 503)

    async def metrics(request: Request) -> Response:
        if not peers.is_direct(request.scope) or peers.client_of(request.scope) not in scrapers:
            return problems.response(errors.Forbidden("Metrics are for the networks of the settings."), "/metrics")
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=routes, middleware=[Middleware(Headers)])


@asynccontextmanager
async def serve(host: str, port: int, checks: Checks, name: str, scrapers: str) -> AsyncIterator[None]:
    """Serve while the block runs; nothing where the port is 0. scrapers: addresses and networks, with commas."""
    if not port:
        yield
        return
    config = uvicorn.Config(
        create(checks, Networks(scrapers)),
        host=host,
        port=port,
        http=connections.Protocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(), name=name)
    try:
        yield
    finally:
        server.should_exit = True
        await task
