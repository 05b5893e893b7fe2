"""What `quantrac run` shows: its steps, a table when all is up, one line a minute, and how it ends."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core import instants
from gateway.running.assembling import Assembly
from gateway.running.store import Judged, Received, Reporting

_console = Console(highlight=False, soft_wrap=True)


def step(text: str) -> None:
    _console.print(f"[dim]{escape(text)}[/dim]")


def notice(text: str) -> None:
    """Something that a person should see, with the time."""
    _console.print(f"[yellow]{_clock()}  {escape(text)}[/yellow]")


def _clock() -> str:
    return instants.now().astimezone().strftime("%H:%M:%S")


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def table(assembly: Assembly, stations: int) -> None:
    """Where everything is; lines are never wrapped, so that they can be copied."""
    places = assembly.places
    simulated = assembly.options.stations
    token = f'"Authorization: Bearer $(cat {_shown(places.staff_token)})"'
    rows = Table(box=None, show_header=False, pad_edge=False, title_justify="left")
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(no_wrap=True, overflow="ignore")
    rows.add_row("HTTP", f"{assembly.http}   documentation: {assembly.http}/docs")
    rows.add_row("MQTT", f"{assembly.mqtt}   user: key id, password: the whole key, topic: v1/<station>/observations")
    rows.add_row("Try", f"curl -s -H {token} {assembly.http}/v1/stations?limit=2")
    rows.add_row("Commands", f". {_shown(places.variables)} && quantrac --help   (in another terminal)")
    rows.add_row(
        "Data",
        f"{_shown(places.root)}/   keys: {_shown(places.station_keys)}   logs: {_shown(places.log(''))}/",
    )
    rows.add_row(
        "Stations",
        f"{stations} simulated, each every 5 minutes" if simulated else f"{stations} have keys, none is simulated",
    )
    rows.add_row("Stop", "Ctrl-C   (the data stay; the next run goes on with them)")
    _console.print()
    _console.print("[bold green]quantrac is running.[/bold green]")
    _console.print(rows, crop=False, width=1000 if not _console.is_terminal else None)
    _console.print()


def minute(reporting: Reporting, received: Received, judged: Judged, refused: int, denied: int) -> None:
    """The line a minute: received, judged, refused."""
    readings = received.stored + received.duplicates + received.conflicts + received.quarantined
    text = (
        f"{_clock()}  stations {reporting.reporting}/{reporting.expected} · "
        f"received {received.receipts:,} submissions, {readings:,} readings · "
        f"stored {received.stored:,} (suspect {judged.suspect:,}, failed {judged.failed:,}), "
        f"duplicate {received.duplicates:,}, conflict {received.conflicts:,} · "
        f"quarantined {received.quarantined:,}, refused {refused:,}"
    )
    if denied:
        text += f", denied by the broker {denied:,}"
    _console.print(text)
