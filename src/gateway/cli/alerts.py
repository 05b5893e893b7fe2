"""`quantrac alerts`: what is wrong just now, and what people do about it, straight in the database."""

import re
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from core import instants
from core.database import Database
from gateway.cli import asking, options, printing
from telemetry.alerts.handling import counting, listing, moving
from telemetry.alerts.kinds import Kind, Severity
from telemetry.alerts.lifecycle import schemas, store
from telemetry.alerts.lifecycle.documents import AlertDocument, document
from telemetry.alerts.lifecycle.store import Filter, Known
from telemetry.alerts.lifecycle.workflow import State, possible
from telemetry.alerts.rules import ruling
from telemetry.alerts.rules.schemas import AlertRule

app = typer.Typer(
    no_args_is_help=True,
    help="What is wrong just now, and what is done about it. Times are in phenomenon time and shown as in Vietnam.",
)

_OPEN = (State.RAISED, State.ACKNOWLEDGED, State.SHELVED)
_MOST_MOVES = 1_000
_DURATION = re.compile(r"(\d{1,6})\s*(m|min|h|d)")
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

AlertId = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Id of the alert.", metavar="ALERT")]
By = Annotated[str, typer.Option("--by", help="Who does it, as it will stand in the timeline.")]
Why = Annotated[str, typer.Option("--reason", "-r", help="Why, on one line.")]
_BY = "command line"


def duration(text: str) -> timedelta:
    """An option such as 30m, 8h or 3d."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 30m, 8h or 3d")
    return int(found[1]) * _UNITS[found[2]]


@app.command("list")
def list_alerts(
    station: options.Station = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only this kind; may be repeated.")] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Only this severity; may be repeated.")] = None,
    state: Annotated[
        list[State] | None, typer.Option(help="Only this state; may be repeated.", show_default="all but cleared")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Cleared ones too.")] = False,
    organization: Annotated[str | None, typer.Option(help="Only stations of this organization.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only this property.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only those that this person takes care of.")] = None,
    historical: Annotated[
        bool | None,
        typer.Option("--historical/--live", help="Only what was long over when it was found, or only the rest."),
    ] = None,
    begin: Annotated[
        datetime | None,
        typer.Option("--from", parser=options.instant, metavar="TIME", help="That lasted at this time or longer."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", parser=options.instant, metavar="TIME", help="That began before this time."),
    ] = None,
    limit: options.Limit = 50,
    as_json: options.AsJson = False,
) -> None:
    """List alerts, newest first; open ones unless --state or --all says otherwise."""
    states = state or (None if everything else _OPEN)
    wanted = Filter(
        states=_texts(states),
        kinds=_texts(kind),
        severities=_texts(severity),
        stations=None if station is None else [station],
        organization=organization,
        symbol=symbol,
        begin=begin,
        end=end,
        historical=historical,
        assignee=assignee,
    )
    found = asking.asked(lambda database: store.page(database, wanted, (None, None), limit))
    documents = [document(known.alert, known.subject) for known in found]
    if as_json:
        printing.print_json(documents)
        return
    printing.print_rows(
        ("id", "severity", "state", "began", "ended", "what", "whose", "notes"),
        [(d.id, d.severity, d.state, *_times(d), d.title.vi, d.assignee, _notes(d)) for d in documents],
    )


def _texts(chosen: Any) -> list[str] | None:
    return [str(item) for item in chosen] if chosen else None


def _times(found: AlertDocument) -> tuple[str, str | None]:
    ended = found.cleared_time
    return printing.written(found.raised_time), None if ended is None else printing.written(ended)


def _notes(found: AlertDocument) -> str:
    """What a person should know who sees nothing but the line."""
    notes = []
    if found.shelved_until is not None:
        notes.append(f"shelved until {printing.written(found.shelved_until)}")
    if found.muted:
        notes.append(f"muted by window {found.muted_by}")
    if found.escalation_level:
        notes.append(f"level {found.escalation_level}")
    if found.historical:
        notes.append("history")
    if found.cleared_reason not in {None, "condition"}:
        notes.append(str(found.cleared_reason))
    return ", ".join(notes)


@app.command()
def show(alert: AlertId, as_json: options.AsJson = False) -> None:
    """Show one alert with everything that happened to it, and what may be done now."""
    known, moves = asking.asked(lambda database: _with_moves(database, alert))
    found = document(known.alert, known.subject)
    if as_json:
        printing.print_json([found, *moves])
        return
    typer.echo(found.title.vi)
    typer.echo(found.title.en)
    typer.echo()
    printing.print_members(found)
    typer.echo()
    printing.print_rows(
        ("when", "what", "from", "to", "who", "why"),
        [(printing.written(m.time), m.action, m.from_state, m.to_state, m.actor, m.reason) for m in moves],
    )
    typer.echo(f"\nPossible now: {', '.join(possible(known.alert.state))}.")


async def _with_moves(database: Database, alert: int) -> tuple[Known, list[schemas.Move]]:
    known = await moving.get(database, alert)
    return known, [listing.move(kept) for kept in await store.moves(database, alert, 0, _MOST_MOVES)]


def _do(move: Callable[[Database], Coroutine[Any, Any, Known]], *, as_json: bool) -> None:
    """Make a move and say what the alert is now."""
    known = asking.asked(move)
    found = document(known.alert, known.subject)
    if as_json:
        printing.print_json([found])
    else:
        typer.echo(f"Alert {found.id} is {found.state} (revision {found.revision}): {found.title.en}")


@app.command()
def ack(
    alert: AlertId,
    comment: Annotated[str | None, typer.Option("--comment", "-c", help="What you found out.")] = None,
    by: By = _BY,
    as_json: options.AsJson = False,
) -> None:
    """Acknowledge: you have seen it and care. It no longer escalates."""
    asked = options.checked(schemas.Acknowledgement, {"comment": comment})
    who = _person(by)
    _do(lambda db: moving.acknowledge(db, alert, who, asked.comment or "", None), as_json=as_json)


@app.command()
def comment(
    alert: AlertId,
    text: Annotated[str, typer.Argument(help="The comment.", metavar="TEXT")],
    by: By = _BY,
    as_json: options.AsJson = False,
) -> None:
    """Write a line into the timeline, in any state."""
    asked, who = options.checked(schemas.Comment, {"text": text}), _person(by)
    _do(lambda db: moving.comment(db, alert, who, asked.text), as_json=as_json)


@app.command()
def assign(
    alert: AlertId,
    person: Annotated[str | None, typer.Argument(help="Who takes care of it; nobody where left out.")] = None,
    by: By = _BY,
    as_json: options.AsJson = False,
) -> None:
    """Say who takes care of it."""
    asked, who = options.checked(schemas.Assignment, {"assignee": person}), _person(by)
    _do(lambda db: moving.assign(db, alert, who, asked.assignee, None), as_json=as_json)


@app.command()
def shelve(
    alert: AlertId,
    reason: Why,
    length: Annotated[
        timedelta | None, typer.Option("--for", parser=duration, metavar="TIME", help="For how long: 30m, 8h, 3d.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", parser=options.instant, metavar="TIME", help="Until when, with its offset."),
    ] = None,
    by: By = _BY,
    as_json: options.AsJson = False,
) -> None:
    """Take it off the screen for a time, 30 days at most. It comes back by itself."""
    if (length is None) == (until is None):
        raise typer.BadParameter("give either --for or --until")
    end = until if length is None else instants.now() + length
    asked, who = options.checked(schemas.Shelving, {"reason": reason, "until": end}), _person(by)
    _do(lambda db: moving.shelve(db, alert, who, asked.reason, asked.until, None), as_json=as_json)


@app.command()
def unshelve(
    alert: AlertId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, on one line.")] = "",
    by: By = _BY,
    as_json: options.AsJson = False,
) -> None:
    """Bring it back from the shelf before its time."""
    asked, who = options.checked(schemas.Unshelving, {"reason": reason}), _person(by)
    _do(lambda db: moving.unshelve(db, alert, who, asked.reason, None), as_json=as_json)


@app.command()
def clear(alert: AlertId, reason: Why, by: By = _BY, as_json: options.AsJson = False) -> None:
    """Close it by hand although the data do not."""
    asked, who = options.checked(schemas.Justified, {"reason": reason}), _person(by)
    _do(lambda db: moving.clear(db, alert, who, asked.reason, None), as_json=as_json)


@app.command("reraise")
def reraise_alert(alert: AlertId, reason: Why, by: By = _BY, as_json: options.AsJson = False) -> None:
    """Open it again after it was cleared by hand."""
    asked, who = options.checked(schemas.Justified, {"reason": reason}), _person(by)
    _do(lambda db: moving.reraise(db, alert, who, asked.reason, None), as_json=as_json)


def _person(by: str) -> str:
    return options.checked(schemas.Named, {"by": by}).by


@app.command()
def counts(
    organization: Annotated[str | None, typer.Option(help="Only stations of this organization.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Count open alerts, and the stations by state."""
    found = asking.asked(lambda database: counting.count(database, organization))
    if as_json:
        printing.print_json([found])
        return
    typer.echo(f"{found.total.open} open, {found.total.unacknowledged} not acknowledged, {found.muted} muted.")
    for title, tallies in (("severity", found.by_severity), ("kind", found.by_kind)):
        typer.echo()
        rows = [(name, tally.open, tally.unacknowledged) for name, tally in tallies.items()]
        printing.print_rows((title, "open", "not acknowledged"), rows)
    typer.echo()
    states = [(s.state, s.stations, s.label_vi, _kinds(s)) for s in found.stations]
    printing.print_rows(("stations", "number", "means", "of these"), states)


def _kinds(state: schemas.StationState) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(state.by_kind.items()))


@app.command()
def rules(
    station: Annotated[str | None, typer.Option(help="The rules that hold for this station.")] = None,
    symbol: Annotated[str | None, typer.Option(help="With --station: those of this property's datastream.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only this kind.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the alert rules, or those that hold for a station or datastream. They are edited over HTTP."""
    if symbol is not None and station is None:
        raise typer.BadParameter("--symbol needs --station")
    found = asking.asked(lambda database: _rules(database, station, symbol, kind))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "kind", "for", "severity", "raised after", "cleared after", "escalates after", "parameters", "source"),
        [
            (
                rule.id or "packaged",
                rule.kind.value if rule.enabled else f"{rule.kind.value} (off)",
                " ".join(filter(None, (rule.station_kind, rule.symbol, rule.station))) or "all",
                rule.severity.value,
                f"{rule.raise_after_seconds} s",
                f"{rule.clear_after_seconds} s",
                "" if rule.escalate_after_seconds is None else f"{rule.escalate_after_seconds} s",
                " ".join(f"{name}={value:g}" for name, value in rule.parameters.items()),
                rule.source if rule.verified else f"{rule.source} (unverified)".strip(),
            )
            for rule in found
        ],
    )


async def _rules(database: Database, station: str | None, symbol: str | None, kind: Kind | None) -> list[AlertRule]:
    if station is not None:
        return list(await ruling.effective(database, station, symbol, kind))
    return [rule for rule in await ruling.every(database) if kind in {None, rule.kind}]
