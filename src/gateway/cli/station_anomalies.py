"""`quantrac station anomalies` and `quantrac station quota`: what was odd about stations, and what each may send."""

from datetime import datetime
from typing import Annotated, get_args

import typer

from core.database import Database
from gateway import resources
from gateway.cli import asking, options, printing, station_keys
from gateway.settings import Settings
from telemetry.admission import schemas, setting_quotas, store

_MEASURES = ("requests", "readings", "bytes")


def anomalies(
    station: options.Station = None,
    kind: Annotated[str | None, typer.Option(help=f"One of {', '.join(get_args(schemas.KindName))}.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", parser=options.instant, metavar="TIME", help="Seen at this time or later."),
    ] = None,
    limit: options.Limit = 100,
    as_json: options.AsJson = False,
) -> None:
    """List what was odd about keys and stations, newest first."""
    codes = None if station is None else [station]
    found = asking.asked(lambda database: store.anomalies(database, codes, kind, since, (None, None), limit))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("last seen", "station", "kind", "times", "key", "over", "from", "what"),
        [
            (printing.written(a.last_time), a.station, a.kind, a.times, a.key, a.channel, a.address, a.detail)
            for a in found
        ],
    )


def quota(
    code: station_keys.Code,
    requests: Annotated[int | None, typer.Option(help="Most submissions a minute; 0: as the settings say.")] = None,
    readings: Annotated[int | None, typer.Option(help="Most readings a minute; 0: as the settings say.")] = None,
    size: Annotated[int | None, typer.Option("--bytes", help="Most bytes a minute; 0: as the settings say.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what a station may send in a minute, or change it."""
    given = dict(zip(_MEASURES, (requests, readings, size), strict=True))
    changes = options.checked(
        schemas.QuotaEdit, {name: number or None for name, number in given.items() if number is not None}
    )
    default = resources.quota(Settings())

    async def ask(database: Database) -> schemas.StationQuota:
        if changes.model_fields_set:
            return await setting_quotas.edit(database, code, changes, None, default)
        return await setting_quotas.shown(database, code, default)

    found = asking.asked(ask)
    if as_json:
        printing.print_json([found])
        return
    printing.print_rows(
        ("a minute", "in force", "own"),
        [
            (name, getattr(found.in_force, name), getattr(found.own, name) or "as the settings say")
            for name in _MEASURES
        ],
    )
