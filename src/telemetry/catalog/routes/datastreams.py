"""Datastreams over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from core import access, paging
from core.access import AnyPrincipal, Steward
from core.database import Opened
from core.rights import Right
from telemetry.catalog import datastreams, errors, sight
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.datastreams import Datastream, DatastreamEdit, NewDatastream
from telemetry.catalog.schemas.limits import Limit
from telemetry.catalog.store import datastreams as store
from telemetry.catalog.store import limits as limit_store

router = APIRouter(prefix="/v1/datastreams", tags=["datastreams"])


@router.get("", summary="List datastreams", responses=answers.refusals(errors.StationNotFound))
async def list_datastreams(
    principal: AnyPrincipal,
    opened: Opened,
    station: Annotated[
        fields.Code | None, Query(description="Code of the station; a station sees its own only.")
    ] = None,
    symbol: Annotated[fields.Symbol | None, Query(description="Symbol of the observed property.")] = None,
    status: fields.DatastreamStatus | None = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[Datastream]:
    """Datastreams by station, with unit, conversion, range and aliases."""
    visible = await sight.stations_asked(opened, principal, station)
    position = paging.after(cursor, str, int, greatest=fields.LARGEST_ID)
    found = await store.page(opened, visible, symbol, status, (position[0], position[1]), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.station, item.id))
    return paging.Page[Datastream](items=found[:limit], next_cursor=following)


@router.post(
    "",
    status_code=201,
    summary="Add a datastream",
    responses=answers.refusals(
        errors.NotSuitable,
        errors.ConversionUnknown,
        errors.StationNotFound,
        errors.ObservedPropertyNotFound,
        errors.Taken,
        errors.SpellingTaken,
        errors.StationRetired,
    ),
)
async def create_datastream(staff: Steward, opened: Opened, new: NewDatastream, response: Response) -> Datastream:
    """Let a station observe a property. Where units or species differ, the factor is worked out or demanded.

    Needs catalog.edit on the station.
    """
    sight.check_station(staff, new.station)
    access.require(staff, Right.EDIT_CATALOG, new.station)
    made = await datastreams.create(opened, new)
    answers.log_change(staff, "datastream_added", f"{made.station} {made.symbol}", datastream=made.id)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/datastreams/{made.id}"
    return made


@router.get("/{datastream_id}", summary="Read a datastream", responses=answers.refusals(errors.DatastreamNotFound))
async def read_datastream(
    principal: AnyPrincipal, opened: Opened, datastream_id: fields.Identifier, response: Response
) -> Datastream:
    """One datastream; a station reads its own only. Its `ETag` is what an edit sends as `If-Match`."""
    found = await datastreams.get(opened, datastream_id)
    if not access.may_read(principal, found.station):
        raise errors.not_found(errors.DatastreamNotFound, "datastream", datastream_id)
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{datastream_id}",
    summary="Edit a datastream",
    responses=answers.refusals(
        errors.NotSuitable, errors.ConversionUnknown, errors.DatastreamNotFound, errors.SpellingTaken, edits=True
    ),
)
async def edit_datastream(
    staff: Steward,
    opened: Opened,
    datastream_id: fields.Identifier,
    changes: DatastreamEdit,
    expected: answers.IfMatch,
    response: Response,
) -> Datastream:
    """Change the members that are sent; `aliases` replaces the whole list, `status` retires or takes back.

    A new factor holds for readings that arrive from then on; what is kept is not converted anew. Needs catalog.edit on
    the station.
    """
    before = await datastreams.get(opened, datastream_id)
    if not access.may_read(staff, before.station):
        raise errors.not_found(errors.DatastreamNotFound, "datastream", datastream_id)
    access.require(staff, Right.EDIT_CATALOG, before.station)
    now = await datastreams.edit(opened, datastream_id, changes, expected)
    answers.log_change(staff, "datastream_edited", f"{now.station} {now.symbol}", revision=now.revision)
    answers.tag(response, now.revision)
    return now


@router.get(
    "/{datastream_id}/limits",
    summary="List all limits of a datastream",
    responses=answers.refusals(errors.DatastreamNotFound),
)
async def list_datastream_limits(
    principal: AnyPrincipal, opened: Opened, datastream_id: fields.Identifier
) -> paging.Page[Limit]:
    """Past, present and future limits by `validFrom`, whether or not another one goes before them."""
    found = await datastreams.get(opened, datastream_id)
    if not access.may_read(principal, found.station):
        raise errors.not_found(errors.DatastreamNotFound, "datastream", datastream_id)
    return paging.Page[Limit](items=await limit_store.of_datastream(opened, datastream_id))
