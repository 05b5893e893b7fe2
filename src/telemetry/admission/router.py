"""HTTP interface to quotas, anomalies and enrolments."""

from datetime import datetime, timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query, Request, Response

from core import access, acting, paging, peers
from core.access import AnyPrincipal, KeyManager
from core.database import Opened
from core.rights import Right
from core.throttling import Throttle, TooManyFailures, name_of
from core.wire import QueryInstant
from telemetry.admission import enrolling, errors, schemas, setting_quotas, store
from telemetry.admission.admitting import Admission
from telemetry.admission.quotas import Quota
from telemetry.admission.sightings import Sightings
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog.routes import answers
from telemetry.catalog.routes.keys import expiry_of
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.keys import IssuedKey

router = APIRouter(prefix="/v1", tags=["station access"])
_log = structlog.get_logger(__name__)

Number = Annotated[fields.Identifier, Path(description="Id of the enrolment.")]


def _sighted(principal: access.Principal, code: str) -> None:
    """Raise StationNotFound for a station out of sight; Forbidden where a station asks for another one."""
    if isinstance(principal, access.Station):
        access.station_code(principal, code)
    if not access.may_read(principal, code):
        raise catalog_errors.not_found(catalog_errors.StationNotFound, "station", code)


def _managed(staff: access.Staff, code: str) -> None:
    _sighted(staff, code)
    access.require(staff, Right.MANAGE_KEYS, code)


def _default(request: Request) -> Quota:
    admission: Admission = request.app.state.gate
    return admission.quotas.default


@router.get(
    "/stations/{code}/quota",
    summary="Read a station's quota",
    responses=answers.refusals(catalog_errors.StationNotFound),
)
async def read_station_quota(
    principal: AnyPrincipal, opened: Opened, code: fields.Code, request: Request, response: Response
) -> schemas.StationQuota:
    """What the station may send in a minute. What is more is answered 429 with `Retry-After`, before it is read."""
    _sighted(principal, code)
    found = await setting_quotas.shown(opened, code, _default(request))
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/stations/{code}/quota",
    summary="Edit a station's quota",
    responses=answers.refusals(catalog_errors.StationNotFound, edits=True),
)
async def edit_station_quota(
    staff: KeyManager,
    opened: Opened,
    code: fields.Code,
    changes: schemas.QuotaEdit,
    expected: answers.IfMatch,
    request: Request,
    response: Response,
) -> schemas.StationQuota:
    """Change what is sent; null takes what the settings say again. Running gateways know it within seconds."""
    _managed(staff, code)
    now = await setting_quotas.edit(opened, code, changes, expected, _default(request))
    answers.log_change(staff, "station_quota_edited", code, revision=now.revision)
    answers.tag(response, now.revision)
    return now


@router.get("/station-anomalies", summary="List anomalies", responses=answers.refusals(paging.InvalidCursor))
async def list_station_anomalies(
    principal: AnyPrincipal,
    opened: Opened,
    station: Annotated[fields.Code | None, Query(description="Code of a station.")] = None,
    kind: Annotated[schemas.KindName | None, Query(description="Anomalies of this kind.")] = None,
    since: Annotated[QueryInstant | None, Query(alias="from", description="Seen at this instant or later.")] = None,
    limit: paging.PageSize = 100,
    cursor: paging.CursorText = None,
) -> paging.Page[schemas.Anomaly]:
    """What was odd about keys and stations, the newest first: `station.anomaly` tells of each as it comes up.

    A key that is used from a new network, or from two places at once; one that was revoked or has expired; readings in
    the name of another station; more than the quota; a code that was used before. A station sees its own.
    """
    time, number = paging.after(cursor, datetime, int)
    # A station may ask for itself only, as everywhere.
    asked = access.station_code(principal, station) if isinstance(principal, access.Station) else station
    found = await store.anomalies(opened, access.visible(principal, asked), kind, since, (time, number), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.last_time, item.id))
    return paging.Page[schemas.Anomaly](items=found[:limit], next_cursor=following)


@router.get(
    "/stations/{code}/enrolments",
    summary="List a station's enrolments",
    responses=answers.refusals(catalog_errors.StationNotFound),
)
async def list_station_enrolments(
    staff: KeyManager, opened: Opened, code: fields.Code
) -> paging.Page[schemas.Enrolment]:
    """The newest first, a thousand at most; never their codes."""
    _managed(staff, code)
    return paging.Page[schemas.Enrolment](items=await enrolling.listed(opened, code))


@router.post(
    "/stations/{code}/enrolments",
    status_code=201,
    summary="Begin an enrolment",
    responses=answers.refusals(
        catalog_errors.NotSuitable, catalog_errors.StationNotFound, catalog_errors.StationRetired
    ),
)
async def begin_station_enrolment(
    staff: KeyManager,
    opened: Opened,
    code: fields.Code,
    new: schemas.NewEnrolment,
    request: Request,
    response: Response,
) -> schemas.IssuedEnrolment:
    """A one-time code with which the station's logger fetches its key itself: `POST /v1/enrolments`.

    The code is short enough to be read out over the telephone, is shown in this answer only, and opens once.
    """
    _managed(staff, code)
    issued = await enrolling.begin(
        opened,
        code,
        label=new.label,
        valid=timedelta(hours=new.valid_hours),
        key_expires=expiry_of(request, new, "key_expires_time"),
        by=staff.name,
    )
    answers.log_change(staff, "station_enrolment_begun", code, enrolment=issued.id)
    response.headers["Cache-Control"] = "no-store"
    return issued


@router.post(
    "/stations/{code}/enrolments/{number}/withdraw",
    summary="Withdraw an enrolment",
    responses=answers.refusals(catalog_errors.StationNotFound, errors.EnrolmentNotFound, errors.EnrolmentOver),
)
async def withdraw_station_enrolment(
    staff: KeyManager, opened: Opened, code: fields.Code, number: Number
) -> schemas.Enrolment:
    """Its code opens nothing any more; a second withdrawal changes nothing."""
    _managed(staff, code)
    withdrawn = await enrolling.withdraw(opened, code, number)
    answers.log_change(staff, "station_enrolment_withdrawn", code, enrolment=number)
    return withdrawn


@router.post(
    "/enrolments",
    status_code=201,
    summary="Fetch a station's key with a one-time code",
    responses=answers.refusals(errors.CodeRefused, catalog_errors.TooManyKeys, TooManyFailures),
    openapi_extra={"security": []},
)
async def redeem_enrolment(
    opened: Opened, redemption: schemas.Redemption, request: Request, response: Response
) -> IssuedKey:
    """Whoever has the code needs nothing else: the answer holds the station's new key, once.

    Every code that opens nothing is answered alike, whatever the cause, and an address that tries many has to wait.
    """
    address = peers.client_of(request.scope)
    throttle: Throttle = request.app.state.throttle
    name = name_of(redemption.code)
    throttle.before(address, name)
    sightings: Sightings = request.app.state.sightings
    try:
        with acting.acts(acting.Acting("enrolment", address)):
            issued = await enrolling.redeem(opened, redemption.code, address, sightings)
    except errors.CodeRefused as error:
        raise throttle.failed(address, name, error) from None
    _log.info("station.enrolled", station=issued.station, key=issued.id, address=address)
    response.headers["Cache-Control"] = "no-store"
    return issued
