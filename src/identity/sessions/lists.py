"""Sessions as lists: one's own, and those of a person whom one manages."""

from collections.abc import Iterable
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request

from core import describing
from core import errors as core_errors
from core.access import Anyone, Knower
from core.database import Database, Opened
from identity.people import errors as people_errors
from identity.people import links
from identity.people import store as people_store
from identity.people.router import Manager
from identity.people.schemas import UserName
from identity.people.store import PersonRow
from identity.sessions import schemas, store
from identity.sessions.errors import SessionNotFound
from identity.sessions.signing_in import SigningIn
from identity.sessions.source import session_of
from identity.sessions.store import SessionRow

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1", tags=["session"])


def _signing_in(request: Request) -> SigningIn:
    found: SigningIn = request.app.state.signing_in
    return found


At = Annotated[SigningIn, Depends(_signing_in)]


@router.get("/sessions", summary="List your sessions", responses=describing.refusals())
async def list_sessions(staff: Anyone, opened: Opened, at: At) -> schemas.Sessions:
    """Where you are signed in, the latest first. For anybody of the staff; a program has none."""
    return _shown(await _of(opened, staff.person_id, at), session_of(staff.means))


@router.delete(
    "/sessions/{session}", status_code=204, summary="End a session", responses=describing.refusals(SessionNotFound)
)
async def end_session(staff: Anyone, opened: Opened, at: At, known: Knower, session: schemas.SessionId) -> None:
    """End one of your sessions; elsewhere it opens nothing within seconds. For anybody of the staff."""
    ended = [] if staff.person_id is None else await store.end(opened, staff.person_id, at.now(), "ended", only=session)
    if not ended:
        raise _not_found(session)
    known.forget()


@router.delete("/sessions", summary="End your other sessions", responses=describing.refusals())
async def end_other_sessions(staff: Anyone, opened: Opened, at: At, known: Knower) -> schemas.Ended:
    """End all your sessions but the one that asks. For anybody of the staff."""
    if staff.person_id is None:
        return schemas.Ended(ended=0)
    ended = await store.end(opened, staff.person_id, at.now(), "ended", but=session_of(staff.means))
    known.forget()
    return schemas.Ended(ended=len(ended))


@router.get(
    "/people/{user}/sessions",
    summary="List a person's sessions",
    responses=describing.refusals(people_errors.PersonNotFound),
)
async def list_person_sessions(staff: Manager, opened: Opened, at: At, user: UserName) -> schemas.Sessions:
    """Where somebody is signed in, the latest first. Needs people.manage, not narrowed."""
    person = await _person(opened, user)
    return _shown(await _of(opened, person.id, at), session_of(staff.means))


@router.delete(
    "/people/{user}/sessions",
    summary="End a person's sessions",
    responses=describing.refusals(people_errors.PersonNotFound),
)
async def end_person_sessions(staff: Manager, opened: Opened, at: At, known: Knower, user: UserName) -> schemas.Ended:
    """End all sessions of somebody; they can sign in again. Needs people.manage, not narrowed."""
    person = await _person(opened, user)
    ended = await store.end(opened, person.id, at.now(), "ended")
    known.forget()
    _log.info("sessions.ended", by=staff.name, person=user, sessions=len(ended))
    return schemas.Ended(ended=len(ended))


@router.delete(
    "/people/{user}/sessions/{session}",
    status_code=204,
    summary="End a person's session",
    responses=describing.refusals(people_errors.PersonNotFound, SessionNotFound),
)
async def end_person_session(
    staff: Manager, opened: Opened, at: At, known: Knower, user: UserName, session: schemas.SessionId
) -> None:
    """End one session of somebody. Needs people.manage, not narrowed."""
    person = await _person(opened, user)
    if not await store.end(opened, person.id, at.now(), "ended", only=session):
        raise _not_found(session)
    known.forget()
    _log.info("sessions.ended", by=staff.name, person=user, sessions=1)


@router.post(
    "/people/{user}/links",
    status_code=201,
    summary="Make a link for a new password",
    responses=describing.refusals(people_errors.PersonNotFound),
)
async def make_link(staff: Manager, opened: Opened, at: At, user: UserName) -> schemas.NewLink:
    """A link by which the person chooses a new password, once, within a day; it is shown this once.

    Give it to the person yourself: whoever has it can become them. Earlier links of the person end; the present
    password holds until it is used. Needs people.manage, not narrowed, and no token: a stolen one could become anybody.
    """
    # The static token of the installation has no means of its own.
    if staff.means and session_of(staff.means) is None:
        raise core_errors.Forbidden("Sign in on the page to make a link; a token makes none.")
    made = await links.make(opened, staff.name, user, now=at.now())
    _log.info("link.made", by=staff.name, person=user)
    return schemas.NewLink(path=made.path, expires_time=made.expires_time)


async def _of(opened: Database, person_id: int | None, at: SigningIn) -> list[SessionRow]:
    if person_id is None:
        return []
    now = at.now()
    return await store.listed(opened, person_id, now, now - at.lasting.idle)


async def _person(opened: Any, user: str) -> PersonRow:
    found = await people_store.find(opened, user)
    if found is None:
        raise people_errors.person_not_found(user)
    return found


def _shown(rows: Iterable[SessionRow], current: str | None) -> schemas.Sessions:
    items = [
        {
            "id": row.id,
            "method": row.method,
            "current": row.id == current,
            "address": row.address,
            "user_agent": row.user_agent,
            "created_time": row.created_time,
            "seen_time": row.seen_time,
            "expires_time": row.expires_time,
        }
        for row in rows
    ]
    return schemas.Sessions.model_validate({"items": items})


def _not_found(session: str) -> SessionNotFound:
    fault = core_errors.Fault("session", session, "the id of a session that has not ended")
    return SessionNotFound("It has ended, or never was.", faults=[fault])
