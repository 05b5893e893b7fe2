"""Alerts over HTTP: what is wrong, what people did about it, and what they do now.

A station's key reads the alerts of its own station, the staff those of the stations that it may read. Moves need the
right `alerts.handle` on the alert's station.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

import structlog
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from core import access, paging
from core.access import AlertHandler, AnyPrincipal, StaffOnly
from core.database import Database, Opened
from core.rights import Right
from core.wire import QueryInstant, YesOrNo
from telemetry.alerts import errors
from telemetry.alerts.handling import counting, data_windows, listing, moving
from telemetry.alerts.kinds import Kind, Severity
from telemetry.alerts.lifecycle import schemas, store
from telemetry.alerts.lifecycle.documents import AlertDocument, document
from telemetry.alerts.lifecycle.store import Filter, Known
from telemetry.alerts.lifecycle.workflow import State, possible
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.snapshot import Snapshot
from telemetry.series import export
from telemetry.series.errors import SpanNotValid, empty_span
from telemetry.series.router import ListForm

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

_log = structlog.get_logger(__name__)
_MOST_MOVES = 1_000
_CSV = {"text/csv": {"schema": {"type": "string"}}}
_ALL = 50

StationQuery = Annotated[
    fields.Code | None, Query(description="Code of a station; a station sees its own only.", examples=["TH-NT-001"])
]
OrganizationQuery = Annotated[fields.Code | None, Query(description="Code of the organization that owns the station.")]


def catalog_of(request: Request) -> Snapshot:
    """Dependency: the catalogue as it is now."""
    found: Snapshot = request.app.state.catalog.snapshot
    return found


async def _filter(
    principal: AnyPrincipal,
    opened: Opened,
    state: Annotated[list[State] | None, Query(max_length=_ALL, description="In one of these states.")] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=_ALL, description="Of one of these kinds.")] = None,
    severity: Annotated[list[Severity] | None, Query(max_length=_ALL, description="One of these severities.")] = None,
    station: StationQuery = None,
    organization: OrganizationQuery = None,
    symbol: Annotated[fields.Symbol | None, Query(description="Symbol of the observed property.")] = None,
    begin: Annotated[
        QueryInstant | None, Query(alias="from", description="Alerts that lasted at this time or longer.")
    ] = None,
    end: Annotated[QueryInstant | None, Query(alias="to", description="Alerts that began before this time.")] = None,
    historical: Annotated[
        YesOrNo | None, Query(description="Whether it was long over, or long begun, when it was found.")
    ] = None,
    muted: Annotated[YesOrNo | None, Query(description="Whether it lies in an accepted window.")] = None,
    assignee: Annotated[schemas.Person | None, Query(description="Who takes care of it.")] = None,
) -> Filter:
    visible = await sight.stations_asked(opened, principal, station)
    if begin is not None and end is not None and begin >= end:
        raise empty_span(begin, end)
    return Filter(
        states=_texts(state),
        kinds=_texts(kind),
        severities=_texts(severity),
        stations=visible,
        organization=organization,
        symbol=symbol,
        begin=begin,
        end=end,
        historical=historical,
        muted=muted,
        assignee=assignee,
    )


def _texts(chosen: Sequence[str] | None) -> list[str] | None:
    return [str(item) for item in chosen] if chosen else None


@router.get(
    "",
    summary="List alerts",
    response_model=paging.Page[AlertDocument],
    responses={
        200: {"content": _CSV, "description": "JSON in pages; CSV is all that match, streamed."},
        **answers.refusals(catalog_errors.StationNotFound, SpanNotValid, paging.InvalidCursor),
    },
)
async def list_alerts(
    wanted: Annotated[Filter, Depends(_filter)],
    opened: Opened,
    form: Annotated[ListForm | None, Query(alias="format", description="Goes before `Accept`.")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[AlertDocument] | Response:
    """Alerts by when they began, newest first: a station's own, or those of the stations that you may read.

    What is about the network as a whole is for whoever may read all of it. Parameters that may be repeated (`state`,
    `kind`, `severity`) match any of theirs.
    """
    time, number = paging.after(cursor, datetime, int)
    if form is ListForm.CSV or (form is None and "text/csv" in accept.lower()):
        headers = {
            "Content-Disposition": 'attachment; filename="alerts.csv"',
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        }
        lines = listing.lines(opened, wanted, (time, number))
        return StreamingResponse(await _begun(lines), media_type=export.MEDIA_TYPE, headers=headers)
    found = await store.page(opened, wanted, (time, number), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.alert.raised_time, item.alert.id))
    return paging.Page(items=[document(known.alert, known.subject) for known in found[:limit]], next_cursor=following)


async def _begun(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The file, begun before the answer is: a database that is away is told as an error, not as a broken file."""
    first = await anext(lines)

    async def parts() -> AsyncIterator[str]:
        yield first
        async for part in lines:
            yield part

    return parts()


@router.get("/counts", summary="Count open alerts and stations by state", responses=answers.refusals())
async def count_alerts(staff: StaffOnly, opened: Opened, organization: OrganizationQuery = None) -> schemas.Counts:
    """What a display on the wall shows: open alerts by severity, kind and state, and every station in one state.

    The state of a station is the first of these that is true: `lost`, `over-limit`, `faulty`, `calibrating`,
    `tendency`, `good`. Needs the right `network.read`; counted is what it reaches.
    """
    return await counting.count(opened, organization, access.visible(staff))


async def _seen(opened: Database, principal: access.Principal, alert_id: int) -> Known:
    """The alert, where the principal may see it."""
    known = await moving.get(opened, alert_id)
    if not access.may_read(principal, known.subject.station):
        raise catalog_errors.not_found(errors.AlertNotFound, "alert", alert_id, expected="the id of an alert")
    return known


@router.get("/{alert_id}", summary="Read an alert", responses=answers.refusals(errors.AlertNotFound))
async def read_alert(
    principal: AnyPrincipal,
    opened: Opened,
    catalog: Annotated[Snapshot, Depends(catalog_of)],
    alert_id: schemas.AlertId,
    response: Response,
) -> schemas.AlertDetail:
    """One alert with its timeline, the observations around it and the limits in force meanwhile.

    Its `ETag` is what a move sends as `If-Match`. While the condition goes on, `lastTime` and `detail` advance without
    a new revision.
    """
    known = await _seen(opened, principal, alert_id)
    answers.tag(response, known.alert.revision)
    moves = await store.moves(opened, alert_id, 0, _MOST_MOVES)
    return schemas.AlertDetail(
        **dict(document(known.alert, known.subject)),
        possible=[action.value for action in possible(known.alert.state)],
        moves=[listing.move(kept) for kept in moves],
        window=await data_windows.read(opened, catalog, known.alert),
    )


class Handled(NamedTuple):
    """An alert that somebody may move."""

    database: Database
    alert_id: int
    actor: str


async def _handled(staff: AlertHandler, opened: Opened, alert_id: schemas.AlertId) -> Handled:
    """Dependency: an alert out of sight is not there; one that may be read only is refused."""
    known = await _seen(opened, staff, alert_id)
    access.require(staff, Right.HANDLE_ALERTS, known.subject.station)
    return Handled(opened, alert_id, staff.name)


def _answer(known: Known, response: Response, actor: str, action: str) -> AlertDocument:
    """The alert after a move, and one line in the log."""
    _log.info("alert.moved", by=actor, alert=known.alert.id, action=action, state=known.alert.state.value)
    answers.tag(response, known.alert.revision)
    return document(known.alert, known.subject)


_MOVES = answers.refusals(errors.AlertNotFound, errors.AlertMoveRefused, edits=True)


@router.post("/{alert_id}/acknowledge", summary="Acknowledge an alert", responses=_MOVES)
async def acknowledge_alert(
    handled: Annotated[Handled, Depends(_handled)],
    expected: answers.IfMatch,
    response: Response,
    asked: Annotated[schemas.Acknowledgement, Body()] = schemas.Acknowledgement(),  # noqa: B008 - frozen
) -> AlertDocument:
    """Say that somebody has seen it and cares: it no longer escalates. Of two who do so at once, one is first.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.acknowledge(*handled, asked.comment or "", expected)
    return _answer(known, response, handled.actor, "acknowledge")


@router.post(
    "/{alert_id}/comments",
    summary="Comment on an alert",
    responses=answers.refusals(errors.AlertNotFound, errors.AlertMoveRefused),
)
async def comment_alert(
    handled: Annotated[Handled, Depends(_handled)], asked: schemas.Comment, response: Response
) -> AlertDocument:
    """Write a line into its timeline, in any state. It needs no `If-Match`: a comment stands beside what others do.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.comment(*handled, asked.text)
    return _answer(known, response, handled.actor, "comment")


@router.post("/{alert_id}/assignee", summary="Assign an alert", responses=_MOVES)
async def assign_alert(
    handled: Annotated[Handled, Depends(_handled)],
    asked: schemas.Assignment,
    expected: answers.IfMatch,
    response: Response,
) -> AlertDocument:
    """Say who takes care of it, or that nobody does any more. Cleared alerts are not assigned.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.assign(*handled, asked.assignee, expected)
    return _answer(known, response, handled.actor, "assign")


@router.post(
    "/{alert_id}/shelve",
    summary="Shelve an alert",
    responses=answers.refusals(errors.ShelvingNotSuitable, errors.AlertNotFound, errors.AlertMoveRefused, edits=True),
)
async def shelve_alert(
    handled: Annotated[Handled, Depends(_handled)],
    asked: schemas.Shelving,
    expected: answers.IfMatch,
    response: Response,
) -> AlertDocument:
    """Take it off the screen until a time, with a reason. It comes back by itself to the state that it had.

    While it is shelved it does not escalate; data that end the condition clear it. Shelving it again moves the time.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.shelve(*handled, asked.reason, asked.until, expected)
    return _answer(known, response, handled.actor, "shelve")


@router.post("/{alert_id}/unshelve", summary="Take an alert back from the shelf", responses=_MOVES)
async def unshelve_alert(
    handled: Annotated[Handled, Depends(_handled)],
    expected: answers.IfMatch,
    response: Response,
    asked: Annotated[schemas.Unshelving, Body()] = schemas.Unshelving(),  # noqa: B008 - frozen
) -> AlertDocument:
    """Bring it back to the state that it was shelved from, before its time.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.unshelve(*handled, asked.reason, expected)
    return _answer(known, response, handled.actor, "unshelve")


@router.post("/{alert_id}/clear", summary="Clear an alert by hand", responses=_MOVES)
async def clear_alert(
    handled: Annotated[Handled, Depends(_handled)],
    asked: schemas.Justified,
    expected: answers.IfMatch,
    response: Response,
) -> AlertDocument:
    """Close it with a reason although the data do not. It is not raised again while the same condition goes on.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.clear(*handled, asked.reason, expected)
    return _answer(known, response, handled.actor, "clear")


@router.post(
    "/{alert_id}/reraise",
    summary="Open an alert again that was cleared by hand",
    responses=answers.refusals(errors.AlertNotFound, errors.AlertGoesOn, errors.AlertMoveRefused, edits=True),
)
async def reraise_alert(
    handled: Annotated[Handled, Depends(_handled)],
    asked: schemas.Justified,
    expected: answers.IfMatch,
    response: Response,
) -> AlertDocument:
    """Open it again with a reason. The evaluation looks at its span anew, and clears it where the condition is over.

    Needs the right `alerts.handle` on the station.
    """
    known = await moving.reraise(*handled, asked.reason, expected)
    return _answer(known, response, handled.actor, "reraise")
