"""Who speaks: the principals of a request and the dependencies that ask for one.

Every route asks for a principal, and with it for a right (`core.rights`). How a credential becomes a principal is the
application's business: it puts an `Identify` into `app.state.identify` when it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Any, Literal, Protocol

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.types import Scope

from core import errors, peers
from core.rights import Grant, Right

# The browser sends it back to this host alone, over TLS alone, and no page can read it.
SESSION_COOKIE = "__Host-quantrac"
CSRF_HEADER = "x-csrf-token"

# Routes below /v1 that ask for no principal, each with the reason. A walk over the routes knows no other exception.
OPEN_ROUTES: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/enrolments"): "a station that has no key yet shows a one-time code in the body; wrong ones are slowed"
}

_bearer = HTTPBearer(
    auto_error=False,
    description="`Bearer <station key>` for a station (`st_xxxxxxxx.…`), `Bearer <token>` for staff and programs "
    "(`qt_xxxxxxxx.…`, or an access token of the identity provider). Browsers send their session's cookie instead.",
)


class Station(msgspec.Struct, frozen=True):
    """A station that showed one of its keys; it writes and reads for itself only.

    A Struct, because it is quick to make.
    """

    station_id: int
    code: str
    key_id: str

    @property
    def name(self) -> str:
        return self.key_id


class Reach(Protocol):
    """What somebody may do, and on what; asked anew each time, because stations come and go."""

    def may(self, right: Right) -> bool:
        """Whether the right is held anywhere."""

    def stations(self, right: Right = Right.READ) -> frozenset[str] | None:
        """Codes of the stations that the right reaches; None: all, and what belongs to no station."""

    def organizations(self, right: Right = Right.READ) -> frozenset[str] | None:
        """Codes of the organizations that the right reaches, for their own or for a station's sake; None: all."""

    def domains(self, right: Right) -> frozenset[str] | None:
        """Domains of records that the right reaches; None: all."""

    def covers(self, right: Right, *, kind: str, organization: str, district: str | None) -> bool:
        """Whether the right reaches a station that is such a one, be it there already or not."""


@dataclass(frozen=True, slots=True)
class Everywhere:
    """The reach of who may do some things, and these everywhere; all things, unless they are named."""

    rights: frozenset[Right] = frozenset(Right)

    def may(self, right: Right) -> bool:
        return right in self.rights

    def stations(self, right: Right = Right.READ) -> frozenset[str] | None:
        return None if self.may(right) else frozenset()

    def organizations(self, right: Right = Right.READ) -> frozenset[str] | None:
        return None if self.may(right) else frozenset()

    def domains(self, right: Right) -> frozenset[str] | None:
        return None if self.may(right) else frozenset()

    def covers(self, right: Right, *, kind: str, organization: str, district: str | None) -> bool:  # noqa: ARG002 - any
        return self.may(right)


@dataclass(frozen=True, slots=True)
class Staff:
    """A person or program of the monitoring centre or of an enterprise.

    name: what is written down as who did it. means: how it was shown, as `session:<id>` or `token:<id>`.
    """

    name: str
    reach: Reach
    kind: Literal["person", "program"] = "person"
    person_id: int | None = None
    means: str = ""


def unlimited(name: str) -> Staff:
    """Somebody who may do all."""
    return Staff(name, Everywhere(), "program")


Principal = Station | Staff


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a credential of staff belongs to, as a source found it.

    rights: of the grants' rights only these; None narrows nothing.
    """

    name: str
    kind: Literal["person", "program"]
    grants: tuple[Grant, ...]
    rights: frozenset[Right] | None = None
    person_id: int | None = None
    means: str = ""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of who sends it. bearer, cookie: the credentials, which stay out of every log."""

    bearer: str | None = field(default=None, repr=False)
    cookie: str | None = field(default=None, repr=False)
    csrf: str | None = field(default=None, repr=False)
    method: str = "GET"
    path: str = "/"
    host: str | None = None
    origin: str | None = None
    fetch_site: str | None = None
    address: str | None = None
    user_agent: str | None = None


class Source(Protocol):
    """One way for staff and programs to say who they are."""

    def credential(self, presented: Presented) -> str | None:
        """The credential that this source answers for; None where another one has to."""

    async def find(self, credential: str) -> Claim | None:
        """Whose it is, if it holds now. The answer is kept for a few seconds."""

    def check(self, presented: Presented, claim: Claim) -> None:
        """What has to hold for each single request, such as that no other site sent it. Raises `errors.Forbidden`."""


class Identify(Protocol):
    def station(self, credential: str, address: str | None = None) -> Station:
        """The owner of a station's key, out of memory; `errors.Unauthorized` when nobody is.

        address: of the client, for the note of where the key was used.
        """

    async def __call__(self, presented: Presented) -> Principal:
        """Who sends the request; `errors.Unauthorized` when nobody knows."""

    def forget(self) -> None:
        """Look everybody up again: somebody's rights were changed in this process."""


def credential_of(authorization: str | None) -> str:
    """The credential in an Authorization header."""
    scheme, credential = get_authorization_scheme_param(authorization)
    if scheme.lower() != "bearer" or not credential:
        raise errors.Unauthorized("Send `Authorization: Bearer <key or token>`.")
    return credential


def presented(scope: Scope) -> Presented:
    """What an HTTP request shows. An Authorization header counts before a cookie.

    Raises `errors.Unauthorized` where it shows nothing, or in another scheme.
    """
    headers: Mapping[bytes, bytes] = dict(scope["headers"])

    def text(name: bytes) -> str | None:
        found = headers.get(name)
        return None if found is None else found.decode("latin-1")

    authorization, cookie = text(b"authorization"), None
    if authorization is None:
        cookie = _session_cookie(text(b"cookie"))
    bearer = None if cookie is not None else credential_of(authorization)
    return Presented(
        bearer=bearer,
        cookie=cookie,
        csrf=text(CSRF_HEADER.encode()),
        method=scope["method"],
        path=scope["path"],
        host=text(b"host"),
        origin=text(b"origin"),
        fetch_site=text(b"sec-fetch-site"),
        address=peers.client_of(scope),
        user_agent=text(b"user-agent"),
    )


def _session_cookie(header: str | None) -> str | None:
    if header is None:
        return None
    try:
        found = SimpleCookie(header).get(SESSION_COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def remember(scope: Scope, principal: Principal) -> None:
    """Keep who sends the request for the dependencies of its route."""
    scope.setdefault("state", {})["principal"] = principal


async def _identified(request: Request, _: Annotated[object, Depends(_bearer)]) -> Principal:
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        identify: Identify = request.app.state.identify
        known = await identify(presented(request.scope))
        remember(request.scope, known)
    return known


def _identify(request: Request) -> Identify:
    identify: Identify = request.app.state.identify
    return identify


# For routes that change what somebody may do, so that it holds here at once.
Knower = Annotated[Identify, Depends(_identify)]

_Identified = Annotated[Principal, Depends(_identified)]


class StationOrReader:
    """Dependency: a station, or staff that may read."""

    right = Right.READ

    def __call__(self, principal: _Identified) -> Principal:
        if isinstance(principal, Staff):
            _demand(principal, self.right)
        return principal


class SignedIn:
    """Dependency: any staff, for what concerns themselves only."""

    right = None

    def __call__(self, principal: _Identified) -> Staff:
        return _staff(principal)


class Needs:
    """Dependency: staff that holds a right. Which stations it reaches, the route looks at."""

    def __init__(self, right: Right) -> None:
        self.right = right

    def __call__(self, principal: _Identified) -> Staff:
        staff = _staff(principal)
        _demand(staff, self.right)
        return staff


# Whatever a route may ask for; a route that asks for none of them is a mistake that a test finds.
DEPENDENCIES: tuple[type[Any], ...] = (StationOrReader, SignedIn, Needs)


def _staff(principal: Principal) -> Staff:
    if not isinstance(principal, Staff):
        raise errors.Forbidden("This is for the staff of the monitoring centre.")
    return principal


def _demand(staff: Staff, right: Right) -> None:
    if not staff.reach.may(right):
        raise errors.Forbidden(f"This needs the right {right}, which {staff.name} does not have.")


AnyPrincipal = Annotated[Principal, Depends(StationOrReader())]
Anyone = Annotated[Staff, Depends(SignedIn())]
StaffOnly = Annotated[Staff, Depends(Needs(Right.READ))]
Submitter = Annotated[Staff, Depends(Needs(Right.SUBMIT))]
AlertHandler = Annotated[Staff, Depends(Needs(Right.HANDLE_ALERTS))]
QuarantineHandler = Annotated[Staff, Depends(Needs(Right.HANDLE_QUARANTINE))]
Steward = Annotated[Staff, Depends(Needs(Right.EDIT_CATALOG))]
KeyManager = Annotated[Staff, Depends(Needs(Right.MANAGE_KEYS))]
HookReader = Annotated[Staff, Depends(Needs(Right.SEE_HOOKS))]
HookManager = Annotated[Staff, Depends(Needs(Right.MANAGE_HOOKS))]
DossierEditor = Annotated[Staff, Depends(Needs(Right.EDIT_DOSSIERS))]
CaseHandler = Annotated[Staff, Depends(Needs(Right.HANDLE_CASES))]
Approver = Annotated[Staff, Depends(Needs(Right.APPROVE))]
PeopleManager = Annotated[Staff, Depends(Needs(Right.MANAGE_PEOPLE))]
TrailReader = Annotated[Staff, Depends(Needs(Right.READ_TRAIL))]
Scraper = Annotated[Staff, Depends(Needs(Right.SCRAPE))]


def reached(principal: Principal, right: Right = Right.READ) -> frozenset[str] | None:
    """Codes of the stations that the principal may use the right on; None: all, and what belongs to no station."""
    if isinstance(principal, Station):
        return frozenset({principal.code}) if right is Right.READ else frozenset()
    return principal.reach.stations(right)


def visible(principal: Principal, asked: str | None = None, right: Right = Right.READ) -> list[str] | None:
    """Codes of the stations that a query may speak of, for `($n::text[] IS NULL OR code = ANY($n))`; None: all.

    One that was asked for and is out of reach leaves none: the answer is as if it did not exist.
    """
    within = reached(principal, right)
    if asked is None:
        return None if within is None else sorted(within)
    return [asked] if within is None or asked in within else []


def may_read(principal: Principal, station: str | None) -> bool:
    """Whether what belongs to the station may be read; where not, an answer is the same as if it were not there.

    What belongs to no single station (None) is for staff whose reach is not narrowed.
    """
    within = reached(principal)
    return within is None or station in within


def require(staff: Staff, right: Right, station: str | None) -> None:
    """Raise `errors.Forbidden` where the station, which may be read, is out of the right's reach."""
    within = reached(staff, right)
    if within is not None and station not in within:
        raise errors.Forbidden(f"Your right {right} does not reach {station or 'what belongs to no single station'}.")


def require_everywhere(staff: Staff, right: Right) -> None:
    """Raise `errors.Forbidden` where the right is narrowed: what is asked concerns all stations and all records."""
    if reached(staff, right) is not None or staff.reach.domains(right) is not None:
        raise errors.Forbidden(f"This concerns everything; your right {right} is narrowed.")


def station_code(principal: Principal, asked: str | None) -> str | None:
    """The station that a query is about: a station sees itself only, whatever it asks for exists or not."""
    if isinstance(principal, Staff):
        if not may_read(principal, asked):
            raise errors.Forbidden("You see some stations only; ask for one of them.")
        return asked
    if asked is not None and asked != principal.code:
        raise errors.Forbidden("A station reads its own data only.")
    return principal.code
