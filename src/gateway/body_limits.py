"""Bounds the bodies that the framework reads into memory; observations are read elsewhere, with limits of their own."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import errors, problems
from telemetry.intake.endpoint import SlowBody


class BodyLimit:
    """Middleware that answers 413 to a body of more than `most` bytes, whether its length was told before or not.

    One that is not there `seconds` after it was first waited for is answered 408. smaller: how many bytes below an
    address, where it is fewer.
    """

    def __init__(self, app: ASGIApp, most: int, seconds: float = 30, smaller: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._most = most
        self._smaller = dict(smaller or {})
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next((few for start, few in self._smaller.items() if scope["path"].startswith(start)), self._most)
        body = _Body(receive, most, self._seconds)
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > most:
            await _refuse(body.too_large(), scope, receive, send)
            return
        started = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if started or body.refusal is None:
                started = True
                await send(message)

        with suppress(ClientDisconnect):
            await self._app(scope, body.receive, send_unless_refused)
        if body.refusal is not None and not started:
            await _refuse(body.refusal, scope, receive, send)


class _Body:
    """Hands on what arrives until it is too much or too late; to whoever reads it, the body ends there."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive = receive
        self._most = most
        self._seconds = seconds
        self._size = 0
        self._deadline: float | None = None
        self._arrived = False
        self.refusal: errors.Error | None = None

    async def receive(self) -> Message:
        if self._arrived:
            # What may still come is that the client goes away.
            return await self._receive()
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self.refusal = SlowBody(f"The body has to arrive within {self._seconds:.0f} s.")
            return {"type": "http.disconnect"}
        self._arrived = not message.get("more_body")
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            self.refusal = self.too_large()
            return {"type": "http.disconnect"}
        return message

    def too_large(self) -> errors.Error:
        fault = errors.Fault("body", f"more than {self._most} bytes", f"at most {self._most} bytes")
        return errors.TooLarge("The body was not read.", faults=[fault])


async def _refuse(error: errors.Error, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problems.response(error, scope["path"])
    # The rest of the body is still to come; the connection cannot carry another request.
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
