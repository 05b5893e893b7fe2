"""`quantrac verdicts`: averages judged against the limits that held, what they rest on, and by which policies."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal

import typer

from core.instants import Zone
from gateway import resources
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from telemetry.verdicts import policies as policy_rows
from telemetry.verdicts import schemas, showing, store, tables
from telemetry.verdicts.asking import ask
from telemetry.verdicts.rounds import Judging

app = typer.Typer(no_args_is_help=True, help="Averages judged against the limits that held, and what they rest on.")

_BY = "command line"
_COLUMNS = (
    "id",
    "station",
    "symbol",
    "window",
    "periodStart",
    "verdict",
    "mean",
    "lower",
    "upper",
    "validN",
    "expectedN",
)
VerdictId = Annotated[int, typer.Argument(min=1, help="Id of the verdict.")]
Begin = Annotated[
    datetime, typer.Option("--from", parser=options.instant, metavar="TIME", help="Begin, with its offset.")
]
End = Annotated[datetime, typer.Option("--to", parser=options.instant, metavar="TIME", help="End, not included.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--from", parser=options.instant, metavar="TIME", help="Periods that end after this, with its offset."
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option("--to", parser=options.instant, metavar="TIME", help="Periods that begin before this."),
]
Symbol = Annotated[str | None, typer.Option(help="Only this property, by its symbol.")]


@app.command("list")
def list_verdicts(
    station: options.Station = None,
    symbol: Symbol = None,
    window: Annotated[
        Literal["1h", "8h", "24h", "year"] | None, typer.Option(help="Only averages over this window.")
    ] = None,
    verdict: Annotated[
        Literal["compliant", "exceeded", "insufficient-data", "cannot-be-judged"] | None,
        typer.Option(help="Only these verdicts."),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: options.Limit = 20,
    as_json: options.AsJson = False,
) -> None:
    """List verdicts, newest period first; times are those of Vietnam."""
    asked = store.Filter(None if station is None else [station], symbol, window, verdict, since, until)
    found = asking.asked(lambda database: store.page(database, asked, (None, None), limit))
    if as_json:
        printing.print_json(found)
        return
    places = [tables.HEADER.index(name) for name in _COLUMNS]
    rows = tables.rows(found, Zone.VIETNAM)
    printing.print_rows(_COLUMNS, [[row[place] for place in places] for row in rows])


@app.command()
def show(verdict: VerdictId, as_json: options.AsJson = False) -> None:
    """Show one verdict, what was said of its period before, and the receipts behind it."""
    found = asking.asked(lambda database: showing.detail(database, verdict))
    if as_json:
        printing.print_json([found])
        return
    if found.verdict is None:
        typer.echo(f"Verdict {verdict} was withdrawn.")
    else:
        printing.print_members(found.verdict)
    if found.former:
        typer.echo("\nBefore:")
        printing.print_rows(
            ("until", "verdict", "mean", "upper", "validN", "cause", "by"),
            [
                (printing.written(f.replaced_time), f.verdict, f.mean, f.limit.upper, f.valid_n, f.cause, _by(f))
                for f in found.former
            ],
        )
    typer.echo(f"\n{len(found.observations)} observations in {len(found.receipts)} receipts:")
    printing.print_rows(
        ("receipt", "received", "channel", "sha256"),
        [(r.receipt, printing.written(r.received_time), r.channel, r.sha256) for r in found.receipts],
    )


def _by(former: schemas.FormerVerdict) -> str:
    """What or who made the verdict another one."""
    named = (
        ("receipt", former.cause_receipt),
        ("limit", former.cause_limit),
        ("policy", former.cause_policy),
        ("", former.cause_person),
    )
    return ", ".join(f"{kind} {value}".strip() for kind, value in named if value is not None)


@app.command()
def judge(
    station: Annotated[str, typer.Argument(help="Code of the station.")],
    since: Begin,
    until: End,
    symbol: Symbol = None,
    here: Annotated[
        bool, typer.Option("--here", help="Judge in this process, and all else that is due, instead of waiting.")
    ] = False,
) -> None:
    """Have every closed period that overlaps a span judged again, by `quantrac watch`.

    A verdict follows from the stored data and limits: where they are the same, it stays the same.
    """
    members = {"station": station, "symbol": symbol, "from": since, "to": until}
    wanted = options.checked(schemas.JudgeRequest, members)
    count = asyncio.run(_judge(wanted, here=here))
    typer.echo(f"{count} datastreams {'were judged' if here else 'will be judged by `quantrac watch`'}.")


async def _judge(wanted: schemas.JudgeRequest, *, here: bool) -> int:
    async with asking.opened() as database:
        count = await ask(database, wanted, _BY)
        judging: Judging | None = None
        if here:
            judging = await Judging(database, resources.judging_options(Settings())).prepare()
        while judging is not None and await judging.turn():
            pass
    return count


@app.command()
def policies(as_json: options.AsJson = False) -> None:
    """List the policies of averaging: which share of the data a verdict needs, and how sure that is."""
    found = asking.asked(policy_rows.every)
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "for", "window", "minimumShare", "labelEnd", "verified", "source"),
        [
            (
                p.id,
                p.rule_set or p.station_kind or "all others",
                p.window,
                p.minimum_share,
                p.label_end,
                p.verified,
                p.source,
            )
            for p in found
        ],
    )
