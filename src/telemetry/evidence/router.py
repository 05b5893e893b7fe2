"""HTTP interface to receipts, quarantine, conflicts and replay."""

import base64
import hashlib
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from core import access, database, paging
from core.describing import refusals
from core.rights import Right
from core.wire import QueryInstant
from telemetry.catalog import sight
from telemetry.catalog.errors import StationNotFound
from telemetry.catalog.schemas.fields import Code
from telemetry.evidence import errors, originals, schemas, store
from telemetry.evidence.replaying import Replayer
from telemetry.readings import Channel, Reason

router = APIRouter(prefix="/v1", tags=["evidence"])

_MOST_READINGS = 1_000

Database = Annotated[database.Database, Depends(database.of)]
StationCode = Annotated[
    Code | None, Query(description="Code of a station; a station sees its own only.", examples=["TH-NT-001"])
]
Since = Annotated[QueryInstant | None, Query(alias="from", description="Received at this time or later.")]
Until = Annotated[QueryInstant | None, Query(alias="to", description="Received before this time.")]
ReceiptQuery = Annotated[schemas.Id | None, Query(description="Number of a receipt.")]
SymbolQuery = Annotated[
    str | None, Query(max_length=500, pattern=schemas.PLAIN, description="Symbol.", examples=["COD"])
]
ReceiptId = Annotated[schemas.Id, Path(description="Number of the receipt.", examples=[12034])]
EntryId = Annotated[schemas.Id, Path(description="Id of the entry in quarantine.", examples=[77])]


def replayer_of(request: Request) -> Replayer:
    state = request.app.state
    return Replayer(state.database, state.catalog, state.intake)


async def _handled(db: database.Database, staff: access.Staff, entry_id: int) -> schemas.Quarantined:
    """An entry; QuarantineNotFound where its station is out of sight, Forbidden where nothing may be done about it."""
    found = await store.quarantine_entry(db, entry_id)
    if found is None or not access.may_read(staff, found.station):
        raise errors.QuarantineNotFound(entry_id)
    access.require(staff, Right.HANDLE_QUARANTINE, found.station)
    return found


def _position(cursor: str | None) -> store.Position:
    time, number = paging.after(cursor, datetime, int)
    return time, number


@router.get("/receipts", summary="List receipts", responses=refusals(StationNotFound, paging.InvalidCursor))
async def list_receipts(
    principal: access.AnyPrincipal,
    db: Database,
    station: StationCode = None,
    channel: Annotated[Channel | None, Query(description="The way it came.")] = None,
    since: Since = None,
    until: Until = None,
    outcome: Annotated[
        schemas.KeptFate | None, Query(description="Only submissions with at least one such reading.")
    ] = None,
    limit: paging.PageSize = 1000,
    cursor: paging.CursorText = None,
) -> paging.Page[schemas.Receipt]:
    """What came in, newest first. A station sees its own submissions only."""
    asked = store.ReceiptFilter(await sight.stations_asked(db, principal, station), channel, since, until, outcome)
    found = await store.receipts(db, asked, _position(cursor), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.received_time, item.receipt))
    return paging.Page(items=found[:limit], next_cursor=following)


@router.get("/receipts/{receipt_id}", summary="Read a receipt", responses=refusals(errors.ReceiptNotFound))
async def get_receipt(principal: access.AnyPrincipal, db: Database, receipt_id: ReceiptId) -> schemas.ReceiptDetail:
    """One submission with every reading that was not simply stored, and the replays that belong to it."""
    found = await store.receipt(db, receipt_id, _MOST_READINGS)
    if found is None or not access.may_read(principal, found.station):
        raise errors.ReceiptNotFound(receipt_id)
    return found


@router.get(
    "/receipts/{receipt_id}/raw",
    summary="Read the bytes of a receipt",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes as they came.",
            # No schema: whether they fit one was told by the receipt.
            "content": {kind: {} for kind in originals.MEDIA_TYPES},
            "headers": {
                "Receipt-Sha256": {
                    "description": "SHA-256 of the whole body as it came, hexadecimal.",
                    "schema": {"type": "string"},
                },
                "Content-Digest": {
                    "description": "SHA-256 of the bytes of this answer (RFC 9530).",
                    "schema": {"type": "string"},
                },
            },
        },
        **refusals(errors.ReceiptNotFound),
    },
)
async def get_receipt_raw(principal: access.AnyPrincipal, db: Database, receipt_id: ReceiptId) -> Response:
    """The bytes exactly as they came, under the media type and the content encoding that they came with.

    A body that was sent with gzip is answered with `Content-Encoding: gzip`. Of a body that could not be read, the
    first 64 KiB are kept; `Receipt-Sha256` is that of the whole.
    """
    found = await store.original(db, receipt_id)
    if found is None or not access.may_read(principal, found.station):
        raise errors.ReceiptNotFound(receipt_id)
    headers = {
        "Receipt-Sha256": found.sha256.hex(),
        "Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(found.raw).digest()).decode()}:",
        "Content-Disposition": _attachment(found),
        "X-Content-Type-Options": "nosniff",
    }
    if found.raw_encoding != "identity":
        headers["Content-Encoding"] = found.raw_encoding
    return Response(found.raw, media_type=originals.media_type(found), headers=headers)


def _attachment(original: store.Original) -> str:
    """A file name for the bytes: the one that they came with, without its folders."""
    sent = (originals.file_name(original) or "").replace("\\", "/").rpartition("/")[2]
    return f"attachment; filename*=UTF-8''{quote(sent or f'receipt-{original.id}', safe='')}"


@router.get(
    "/quarantine", summary="List quarantined readings", responses=refusals(StationNotFound, paging.InvalidCursor)
)
async def list_quarantine(
    principal: access.AnyPrincipal,
    db: Database,
    station: StationCode = None,
    reason: Annotated[Reason | None, Query(description="Why the reading was not stored.")] = None,
    symbol: SymbolQuery = None,
    receipt: ReceiptQuery = None,
    state: Annotated[schemas.State, Query(description="Whether a person or a replay has dealt with it.")] = (
        schemas.State.OPEN
    ),
    since: Since = None,
    until: Until = None,
    limit: paging.PageSize = 1000,
    cursor: paging.CursorText = None,
) -> paging.Page[schemas.Quarantined]:
    """Readings that were kept but not stored as observations, newest first. A station sees its own only."""
    asked = store.QuarantineFilter(
        await sight.stations_asked(db, principal, station), reason, symbol, receipt, since, until
    )
    found = await store.quarantine(db, asked, state, _position(cursor), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.received_time, item.id))
    return paging.Page(items=found[:limit], next_cursor=following)


@router.get(
    "/quarantine/{entry_id}", summary="Read one quarantined reading", responses=refusals(errors.QuarantineNotFound)
)
async def get_quarantined(principal: access.AnyPrincipal, db: Database, entry_id: EntryId) -> schemas.Quarantined:
    """One reading with its text as sent, why it was not stored and how it was dealt with."""
    found = await store.quarantine_entry(db, entry_id)
    if found is None or not access.may_read(principal, found.station):
        raise errors.QuarantineNotFound(entry_id)
    return found


@router.post(
    "/quarantine/{entry_id}/dismissal",
    summary="Dismiss a quarantined reading",
    responses=refusals(errors.QuarantineNotFound, errors.AlreadyResolved),
)
async def dismiss_quarantined(
    staff: access.QuarantineHandler, db: Database, entry_id: EntryId, dismissal: schemas.Dismissal
) -> schemas.Quarantined:
    """Decide that the reading stays out, and say why. Its text and its submission's bytes are kept all the same.

    Needs quarantine.handle on the station; for what belongs to no station, not narrowed.
    """
    await _handled(db, staff, entry_id)
    dismissed = await store.dismiss(db, entry_id, dismissal.note)
    found = await store.quarantine_entry(db, entry_id)
    if found is None:
        raise errors.QuarantineNotFound(entry_id)
    if not dismissed:
        raise errors.AlreadyResolved(entry_id, found.resolution or "open")
    return found


@router.post(
    "/quarantine/replay",
    summary="Replay quarantined readings in bulk",
    responses=refusals(StationNotFound, paging.InvalidCursor),
)
async def replay_quarantine(
    staff: access.QuarantineHandler,
    db: Database,
    replayer: Annotated[Replayer, Depends(replayer_of)],
    asked: schemas.ReplayMany,
) -> schemas.ReplayReport:
    """Read the bytes of quarantined submissions again with today's catalogue, and keep the readings that pass now.

    A dry run, which is the default, writes nothing and tells what would happen. One call reads a bounded number of
    submissions again; pass `nextCursor` on until it is null. The time window counts from when the bytes came first.
    Repeating a replay changes nothing. Needs quarantine.handle; only readings of stations that it reaches are replayed.
    """
    await sight.stations_asked(db, staff, asked.station)
    stations = access.visible(staff, asked.station, Right.HANDLE_QUARANTINE)
    if asked.station is not None:
        access.require(staff, Right.HANDLE_QUARANTINE, asked.station)
    wanted = store.QuarantineFilter(stations, asked.reason, asked.symbol, asked.receipt, asked.from_time, asked.to_time)
    after = 0 if asked.cursor is None else paging.decode(asked.cursor, int)[0]
    return await replayer.replay(
        wanted,
        by=staff.name,
        within=access.reached(staff, Right.HANDLE_QUARANTINE),
        dry_run=asked.dry_run,
        receipts=asked.receipts,
        after_receipt=after,
    )


@router.post(
    "/quarantine/{entry_id}/replay",
    summary="Replay one quarantined reading",
    responses=refusals(errors.QuarantineNotFound, errors.AlreadyResolved),
)
async def replay_quarantined(
    staff: access.QuarantineHandler,
    db: Database,
    replayer: Annotated[Replayer, Depends(replayer_of)],
    entry_id: EntryId,
    asked: schemas.ReplayOne,
) -> schemas.ReplayReport:
    """Read the bytes of its submission again with today's catalogue, and keep this reading if it passes now.

    A dry run is the default. Needs quarantine.handle on the station; for what belongs to no station, not narrowed.
    """
    found = await _handled(db, staff, entry_id)
    if found.resolution is not None:
        raise errors.AlreadyResolved(entry_id, found.resolution)
    return await replayer.replay(
        store.QuarantineFilter(entry=entry_id),
        by=staff.name,
        within=access.reached(staff, Right.HANDLE_QUARANTINE),
        dry_run=asked.dry_run,
        receipts=1,
    )


@router.get("/conflicts", summary="List conflicting values", responses=refusals(StationNotFound, paging.InvalidCursor))
async def list_conflicts(
    principal: access.AnyPrincipal,
    db: Database,
    station: StationCode = None,
    symbol: SymbolQuery = None,
    receipt: ReceiptQuery = None,
    since: Since = None,
    until: Until = None,
    limit: paging.PageSize = 1000,
    cursor: paging.CursorText = None,
) -> paging.Page[schemas.Conflict]:
    """Second values for moments that already had one, newest first, each beside the value that was kept.

    A station sees its own only.
    """
    asked = store.ConflictFilter(await sight.stations_asked(db, principal, station), symbol, receipt, since, until)
    found = await store.conflicts(db, asked, _position(cursor), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.received_time, item.id))
    return paging.Page(items=found[:limit], next_cursor=following)
