"""Organizations over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from core import access, paging
from core.access import StaffOnly, Steward
from core.database import Opened
from core.rights import Right
from telemetry.catalog import errors, organizations, searching, sight
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.organizations import NewOrganization, Organization, OrganizationEdit
from telemetry.catalog.store import organizations as store

router = APIRouter(prefix="/v1/organizations", tags=["organizations"])


@router.get("", summary="List organizations", responses=answers.refusals())
async def list_organizations(
    staff: StaffOnly,
    opened: Opened,
    kind: fields.OrganizationKind | None = None,
    q: Annotated[
        fields.Search | None, Query(description="Text in code or names, without regard to case or marks.")
    ] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[Organization]:
    """Organizations that you reach by code, with the number of their stations that you reach."""
    (code,) = paging.after(cursor, str)
    within = staff.reach.organizations()
    codes = None if within is None else sorted(within)
    search = q and searching.fold(q)
    found = await store.page(opened, kind, search, code, limit + 1, codes=codes, counted=access.visible(staff))
    following = paging.next_cursor(found, limit, lambda item: (item.code,))
    return paging.Page[Organization](items=found[:limit], next_cursor=following)


@router.post(
    "", status_code=201, summary="Add an organization", responses=answers.refusals(errors.NotSuitable, errors.Taken)
)
async def create_organization(staff: Steward, opened: Opened, new: NewOrganization, response: Response) -> Organization:
    """Add an organization. Its code never changes afterwards. Needs catalog.edit, not narrowed."""
    access.require_everywhere(staff, Right.EDIT_CATALOG)
    made = await organizations.create(opened, new)
    answers.log_change(staff, "organization_added", made.code)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/organizations/{made.code}"
    return made


@router.get("/{code}", summary="Read an organization", responses=answers.refusals(errors.OrganizationNotFound))
async def read_organization(staff: StaffOnly, opened: Opened, code: fields.Code, response: Response) -> Organization:
    """One organization; its `ETag` is what an edit sends as `If-Match`."""
    sight.check_organization(staff, code)
    found = await organizations.get(opened, code, access.visible(staff))
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{code}",
    summary="Edit an organization",
    responses=answers.refusals(errors.NotSuitable, errors.OrganizationNotFound, edits=True),
)
async def edit_organization(
    staff: Steward,
    opened: Opened,
    catalog: answers.Now,
    code: fields.Code,
    changes: OrganizationEdit,
    expected: answers.IfMatch,
    response: Response,
) -> Organization:
    """Change the members that are sent; the others stay as they are. Needs catalog.edit on all its stations."""
    sight.require_organization(staff, Right.EDIT_CATALOG, code, catalog)
    now = await organizations.edit(opened, code, changes, expected)
    answers.log_change(staff, "organization_edited", code, revision=now.revision)
    answers.tag(response, now.revision)
    return now
