"""`quantrac report`: days, months, availability, exceedances and disconnections as CSV or JSON."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core import access, instants
from core.database import Database
from core.instants import Zone
from gateway.cli import asking, options
from telemetry.catalog import loading
from telemetry.catalog.schemas.fields import StationKind
from telemetry.reports import scope, writing
from telemetry.reports.kinds import REPORTS, Kind
from telemetry.reports.scope import Scope, Span

_ASKER = access.unlimited("command line")

Begin = Annotated[
    datetime | None,
    typer.Option("--from", parser=options.instant, metavar="TIME", help="Begin of the span, with its offset."),
]
End = Annotated[
    datetime | None, typer.Option("--to", parser=options.instant, metavar="TIME", help="End, not included; now.")
]


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"


def report(
    kind: Annotated[Kind, typer.Argument(help="Which report.")],
    station: options.Station = None,
    organization: Annotated[str | None, typer.Option(help="Only stations of this organization, by its code.")] = None,
    station_kind: Annotated[StationKind | None, typer.Option("--kind", help="Only stations of this kind.")] = None,
    month: Annotated[str | None, typer.Option(help="A month such as 2026-11; this one where nothing is said.")] = None,
    begin: Begin = None,
    end: End = None,
    minimum_percent: Annotated[
        float, typer.Option(min=0, max=100, help="Least share of valid data that a mean is formed of; unverified.")
    ] = scope.MINIMUM_PERCENT,
    grace_minutes: Annotated[
        float, typer.Option(min=0, help="How long beyond its cadence a station may be silent.")
    ] = scope.GRACE_MINUTES,
    zone: Annotated[Zone, typer.Option(help="The zone in which times are written.")] = Zone.VIETNAM,
    form: Annotated[Form, typer.Option("--format", help="CSV has no totals.")] = Form.CSV,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; standard output otherwise.")
    ] = None,
) -> None:
    """Write a report of a month, or of a span of time, of the network or a part of it.

    hourly-maximum: the highest 1-hour mean of each day. day, month: how much was expected, received and valid, with
    mean, least and greatest. availability: the same by station. exceedance: averages above their limits.
    disconnection: when stations were silent.
    """
    span = scope.span(month, begin, end, instants.now())

    async def make() -> int:
        async with asking.opened() as database:
            snapshot = await loading.read(database)
            chosen = await scope.stations(database, snapshot, _ASKER, station, organization, station_kind)
            about = Scope(chosen, span, minimum_percent / 100, timedelta(minutes=grace_minutes))
            return await _write(_lines(database, kind, about, zone, form), output)

    written = asyncio.run(make())
    typer.echo(f"{kind} {_told(span, zone)}: {written} bytes", err=True)


async def _lines(database: Database, kind: Kind, about: Scope, zone: Zone, form: Form) -> AsyncIterator[bytes]:
    if form is Form.JSON:
        async for part in writing.json(database, REPORTS[kind], about, zone):
            yield part
        yield b"\n"
        return
    async for text in writing.csv(database, REPORTS[kind], about, zone):
        yield text.encode()


async def _write(parts: AsyncIterator[bytes], output: Path | None) -> int:
    """Write the parts as they come; the file is made when the first one is there."""
    first = await anext(parts)
    target = sys.stdout.buffer if output is None else output.open("wb")
    try:
        written = target.write(first)
        async for part in parts:
            written += target.write(part)
        target.flush()
    finally:
        if output is not None:
            target.close()
    return written


def _told(span: Span, zone: Zone) -> str:
    return f"from {instants.text(span.begin, zone)} to {instants.text(span.end, zone)}"
