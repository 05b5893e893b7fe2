"""HTTP interface to series: latest values, observations, completeness, and the legend of quality."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from core import access, instants, paging
from core.database import Opened
from core.describing import refusals
from core.instants import Zone
from core.wire import QueryInstant
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog.schemas.fields import Code, Identifier, StationKind, Symbol
from telemetry.catalog.snapshot import Snapshot
from telemetry.intake.submitting import Intake
from telemetry.quality.flags import LEGEND
from telemetry.readings import DeviceStatus, status_text
from telemetry.series import (
    answers,
    completeness,
    errors,
    export,
    latest,
    naming,
    rendering,
    scanning,
    schemas,
    selecting,
)
from telemetry.series.scanning import Question
from telemetry.series.selecting import Selection
from telemetry.series.spans import Resolution, grid_of
from telemetry.series.store import Row

router = APIRouter(prefix="/v1", tags=["series"])

_DAY = timedelta(days=1)
# The bounds of what the table takes: nothing is there, and nothing is missing, outside of them.
_FIRST_US = instants.to_us(datetime(2000, 1, 1, tzinfo=UTC))
_LAST_US = instants.to_us(datetime(2100, 1, 1, tzinfo=UTC))
# Rows of one slice of an export: some megabytes at most.
_EXPORT_ROWS = 5_000


class Form(StrEnum):
    JSON = "json"
    COLUMNS = "columns"
    CSV = "csv"


class ListForm(StrEnum):
    JSON = "json"
    CSV = "csv"


def snapshot_of(request: Request) -> Snapshot:
    """Dependency: the catalogue as it is now."""
    found: Snapshot = request.app.state.catalog.snapshot
    return found


def reach_of(request: Request) -> int:
    """Dependency: how many µs back the newest observation is looked for."""
    intake: Intake = request.app.state.intake
    return latest.reach_us(intake.window)


Catalog = Annotated[Snapshot, Depends(snapshot_of)]
ReachUs = Annotated[int, Depends(reach_of)]
StationCode = Annotated[Code | None, Query(description="Code of a station.", examples=["TH-NT-001"])]
Kind = Annotated[StationKind | None, Query(description="Stations of this kind only.")]
InZone = Annotated[Zone, Query(description="The zone in which times are written.")]
Begin = Annotated[
    QueryInstant | None,
    Query(alias="from", description="Begin, included; one day before `to` where left out."),
]
End = Annotated[QueryInstant | None, Query(alias="to", description="End, not included; now where left out.")]


def _span(begin: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    end = end or now
    begin = begin or end - _DAY
    if begin >= end:
        raise errors.empty_span(begin, end)
    return begin, end


@router.get(
    "/latest",
    summary="Read the latest value of every datastream",
    response_model=schemas.Latest,
    responses={200: {"content": answers.CSV_CONTENT}, **refusals(catalog_errors.StationNotFound)},
)
async def read_latest(
    principal: access.AnyPrincipal,
    db: Opened,
    catalog: Catalog,
    reach_us: ReachUs,
    station: StationCode = None,
    kind: Kind = None,
    zone: InZone = Zone.UTC,
    form: Annotated[ListForm | None, Query(alias="format", description="Goes before `Accept`.")] = None,
    accept: answers.Accept = "",
) -> Response:
    """The newest observation of every active datastream of the network, or of one station or kind, in one answer."""
    now = instants.now()
    selections = selecting.many(catalog, principal, station, kind)
    not_before = instants.from_us(max(_FIRST_US, instants.to_us(now) - reach_us))
    records = await latest.read(db, catalog, selections, now, zone, not_before)
    if not answers.csv_wanted(form, accept):
        return answers.json({"time": instants.text(now, zone), "items": records})
    return answers.table("latest", export.table(*latest.flattened(records)))


def _question(selection: Selection, begin: datetime, end: datetime, resolution: Resolution, gaps: bool) -> Question:
    return Question(
        streams=selection.ids,
        begin_us=max(_FIRST_US, instants.to_us(begin)),
        end_us=min(_LAST_US, instants.to_us(end)),
        resolution=resolution,
        grid=grid_of(resolution, selection.station.cadence_seconds),
        gaps=gaps,
        now_us=instants.now_us(),
    )


@router.get(
    "/observations",
    summary="Read observations, or hourly or daily figures, of a station or datastream",
    response_model=schemas.Observations | schemas.Buckets | schemas.ObservationsInColumns | schemas.BucketsInColumns,
    responses={
        200: {"content": answers.CSV_CONTENT, "description": "JSON in pages; CSV is the whole span, streamed."},
        **refusals(
            catalog_errors.StationNotFound,
            catalog_errors.DatastreamNotFound,
            errors.SelectionUnclear,
            errors.SpanNotValid,
            paging.InvalidCursor,
        ),
    },
)
async def read_observations(
    principal: access.AnyPrincipal,
    db: Opened,
    catalog: Catalog,
    station: StationCode = None,
    datastream: Annotated[Identifier | None, Query(description="Id of a datastream, instead of a station.")] = None,
    symbol: Annotated[
        list[Symbol] | None,
        Query(
            max_length=50, description="Of the station's datastreams these only; aliases are known.", examples=["COD"]
        ),
    ] = None,
    begin: Begin = None,
    end: End = None,
    resolution: Annotated[
        Resolution, Query(description="`daily` figures are of days of UTC+7. Buckets are those that begin in the span.")
    ] = Resolution.RAW,
    gaps: Annotated[
        bool,
        Query(
            description="Tell which raw observations are missing at the station's cadence. Buckets always have gaps."
        ),
    ] = False,
    zone: InZone = Zone.UTC,
    form: Annotated[
        Form | None, Query(alias="format", description="Goes before `Accept` (`text/csv`). CSV has no pages.")
    ] = None,
    accept: answers.Accept = "",
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 1000,
) -> Response:
    """Observations in order of time, then of datastream.

    Raw observations, hours or days; as items, as columns by datastream, or as CSV. Hourly and daily figures are of
    valid observations; on TimescaleDB late ones enter within 15 minutes.
    """
    selection = selecting.one(catalog, principal, station, datastream, symbol or ())
    question = _question(selection, *_span(begin, end, instants.now()), resolution, gaps)
    after = None if cursor is None else _position(cursor)
    if answers.csv_wanted(form, accept):
        scanned = scanning.scan(db, question, after, _EXPORT_ROWS)
        return await _streamed(export.lines(scanned, question, selection, zone), question, selection)
    rows = await _page(scanning.scan(db, question, after, limit + 1), limit + 1)
    page, following = rows[:limit], paging.next_cursor(rows, limit, lambda row: (row[0], row[1]))
    head = {"station": selection.station.code, "resolution": resolution, "zone": zone, "nextCursor": following}
    if form is Form.COLUMNS:
        return answers.json({**head, "columns": rendering.columns(page, question, selection, zone)})
    return answers.json({**head, "items": rendering.items(page, question, selection, zone)})


async def _streamed(lines: AsyncIterator[str], question: Question, selection: Selection) -> Response:
    """The file, begun before the answer is: a database that is away is told as an error, not as a broken file."""
    begun = await anext(lines)

    async def parts() -> AsyncIterator[str]:
        yield begun
        async for part in lines:
            yield part

    symbols = [stream.symbol for stream in selection.streams.values()]
    name = selection.station.code if len(symbols) != 1 else f"{selection.station.code}-{symbols[0]}"
    first = instants.from_us(question.begin_us).strftime("%Y%m%d")
    last = instants.from_us(question.end_us).strftime("%Y%m%d")
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{name}-{question.resolution}-{first}-{last}")
    return StreamingResponse(parts(), media_type=export.MEDIA_TYPE, headers=answers.csv_headers(safe))


def _position(cursor: str) -> scanning.Position:
    time, stream = paging.decode(cursor, datetime, int)
    return time, stream


async def _page(scanned: AsyncGenerator[list[Row]], size: int) -> list[Row]:
    """The first rows of a scan, `size` of them where there are as many."""
    rows: list[Row] = []
    async with aclosing(scanned):
        async for found in scanned:
            rows += found
            if len(rows) >= size:
                break
    return rows[:size]


@router.get(
    "/completeness",
    summary="Read how much of what was expected was received and valid",
    response_model=schemas.Completeness,
    responses={200: {"content": answers.CSV_CONTENT}, **refusals(catalog_errors.StationNotFound, errors.SpanNotValid)},
)
async def read_completeness(
    principal: access.AnyPrincipal,
    db: Opened,
    catalog: Catalog,
    station: StationCode = None,
    kind: Kind = None,
    begin: Begin = None,
    end: End = None,
    zone: InZone = Zone.UTC,
    form: Annotated[ListForm | None, Query(alias="format", description="Goes before `Accept`.")] = None,
    accept: answers.Accept = "",
) -> Response:
    """Received and valid observations as a share of those expected at the cadence, with both sides of the fraction.

    One is expected in each step of the cadence, and a step counts once however many readings it has. Calibrating and
    faulty rows are received and not valid. Where nothing was expected there is no percentage.
    """
    now = instants.now()
    begin, end = _span(begin, end, now)
    # Nothing is expected of the future; a span that lies there as a whole is empty.
    end = max(begin, min(end, now))
    selections = selecting.many(catalog, principal, station, kind)
    total, stations = await completeness.read(db, selections, begin, end)
    if not answers.csv_wanted(form, accept):
        span = {"from": instants.text(begin, zone), "to": instants.text(end, zone)}
        return answers.json({**span, "total": total, "stations": stations})
    return answers.table("completeness", export.table(*completeness.flattened(stations)))


@router.get("/quality-flags", summary="Read what quality flags, reasons and device states mean", responses=refusals())
async def read_quality_flags(_: access.AnyPrincipal) -> schemas.Legend:
    """The legend of the numbers and slugs in series."""
    return schemas.Legend(
        qualities=[
            schemas.Flag(value=quality, name=naming.quality_name(quality), meaning=meaning)
            for quality, meaning in naming.QUALITY_MEANINGS.items()
        ],
        reasons=[
            schemas.ReasonBit(bit=bit, name=slug, label_vi=vi, label_en=en) for bit, (slug, vi, en) in LEGEND.items()
        ],
        device_statuses=[
            schemas.DeviceState(code=status_text(status), name=naming.status_name(status)) for status in DeviceStatus
        ],
    )
