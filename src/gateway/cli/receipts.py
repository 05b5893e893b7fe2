"""`quantrac receipts`: what came in, and its bytes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import asking, options, printing
from telemetry.evidence import errors, schemas, store
from telemetry.readings import Channel

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="What came in, what became of it, and its bytes as they came."
)

_MOST_READINGS = 10_000
ReceiptId = Annotated[int, typer.Argument(min=1, help="Number of the receipt.")]


@app.command("list")
def list_receipts(
    station: options.Station = None,
    channel: Annotated[Channel | None, typer.Option(help="The way it came.")] = None,
    outcome: Annotated[
        schemas.KeptFate | None, typer.Option(help="Only submissions with at least one such reading.")
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    limit: options.Limit = 20,
    as_json: options.AsJson = False,
) -> None:
    """List receipts, newest first."""
    asked = store.ReceiptFilter(options.one(station), channel, since, until, outcome)
    found = asking.asked(lambda database: store.receipts(database, asked, store.BEGINNING, limit))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        (
            "receipt",
            "received",
            "station",
            "channel",
            "format",
            "stored",
            "duplicate",
            "conflict",
            "quarantined",
            "source",
        ),
        [
            (r.receipt, printing.written(r.received_time), r.station, r.channel, r.format, *_counts(r.counts), r.source)
            for r in found
        ],
    )


def _counts(counts: schemas.Counts) -> tuple[int, int, int, int]:
    return counts.stored, counts.duplicate, counts.conflict, counts.quarantined


@app.command()
def show(receipt: ReceiptId, as_json: options.AsJson = False) -> None:
    """Show one receipt and every reading that was not simply stored."""
    found = asking.asked(lambda database: store.receipt(database, receipt, _MOST_READINGS))
    if found is None:
        raise errors.ReceiptNotFound(receipt)
    if as_json:
        printing.print_json([found])
        return
    printing.print_members(found)
    if found.readings:
        typer.echo("")
        printing.print_rows(
            ("index", "symbol", "outcome", "reason", "field", "found", "expected"),
            [(r.index, r.symbol, r.outcome, r.reason, r.field, r.found, r.expected) for r in found.readings],
        )


@app.command()
def raw(
    receipt: ReceiptId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; standard output otherwise.")
    ] = None,
) -> None:
    """Write the bytes of a receipt exactly as they came (still compressed, where they came so)."""
    found = asking.asked(lambda database: store.original(database, receipt))
    if found is None:
        raise errors.ReceiptNotFound(receipt)
    if output is None:
        sys.stdout.buffer.write(found.raw)
    else:
        output.write_bytes(found.raw)
    kept = "" if found.complete else f" (the first {len(found.raw)} of {found.raw_length})"
    typer.echo(
        f"{len(found.raw)} bytes{kept}, {found.raw_encoding}, sha256 of the whole {found.sha256.hex()}", err=True
    )
