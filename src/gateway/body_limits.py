"""Bounds the bodies that the framework reads into memory; observations are read elsewhere, with limits of their own."""

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import errors, problems


class BodyLimit:
    """Middleware that answers 413 to a body of more than `most` bytes, whether its length was told before or not."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._most:
            await self._refuse(scope, receive, send)
            return
        size = 0
        started = False

        async def receive_counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            # To whoever reads it, the body ends here.
            return {"type": "http.disconnect"} if size > self._most else message

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if started or size <= self._most:
                started = True
                await send(message)

        with suppress(ClientDisconnect):
            await self._app(scope, receive_counted, send_unless_refused)
        if size > self._most and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = errors.Fault("body", f"more than {self._most} bytes", f"at most {self._most} bytes")
        answer = problems.response(errors.TooLarge("The body was not read.", faults=[fault]), scope["path"])
        # The rest of the body is still to come; the connection cannot carry another request.
        answer.headers["Connection"] = "close"
        await answer(scope, receive, send)
