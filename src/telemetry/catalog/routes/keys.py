"""Station keys over HTTP."""

from fastapi import APIRouter, Response

from core import paging
from core.access import StaffOnly
from core.database import Opened
from telemetry.catalog import errors, keys
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.keys import IssuedKey, NewKey, StationKey

router = APIRouter(prefix="/v1/stations/{code}/keys", tags=["station keys"])


@router.get("", summary="List a station's keys", responses=answers.refusals(errors.StationNotFound))
async def list_station_keys(_: StaffOnly, opened: Opened, code: fields.Code) -> paging.Page[StationKey]:
    """The station's keys, newest first, with their state; never their secrets."""
    return paging.Page[StationKey](items=await keys.listed(opened, code))


@router.post(
    "",
    status_code=201,
    summary="Issue a station key",
    responses=answers.refusals(errors.NotSuitable, errors.StationNotFound, errors.StationRetired, errors.TooManyKeys),
)
async def issue_station_key(
    staff: StaffOnly, opened: Opened, code: fields.Code, new: NewKey, response: Response
) -> IssuedKey:
    """Issue a key. It is in this answer and nowhere else: it cannot be shown again.

    A station has at most two live keys: issue the second, bring it to the device, revoke the first.
    """
    issued = await keys.issue(opened, code, new.label, new.expires_time)
    answers.trail(staff, "station_key_issued", code, key=issued.id)
    response.headers["Cache-Control"] = "no-store"
    return issued


@router.post(
    "/{key_id}/revoke",
    summary="Revoke a station key",
    responses=answers.refusals(errors.KeyNotFound),
)
async def revoke_station_key(staff: StaffOnly, opened: Opened, code: fields.Code, key_id: fields.KeyId) -> StationKey:
    """The key opens nothing any more, within seconds at every gateway; a second revocation changes nothing."""
    revoked = await keys.revoke(opened, code, key_id)
    answers.trail(staff, "station_key_revoked", code, key=key_id)
    return revoked
