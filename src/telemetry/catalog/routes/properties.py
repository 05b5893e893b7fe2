"""Observed properties over HTTP."""

from urllib.parse import quote

from fastapi import APIRouter, Response

from core import access, paging
from core.access import StaffOnly, Steward
from core.database import Opened
from core.rights import Right
from telemetry.catalog import errors, properties
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.properties import NewObservedProperty, ObservedProperty, ObservedPropertyEdit
from telemetry.catalog.store import properties as store

router = APIRouter(prefix="/v1/observed-properties", tags=["observed properties"])


@router.get("", summary="List observed properties", responses=answers.refusals())
async def list_observed_properties(
    _: StaffOnly, opened: Opened, cursor: paging.CursorText = None, limit: paging.PageSize = 1000
) -> paging.Page[ObservedProperty]:
    """Observed properties by symbol, with the unit in which results are kept."""
    (symbol,) = paging.after(cursor, str)
    found = await store.page(opened, symbol, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.symbol,))
    return paging.Page[ObservedProperty](items=found[:limit], next_cursor=following)


@router.post(
    "",
    status_code=201,
    summary="Add an observed property",
    responses=answers.refusals(errors.NotSuitable, errors.Taken),
)
async def create_observed_property(
    staff: Steward, opened: Opened, new: NewObservedProperty, response: Response
) -> ObservedProperty:
    """Add an observed property. Its symbol never changes afterwards, and its unit not once it is in use.

    Needs catalog.edit, not narrowed.
    """
    access.require_everywhere(staff, Right.EDIT_CATALOG)
    made = await properties.create(opened, new)
    answers.log_change(staff, "observed_property_added", made.symbol)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/observed-properties/{quote(made.symbol, safe='')}"
    return made


@router.get(
    "/{symbol}", summary="Read an observed property", responses=answers.refusals(errors.ObservedPropertyNotFound)
)
async def read_observed_property(
    _: StaffOnly, opened: Opened, symbol: fields.Symbol, response: Response
) -> ObservedProperty:
    """One observed property; its `ETag` is what an edit sends as `If-Match`."""
    found = await properties.get(opened, symbol)
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{symbol}",
    summary="Edit an observed property",
    responses=answers.refusals(errors.NotSuitable, errors.ObservedPropertyNotFound, errors.PropertyInUse, edits=True),
)
async def edit_observed_property(
    staff: Steward,
    opened: Opened,
    symbol: fields.Symbol,
    changes: ObservedPropertyEdit,
    expected: answers.IfMatch,
    response: Response,
) -> ObservedProperty:
    """Change the members that are sent; the others stay as they are. Needs catalog.edit, not narrowed."""
    access.require_everywhere(staff, Right.EDIT_CATALOG)
    now = await properties.edit(opened, symbol, changes, expected)
    answers.log_change(staff, "observed_property_edited", symbol, revision=now.revision)
    answers.tag(response, now.revision)
    return now
