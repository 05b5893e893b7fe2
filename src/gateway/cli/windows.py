"""`quantrac windows`: when stations may be silent or calibrate without calling anybody."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from core.database import Database
from gateway.cli import asking, options, printing
from gateway.cli.alerts import By, Why, duration
from telemetry.alerts.handling import scheduling
from telemetry.alerts.lifecycle.schemas import Named
from telemetry.alerts.windows import store
from telemetry.alerts.windows.moves import WindowAction, WindowKind, WindowState
from telemetry.alerts.windows.schemas import Decision, NewWindow, Refusal, Window
from telemetry.alerts.windows.store import KeptWindow, WindowFilter

app = typer.Typer(
    no_args_is_help=True,
    help="Maintenance and calibration windows: an accepted one mutes the alerts that begin in it.",
)

_BY = "command line"
WindowId = Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="Id of the window.", metavar="WINDOW")]
Note = Annotated[str, typer.Option("--reason", "-r", help="Why, on one line.")]


@app.command("list")
def list_windows(
    station: options.Station = None,
    kind: Annotated[WindowKind | None, typer.Option(help="Only this kind.")] = None,
    state: Annotated[WindowState | None, typer.Option(help="Only this state.")] = None,
    begin: Annotated[
        datetime | None,
        typer.Option("--from", parser=options.instant, metavar="TIME", help="That end after this time."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", parser=options.instant, metavar="TIME", help="That begin before this time."),
    ] = None,
    limit: options.Limit = 50,
    as_json: options.AsJson = False,
) -> None:
    """List windows by when they begin, the latest first."""
    wanted = WindowFilter(stations=None if station is None else [station], kind=kind, state=state, begin=begin, end=end)
    found = asking.asked(lambda database: store.page(database, wanted, (None, None), limit))
    windows = [scheduling.shown(kept) for kept in found]
    if as_json:
        printing.print_json(windows)
        return
    printing.print_rows(
        ("id", "kind", "state", "station", "symbol", "from", "to", "reason", "asked by", "decided by"),
        [
            (w.id, w.kind, _state(w), w.station, w.symbol, *_span(w), w.reason, w.requested_by, w.decided_by)
            for w in windows
        ],
    )


def _state(window: Window) -> str:
    return f"{window.state} (in hindsight)" if window.hindsight else str(window.state)


def _span(window: Window) -> tuple[str, str]:
    return printing.written(window.begin), printing.written(window.end)


@app.command()
def request(
    kind: Annotated[WindowKind, typer.Argument(help="maintenance or calibration.")],
    station: Annotated[str, typer.Argument(help="Code of the station.")],
    reason: Why,
    begin: Annotated[
        datetime,
        typer.Option("--from", parser=options.instant, metavar="TIME", help="Its first moment, with its offset."),
    ],
    end: Annotated[
        datetime | None, typer.Option("--to", parser=options.instant, metavar="TIME", help="The first moment after it.")
    ] = None,
    length: Annotated[
        timedelta | None, typer.Option("--for", parser=duration, metavar="TIME", help="Its length: 30m, 8h, 3d.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="Only this property; all of the station where left out.")] = None,
    standard: Annotated[
        list[float] | None, typer.Option(help="Of a calibration: value of a standard; may be repeated.")
    ] = None,
    tolerance: Annotated[float | None, typer.Option(help="Of a calibration: the deviation that is allowed.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Do not ask for it yet.")] = False,
    by: By = _BY,
    as_json: options.AsJson = False,
) -> None:
    """Ask for a window. The span may lie in the past; it holds once it is accepted."""
    if (length is None) == (end is None):
        raise typer.BadParameter("give either --to or --for")
    members = {
        "kind": kind,
        "station": station,
        "reason": reason,
        "begin": begin,
        "end": end if length is None else begin + length,
        "symbol": symbol,
        "standards": standard or [],
        "tolerance": tolerance,
        "draft": draft,
    }
    new, who = options.checked(NewWindow, members), _person(by)
    _do(lambda database: scheduling.ask(database, new, who), as_json=as_json)


@app.command()
def show(window: WindowId, as_json: options.AsJson = False) -> None:
    """Show one window with everything that happened to it."""
    found = scheduling.shown(asking.asked(lambda database: scheduling.get(database, window)))
    if as_json:
        printing.print_json([found])
        return
    printing.print_members(found)
    typer.echo()
    rows = [(printing.written(move.time), move.action, move.actor, move.reason) for move in found.moves]
    printing.print_rows(("when", "what", "who", "why"), rows)


@app.command()
def submit(window: WindowId, by: By = _BY, as_json: options.AsJson = False) -> None:
    """Ask for a window that is a draft."""
    _move(window, WindowAction.REQUEST, "", by, as_json=as_json)


@app.command()
def accept(window: WindowId, reason: Note = "", by: By = _BY, as_json: options.AsJson = False) -> None:
    """Let it hold, also in hindsight: alerts that begin in it are muted."""
    why = options.checked(Decision, {"reason": reason}).reason
    _move(window, WindowAction.ACCEPT, why, by, as_json=as_json)


@app.command()
def reject(window: WindowId, reason: Why, by: By = _BY, as_json: options.AsJson = False) -> None:
    """Turn it down."""
    why = options.checked(Refusal, {"reason": reason}).reason
    _move(window, WindowAction.REJECT, why, by, as_json=as_json)


@app.command()
def cancel(window: WindowId, reason: Note = "", by: By = _BY, as_json: options.AsJson = False) -> None:
    """Take it back; what an accepted one muted calls people again."""
    why = options.checked(Decision, {"reason": reason}).reason
    _move(window, WindowAction.CANCEL, why, by, as_json=as_json)


def _person(by: str) -> str:
    return options.checked(Named, {"by": by}).by


def _move(window: int, action: WindowAction, reason: str, by: str, *, as_json: bool) -> None:
    who = _person(by)
    _do(lambda database: scheduling.move(database, window, action, who, reason, None), as_json=as_json)


def _do(move: Callable[[Database], Coroutine[Any, Any, KeptWindow]], *, as_json: bool) -> None:
    """Make a move and say what the window is now."""
    found = scheduling.shown(asking.asked(move))
    if as_json:
        printing.print_json([found])
    else:
        begin, end = _span(found)
        typer.echo(f"Window {found.id} of {found.station} ({found.kind}, {begin} to {end}) is {_state(found)}.")
