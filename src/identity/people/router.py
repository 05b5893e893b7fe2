"""People, what they were given, and the roles that there are, over HTTP."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Response

from core import access, describing, paging, revisions
from core.access import Anyone, Knower, PeopleManager, Staff
from core.database import Opened
from core.rights import RIGHTS, Right, Role
from core.wire import YesOrNo
from identity.people import errors, managing, schemas

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1", tags=["people"])


def _manager(staff: PeopleManager) -> Staff:
    """Who manages people manages all of them: a narrowed right reaches nobody."""
    access.require_everywhere(staff, Right.MANAGE_PEOPLE)
    return staff


Manager = Annotated[Staff, Depends(_manager)]


@router.get("/roles", summary="List roles", responses=describing.refusals())
async def list_roles(_: Anyone) -> schemas.Roles:
    """The roles that can be given, with the rights that each of them carries. For anybody of the staff."""
    return schemas.Roles(
        items=[
            schemas.RoleDescription(role=role, rights=[right for right in Right if right in RIGHTS[role]])
            for role in Role
        ]
    )


@router.get("/people", summary="List people", responses=describing.refusals())
async def list_people(
    _: Manager,
    opened: Opened,
    disabled: Annotated[YesOrNo | None, Query(description="Only who is disabled, or only who is not.")] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[schemas.Person]:
    """People by user name, with all that they were given. Needs people.manage, not narrowed."""
    (after,) = paging.after(cursor, str)
    found = await managing.listed(opened, disabled, after, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.user_name,))
    return paging.Page[schemas.Person](items=found[:limit], next_cursor=following)


@router.post(
    "/people",
    status_code=201,
    summary="Add a person",
    responses=describing.refusals(errors.GrantNotSuitable, errors.UserNameTaken),
)
async def add_person(staff: Manager, opened: Opened, new: schemas.NewPerson, response: Response) -> schemas.Person:
    """Add somebody; the user name never changes, and nobody else ever gets it. Needs people.manage, not narrowed.

    They cannot sign in before they set a password by a link of their own, or came in by the identity provider.
    """
    made = await managing.add(opened, staff, new)
    _log_change(staff, "added", made.user_name, grants=len(made.grants))
    revisions.tag(response, made.revision)
    response.headers["Location"] = f"/v1/people/{made.user_name}"
    return made


@router.get("/people/{user}", summary="Read a person", responses=describing.refusals(errors.PersonNotFound))
async def read_person(_: Manager, opened: Opened, user: schemas.UserName, response: Response) -> schemas.Person:
    """One person; the `ETag` is what an edit sends as `If-Match`. Needs people.manage, not narrowed."""
    found = await managing.get(opened, user)
    revisions.tag(response, found.revision)
    return found


@router.patch(
    "/people/{user}",
    summary="Edit a person",
    responses=describing.refusals(errors.PersonNotFound, *revisions.EDITS),
)
async def edit_person(
    staff: Manager,
    opened: Opened,
    user: schemas.UserName,
    changes: schemas.PersonEdit,
    expected: revisions.IfMatch,
    response: Response,
) -> schemas.Person:
    """Change the members that are sent; the others stay as they are. Needs people.manage, not narrowed."""
    now = await managing.edit(opened, user, changes, expected)
    _log_change(staff, "edited", user)
    revisions.tag(response, now.revision)
    return now


@router.post(
    "/people/{user}/disable",
    summary="Disable a person",
    responses=describing.refusals(errors.PersonNotFound, errors.LastAdministrator, *revisions.EDITS),
)
async def disable_person(
    staff: Manager,
    opened: Opened,
    known: Knower,
    user: schemas.UserName,
    expected: revisions.IfMatch,
    response: Response,
) -> schemas.Person:
    """Sessions and tokens of the person open nothing any more, within seconds. Needs people.manage, not narrowed.

    Nothing is deleted: what somebody did stays theirs. The last person who can manage people cannot be disabled.
    """
    now = await managing.disable(opened, user, expected)
    known.forget()
    _log_change(staff, "disabled", user)
    revisions.tag(response, now.revision)
    return now


@router.post(
    "/people/{user}/enable",
    summary="Enable a person",
    responses=describing.refusals(errors.PersonNotFound, *revisions.EDITS),
)
async def enable_person(
    staff: Manager,
    opened: Opened,
    known: Knower,
    user: schemas.UserName,
    expected: revisions.IfMatch,
    response: Response,
) -> schemas.Person:
    """Take a disabled person back, with what they were given; tokens that have not expired work again.

    Needs people.manage, not narrowed.
    """
    now = await managing.enable(opened, user, expected)
    known.forget()
    _log_change(staff, "enabled", user)
    revisions.tag(response, now.revision)
    return now


@router.get(
    "/people/{user}/grants",
    summary="List what a person was given",
    responses=describing.refusals(errors.PersonNotFound),
)
async def list_grants(_: Manager, opened: Opened, user: schemas.UserName) -> paging.Page[schemas.KeptGrant]:
    """Roles, where they hold, and who gave them, in the order of giving. Needs people.manage, not narrowed."""
    found = await managing.get(opened, user)
    return paging.Page[schemas.KeptGrant](items=found.grants)


@router.post(
    "/people/{user}/grants",
    status_code=201,
    summary="Give a person a role",
    responses=describing.refusals(errors.OwnGrant, errors.GrantNotSuitable, errors.PersonNotFound, errors.GrantExists),
)
async def add_grant(
    staff: Manager, opened: Opened, known: Knower, user: schemas.UserName, new: schemas.NewGrant, response: Response
) -> schemas.KeptGrant:
    """Give a role, narrowed or not; it holds within seconds. Needs people.manage, not narrowed.

    Several grants add up. Nobody gives anything to themselves.
    """
    made = await managing.give(opened, staff, user, new.grant())
    known.forget()
    _log_change(staff, "given", user, role=made.role, grant=made.id)
    response.headers["Location"] = f"/v1/people/{user}/grants/{made.id}"
    return made


@router.delete(
    "/people/{user}/grants/{grant}",
    status_code=204,
    summary="Take a role away",
    responses=describing.refusals(
        errors.PersonNotFound, errors.GrantNotFound, errors.GrantOfProvider, errors.LastAdministrator
    ),
)
async def withdraw_grant(
    staff: Manager, opened: Opened, known: Knower, user: schemas.UserName, grant: schemas.Identifier
) -> None:
    """What was given holds no more, within seconds. Needs people.manage, not narrowed.

    The last person who can manage people keeps that. What the identity provider gives is taken away there.
    """
    await managing.withdraw(opened, user, grant)
    known.forget()
    _log_change(staff, "withdrawn", user, grant=grant)


def _log_change(staff: Staff, action: str, user: str, **more: object) -> None:
    """One line in the log for every change: who did what to whom."""
    _log.info(f"people.{action}", by=staff.name, user=user, **more)
