"""The server's connections: bounded heads, deadlines for what has to arrive, and a way to break one off.

uvicorn waits for the rest of a head for ever and keeps as much of it as is sent. Here both have an end, and the way of
an ordinary request pays for it with one addition and one comparison: time is told by a round over all connections once
a second, not by a timer for each.

A request that came whole is offered to the application as an exchange, before a task is made for it.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import uvicorn
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from core import errors, exchanges, problems
from telemetry.hooks.stream.response import ABORT

# Of a request's line and headers; proxies bound them at 16 KiB and less. What arrives at once with their end is not
# counted, and is never more than the event loop reads at once.
MOST_HEAD_BYTES = 32 * 2**10
MOST_HEADERS = 100
# From the moment on which the first byte of a head could be sent.
HEAD_SECONDS = 10


class HeadTooLarge(errors.Error):
    status = 431
    slug = "head-too-large"
    title = "The headers are larger than allowed"


class NotHttp(errors.Error):
    status = 400
    slug = "not-http"
    title = "The bytes are not a request"


class SlowHead(errors.Error):
    status = 408
    slug = "slow-head"
    title = "The headers did not arrive in time"


class _Refused(Exception):
    """The connection is closing; nothing more is to be read from it."""


_CLOSE = (b"connection", b"close")


def _done() -> None:
    """What an exchange leaves in the place of the server's own function, so that the two do not hold each other."""


class _Exchange:
    """Implements `core.exchanges.Exchange` on the server's own record of a request."""

    __slots__ = ("_cycle", "body", "scope")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self.scope: Scope = cycle.scope  # type: ignore[assignment] # the server's type of the same dictionary
        self.body = bytes(cycle.body)

    def answer(self, status: int, headers: Sequence[exchanges.Header], body: bytes) -> None:
        cycle = self._cycle
        if cycle.disconnected:
            return
        parts = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        closes = _CLOSE in headers
        if not (cycle.keep_alive or closes):
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", body)
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join(parts))
        if closes or not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        cycle.on_response = _done


class Protocol(HttpToolsProtocol):
    """The server's own, with these bounds.

    An answer that is only cut short waits until the client has taken what was sent before: for ever, with one that does
    not read, and the process could not stop meanwhile. That is what breaking off is for.
    """

    # Bytes that came since the last of which anything was made: the end of a head, or a piece of a body. What grows
    # here is a head, or the trailers of a body, that does not end.
    _idle_bytes = 0
    # Rounds that the connection has gone without anything new, and what was there when they began.
    _rounds = 0
    _seen: tuple[object, bool] = (None, False)
    # While bytes are being read: the request among them that would get its task now.
    _held: tuple[RequestResponseCycle, ASGI3Application] | None = None
    _reading = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._take = None if self.access_log else exchanges.taker(self.app)

    def data_received(self, data: bytes) -> None:
        self._idle_bytes += len(data)
        self._reading = self._take is not None
        super().data_received(data)
        self._reading = False
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            if app is not self.app or not self._is_taken(cycle):
                super()._start_asgi_task(cycle, app)
        if self._idle_bytes > MOST_HEAD_BYTES:
            fault = errors.Fault("headers", f"more than {MOST_HEAD_BYTES} bytes", f"at most {MOST_HEAD_BYTES} bytes")
            self._refuse(HeadTooLarge("The headers were not read to their end.", faults=[fault]))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self._reading:
            # Its body may be among the bytes that are being read.
            self._held = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def _is_taken(self, cycle: RequestResponseCycle) -> bool:
        """Whether the application answers the request as an exchange.

        Not where more of it is to come, and not where the client does not take the answers that it has: the task waits
        until it does.
        """
        incomplete = cycle.more_body or cycle.waiting_for_100_continue
        if incomplete or self.flow.write_paused or self._take is None or self.transport.is_closing():
            return False
        return self._take(_Exchange(cycle))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, dict[object, object]] = {ABORT: {"call": self._abort}}
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        self._idle_bytes = 0
        if len(self.headers) > MOST_HEADERS:
            fault = errors.Fault("headers", f"{len(self.headers)} headers", f"at most {MOST_HEADERS} headers")
            self._refuse(HeadTooLarge("There are too many headers.", faults=[fault]))
            # The parser goes on as far as the bytes reach unless it is stopped.
            raise _Refused
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        # The end of a body may come by itself.
        self._idle_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that the parser does not understand; where an answer was on its way, nothing can be said."""
        self._refuse(NotHttp(msg))

    def on_response_complete(self) -> None:
        """Make ready for the next request, as the server does, but without a timer that nearly every request stops."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def grow_old(self) -> None:
        """Called once a second: end a connection whose next request does not come, or comes too slowly."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._rounds = 0
            return
        there = self.cycle, self._idle_bytes > 0
        if there != self._seen:
            self._seen, self._rounds = there, 0
            return
        self._rounds += 1
        if self._idle_bytes:
            if self._rounds >= HEAD_SECONDS:
                self._refuse(SlowHead(f"The headers have to arrive within {HEAD_SECONDS} s."))
            return
        # A browser opens connections that it may need, and a body may still come that was not waited for.
        between = self.cycle is not None and not self.cycle.more_body
        if self._rounds >= (self.timeout_keep_alive if between else HEAD_SECONDS):
            self.transport.close()

    def _refuse(self, error: errors.Error) -> None:
        """Say what is wrong, unless another answer is under way, and close."""
        transport: Any = self.transport
        if transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            transport.abort()
            return
        body = msgspec.json.encode(problems.document(error, "/"))
        head = [
            STATUS_LINE[error.status],
            f"content-type: {problems.MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode(),
        ]
        transport.write(b"".join([*head, body]))
        transport.close()

    def _abort(self) -> None:
        transport: Any = self.transport
        transport.abort()


class Server(uvicorn.Server):
    """Lets its connections know that time passes."""

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.grow_old()
        return await super().on_tick(counter)
