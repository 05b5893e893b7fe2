"""HTTP interface to the trail: reading it; nothing writes to it but the changes themselves."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from core import access, database, paging
from core.describing import refusals
from core.rights import Right
from core.wire import QueryInstant
from identity.trail import errors, schemas, store, writing

router = APIRouter(prefix="/v1/trail", tags=["trail"])

Number = Annotated[schemas.Number, Path(description="Number of the entry.", examples=[1204])]
# As text columns take it: no control characters.
_PLAIN = r"^[^\x00-\x1f\x7f]*$"


class Form(StrEnum):
    JSON = "json"
    CSV = "csv"


def _text(what: str, example: str) -> Any:
    return Query(max_length=500, pattern=_PLAIN, description=what, examples=[example])


@router.get(
    "",
    summary="List what was changed",
    response_model=paging.Page[schemas.Entry],
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **refusals(paging.InvalidCursor)},
)
async def list_trail(
    reader: access.TrailReader,
    db: database.Opened,
    actor: Annotated[str | None, _text("Who did it.", "lan.nguyen")] = None,
    table: Annotated[str | None, _text("What kind of thing was changed.", "datastream_limit")] = None,
    subject: Annotated[str | None, _text("Which one; with `table`, the history of one thing.", "17")] = None,
    action: Annotated[schemas.Action | None, Query(description="Only this kind of change.")] = None,
    since: Annotated[QueryInstant | None, Query(alias="from", description="At this time or later.")] = None,
    until: Annotated[QueryInstant | None, Query(alias="to", description="Before this time.")] = None,
    form: Annotated[
        Form | None, Query(alias="format", description="Goes before `Accept` (`text/csv`). CSV is one page as well.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    limit: paging.PageSize = 1000,
    cursor: paging.CursorText = None,
) -> paging.Page[schemas.Entry] | Response:
    """Entries of the trail, newest first: who changed what, from where and why, and what was before and after."""
    access.require_everywhere(reader, Right.READ_TRAIL)
    (before,) = paging.after(cursor, int)
    found = await store.page(db, store.Filter(actor, table, subject, action, since, until), before, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.number,))
    if form is Form.CSV or (form is None and "text/csv" in accept.lower()):
        headers = {"Content-Disposition": 'attachment; filename="trail.csv"', "Vary": "Accept"}
        return Response(writing.table(found[:limit]), media_type=writing.MEDIA_TYPE, headers=headers)
    return paging.Page(items=found[:limit], next_cursor=following)


@router.get("/head", summary="Read the head of the trail", responses=refusals())
async def get_trail_head(reader: access.TrailReader, db: database.Opened) -> schemas.Head:
    """The newest entry's number and hash.

    Note them where whoever administers this service cannot change them: `quantrac audit verify --anchor` proves with
    them that nothing that was written up to then was changed or taken away since.
    """
    access.require_everywhere(reader, Right.READ_TRAIL)
    head, time = await store.head(db)
    return schemas.Head(number=head.number, hash=head.hash.hex(), time=time)


@router.get("/{number}", summary="Read one entry", responses=refusals(errors.EntryNotFound))
async def get_trail_entry(reader: access.TrailReader, db: database.Opened, number: Number) -> schemas.Entry:
    """One change, with what was before and after it."""
    access.require_everywhere(reader, Right.READ_TRAIL)
    found = await store.entry(db, number)
    if found is None:
        raise errors.EntryNotFound(number)
    return found
