"""Limits over HTTP: those of permits, and rule sets applied to stations."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from core import access, instants, paging
from core.access import AnyPrincipal, Steward
from core.database import Database, Opened
from core.rights import Right
from telemetry.catalog import errors, limits, sight
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.limits import Applied, Limit, LimitEdit, LimitInForce, NewLimit, RuleSetApplication
from telemetry.catalog.store import limits as store

router = APIRouter(prefix="/v1", tags=["limits"])


async def _reached(staff: access.Staff, opened: Database, limit_id: int) -> None:
    """Raise LimitNotFound where its station is out of sight, Forbidden where it may not be changed."""
    found = await limits.get(opened, limit_id)
    if not access.may_read(staff, found.station):
        raise errors.not_found(errors.LimitNotFound, "limit", limit_id)
    access.require(staff, Right.EDIT_CATALOG, found.station)


@router.get("/limits", summary="List the limits in force at a time", responses=answers.refusals(errors.StationNotFound))
async def list_limits(
    principal: AnyPrincipal,
    opened: Opened,
    station: Annotated[
        fields.Code | None, Query(description="Code of the station; a station sees its own only.")
    ] = None,
    symbol: Annotated[fields.Symbol | None, Query(description="Symbol of the observed property.")] = None,
    at: Annotated[
        fields.QueryMoment | None, Query(description="The moment, RFC 3339 with an offset; now where left out.")
    ] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[LimitInForce]:
    """Every limit that holds at the moment, with its legal source, how sure its number is, and whether it was verified.

    The first one of a datastream is `decisive`: single readings of that moment are compared with it.
    """
    visible = await sight.stations_asked(opened, principal, station)
    position = paging.after(cursor, str, int, int, greatest=fields.LARGEST_ID)
    found = await store.in_force(
        opened, visible, symbol, at or instants.now(), (position[0], position[1], position[2]), limit + 1
    )
    following = paging.next_cursor(found, limit, lambda item: (item[0].station, item[0].datastream, item[1]))
    return paging.Page[LimitInForce](items=[item for item, _ in found[:limit]], next_cursor=following)


@router.post(
    "/limits",
    status_code=201,
    summary="Enter a permit's limit",
    responses=answers.refusals(
        errors.NotSuitable, errors.StationNotFound, errors.DatastreamNotFound, errors.StationRetired, errors.LimitExists
    ),
)
async def create_limit(staff: Steward, opened: Opened, new: NewLimit, response: Response) -> Limit:
    """Enter a limit of the station's own permit, in the kept unit; it goes before every rule set while it holds.

    Needs catalog.edit on the station.
    """
    sight.check_station(staff, new.station)
    access.require(staff, Right.EDIT_CATALOG, new.station)
    made = await limits.enter(opened, new)
    answers.log_change(staff, "limit_entered", f"{made.station} {made.symbol}", limit=made.id)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/limits/{made.id}"
    return made


@router.get("/limits/{limit_id}", summary="Read a limit", responses=answers.refusals(errors.LimitNotFound))
async def read_limit(principal: AnyPrincipal, opened: Opened, limit_id: fields.Identifier, response: Response) -> Limit:
    """One limit with every input that it was computed from; a station reads its own only."""
    found = await limits.get(opened, limit_id)
    if not access.may_read(principal, found.station):
        raise errors.not_found(errors.LimitNotFound, "limit", limit_id)
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/limits/{limit_id}",
    summary="Edit a limit",
    responses=answers.refusals(errors.NotSuitable, errors.LimitNotFound, errors.LimitComputed, edits=True),
)
async def edit_limit(
    staff: Steward,
    opened: Opened,
    limit_id: fields.Identifier,
    changes: LimitEdit,
    expected: answers.IfMatch,
    response: Response,
) -> Limit:
    """End a limit with `validTo`, mark it verified, or correct a permit's number.

    Readings that were judged before keep their judgement; averages of the span are judged again. Needs catalog.edit on
    the station.
    """
    await _reached(staff, opened, limit_id)
    now = await limits.edit(opened, limit_id, changes, expected)
    answers.log_change(staff, "limit_edited", f"{now.station} {now.symbol}", limit=limit_id, revision=now.revision)
    answers.tag(response, now.revision)
    return now


@router.delete(
    "/limits/{limit_id}",
    status_code=204,
    summary="Withdraw a limit",
    responses=answers.refusals(errors.LimitNotFound, edits=True),
)
async def withdraw_limit(
    staff: Steward, opened: Opened, limit_id: fields.Identifier, expected: answers.IfMatch
) -> None:
    """Take out a limit that was entered by mistake. One that no longer holds is ended with `validTo` instead.

    Needs catalog.edit on the station.
    """
    await _reached(staff, opened, limit_id)
    await limits.withdraw(opened, limit_id, expected)
    answers.log_change(staff, "limit_withdrawn", str(limit_id))


@router.post(
    "/stations/{code}/limits",
    status_code=201,
    summary="Apply a rule set to a station",
    responses=answers.refusals(
        errors.NotSuitable, errors.StationNotFound, errors.RuleSetNotFound, errors.StationRetired, errors.LimitExists
    ),
)
async def apply_rule_set(staff: Steward, opened: Opened, code: fields.Code, wanted: RuleSetApplication) -> Applied:
    """Give every active datastream of the station the rule set's base limit times the coefficients.

    Base values, coefficients, legal source and confidence are kept with each limit. A later `validFrom` goes before an
    earlier one while both hold; when the later one ends, the earlier one is in force again. Needs catalog.edit on the
    station.
    """
    sight.check_station(staff, code)
    access.require(staff, Right.EDIT_CATALOG, code)
    made = await limits.apply(opened, code, wanted)
    answers.log_change(staff, "rule_set_applied", code, rule_set=wanted.rule_set, limits=len(made.limits))
    return made
