"""`quantrac quarantine`: readings that were kept but not stored, and what becomes of them."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated

import typer
from pydantic import ValidationError

from core import paging
from gateway import resources
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from telemetry.catalog.loading import LiveCatalog
from telemetry.evidence import errors, schemas, store
from telemetry.evidence.replaying import Replayer
from telemetry.intake.submitting import Intake
from telemetry.readings import Reason

app = typer.Typer(
    no_args_is_help=True, help="Readings that were kept but not stored: look, mend the catalogue, replay."
)

_BY = "command line"
_SHOWN = 20
EntryId = Annotated[int, typer.Argument(min=1, help="Id of the entry.")]
Why = Annotated[Reason | None, typer.Option(help="Only entries with this reason.")]
Symbol = Annotated[str | None, typer.Option(help="Only this symbol, as it was sent.")]
Receipt = Annotated[int | None, typer.Option(min=1, help="Only entries of this receipt.")]


@app.command("list")
def list_entries(
    station: options.Station = None,
    reason: Why = None,
    symbol: Symbol = None,
    receipt: Receipt = None,
    state: Annotated[schemas.State, typer.Option(help="Whether it was dealt with.")] = schemas.State.OPEN,
    since: options.Since = None,
    until: options.Until = None,
    limit: options.Limit = 20,
    as_json: options.AsJson = False,
) -> None:
    """List quarantined readings, newest first."""
    asked = store.QuarantineFilter(options.one(station), reason, symbol, receipt, since, until)
    found = asking.asked(lambda database: store.quarantine(database, asked, state, store.BEGINNING, limit))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "received", "station", "receipt", "index", "symbol", "value", "reason", "found", "expected", "resolved"),
        [
            (e.id, printing.written(e.received_time), e.station, e.receipt, e.index, e.symbol, *_why(e), e.resolution)
            for e in found
        ],
    )


def _why(entry: schemas.Quarantined) -> tuple[str | None, str, str, str]:
    return entry.value, entry.reason, entry.found, entry.expected


@app.command()
def show(entry: EntryId, as_json: options.AsJson = False) -> None:
    """Show one entry with its text as it was sent."""
    found = asking.asked(lambda database: store.quarantine_entry(database, entry))
    if found is None:
        raise errors.QuarantineNotFound(entry)
    if as_json:
        printing.print_json([found])
    else:
        printing.print_members(found)


@app.command()
def dismiss(entry: EntryId, note: Annotated[str, typer.Option(help="Why it stays out.")]) -> None:
    """Decide that a reading stays out. Its text and its bytes are kept."""
    try:
        schemas.Dismissal(note=note)
    except ValidationError:
        raise typer.BadParameter("1 to 500 characters on one line", param_hint="--note") from None
    asyncio.run(_dismiss(entry, note))
    typer.echo(f"Entry {entry} is dismissed.")


async def _dismiss(entry: int, note: str) -> None:
    async with asking.opened() as database:
        if await store.dismiss(database, entry, note):
            return
        found = await store.quarantine_entry(database, entry)
    if found is None:
        raise errors.QuarantineNotFound(entry)
    raise errors.AlreadyResolved(entry, found.resolution or "open")


@app.command()
def replay(
    station: options.Station = None,
    reason: Why = None,
    symbol: Symbol = None,
    receipt: Receipt = None,
    since: options.Since = None,
    until: options.Until = None,
    entry: Annotated[int | None, typer.Option("--id", min=1, help="Only this entry.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Really do it; without this it is a dry run.")] = False,
) -> None:
    """Read quarantined submissions again with today's catalogue and keep what passes now.

    Without --write nothing changes, and you see what would happen. Running it again is harmless.
    """
    asked = store.QuarantineFilter(options.one(station), reason, symbol, receipt, since, until, entry)
    reports = asyncio.run(_replay(asked, dry_run=not write))
    _summarize(reports, dry_run=not write)


async def _replay(asked: store.QuarantineFilter, *, dry_run: bool) -> list[schemas.ReplayReport]:
    """Batch by batch, until every match was looked at once."""
    settings = Settings()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(asking.opened())
        catalog = await stack.enter_async_context(LiveCatalog(database))
        intake = await stack.enter_async_context(Intake(database, catalog, resources.intake_limits(settings)))
        replayer = Replayer(database, catalog, intake)
        progress = stack.enter_context(printing.bar())
        task = progress.add_task("dry run" if dry_run else "replay", total=await store.open_count(database, asked))
        reports: list[schemas.ReplayReport] = []
        after = 0
        while True:
            report = await replayer.replay(asked, by=_BY, dry_run=dry_run, receipts=50, after_receipt=after)
            reports.append(report)
            progress.advance(task, len(report.entries))
            if report.next_cursor is None:
                return reports
            (after,) = paging.decode(report.next_cursor, int)


def _summarize(reports: list[schemas.ReplayReport], *, dry_run: bool) -> None:
    entries = [entry for report in reports for entry in report.entries]
    staying = [entry for entry in entries if not entry.kept]
    told = {name: sum(getattr(report.counts, name) for report in reports) for name in schemas.Counts.model_fields}
    would = "would become" if dry_run else "became"
    typer.echo(
        f"{len(entries)} entries of {sum(report.receipts for report in reports)} receipts {would}: "
        + ", ".join(f"{number} {name}" for name, number in told.items())
    )
    if staying:
        typer.echo(f"{len(staying)} stay in quarantine" + (f"; the first {_SHOWN}:" if len(staying) > _SHOWN else ":"))
        printing.print_rows(
            ("id", "receipt", "symbol", "reason", "found", "expected"),
            [(e.quarantine, e.receipt, e.symbol, e.reason, e.found, e.expected) for e in staying[:_SHOWN]],
        )
    if dry_run and len(staying) < len(entries):
        typer.echo("Nothing was changed. Add --write to do it.")
