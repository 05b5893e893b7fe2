"""What `quantrac run` shows: its steps, a table when all is up, one line a minute, and how it ends."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from core import instants
from gateway.running import counting
from gateway.running.assembling import Assembly
from gateway.running.store import Received, Reporting

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


def table(assembly: Assembly, stations: int, first_link: str | None = None) -> None:
    """Where everything is. Lines are not wrapped, so that they can be copied whole.

    first_link: for the first administrator; it is shown here, and written nowhere.
    """
    places = assembly.places
    token = f'"Authorization: Bearer $(cat {_shown(places.staff_token)})"'
    simulated = "each reports every 5 minutes" if assembly.options.stations else "none is simulated"
    rows = {
        "HTTP": f"{assembly.http}  (documentation: {assembly.http}/docs)",
        **({"Sign in": f"{first_link}  (once: choose the first administrator's password)"} if first_link else {}),
        "MQTT": f"{assembly.mqtt}  (user: key id, password: whole key, topic: v1/<station>/observations)",
        "Try": f"curl -s -H {token} '{assembly.http}/v1/stations?limit=2'",
        "Commands": f". {_shown(places.variables)}; quantrac --help  (in another terminal)",
        "Stations": f"{stations} of the demonstration, {simulated}; keys in {_shown(places.station_keys)}",
        "Data": f"{_shown(places.root)}/ (logs in {_shown(places.log(''))}/)",
        "Stop": "Ctrl-C; the data stay, and the next run goes on with them",
    }
    _console.print("\n[bold green]quantrac is running.[/bold green]")
    for name, text in rows.items():
        _console.print(f"  [bold]{name:<9}[/bold] {escape(text)}")
    _console.print()


def minute(reporting: Reporting, received: Received, counts: Mapping[str, int]) -> None:
    """The line a minute: received, judged, refused; `counts` are named as in `counting`."""
    refused, denied, suspect, failed = (
        counts.get(name, 0) for name in (counting.REFUSED, counting.DENIED, counting.SUSPECT, counting.FAILED)
    )
    readings = received.stored + received.duplicates + received.conflicts + received.quarantined
    text = (
        f"{_clock()}  stations {reporting.reporting}/{reporting.expected} · "
        f"received {received.receipts:,} submissions, {readings:,} readings · "
        f"stored {received.stored:,} (suspect {suspect:,}, failed {failed:,}), "
        f"duplicate {received.duplicates:,}, conflict {received.conflicts:,} · "
        f"quarantined {received.quarantined:,}, refused {refused:,}"
    )
    if denied:
        text += f", denied by the broker {denied:,}"
    _console.print(text)
