"""Who acts, from where and why: what the trail writes beside every change that is made meanwhile.

It belongs to the task that acts: a request, a command, a round. `Database` hands it to the server with each
transaction, and with each single statement that writes. Where nobody is set, as on the way of readings into the table,
that costs nothing, and the trail names the login of the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LONGEST_REASON = 500
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Acting:
    """actor: as it is written everywhere; address: of the client, empty where there is none; reason: in their words."""

    actor: str
    address: str = ""
    reason: str = ""


_current: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current() -> Acting | None:
    return _current.get()


def begin(acting: Acting | None) -> None:
    """From now on this task acts so, and the tasks that it makes."""
    _current.set(None if acting is None else _sayable(acting))


@contextmanager
def acts(acting: Acting | None) -> Iterator[None]:
    """Within the block this task acts so; None: nobody does."""
    token = _current.set(None if acting is None else _sayable(acting))
    try:
        yield
    finally:
        _current.reset(token)


def _sayable(acting: Acting) -> Acting:
    """As the database takes it, whatever was sent: no NUL, no lone surrogates, no end."""
    return Acting(
        _clean(acting.actor, _LONGEST_NAME),
        _clean(acting.address, _LONGEST_NAME),
        _clean(acting.reason, LONGEST_REASON),
    )


def _clean(text: str, longest: int) -> str:
    return text[:longest].replace("\0", "␀").encode("utf-8", "replace").decode()
