"""Liveness, readiness and metrics of a process that has no HTTP interface of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.edges import connections

# What was looked at and how it stands, and whether the process does its work.
Checks = Callable[[], tuple[Mapping[str, str], bool]]


class _Server(connections.Server):
    """A server that leaves the stop signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def create(checks: Checks) -> Starlette:
    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        found, ready = checks()
        document = {"status": "ready" if ready else "not-ready", "checks": dict(found)}
        return JSONResponse(document, status_code=200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


@asynccontextmanager
async def serve(host: str, port: int, checks: Checks, name: str) -> AsyncIterator[None]:
    """Serve while the block runs; nothing where the port is 0."""
    if not port:
        yield
        return
    config = uvicorn.Config(
        create(checks),
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
