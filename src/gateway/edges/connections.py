"""The server's connections: bounded heads, deadlines for what has to arrive, and a way to break one off.

uvicorn waits for the rest of a head for ever and keeps as much of it as is sent. Here both have an end, and the way of
an ordinary request pays for it with one addition and one comparison: time is told by a round over all connections once
a second, not by a timer for each.
"""

from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from core import errors, problems
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


class Protocol(HttpToolsProtocol):
    """The server's own, with these bounds.

    An answer that is only cut short waits until the client has taken what was sent before: for ever, with one that does
    not read, and the process could not stop meanwhile. That is what breaking off is for.
    """

    # Bytes that came since the last of which anything was made: the end of a head, or a piece of a body. What grows
    # here is a head, or the trailers of a body, that does not end.
    _idle_bytes = 0
    # Rounds that the connection has gone without a new request, and the request that was the last one then.
    _rounds = 0
    _seen: object = None

    def data_received(self, data: bytes) -> None:
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > MOST_HEAD_BYTES:
            fault = errors.Fault("headers", f"more than {MOST_HEAD_BYTES} bytes", f"at most {MOST_HEAD_BYTES} bytes")
            self._refuse(HeadTooLarge("The headers were not read to their end.", faults=[fault]))

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

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that the parser does not understand; where an answer was on its way, nothing can be said."""
        self._refuse(NotHttp(msg))

    def grow_old(self) -> None:
        """Called once a second: end a connection whose next head is under way for too long, or never began."""
        if self.cycle is not self._seen:
            self._seen, self._rounds = self.cycle, 0
            return
        answered = self.cycle is None or self.cycle.response_complete
        # Between two requests the server's own timer runs; it is stopped by the first byte of the next.
        if not answered or self.timeout_keep_alive_task is not None:
            self._rounds = 0
            return
        self._rounds += 1
        if self._rounds < HEAD_SECONDS:
            return
        if self._idle_bytes:
            self._refuse(SlowHead(f"The headers have to arrive within {HEAD_SECONDS} s."))
        else:
            # A browser opens connections that it may need, and a body may still come that was not waited for.
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
