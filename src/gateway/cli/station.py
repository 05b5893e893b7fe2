"""`quantrac station`: the network's stations, straight in the database."""

import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from core import instants
from core.database import Database
from core.wire import Body
from gateway.cli import asking, options, printing, station_anomalies, station_enrolments, station_keys
from telemetry.catalog import errors, importing, searching, stations
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.datastreams import Datastream
from telemetry.catalog.schemas.imports import ImportReport
from telemetry.catalog.schemas.keys import StationKey
from telemetry.catalog.schemas.limits import LimitInForce
from telemetry.catalog.schemas.stations import NewStation, Station, StationEdit
from telemetry.catalog.store import datastreams as datastream_store
from telemetry.catalog.store import keys as key_store
from telemetry.catalog.store import limits as limit_store
from telemetry.catalog.store import stations as store
from telemetry.catalog.store.stations import StationFilter

app = typer.Typer(
    no_args_is_help=True,
    help="The network's stations and their keys. A change is live in running gateways within seconds.",
)
app.add_typer(station_keys.app, name="key")
app.add_typer(station_enrolments.app, name="enrolment")
app.command()(station_enrolments.enrol)
app.command()(station_anomalies.anomalies)
app.command()(station_anomalies.quota)

_MOST = 100_000


def _one_of(kind: Any) -> str:
    return ", ".join(get_args(kind))


Code = Annotated[str, typer.Argument(help="Code of the station, such as TH-NT-001.")]
Kind = Annotated[str | None, typer.Option(help=f"One of {_one_of(fields.StationKind)}.")]
Status = Annotated[str | None, typer.Option(help=f"One of {_one_of(fields.StationStatus)}.")]
Organization = Annotated[str | None, typer.Option(help="Code of the organization that owns it.")]
NameVi = Annotated[str | None, typer.Option("--name-vi", help="Vietnamese name.")]
NameEn = Annotated[str | None, typer.Option("--name-en", help="English name; the Vietnamese one where left out.")]
District = Annotated[str | None, typer.Option(help="Administrative unit below the province.")]
FileCode = Annotated[
    str | None, typer.Option(help="<province>_<facility>_<station> as in the regulator's file names; '' for none.")
]
Latitude = Annotated[float | None, typer.Option(help="Degrees north, WGS 84.")]
Longitude = Annotated[float | None, typer.Option(help="Degrees east, WGS 84.")]
Cadence = Annotated[int | None, typer.Option(help="Seconds between readings.", show_default="300")]


class Overview(Body):
    """All that is said about one station."""

    station: Station
    datastreams: list[Datastream]
    limits: list[LimitInForce]
    keys: list[StationKey]


def _given(**members: Any) -> dict[str, Any]:
    """The options that were used; an empty text empties the member."""
    return {name: None if value == "" else value for name, value in members.items() if value is not None}


@app.command("list")
def list_stations(
    kind: Kind = None,
    organization: Organization = None,
    status: Status = None,
    district: District = None,
    search: Annotated[
        str | None, typer.Option(help="Text in codes and names, without regard to case or marks.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List stations by code."""
    wanted = StationFilter(kind, organization, status, search and searching.fold(search), district)
    found = asking.asked(lambda database: store.page(database, wanted, None, _MOST))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("code", "kind", "status", "organization", "district", "file code", "every", "name"),
        [
            (s.code, s.kind, s.status, s.organization, s.district, s.file_code, f"{s.cadence_seconds} s", s.name_vi)
            for s in found
        ],
    )


@app.command()
def show(code: Code, as_json: options.AsJson = False) -> None:
    """Show a station with its datastreams, the limits in force now, and its keys."""
    found = asking.asked(lambda database: _overview(database, code))
    if as_json:
        printing.print_json([found])
        return
    printing.print_members(found.station)
    typer.echo()
    printing.print_rows(
        ("id", "symbol", "unit", "sent as", "factor", "range", "status", "spelled also"),
        [
            (
                d.id,
                d.symbol,
                d.unit,
                " ".join(filter(None, (d.reported_unit, d.reported_as))),
                f"{d.factor:g}",
                _between(d.range_min, d.range_max),
                d.status,
                " | ".join(d.aliases),
            )
            for d in found.datastreams
        ],
    )
    typer.echo()
    printing.print_rows(
        ("limit", "symbol", "window", "allowed", "unit", "from", "source", "verified"),
        [
            (
                m.id,
                m.symbol,
                m.averaging,
                _between(m.lower, m.upper),
                m.unit,
                printing.written(m.valid_from),
                m.legal_source,
                "yes" if m.verified else "no: unverified",
            )
            for m in found.limits
        ],
    )
    typer.echo()
    station_keys.print_keys(found.keys)


def _between(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f"{'' if low is None else format(low, 'g')} … {'' if high is None else format(high, 'g')}".strip()


async def _overview(database: Database, code: str) -> Overview:
    found = await stations.get(database, code)
    at = instants.now()
    in_force = await limit_store.in_force(database, [code], None, at, (None, None, None), _MOST)
    return Overview(
        station=found,
        datastreams=await datastream_store.page(database, [code], None, None, (None, None), _MOST),
        limits=[limit for limit, _ in in_force],
        keys=await key_store.of_station(database, code),
    )


@app.command()
def add(
    code: Code,
    kind: Annotated[str, typer.Option(help=f"One of {_one_of(fields.StationKind)}.")],
    organization: Annotated[str, typer.Option(help="Code of the organization that owns it.")],
    name_vi: Annotated[str, typer.Option("--name-vi", help="Vietnamese name.")],
    name_en: NameEn = None,
    district: District = None,
    file_code: FileCode = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    cadence: Cadence = None,
    status: Status = None,
    as_json: options.AsJson = False,
) -> None:
    """Add a station. Its code is a level of MQTT topics and never changes.

    Datastreams come with `quantrac station import --update` or over HTTP; a key with `quantrac station key issue`.
    """
    members = _given(
        code=code,
        kind=kind,
        organization=organization,
        name_vi=name_vi,
        name_en=name_en or name_vi,
        district=district,
        file_code=file_code,
        latitude=latitude,
        longitude=longitude,
        cadence_seconds=cadence,
        status=status,
    )
    new: NewStation = options.checked(NewStation, members)
    made = asking.asked(lambda database: stations.create(database, new))
    _told(made, "is added", as_json=as_json)


@app.command()
def edit(
    code: Code,
    kind: Kind = None,
    organization: Organization = None,
    name_vi: NameVi = None,
    name_en: NameEn = None,
    district: District = None,
    file_code: FileCode = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    cadence: Cadence = None,
    status: Status = None,
    as_json: options.AsJson = False,
) -> None:
    """Change what is given; the rest stays as it is."""
    members = _given(
        kind=kind,
        organization=organization,
        name_vi=name_vi,
        name_en=name_en,
        district=district,
        file_code=file_code,
        latitude=latitude,
        longitude=longitude,
        cadence_seconds=cadence,
        status=status,
    )
    if not members:
        raise typer.BadParameter("give at least one option to change")
    changes: StationEdit = options.checked(StationEdit, members)
    now = asking.asked(lambda database: stations.edit(database, code, changes, None))
    _told(now, "is changed", as_json=as_json)


@app.command()
def retire(code: Code, as_json: options.AsJson = False) -> None:
    """Expect nothing more of a station. Its history stays, late readings are taken, and its keys work until revoked.

    `quantrac station edit CODE --status active` takes it back.
    """
    now = asking.asked(lambda database: stations.retire(database, code, None))
    _told(now, "is retired", as_json=as_json)


def _told(station: Station, what: str, *, as_json: bool) -> None:
    if as_json:
        printing.print_json([station])
    else:
        typer.echo(f"Station {station.code} {what} (revision {station.revision}).")


@app.command("import")
def import_stations(
    file: Annotated[Path, typer.Argument(help="CSV file in UTF-8; - reads standard input.", metavar="FILE")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything and keep nothing.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Bring stations that exist to what the file says.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Import stations with their datastreams: all or nothing, every fault told with its line.

    Columns: station, kind, organization, name_vi (required), name_en, file_code, latitude, longitude, status,
    cadence_seconds, demonstration, district; and of the datastream symbol, reported_unit, reported_as, factor,
    range_min, range_max, mandatory, aliases (separated by |). One line is one datastream; the station is described on
    its first line.
    """
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        report = asking.asked(lambda database: _import(database, data, dry_run=dry_run, update=update))
    except errors.ImportRefused as refusal:
        for fault in refusal.faults:
            typer.echo(f"{fault.field}: found {fault.found!r}, expected {fault.expected}", err=True)
        typer.echo(f"quantrac: {refusal.detail}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        printing.print_json([report])
        return
    kept = "nothing kept (dry run)" if report.dry_run else "imported"
    typer.echo(
        f"{report.stations_new} new and {report.stations_updated} existing stations, {report.datastreams} datastreams, "
        f"{report.aliases} aliases: {kept}."
    )


async def _import(database: Database, data: bytes, *, dry_run: bool, update: bool) -> ImportReport:
    with printing.bar() as bar:
        task = bar.add_task("stations and datastreams", total=None)
        return await importing.import_stations(
            database,
            data,
            dry_run=dry_run,
            update=update,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
