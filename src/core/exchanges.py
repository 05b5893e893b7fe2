"""A short way between the server and an application: a request that came whole is answered in one piece, by no task.

Most requests of a logger arrive in one read, and all that is waited for is the COMMIT. For those a task, two messages
from the server and two to it cost as much as reading and judging what was sent. An application offers the short way by
a method `take`; what it does not take goes the ASGI way, and so does everything on a server that knows no exchanges.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.types import ASGIApp, Scope

Header = tuple[bytes, bytes]


class Exchange(Protocol):
    """One request that came whole, and the way to answer it.

    scope: as of ASGI. body: all of it.
    """

    @property
    def scope(self) -> Scope: ...

    @property
    def body(self) -> bytes: ...

    def answer(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Send the whole answer, once, now or later; nothing happens where the client is gone.

        headers: with content-length. One that says `connection: close` closes the connection.
        """


Take = Callable[[Exchange], bool]


def taker(app: ASGIApp) -> Take | None:
    """The short way into an application, where it has one.

    It says whether the exchange is taken, and will then be answered; it never raises.
    """
    found: Take | None = getattr(app, "take", None)
    return found
