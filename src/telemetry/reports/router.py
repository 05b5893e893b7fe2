"""HTTP interface to reports and to the air quality index."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from core import access, instants
from core.database import Opened
from core.describing import refusals
from core.instants import Zone
from core.wire import Number, QueryInstant
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.schemas.fields import Code, StationKind
from telemetry.catalog.snapshot import Snapshot, StationEntry
from telemetry.quality import aqi_rules
from telemetry.reports import air, air_schemas, errors, schemas, scope, writing
from telemetry.reports.air_schemas import AirResolution
from telemetry.reports.kinds import REPORTS, Kind
from telemetry.reports.scope import Scope
from telemetry.series import answers, export
from telemetry.series import errors as series_errors
from telemetry.series.router import Catalog, ListForm

router = APIRouter(prefix="/v1", tags=["reports"])

_DAY = timedelta(days=1)
# The longest spans of one answer: hours of a quarter, days of a year and a month.
_MOST_AIR = {AirResolution.HOUR: timedelta(days=92), AirResolution.DAY: timedelta(days=scope.MOST_DAYS)}
_DEFAULT_AIR = {AirResolution.HOUR: _DAY, AirResolution.DAY: timedelta(days=30)}

Begin = Annotated[QueryInstant | None, Query(alias="from", description="Begin, included.")]
End = Annotated[QueryInstant | None, Query(alias="to", description="End, not included; now where left out.")]
InZone = Annotated[Zone, Query(description="The zone in which times are written; days are always those of UTC+7.")]
Form = Annotated[ListForm | None, Query(alias="format", description="Goes before `Accept`.")]
MinimumPercent = Annotated[
    Number,
    Query(
        alias="minimumPercent",
        ge=0,
        le=100,
        description="Least share of valid data that a mean is formed of. The 75 % are a policy, not a confirmed rule.",
    ),
]


@router.get(
    "/reports/{report}",
    summary="Read a report of a month or a span of time",
    response_model=schemas.AnyReport,
    responses={
        200: {"content": answers.CSV_CONTENT, "description": "Both forms are streamed."},
        **refusals(catalog_errors.StationNotFound, catalog_errors.OrganizationNotFound, series_errors.SpanNotValid),
    },
)
async def read_report(
    principal: access.StaffOnly,
    db: Opened,
    catalog: Catalog,
    report: Annotated[Kind, Path(description="Which report.", examples=["month"])],
    station: Annotated[Code | None, Query(description="This station only.", examples=["TH-KT-001"])] = None,
    organization: Annotated[Code | None, Query(description="Stations of this organization only.")] = None,
    kind: Annotated[StationKind | None, Query(description="Stations of this kind only.")] = None,
    month: Annotated[
        str | None,
        Query(pattern=scope.MONTH, description="Of UTC+7, this one by default.", examples=["2026-11"]),
    ] = None,
    begin: Begin = None,
    end: End = None,
    minimum_percent: MinimumPercent = scope.MINIMUM_PERCENT,
    grace_minutes: Annotated[
        Number,
        Query(
            alias="graceMinutes", ge=0, le=10_080, description="How long beyond its cadence a station may be silent."
        ),
    ] = scope.GRACE_MINUTES,
    zone: InZone = Zone.VIETNAM,
    form: Form = None,
    accept: answers.Accept = "",
) -> Response:
    """Rows in order of time and station, with totals that show both sides of each fraction.

    `hourly-maximum`: the highest 1-hour mean of each day. `day`, `month`: how much was expected, received and valid,
    with mean, least and greatest. `availability`: the same by station, with the hours that had enough valid data.
    `exceedance`: averages above their limits. `disconnection`: when stations were silent.

    A report ends with the last whole hour. Hours, days and months have the observations from their begin to before
    their end. Needs the right `network.read`; a report is about stations that it reaches.
    """
    span = scope.span(month, begin, end, instants.now())
    selections = await scope.stations(db, catalog, principal, station, organization, kind)
    about = Scope(selections, span, minimum_percent / 100, timedelta(minutes=grace_minutes))
    chosen = REPORTS[report]
    if answers.csv_wanted(form, accept):
        name = f"{report}-{_day(span.begin)}-{_day(span.end)}"
        lines = await _begun(writing.csv(db, chosen, about, zone))
        return StreamingResponse(lines, media_type=export.MEDIA_TYPE, headers=answers.csv_headers(name))
    parts = await _begun(writing.json(db, chosen, about, zone))
    return StreamingResponse(parts, media_type="application/json", headers={"Vary": "Accept"})


def _day(instant: datetime) -> str:
    return f"{instant.astimezone(instants.VIETNAM):%Y%m%d}"


async def _begun(parts: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The parts, begun before the answer is: a database that is away is told as an error, not as half a report."""
    first = await anext(parts)

    async def all_parts() -> AsyncIterator[Any]:
        yield first
        async for part in parts:
            yield part

    return all_parts()


def _ambient(catalog: Snapshot, code: str) -> StationEntry:
    entry = catalog.stations.get(code)
    if entry is None:
        raise catalog_errors.not_found(catalog_errors.StationNotFound, "station", code)
    if entry.kind != air.AMBIENT:
        raise errors.no_air_index(code, entry.kind)
    return entry


def _air_span(begin: datetime | None, end: datetime | None, resolution: AirResolution) -> tuple[int, int, int]:
    now = instants.now()
    end = end or now
    begin = begin or end - _DEFAULT_AIR[resolution]
    if begin >= end:
        raise series_errors.empty_span(begin, end)
    if end - begin > _MOST_AIR[resolution]:
        found = f"{instants.text(begin)} to {instants.text(end)}"
        raise series_errors.long_span("to", found, f"a span of at most {_MOST_AIR[resolution].days} days")
    return instants.to_us(begin), instants.to_us(end), instants.to_us(now)


@router.get(
    "/stations/{code}/aqi",
    summary="Read the air quality index of a station's hours or days",
    response_model=air_schemas.HourlyAir | air_schemas.DailyAir,
    responses={
        200: {"content": answers.CSV_CONTENT},
        **refusals(catalog_errors.StationNotFound, errors.NoAirIndex, series_errors.SpanNotValid),
    },
)
async def read_station_aqi(
    staff: access.StaffOnly,
    db: Opened,
    catalog: Catalog,
    code: Annotated[Code, Path(examples=["TH-KK-01"])],
    resolution: Annotated[AirResolution, Query(description="Hours, or days of UTC+7.")] = AirResolution.HOUR,
    begin: Begin = None,
    end: End = None,
    minimum_percent: MinimumPercent = scope.MINIMUM_PERCENT,
    zone: InZone = Zone.VIETNAM,
    form: Form = None,
    accept: answers.Accept = "",
) -> Response:
    """VN_AQI after QĐ 1459/QĐ-TCMT of the hours or days that begin in the span and have ended.

    An hour has 1-hour means of gases and the Nowcast of particles; a day has 24-hour means of particles, the highest
    1-hour means of gases, and of O3 also the highest mean over 8 hours. Without PM10 and PM2.5 there is no index. The
    last day and the last 30 days are the default spans. Needs the right `network.read` on the station.
    """
    sight.check_station(staff, code)
    entry = _ambient(catalog, code)
    begin_us, end_us, now_us = _air_span(begin, end, resolution)
    share = minimum_percent / 100
    if resolution is AirResolution.HOUR:
        span = air.hour_span(begin_us, end_us, now_us)
        records = air.hour_records(await air.hourly(db, catalog, [entry], *span, share), 0, span[0], zone)
    else:
        span = air.day_span(begin_us, end_us, now_us)
        records = air.day_records(await air.daily(db, catalog, [entry], *span, share), 0, span[0], zone)
    if answers.csv_wanted(form, accept):
        return answers.table(f"{code}-aqi-{resolution}", export.table(air.MEMBERS, air.flattened(code, records)))
    method = air.method(aqi_rules.rules(), share)
    return answers.json({"station": code, "method": method, "resolution": resolution, "items": records})


@router.get(
    "/aqi",
    summary="Read how the air is now at every ambient station",
    response_model=air_schemas.Air,
    responses=refusals(),
)
async def read_aqi(
    staff: access.StaffOnly,
    db: Opened,
    catalog: Catalog,
    minimum_percent: MinimumPercent = scope.MINIMUM_PERCENT,
    zone: InZone = Zone.VIETNAM,
) -> Response:
    """VN_AQI of the newest hour and of the last whole day of every ambient station that you may read."""
    now_us, share = instants.now_us(), minimum_percent / 100
    within = access.reached(staff)
    stations = [entry for entry in air.ambient(catalog) if within is None or entry.code in within]
    records = await air.now(db, catalog, stations, now_us, share, zone)
    time = instants.text(instants.from_us(now_us), zone)
    return answers.json({"time": time, "method": air.method(aqi_rules.rules(), share), "items": records})
