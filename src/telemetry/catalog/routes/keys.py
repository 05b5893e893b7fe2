"""Station keys over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from core import access, instants, paging
from core.access import KeyManager
from core.database import Opened
from core.rights import Right
from core.wire import WholeNumber
from telemetry.catalog import errors, keys
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.keys import IssuedKey, KeyEdit, NewKey, StationKey
from telemetry.catalog.store import keys as store
from telemetry.catalog.store.keys import KeyFilter

router = APIRouter(prefix="/v1", tags=["station keys"])

_KEYS = "/stations/{code}/keys"
_MOST_DAYS = 3650
# Where keys that never expire stand in the order of expiry.
_NEVER = datetime(2200, 1, 1, tzinfo=UTC)
Days = Annotated[WholeNumber, Query(ge=0, le=_MOST_DAYS)]


def reached(staff: access.Staff, code: str) -> None:
    """Raise StationNotFound for a station out of sight, Forbidden where its keys are somebody else's business."""
    if not access.may_read(staff, code):
        raise errors.not_found(errors.StationNotFound, "station", code)
    access.require(staff, Right.MANAGE_KEYS, code)


def expiry_of(request: Request, given: Any, member: str) -> datetime | None:
    """When a new key expires: as the body says, or as the settings say where it says nothing."""
    if member in given.model_fields_set:
        expires: datetime | None = getattr(given, member)
        return expires
    lifetime: timedelta | None = getattr(request.app.state, "key_lifetime", None)
    return None if lifetime is None else instants.now() + lifetime


@router.get("/station-keys", summary="List keys of all stations", responses=answers.refusals(paging.InvalidCursor))
async def list_all_station_keys(
    staff: KeyManager,
    opened: Opened,
    station: Annotated[fields.Code | None, Query(description="Code of one station.")] = None,
    state: Annotated[Literal["live", "expired", "revoked"] | None, Query(description="Keys in this state.")] = None,
    expires_within: Annotated[
        Days | None, Query(alias="expiresWithinDays", description="Live keys that expire within so many days.")
    ] = None,
    unused_for: Annotated[
        Days | None, Query(alias="unusedForDays", description="Keys that nobody used for so many days, or ever.")
    ] = None,
    limit: paging.PageSize = 1000,
    cursor: paging.CursorText = None,
) -> paging.Page[StationKey]:
    """Keys, the one that expires first first, those that never do last; never their secrets."""
    after = paging.after(cursor, datetime, str)
    wanted = KeyFilter(
        stations=access.visible(staff, station, Right.MANAGE_KEYS),
        state=state,
        expires_within=None if expires_within is None else timedelta(days=expires_within),
        unused_for=None if unused_for is None else timedelta(days=unused_for),
    )
    found = await store.page(opened, wanted, after, limit + 1)
    following = paging.next_cursor(found, limit, lambda key: (key.expires_time or _NEVER, key.id))
    return paging.Page[StationKey](items=found[:limit], next_cursor=following)


@router.get(_KEYS, summary="List a station's keys", responses=answers.refusals(errors.StationNotFound))
async def list_station_keys(staff: KeyManager, opened: Opened, code: fields.Code) -> paging.Page[StationKey]:
    """The station's keys, newest first, with their state and their last use; never their secrets."""
    reached(staff, code)
    return paging.Page[StationKey](items=await keys.listed(opened, code))


@router.post(
    _KEYS,
    status_code=201,
    summary="Issue a station key",
    responses=answers.refusals(errors.NotSuitable, errors.StationNotFound, errors.StationRetired, errors.TooManyKeys),
)
async def issue_station_key(
    staff: KeyManager, opened: Opened, code: fields.Code, new: NewKey, request: Request, response: Response
) -> IssuedKey:
    """Issue a key. It is in this answer and nowhere else: it cannot be shown again.

    A station has at most two live keys: issue the second, bring it to the device, revoke the first. With an enrolment
    the device fetches its key itself.
    """
    reached(staff, code)
    issued = await keys.issue(opened, code, new.label, expiry_of(request, new, "expires_time"))
    answers.log_change(staff, "station_key_issued", code, key=issued.id)
    response.headers["Cache-Control"] = "no-store"
    return issued


@router.patch(
    _KEYS + "/{key_id}",
    summary="Edit a station key",
    responses=answers.refusals(
        errors.NotSuitable, errors.StationNotFound, errors.KeyNotFound, errors.TooManyKeys, errors.KeyRevoked
    ),
)
async def edit_station_key(
    staff: KeyManager, opened: Opened, code: fields.Code, key_id: fields.KeyId, changes: KeyEdit
) -> StationKey:
    """Change its label or when it expires. A key that has expired opens again; one that was revoked never does."""
    reached(staff, code)
    now = await keys.edit(opened, code, key_id, changes)
    answers.log_change(staff, "station_key_edited", code, key=key_id)
    return now


@router.post(
    _KEYS + "/{key_id}/revoke",
    summary="Revoke a station key",
    responses=answers.refusals(errors.StationNotFound, errors.KeyNotFound),
)
async def revoke_station_key(staff: KeyManager, opened: Opened, code: fields.Code, key_id: fields.KeyId) -> StationKey:
    """The key opens nothing any more, within seconds at every gateway; a second revocation changes nothing."""
    reached(staff, code)
    revoked = await keys.revoke(opened, code, key_id)
    answers.log_change(staff, "station_key_revoked", code, key=key_id)
    return revoked
