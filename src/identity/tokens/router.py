"""Tokens over HTTP: one's own, and those of programs."""

from datetime import datetime
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from core import describing, paging
from core.access import Anyone, Knower, Staff
from core.database import Opened
from core.wire import WholeNumber
from identity.people.errors import GrantNotSuitable
from identity.people.router import Manager
from identity.tokens import errors, managing, schemas
from identity.tokens.managing import Lifetimes
from identity.tokens.store import TokenFilter

router = APIRouter(prefix="/v1", tags=["tokens"])

_log = structlog.get_logger(__name__)


def _lifetimes(request: Request) -> Lifetimes:
    found: Lifetimes = request.app.state.token_lifetimes
    return found


Longest = Annotated[Lifetimes, Depends(_lifetimes)]
StateQuery = Annotated[Literal["live", "expired", "revoked"] | None, Query(description="Tokens in this state.")]
WithinQuery = Annotated[
    WholeNumber | None,
    Query(alias="expiresWithinDays", ge=0, le=3650, description="Live tokens that expire within so many days."),
]


def _position(cursor: str | None) -> tuple[datetime | None, str | None]:
    time, token_id = paging.after(cursor, datetime, str)
    return time, token_id


@router.get("/tokens", summary="List your tokens", responses=describing.refusals(paging.InvalidCursor))
async def list_tokens(
    staff: Anyone,
    opened: Opened,
    state: StateQuery = None,
    within: WithinQuery = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 100,
) -> paging.Page[schemas.Token]:
    """Your personal tokens, the one that expires first first; never their secrets. For anybody of the staff."""
    if staff.person_id is None:
        return paging.Page[schemas.Token](items=[])
    wanted = TokenFilter(staff.person_id, None, state, within)
    found = await managing.personal(opened, wanted, _position(cursor), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.expires_time, item.id))
    return paging.Page[schemas.Token](items=found[:limit], next_cursor=following)


@router.post(
    "/tokens",
    status_code=201,
    summary="Make a token of yours",
    responses=describing.refusals(errors.NotSignedIn, errors.TokenNotSuitable, errors.TooManyTokens),
)
async def make_token(
    staff: Anyone, opened: Opened, longest: Longest, new: schemas.NewToken, response: Response
) -> schemas.NewlyMade:
    """A token that does what you may do, as far as its rights go. It is in this answer and nowhere else.

    For anybody of the staff who signed in on the page: a token makes no tokens. What you lose, it loses.
    """
    made = await managing.make_personal(opened, staff, new, longest.personal)
    _log_change(staff, "made", made.id)
    response.headers["Cache-Control"] = "no-store"
    return made


@router.post(
    "/tokens/{token}/revoke", summary="Revoke a token of yours", responses=describing.refusals(errors.TokenNotFound)
)
async def revoke_token(staff: Anyone, opened: Opened, known: Knower, token: schemas.TokenId) -> schemas.Token:
    """It opens nothing any more, within seconds at every gateway; a second time changes nothing."""
    revoked = await managing.revoke_personal(opened, staff.person_id, token)
    known.forget()
    _log_change(staff, "revoked", token)
    return revoked


@router.get("/service-tokens", summary="List service tokens", responses=describing.refusals(paging.InvalidCursor))
async def list_service_tokens(
    _: Manager,
    opened: Opened,
    state: StateQuery = None,
    within: WithinQuery = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 100,
) -> paging.Page[schemas.ServiceToken]:
    """Tokens of programs, the one that expires first first. Needs people.manage, not narrowed."""
    wanted = TokenFilter(service=True, state=state, expires_within_days=within)
    found = await managing.services(opened, wanted, _position(cursor), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.expires_time, item.id))
    return paging.Page[schemas.ServiceToken](items=found[:limit], next_cursor=following)


@router.post(
    "/service-tokens",
    status_code=201,
    summary="Make a service token",
    responses=describing.refusals(errors.NotSignedIn, errors.TokenNotSuitable, GrantNotSuitable),
)
async def make_service_token(
    staff: Manager, opened: Opened, longest: Longest, new: schemas.NewServiceToken, response: Response
) -> schemas.NewlyMadeService:
    """A token for a program, with grants of its own. It is in this answer and nowhere else.

    Needs people.manage, not narrowed, and no token: a token makes no tokens.
    """
    grants = [grant.grant() for grant in new.grants]
    made = await managing.make_service(opened, staff, new.label, grants, new.expires_time, longest.service)
    _log_change(staff, "made", made.id)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"/v1/service-tokens/{made.id}"
    return made


@router.get(
    "/service-tokens/{token}", summary="Read a service token", responses=describing.refusals(errors.TokenNotFound)
)
async def read_service_token(_: Manager, opened: Opened, token: schemas.TokenId) -> schemas.ServiceToken:
    """One token of a program, never its secret. Needs people.manage, not narrowed."""
    return await managing.get_service(opened, token)


@router.post(
    "/service-tokens/{token}/revoke",
    summary="Revoke a service token",
    responses=describing.refusals(errors.TokenNotFound),
)
async def revoke_service_token(
    staff: Manager, opened: Opened, known: Knower, token: schemas.TokenId
) -> schemas.ServiceToken:
    """It opens nothing any more, within seconds at every gateway; a second time changes nothing.

    Needs people.manage, not narrowed.
    """
    revoked = await managing.revoke_service(opened, token)
    known.forget()
    _log_change(staff, "revoked", token)
    return revoked


def _log_change(staff: Staff, action: str, token_id: str) -> None:
    """One line in the log for every change: who did what to which; never the token."""
    _log.info(f"token.{action}", by=staff.name, token=token_id)
