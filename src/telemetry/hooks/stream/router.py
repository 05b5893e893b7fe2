"""The live stream over HTTP."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request

from core import access, errors
from core.database import Database, DatabaseUnavailable
from core.describing import refusals
from core.wire import YesOrNo
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.schemas.fields import Code
from telemetry.catalog.snapshot import Snapshot
from telemetry.hooks.filters import AlertKind, Severity
from telemetry.hooks.stream import filters, store
from telemetry.hooks.stream.cursors import Cursor, EventIdUnreadable
from telemetry.hooks.stream.filters import Filter
from telemetry.hooks.stream.hub import Hub, TooManyStreams
from telemetry.hooks.stream.response import MEDIA_TYPE, EventStream, Wish

router = APIRouter(prefix="/v1", tags=["events"])

_EXAMPLE = """\
retry: 2000

: beat
id: 1_1795395600000000_7801:7801:

id: 1_1795395600000000_7801:7801:_1795395603000000_7805:7805:_e_7802_42_0
event: alert.raised
data: {"type":"alert.raised","time":"2026-11-23T01:00:03Z","event":42,"historical":false,"data":{"alert":{"id":4711,\
"kind":"over-limit","severity":"warning","state":"raised","station":"TH-NT-001"},"change":{"from":null,"to":"raised",\
"actor":"quantrac","reason":"","time":"2026-11-23T01:00:03Z"}}}

id: 1_1795395600000000_7801:7801:_1795395603000000_7805:7805:_o_7801_1234_7
event: observations
data: {"station":"TH-NT-001","receipt":1234,"receivedTime":"2026-11-23T01:00:02Z","channel":"http",\
"phenomenonTime":"2026-11-23T01:00:00Z","firstTime":"2026-11-23T01:00:00Z","stored":2,"results":{\
"COD":{"result":182.4,"unit":"mg/l","quality":1,"deviceStatus":"00","reasons":["above-limit"]},\
"pH":{"result":7.2,"unit":"","quality":1,"deviceStatus":"00"}}}

"""
_DESCRIPTION = """\
Server-sent events: what the log of events tells (`alert.*`, `verdict.*`, `station.*`), and under `observations` the
newest readings of every submission that was stored. A station is sent what is about itself; the staff what is about the
stations that they may read, and what is about the network as a whole where they may read all of it.

**Resuming.** Every event has an id. Send the last one as `Last-Event-ID` and the stream goes on behind it: what was
committed since then comes once, also what a long transaction committed late. Ids hold for 7 days and at every process
of the service. An older one, or one from before the database was restored, is answered with an event `reset` (`reason`
`too-old` or `restored`): read the present state from the API, the stream goes on from now. An id that no event had is
422. Without an id the stream begins at now.

**Events of the log**: `{"type", "time", "event", "historical", "data"}`, `data` as webhooks have it; `event` is the
number of the event in the log, the same wherever it is told.

**Observations**: one event for each submission and station, its newest reading of each property from its last hour;
`firstTime`, `phenomenonTime` and `stored` say how much came in, so that a chart knows when to read again. Submissions
arrive late and out of order: show a reading only where it is newer than what you show. `reasons` is left out where
there are none, and a result's own `phenomenonTime` where it is that of the event.

**Lines that are no events**: `retry`, and after 15 seconds without an event a comment with an id, which moves the
place to which a client comes back. Take 45 seconds of silence for a dead connection. A client that does not read as
fast as events come is disconnected, as is everyone when the process stops, the key is revoked or other stations come
within reach; connect again with the last id.

`curl -N -H 'Authorization: Bearer …' 'https://…/v1/events?types=alert,observations'` shows the stream. The
`EventSource` of browsers cannot send `Authorization`: read the body of a `fetch`, or let the proxy in front add the
header.
"""


def _hub(request: Request) -> Hub:
    found: Hub = request.app.state.streams
    return found


def _snapshot(request: Request) -> Snapshot:
    found: Snapshot = request.app.state.catalog.snapshot
    return found


def _cursor(
    last_event_id: Annotated[
        str | None,
        Header(description="Id of the last event that was received; the stream goes on behind it."),
    ] = None,
) -> Cursor | None:
    return Cursor.read(last_event_id) if last_event_id else None


async def _filter(
    request: Request,
    principal: access.AnyPrincipal,
    types: Annotated[
        list[str] | None,
        Query(
            description="Types of events (`alert.raised`), groups of them (`alert`) and `observations`; again or with "
            "commas for several, all where left out.",
            examples=[["alert", "observations"]],
        ),
    ] = None,
    station: Annotated[
        list[Code] | None, Query(description="Codes of stations; again for several.", examples=[["TH-NT-001"]])
    ] = None,
    organization: Annotated[
        Code | None, Query(description="Code of an organization: its stations. For the staff.", examples=["TH-DN-01"])
    ] = None,
    kind: Annotated[
        list[AlertKind] | None, Query(description="Kinds of alerts; leaves out what is about no alert.")
    ] = None,
    severity: Annotated[
        Severity | None, Query(description="Least severity of alerts; leaves out what has none.")
    ] = None,
    history: Annotated[YesOrNo, Query(description="Whether to send what was long over when it was found.")] = True,
) -> Filter:
    database: Database = request.app.state.database
    return Filter(
        types=None if types is None else filters.types(types),
        stations=_stations(principal, station, _snapshot(request)),
        organization=None if organization is None else await _organization(database, principal, organization),
        kinds=None if kind is None else frozenset(kind),
        least_severity=severity,
        history=history,
    )


def _stations(principal: access.Principal, asked: list[str] | None, snapshot: Snapshot) -> frozenset[int] | None:
    if isinstance(principal, access.Station):
        for code in asked or ():
            access.station_code(principal, code)
        return frozenset({principal.station_id})
    within = access.reached(principal)
    if asked is None:
        return None if within is None else _ids(within, snapshot)
    if unknown := [code for code in asked if code not in snapshot.stations or not (within is None or code in within)]:
        raise catalog_errors.not_found(catalog_errors.StationNotFound, "station", unknown[0])
    return _ids(asked, snapshot)


def _ids(codes: Iterable[str], snapshot: Snapshot) -> frozenset[int]:
    return frozenset(snapshot.stations[code].id for code in codes if code in snapshot.stations)


async def _organization(database: Database, principal: access.Principal, code: str) -> tuple[int, frozenset[int]]:
    if not isinstance(principal, access.Staff):
        raise errors.Forbidden("A station reads its own data only.")
    sight.check_organization(principal, code)
    found = await store.stations_of(database, code)
    if found is None:
        raise catalog_errors.not_found(catalog_errors.OrganizationNotFound, "organization", code)
    return found


@router.get(
    "/events",
    status_code=200,
    summary="Follow what happens, live",
    description=_DESCRIPTION,
    response_class=EventStream,
    responses={
        200: {
            "description": "The stream, which ends when the client leaves.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **refusals(
            catalog_errors.StationNotFound,
            catalog_errors.OrganizationNotFound,
            TooManyStreams,
            filters.TypeUnknown,
            EventIdUnreadable,
        ),
    },
)
async def follow_events(
    request: Request,
    principal: access.AnyPrincipal,
    wanted: Annotated[Filter, Depends(_filter)],
    cursor: Annotated[Cursor | None, Depends(_cursor)],
) -> EventStream:
    hub = _hub(request)
    hub.admit(principal.name, station=isinstance(principal, access.Station))
    identify: access.Identify = request.app.state.identify
    shown = access.presented(request.scope)

    within = access.reached(principal)

    async def still_known() -> bool:
        try:
            # Stations come, go and change hands; who comes back is sent what is in reach then.
            return await identify(shown) == principal and access.reached(principal) == within
        except DatabaseUnavailable:
            # Nobody's rights change while the database is away, and nothing new is told.
            return True
        except errors.Error:
            return False

    return EventStream(hub, Wish(principal.name, wanted, cursor, still_known))
