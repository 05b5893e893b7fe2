"""Gives every request an id that its answer and its log lines carry."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import request_ids


class RequestIds:
    """Middleware that binds the id to the log context and sends it back as X-Request-ID."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_ids.choose(dict(scope["headers"]).get(b"x-request-id"))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=name):
            await self._app(scope, receive, send_with_id)
