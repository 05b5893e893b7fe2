"""`quantrac check-ledger`: compares what a sender wrote down with what the database holds."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from core.database import Database, PoolLimits
from gateway.settings import Settings
from telemetry.catalog import loading
from telemetry.simulation import checking, ledger, store
from telemetry.simulation.checking import Report


def check_ledger(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Ledgers of simulate or replay.")],
    others_send: Annotated[
        bool, typer.Option("--others-send", help="Do not judge rows that came of messages in none of the ledgers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
) -> None:
    """Compare ledgers with the tables: what was answered is there; what is there was sent, unchanged, by its station.

    Needs QUANTRAC_DATABASE__DSN (or …_FILE). Ends with code 1 where a promise was broken.
    """
    report = asyncio.run(_check(Settings().dsn, files, others_send))
    sys.stdout.write((_document(report) if as_json else str(report)) + "\n")
    if not report.ok:
        raise typer.Exit(1)


async def _check(dsn: str, files: list[Path], others_send: bool) -> Report:
    # One snapshot of whole tables is one long statement.
    async with Database(dsn, application_name="quantrac-check", limits=PoolLimits(command_seconds=300)) as database:
        catalog = await loading.read(database)
        tables = await store.tables(database)
    lines = [line for path in files for line in ledger.read(path)]
    return checking.check(lines, tables, catalog, others_send=others_send)


def _document(report: Report) -> str:
    return msgspec.json.encode(
        {
            "ok": report.ok,
            "lost": report.lost,
            "operations": report.operations,
            "sendings": report.sendings,
            "acked": report.acked,
            "refused": report.refused,
            "unknown": len(report.unknown),
            "readings": report.readings,
            "rows": report.rows,
            "fates": dict(report.fates),
            "broken": dict(report.broken),
            "violations": [f"{each.rule}: {each.text}" for each in report.violations],
        }
    ).decode()
