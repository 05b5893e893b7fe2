"""Who speaks: the principals of a request and the dependencies that ask for one.

Every route asks for a principal. How a credential becomes one is the application's business: it puts an `Identify` into
`app.state.identify` when it starts.
"""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from core import errors

_bearer = HTTPBearer(
    auto_error=False,
    description="`Bearer <station key>` for a station (`st_xxxxxxxx.…`), `Bearer <token>` for the centre's staff.",
)


@dataclass(frozen=True, slots=True)
class Station:
    """A station that showed one of its keys; it writes and reads for itself only."""

    station_id: int
    code: str
    key_id: str

    @property
    def name(self) -> str:
        return self.key_id


@dataclass(frozen=True, slots=True)
class Staff:
    """A person or program of the monitoring centre."""

    name: str


Principal = Station | Staff


class Identify(Protocol):
    def __call__(self, credential: str) -> Principal:
        """The owner of a bearer credential; `errors.Unauthorized` when nobody is."""


def credential_of(authorization: str | None) -> str:
    """The credential in an Authorization header."""
    scheme, credential = get_authorization_scheme_param(authorization)
    if scheme.lower() != "bearer" or not credential:
        raise errors.Unauthorized("Send `Authorization: Bearer <key or token>`.")
    return credential


def _identified(request: Request, _: Annotated[object, Depends(_bearer)]) -> Principal:
    identify: Identify = request.app.state.identify
    return identify(credential_of(request.headers.get("authorization")))


AnyPrincipal = Annotated[Principal, Depends(_identified)]


def _staff(principal: AnyPrincipal) -> Staff:
    if not isinstance(principal, Staff):
        raise errors.Forbidden("This is for the staff of the monitoring centre.")
    return principal


StaffOnly = Annotated[Staff, Depends(_staff)]


def may_read(principal: Principal, station: str | None) -> bool:
    """Whether what belongs to the station may be read; where not, an answer is the same as if it were not there.

    What belongs to no single station (None) is for the staff.
    """
    return isinstance(principal, Staff) or principal.code == station


def station_code(principal: Principal, asked: str | None) -> str | None:
    """The station that a query is about: a station sees itself only, whatever it asks for exists or not."""
    if isinstance(principal, Staff):
        return asked
    if asked is not None and asked != principal.code:
        raise errors.Forbidden("A station reads its own data only.")
    return principal.code
