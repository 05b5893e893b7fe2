"""The kinds of error that the service tells its callers about.

Error
├── Invalid          422  the request was understood and is wrong
├── Unauthorized     401  who speaks is not known
├── Forbidden        403  who speaks may not do this
├── NotFound         404  no such thing
├── Conflict         409  the thing is not in a state that allows it
├── PreconditionFailed 412 the thing changed since it was read
├── TooLarge         413  more bytes than one request may have
├── Unsupported      415  no codec for this media type or encoding
├── TooMany          429  more than the caller may have in this time
├── Overloaded       503  bounded queues are full; come again
└── Unavailable      503  a part that the service needs does not answer

A situation is a subclass with a slug and a title of its own. The web layer turns each of them into RFC 9457 problem
details.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

_SHOWN_LENGTH = 200


def shown(value: object) -> str:
    """A value as it stands in a fault: as text, and not longer than a line or two."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was wrong in a request: where, what was found, and what would have been right."""

    field: str
    found: str
    expected: str


class Error(Exception):
    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something failed inside the service"

    def __init__(
        self,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.extra = dict(extra or {})
        self.retry_after = retry_after


class Invalid(Error):
    status = 422
    slug = "invalid-request"
    title = "The request is not valid"


class Unauthorized(Error):
    status = 401
    slug = "unauthorized"
    title = "Credentials are missing or not valid"


class Forbidden(Error):
    status = 403
    slug = "forbidden"
    title = "These credentials do not allow this"


class NotFound(Error):
    status = 404
    slug = "not-found"
    title = "No such resource"


class MethodNotAllowed(Error):
    status = 405
    slug = "method-not-allowed"
    title = "This resource does not know that method"


class Conflict(Error):
    status = 409
    slug = "conflict"
    title = "The state of the resource does not allow this"


class PreconditionFailed(Error):
    status = 412
    slug = "precondition-failed"
    title = "The resource changed since it was read"


class TooLarge(Error):
    status = 413
    slug = "too-large"
    title = "The request is larger than allowed"


class Unsupported(Error):
    status = 415
    slug = "unsupported-media-type"
    title = "No codec for this media type or encoding"


class TooMany(Error):
    status = 429
    slug = "too-many-requests"
    title = "More requests than these credentials may send in this time"


class Overloaded(Error):
    status = 503
    slug = "overloaded"
    title = "The service is at its limit"


class Unavailable(Error):
    status = 503
    slug = "unavailable"
    title = "A part that the service needs does not answer"


def every_kind() -> list[type[Error]]:
    """All error classes that are loaded, the base first."""
    found: list[type[Error]] = []
    waiting: list[type[Error]] = [Error]
    while waiting:
        kind = waiting.pop(0)
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found
