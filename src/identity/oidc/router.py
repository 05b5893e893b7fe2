"""Where browsers go to sign in with the identity provider, and come back; the provider itself says here who left."""

from dataclasses import dataclass
from typing import Annotated, Protocol
from urllib.parse import parse_qsl, urlencode

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from core import errors, peers
from identity.oidc.errors import Hindrance, NotAdmitted, TokenRefused
from identity.oidc.signing_in import Arrived, SigningIn
from identity.oidc.store import ATTEMPT_SECONDS

# Browsers and the provider go here, not programs: none of it is part of the interface.
router = APIRouter(prefix="/sign-in/oidc", include_in_schema=False)

_log = structlog.get_logger(__name__)
_COOKIE = "__Host-quantrac-sign-in"
_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_MOST_LOGOUT_BYTES = 32 * 2**10


class Door(Protocol):
    """Begins and ends the sessions that sign-ins lead to."""

    async def open(self, request: Request, response: Response, arrived: Arrived) -> None:
        """Begin a session of the person, and let the browser keep it."""

    async def close(self, issuer: str, subject: str | None, provider_session: str | None) -> int:
        """End the sessions that the provider ended; how many."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the routes need."""

    signing_in: SigningIn
    door: Door


class NoProvider(errors.NotFound):
    slug = "no-provider"
    title = "No identity provider is set up"


def entry(request: Request) -> Entry:
    found: Entry | None = getattr(request.app.state, "oidc", None)
    if found is None:
        raise NoProvider("Here people sign in with a password.")
    return found


_Entry = Annotated[Entry, Depends(entry)]


@router.get("")
async def begin_sign_in_with_provider(request: Request, at: _Entry) -> Response:
    """Send the browser to the provider; `next` is the path of this service to come back to."""
    try:
        begun = await at.signing_in.begin(request.query_params.get("next"), peers.client_of(request.scope))
    except NotAdmitted as refused:
        return _refused(refused.hindrance)
    response = _away(begun.location)
    response.set_cookie(
        _COOKIE, begun.browser, max_age=ATTEMPT_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
    )
    return response


@router.get("/callback")
async def end_sign_in_with_provider(request: Request, at: _Entry) -> Response:
    """Where the provider sends the browser back to."""
    answer = dict(request.query_params)
    # A parameter that stands there twice could be read in two ways.
    if len(answer) != len(request.query_params.multi_items()):
        return _refused(Hindrance.PROVIDER)
    try:
        arrived = await at.signing_in.finish(answer, request.cookies.get(_COOKIE), peers.client_of(request.scope))
    except NotAdmitted as refused:
        return _refused(refused.hindrance)
    response = _away(arrived.return_path)
    await at.door.open(request, response, arrived)
    _forget(response)
    return response


@router.get("/sign-out")
async def sign_out_at_provider(at: _Entry) -> Response:
    """Where a browser whose session here has ended ends the one at the provider, which asks before it does."""
    return _away(await at.signing_in.sign_out_address())


@router.post("/back-channel")
async def end_sessions_for_provider(request: Request, at: _Entry) -> Response:
    """The provider says that somebody signed out there, or was shut out (OpenID Connect Back-Channel Logout)."""
    try:
        form = dict(parse_qsl((await _body(request)).decode("ascii"), max_num_fields=10))
        subject, session = await at.signing_in.signed_out(form.get("logout_token", ""))
    except (TokenRefused, ValueError) as refused:
        _log.warning("back_channel.refused", reason=getattr(refused, "reason", "form"))
        return Response('{"error": "invalid_request"}', 400, _NO_STORE, "application/json")
    ended = await at.door.close(at.signing_in.issuer, subject, session)
    _log.info("back_channel.ended", sessions=ended)
    return Response(status_code=200, headers=_NO_STORE)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_LOGOUT_BYTES:
            raise ValueError("too long")
    return bytes(body)


def _away(location: str) -> Response:
    return RedirectResponse(location, 303, _NO_STORE)


def _refused(hindrance: Hindrance) -> Response:
    response = _away(f"/sign-in?{urlencode({'problem': hindrance.value})}")
    _forget(response)
    return response


def _forget(response: Response) -> None:
    response.delete_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
