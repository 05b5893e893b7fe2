"""Stations over HTTP, as JSON and as GeoJSON."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Response

from core import access, describing, paging
from core.access import AnyPrincipal, StaffOnly, Steward
from core.database import Opened
from core.rights import Right
from core.wire import Body
from telemetry.catalog import errors, searching, sight, stations
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.stations import NewStation, Station, StationEdit, StationFeature, StationFeatures
from telemetry.catalog.store import stations as store
from telemetry.catalog.store.stations import StationFilter

router = APIRouter(prefix="/v1/stations", tags=["stations"])

GEOJSON = "application/geo+json"


def _geojson_wanted(
    response: Response,
    form: Annotated[
        Literal["json", "geojson"] | None,
        Query(
            alias="format",
            description="Form of the answer; it goes before the `Accept` header (`application/geo+json`).",
        ),
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> bool:
    response.headers["Vary"] = "Accept"
    return form == "geojson" if form else GEOJSON in accept.lower()


GeoJsonWanted = Annotated[bool, Depends(_geojson_wanted)]


def _geojson(body: Body, **headers: str) -> Response:
    return Response(body.model_dump_json(by_alias=True), media_type=GEOJSON, headers={"Vary": "Accept", **headers})


_STATION = {"$ref": "#/components/schemas/Station"}
_POINT = {
    "type": ["object", "null"],
    "properties": {
        "type": {"const": "Point"},
        "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    },
}
_FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "string"},
        "geometry": _POINT,
        "properties": _STATION,
    },
}
_FEATURES = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": _FEATURE},
        "nextCursor": {"type": ["string", "null"]},
    },
}


def _also_geojson(schema: dict[str, Any]) -> describing.Responses:
    """The second form of a 200 answer, for the description of a route."""
    return {200: {"content": {GEOJSON: {"schema": schema}}}}


@router.get(
    "",
    summary="List stations",
    response_model=paging.Page[Station],
    responses=answers.refusals() | _also_geojson(_FEATURES),
)
async def list_stations(
    staff: StaffOnly,
    opened: Opened,
    geojson: GeoJsonWanted,
    kind: fields.StationKind | None = None,
    organization: Annotated[fields.Code | None, Query(description="Code of the organization.")] = None,
    status: fields.StationStatus | None = None,
    district: Annotated[fields.District | None, Query(description="District, as written at the station.")] = None,
    q: Annotated[
        fields.Search | None,
        Query(
            description="Text in code, file code, names or the organization's names, without regard to case or marks."
        ),
    ] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> paging.Page[Station] | Response:
    """Stations that you reach by code, narrowed by kind, organization, status, district and text; GeoJSON for maps."""
    (code,) = paging.after(cursor, str)
    wanted = StationFilter(kind, organization, status, q and searching.fold(q), district, access.visible(staff))
    found = await store.page(opened, wanted, code, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.code,))
    if geojson:
        features = [StationFeature.of(station) for station in found[:limit]]
        return _geojson(StationFeatures(features=features, next_cursor=following))
    return paging.Page[Station](items=found[:limit], next_cursor=following)


@router.post(
    "",
    status_code=201,
    summary="Add a station",
    responses=answers.refusals(errors.NotSuitable, errors.OrganizationNotFound, errors.Taken),
)
async def create_station(staff: Steward, opened: Opened, new: NewStation, response: Response) -> Station:
    """Add a station; running gateways know it within seconds. Its code never changes afterwards.

    Needs catalog.edit for stations of its kind, organization and district.
    """
    sight.check_organization(staff, new.organization)
    made = await stations.create(opened, new, partial(sight.require_place, staff, Right.EDIT_CATALOG))
    answers.log_change(staff, "station_added", made.code)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/stations/{made.code}"
    return made


@router.get(
    "/{code}",
    summary="Read a station",
    response_model=Station,
    responses=answers.refusals(errors.StationNotFound) | _also_geojson(_FEATURE),
)
async def read_station(
    principal: AnyPrincipal, opened: Opened, code: fields.Code, geojson: GeoJsonWanted, response: Response
) -> Station | Response:
    """One station; a station reads itself only. Its `ETag` is what an edit sends as `If-Match`."""
    if isinstance(principal, access.Station):
        access.station_code(principal, code)
    sight.check_station(principal, code)
    found = await stations.get(opened, code)
    if geojson:
        return _geojson(StationFeature.of(found), ETag=f'"{found.revision}"')
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{code}",
    summary="Edit a station",
    responses=answers.refusals(
        errors.NotSuitable, errors.StationNotFound, errors.OrganizationNotFound, errors.Taken, edits=True
    ),
)
async def edit_station(
    staff: Steward,
    opened: Opened,
    code: fields.Code,
    changes: StationEdit,
    expected: answers.IfMatch,
    response: Response,
) -> Station:
    """Change the members that are sent; the others stay as they are. Running gateways know it within seconds.

    Needs catalog.edit on the station, as it is and as it will be: nobody moves it out of their own reach.
    """
    sight.check_station(staff, code)
    if "organization" in changes.model_fields_set:
        sight.check_organization(staff, changes.organization)
    now = await stations.edit(opened, code, changes, expected, partial(sight.require_place, staff, Right.EDIT_CATALOG))
    answers.log_change(staff, "station_edited", code, revision=now.revision)
    answers.tag(response, now.revision)
    return now


@router.post(
    "/{code}/retire", summary="Retire a station", responses=answers.refusals(errors.StationNotFound, edits=True)
)
async def retire_station(
    staff: Steward, opened: Opened, code: fields.Code, expected: answers.IfMatch, response: Response
) -> Station:
    """Set the status to `retired`: history stays, late readings are taken, nothing more is expected.

    Keys are not revoked, so that a logger can empty its memory; revoke them when it has. An edit of the status takes
    the station back into use. Needs catalog.edit on the station.
    """
    sight.check_station(staff, code)
    now = await stations.retire(opened, code, expected, partial(sight.require_place, staff, Right.EDIT_CATALOG))
    answers.log_change(staff, "station_retired", code, revision=now.revision)
    answers.tag(response, now.revision)
    return now
