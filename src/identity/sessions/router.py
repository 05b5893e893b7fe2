"""Signing in and out: the only routes that answer strangers, beside probes and pages.

They stand outside of `/v1`, because nobody can show who they are before they did. Each is small, throttled, and refuses
what another site sends.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from core import access, describing, errors, peers
from core.access import Knower, Staff
from core.acting import Acting, acts
from core.database import Opened
from core.rights import Right
from core.throttling import Throttle, TooManyFailures
from identity.people import errors as people_errors
from identity.people import links, passwords
from identity.people import store as people_store
from identity.people.schemas import NewGrant
from identity.sessions import cookies, csrf, schemas, store
from identity.sessions.errors import ForeignRequest, MissingNames, NoPassword, WrongCredentials
from identity.sessions.signing_in import SigningIn
from identity.sessions.source import session_of

router = APIRouter(prefix="/session", tags=["session"])

_SLOWED = (TooManyFailures, passwords.HashingBusy)


def _signing_in(request: Request) -> SigningIn:
    found: SigningIn = request.app.state.signing_in
    return found


def _own_page(request: Request) -> None:
    csrf.refuse_foreign(cookies.shown_by(request))


async def _someone(request: Request) -> Staff:
    """Whoever is signed in, or shows a token; wrong ones are counted as everywhere."""
    throttle: Throttle = request.app.state.throttle
    principal = await throttle.identified(request.app.state.identify, access.presented(request.scope))
    if not isinstance(principal, Staff):
        raise errors.Forbidden("A station has no session.")
    return principal


At = Annotated[SigningIn, Depends(_signing_in)]
Someone = Annotated[Staff, Depends(_someone)]


@router.get("", summary="Who am I", responses=describing.refusals(TooManyFailures))
async def read_session(request: Request, staff: Someone, opened: Opened, at: At, response: Response) -> schemas.WhoAmI:
    """Who is signed in, or whose token this is, and what they may do; for a session, its token for changes."""
    response.headers["Cache-Control"] = "no-store"
    return await _described(staff, opened, at, request.cookies.get(access.SESSION_COOKIE))


@router.post(
    "",
    status_code=204,
    summary="Sign in",
    dependencies=[Depends(_own_page)],
    responses=describing.refusals(WrongCredentials, ForeignRequest, *_SLOWED),
)
async def sign_in(request: Request, at: At, given: schemas.SignIn, response: Response) -> None:
    """Sign in with a password; the answer sets the cookie of a new session, and `GET /session` says the rest.

    A session that the browser had before ends.
    """
    made = await at.with_password(given.user_name, given.password.get_secret_value(), cookies.browser_of(request))
    cookies.give(response, made)


@router.delete("", status_code=204, summary="Sign out", responses=describing.refusals(ForeignRequest))
async def sign_out(request: Request, staff: Someone, opened: Opened, at: At, known: Knower, response: Response) -> None:
    """End this session. A token is not ended here."""
    session = session_of(staff.means)
    if session is not None and staff.person_id is not None:
        with acts(Acting(staff.name, peers.client_of(request.scope), "sign-out")):
            await store.end(opened, staff.person_id, at.now(), "signed-out", only=session)
        known.forget()
    cookies.take(response)


@router.get("/ways", summary="How people sign in here", responses=describing.refusals())
async def list_ways(request: Request) -> schemas.Ways:
    """Whether an identity provider is set up, beside passwords; the page of sign-in asks."""
    return schemas.Ways(password=True, provider=getattr(request.app.state, "oidc", None) is not None)


@router.post(
    "/password",
    status_code=204,
    summary="Change your password",
    responses=describing.refusals(WrongCredentials, ForeignRequest, NoPassword, passwords.WeakPassword, *_SLOWED),
)
async def change_password(
    request: Request, staff: Someone, at: At, known: Knower, given: schemas.PasswordChange, response: Response
) -> None:
    """Choose another password, with the present one. The session begins anew; all others of yours end."""
    present, new = given.current_password.get_secret_value(), given.new_password.get_secret_value()
    made = await at.change_password(staff, present, new, cookies.browser_of(request))
    known.forget()
    cookies.give(response, made)


@router.post(
    "/link/look",
    summary="Whom a link is for",
    dependencies=[Depends(_own_page)],
    responses=describing.refusals(links.LinkNotUsable, ForeignRequest, TooManyFailures),
)
async def look_at_link(request: Request, at: At, given: schemas.LinkLook) -> schemas.LinkFound:
    """What a one-time link is good for, and until when; it can still be used."""
    found = await at.look(given.secret.get_secret_value(), cookies.browser_of(request))
    return schemas.LinkFound.model_validate(
        {
            "purpose": found.purpose,
            "user_name": found.user_name,
            "display_name": found.display_name,
            "expires_time": found.expires_time,
        }
    )


@router.post(
    "/link",
    status_code=204,
    summary="Use a one-time link",
    dependencies=[Depends(_own_page)],
    responses=describing.refusals(
        links.LinkNotUsable,
        ForeignRequest,
        people_errors.UserNameTaken,
        MissingNames,
        passwords.WeakPassword,
        *_SLOWED,
    ),
)
async def use_link(request: Request, at: At, known: Knower, given: schemas.LinkUse, response: Response) -> None:
    """Choose a password by a link, and be signed in. All sessions that the person had end.

    The link of a fresh installation makes its first administrator, who is named here.
    """
    named = given.user_name is not None
    names = (given.user_name or "", given.display_name or given.user_name or "") if named else None
    secret, password = given.secret.get_secret_value(), given.password.get_secret_value()
    made = await at.with_link(secret, password, names, cookies.browser_of(request))
    known.forget()
    cookies.give(response, made)


async def _described(staff: Staff, opened: Opened, at: SigningIn, cookie: str | None) -> schemas.WhoAmI:
    session_id = session_of(staff.means)
    person = None if staff.person_id is None else await people_store.find_by_id(opened, staff.person_id)
    grants = () if person is None else await people_store.grants_of(opened, person.id)
    session = None if session_id is None else await store.one(opened, session_id, at.now())
    return schemas.WhoAmI.model_validate(
        {
            "name": staff.name,
            "display_name": None if person is None else person.display_name,
            "kind": staff.kind,
            "grants": [NewGrant.of(grant).model_dump(by_alias=False) for grant in grants],
            "rights": [right for right in Right if staff.reach.may(right)],
            "must_change_password": person is not None and session is not None and person.must_change_password,
            "has_password": person is not None and person.has_password,
            "session": None
            if session is None
            else {
                "id": session.id,
                "method": session.method,
                "expires_time": session.expires_time,
                "idle_seconds": int(at.lasting.idle.total_seconds()),
            },
            "csrf": csrf.token_of(cookie) if session is not None and cookie is not None else None,
        }
    )
