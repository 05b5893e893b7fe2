"""Maintenance and calibration windows over HTTP.

A station asks for windows of its own through its key, and may take back what is not decided yet. For staff asking,
editing and deciding need the right `alerts.handle` on the station.
"""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Body, Depends, Query, Response

from core import access, paging
from core.access import AlertHandler, AnyPrincipal
from core.database import Database, Opened
from core.rights import Right
from core.wire import QueryInstant
from telemetry.alerts import errors
from telemetry.alerts.handling import scheduling
from telemetry.alerts.windows import store
from telemetry.alerts.windows.moves import WindowAction, WindowKind, WindowState
from telemetry.alerts.windows.schemas import Decision, NewWindow, Refusal, Window, WindowEdit
from telemetry.alerts.windows.store import KeptWindow, WindowFilter
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.revisions import Expected
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.series.errors import SpanNotValid, empty_span

router = APIRouter(prefix="/v1/windows", tags=["windows"])

_log = structlog.get_logger(__name__)


class StationOrHandler(access.StationOrReader):
    """Dependency: a station, or staff that may handle alerts."""

    right = Right.HANDLE_ALERTS


Asker = Annotated[access.Principal, Depends(StationOrHandler())]


def _told(kept: KeptWindow, response: Response, principal: access.Principal, action: str) -> Window:
    """The window after a move, and one line in the log."""
    _log.info(f"window.{action}", by=principal.name, window=kept.id, station=kept.station, state=str(kept.state))
    answers.tag(response, kept.revision)
    return scheduling.shown(kept)


async def _seen(opened: Database, principal: access.Principal, window_id: int) -> KeptWindow:
    """The window, where the principal may see it."""
    found = await scheduling.get(opened, window_id)
    if not access.may_read(principal, found.station):
        raise catalog_errors.not_found(errors.WindowNotFound, "window", window_id, expected="the id of a window")
    return found


async def _handled(opened: Database, principal: access.Principal, window_id: int) -> KeptWindow:
    """The same, where staff may handle what is of its station."""
    found = await _seen(opened, principal, window_id)
    if isinstance(principal, access.Staff):
        access.require(principal, Right.HANDLE_ALERTS, found.station)
    return found


async def _moved(
    opened: Database,
    principal: access.Principal,
    window_id: int,
    action: WindowAction,
    reason: str,
    expected: Expected,
    response: Response,
) -> Window:
    await _handled(opened, principal, window_id)
    by_station = isinstance(principal, access.Station)
    now = await scheduling.move(opened, window_id, action, principal.name, reason, expected, by_station=by_station)
    return _told(now, response, principal, action)


@router.get(
    "",
    summary="List maintenance and calibration windows",
    responses=answers.refusals(catalog_errors.StationNotFound, SpanNotValid, paging.InvalidCursor),
)
async def list_windows(
    principal: AnyPrincipal,
    opened: Opened,
    station: Annotated[
        fields.Code | None, Query(description="Code of a station; a station sees its own only.", examples=["TH-NT-001"])
    ] = None,
    kind: Annotated[WindowKind | None, Query(description="Of this kind only.")] = None,
    state: Annotated[WindowState | None, Query(description="In this state only.")] = None,
    begin: Annotated[QueryInstant | None, Query(alias="from", description="Windows that end after this time.")] = None,
    end: Annotated[QueryInstant | None, Query(alias="to", description="Windows that begin before this time.")] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[Window]:
    """Windows by when they begin, the latest first: a station's own, or those of the stations that you may read."""
    visible = await sight.stations_asked(opened, principal, station)
    if begin is not None and end is not None and begin >= end:
        raise empty_span(begin, end)
    wanted = WindowFilter(stations=visible, kind=kind, state=state, begin=begin, end=end)
    time, number = paging.after(cursor, datetime, int, greatest=fields.LARGEST_ID)
    found = await store.page(opened, wanted, (time, number), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.begin_time, item.id))
    return paging.Page[Window](items=[scheduling.shown(kept) for kept in found[:limit]], next_cursor=following)


@router.post(
    "",
    status_code=201,
    summary="Ask for a maintenance or calibration window",
    responses=answers.refusals(
        errors.WindowNotSuitable,
        catalog_errors.StationNotFound,
        catalog_errors.DatastreamNotFound,
        catalog_errors.StationRetired,
        errors.WindowOverlaps,
    ),
)
async def create_window(principal: Asker, opened: Opened, new: NewWindow, response: Response) -> Window:
    """Ask that a station may be silent (maintenance) or calibrate in a span of time; it holds once it is accepted.

    A station asks for itself with its key. The span may lie in the past: acceptance in hindsight is marked.

    Staff need the right `alerts.handle` on the station.
    """
    code = new.station
    if isinstance(principal, access.Station):
        code = access.station_code(principal, code)
    elif code is not None:
        sight.check_station(principal, code)
        access.require(principal, Right.HANDLE_ALERTS, code)
    made = await scheduling.ask(opened, new.model_copy(update={"station": code}), principal.name)
    response.headers["Location"] = f"/v1/windows/{made.id}"
    return _told(made, response, principal, "drafted" if new.draft else "requested")


@router.get("/{window_id}", summary="Read a window", responses=answers.refusals(errors.WindowNotFound))
async def read_window(
    principal: AnyPrincipal, opened: Opened, window_id: fields.Identifier, response: Response
) -> Window:
    """One window with its timeline; a station reads its own only. Its `ETag` is what a move sends as `If-Match`."""
    found = await _seen(opened, principal, window_id)
    answers.tag(response, found.revision)
    return scheduling.shown(found)


@router.patch(
    "/{window_id}",
    summary="Edit the draft of a window",
    responses=answers.refusals(
        errors.WindowNotSuitable,
        errors.WindowNotFound,
        catalog_errors.DatastreamNotFound,
        errors.WindowMoveRefused,
        edits=True,
    ),
)
async def edit_window(
    principal: Asker,
    opened: Opened,
    window_id: fields.Identifier,
    changes: WindowEdit,
    expected: answers.IfMatch,
    response: Response,
) -> Window:
    """Change the members that are sent, while it is a draft. Staff need the right `alerts.handle` on the station."""
    await _handled(opened, principal, window_id)
    now = await scheduling.edit(opened, window_id, changes, principal.name, expected)
    return _told(now, response, principal, "edited")


_MOVES = answers.refusals(errors.WindowNotFound, errors.WindowMoveRefused, edits=True)
_OVERLAPPING = answers.refusals(errors.WindowNotFound, errors.WindowMoveRefused, errors.WindowOverlaps, edits=True)


@router.post("/{window_id}/request", summary="Ask for a drafted window", responses=_OVERLAPPING)
async def request_window(
    principal: Asker,
    opened: Opened,
    window_id: fields.Identifier,
    expected: answers.IfMatch,
    response: Response,
) -> Window:
    """Hand a draft in: it waits for a decision and can no longer be edited.

    Staff need the right `alerts.handle` on the station.
    """
    return await _moved(opened, principal, window_id, WindowAction.REQUEST, "", expected, response)


@router.post("/{window_id}/accept", summary="Accept a window", responses=_OVERLAPPING)
async def accept_window(
    staff: AlertHandler,
    opened: Opened,
    window_id: fields.Identifier,
    expected: answers.IfMatch,
    response: Response,
    asked: Annotated[Decision, Body()] = Decision(),  # noqa: B008 - frozen
) -> Window:
    """Let it hold, also in hindsight: alerts of its span are looked at again, and muted or withdrawn.

    Needs the right `alerts.handle` on the station.
    """
    return await _moved(opened, staff, window_id, WindowAction.ACCEPT, asked.reason, expected, response)


@router.post("/{window_id}/reject", summary="Reject a window", responses=_MOVES)
async def reject_window(
    staff: AlertHandler,
    opened: Opened,
    window_id: fields.Identifier,
    asked: Refusal,
    expected: answers.IfMatch,
    response: Response,
) -> Window:
    """Turn it down with a reason, which the station reads. Needs the right `alerts.handle` on the station."""
    return await _moved(opened, staff, window_id, WindowAction.REJECT, asked.reason, expected, response)


@router.post("/{window_id}/cancel", summary="Cancel a window", responses=_MOVES)
async def cancel_window(
    principal: Asker,
    opened: Opened,
    window_id: fields.Identifier,
    expected: answers.IfMatch,
    response: Response,
    asked: Annotated[Decision, Body()] = Decision(),  # noqa: B008 - frozen
) -> Window:
    """Take it back. An accepted one only the staff cancel; what it muted is looked at again.

    Staff need the right `alerts.handle` on the station.
    """
    return await _moved(opened, principal, window_id, WindowAction.CANCEL, asked.reason, expected, response)
