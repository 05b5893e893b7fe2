"""`quantrac replay`: recorded series and files, sent to a running gateway."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from core import errors, instants, log
from gateway.cli import stopping, tallies
from telemetry.simulation import mappings, regulator_files, replaying, series_files, sessions
from telemetry.simulation.driving import Sender
from telemetry.simulation.ledger import Ledger
from telemetry.simulation.mappings import Mapping, TimeMapping
from telemetry.simulation.parcels import Parcel
from telemetry.simulation.posting import HttpTransport
from telemetry.simulation.replaying import NothingToReplay, Pieces
from telemetry.simulation.tallying import Tally


class CredentialMissing(errors.Invalid):
    slug = "credential-missing"
    title = "No credential to send with"


def replay(
    files: Annotated[
        list[Path], typer.Argument(exists=True, help="CSV files, or the regulator's text files and folders of them.")
    ],
    url: Annotated[str, typer.Option(help="Address of the gateway.")] = "http://127.0.0.1:8000",
    station: Annotated[str | None, typer.Option(help="Code of the station that the readings are of.")] = None,
    keys: Annotated[Path, typer.Option(help="JSON file with the key of each station.")] = Path("var/station-keys.json"),
    token_file: Annotated[
        Path | None, typer.Option(help="File with the staff's token; it may send for any station.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="TOML file that maps columns to symbols.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="NAME=SYMBOL[*FACTOR][:UNIT]; may be given many times, in place of --mapping."),
    ] = None,
    time_column: Annotated[str | None, typer.Option(help="Column of the time.")] = None,
    time_format: Annotated[
        str | None, typer.Option(help="strptime format of the time; ISO 8601 where left out.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Offset or zone of times that have none.")] = "+07:00",
    start: Annotated[str | None, typer.Option(help="Time of the first row, for files without times.")] = None,
    step: Annotated[str | None, typer.Option(help="Time between rows, such as 1h.")] = None,
    delimiter: Annotated[str, typer.Option(help="Sign between columns.")] = ",",
    file_code: Annotated[
        str | None, typer.Option(help="Send the regulator's files under this code, such as TH_SNMT_KHI01.")
    ] = None,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Move all times so that the last one is now.")
    ] = False,
    as_if_live: Annotated[
        bool, typer.Option("--as-if-live", help="Send row by row in the order of time, at the pace of measurement.")
    ] = False,
    speed: Annotated[float, typer.Option(min=1, help="How many times faster than measured; with --as-if-live.")] = 1.0,
    rows: Annotated[int, typer.Option(min=1, max=20_000, help="Rows of a backfill message.")] = 500,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Messages under way at once.")] = 4,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, send nothing, say what would be sent.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="Append every sending and every answer to this file, synced.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the final tally as JSON.")] = False,
) -> None:
    """Send recorded readings as if they were live, or as backfill, and say what became of them.

    The regulator's files are sent byte by byte as they are. A message that is not answered is sent again until it is,
    so a replay that was stopped can be started again: what is there already is a duplicate.
    """
    log.configure("WARNING")
    texts, tables = _sorted(files)
    if texts:
        pieces = replaying.of_files(texts, code=file_code, station=station or "", to_now=shift_to_now)
    else:
        told = mappings.read(mapping) if mapping else None
        if told is None:
            time = TimeMapping(column=time_column, format=time_format, zone=zone, start=start, step=step)
            told = _inline(column or [], time, delimiter)
        station = station or told.station
        series = [series_files.read(path, told, _named(station)) for path in tables]
        pieces = replaying.of_series(series, rows=rows, as_live=as_if_live, to_now=shift_to_now)
    _announce(pieces)
    if dry_run:
        return
    credential = _credential(station, keys, token_file)
    tally = Tally()
    pace = speed if as_if_live else None
    try:
        # In the order of time means one after the other.
        asyncio.run(_run(url, credential, pieces, tally, 1 if as_if_live else at_once, pace, ledger))
    finally:
        tallies.show(tally, as_json=as_json)


def _sorted(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """The regulator's files and folders of them, and tables; one of the two is empty."""
    texts = [path for path in files if path.is_dir() or regulator_files.is_regulators(path)]
    tables = [path for path in files if path not in texts]
    if texts and tables:
        fault = errors.Fault("files", f"{tables[0]} and {texts[0]}", "CSV files, or the regulator's files, not both")
        raise NothingToReplay("Two kinds of files cannot be sent at once.", faults=[fault])
    return texts, tables


def _named(station: str | None) -> str:
    if station is None:
        fault = errors.Fault("station", "nothing", "--station CODE, or `station` in the mapping")
        raise NothingToReplay("Of which station the readings are is not said.", faults=[fault])
    return station


def _inline(columns: list[str], time: TimeMapping, delimiter: str) -> Mapping:
    named = dict(mappings.column(text) for text in columns)
    return mappings.checked(Mapping(columns=named, time=time, delimiter=delimiter), "the options")


def _announce(pieces: Pieces) -> None:
    what = f"{pieces.count:,} files" if pieces.readings is None else f"{pieces.readings:,} readings"
    first, last = (
        instants.text(instants.from_us(at), instants.Zone.VIETNAM) for at in (pieces.first_us, pieces.last_us)
    )
    typer.echo(f"{what} from {first} to {last}", err=True)
    if pieces.too_old:
        typer.echo(
            f"{pieces.too_old:,} times are older than 400 days and will be quarantined; --shift-to-now moves them.",
            err=True,
        )


def _local(time_us: int) -> str:
    return instants.text(instants.from_us(time_us), instants.Zone.VIETNAM)


def _credential(code: str | None, keys: Path, token_file: Path | None) -> str:
    if token_file is not None:
        return token_file.read_text(encoding="utf-8").strip()
    known = sessions.read_keys(keys)
    if code is None or code not in known:
        fault = errors.Fault("station", code or "nothing", f"a station with a key in {keys}, or --token-file")
        raise CredentialMissing("There is nothing to send with.", faults=[fault])
    return known[code]


async def _run(
    url: str, credential: str, pieces: Pieces, tally: Tally, at_once: int, speed: float | None, book: Path | None
) -> None:
    stop = asyncio.Event()
    if book is None:
        await stopping.run(_send(url, credential, pieces, Sender(tally), stop, at_once, speed), stop)
        return
    async with Ledger(book) as opened:
        await stopping.run(_send(url, credential, pieces, Sender(tally, opened), stop, at_once, speed), stop)


async def _send(
    url: str, credential: str, pieces: Pieces, sender: Sender, stop: asyncio.Event, at_once: int, speed: float | None
) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(30.0, pool=None), trust_env=False) as client:
        with _progress() as progress:
            unit = "files" if pieces.readings is None else "readings"
            task = progress.add_task(unit, total=pieces.count)

            def on_sent(parcel: Parcel) -> None:
                progress.advance(task, 1 if pieces.readings is None else parcel.count)

            await replaying.replay(
                pieces,
                HttpTransport(client, credential),
                sender,
                stop,
                at_once=at_once,
                speed=speed,
                on_sent=on_sent,
            )


class _Rate(ProgressColumn):
    """Files or readings a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
