"""`quantrac doctor`: looks at a deployment and says what is wrong with it and what to do."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.doctoring import examining
from gateway.doctoring.findings import Finding, Level, failed
from gateway.settings import Settings

_STYLES = {Level.OK: "green", Level.SKIPPED: "dim", Level.NOTICE: "yellow", Level.FAULT: "bold red"}
_WIDEST = 400


def doctor(
    folder: Annotated[
        list[Path] | None, typer.Option("--folder", help="Also look at the free disk of this folder; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line instead of a table.")] = False,
) -> None:
    """Examine this deployment with the settings of one of its processes; nothing is changed and no secret is shown.

    Looks at the database (versions, durability, schema, rights, TLS, clock, disk, jobs, feeds), the secrets, the
    addresses that are listened on, the broker, and the processes that run here. The exit code is 1 when something must
    be mended; a notice alone leaves it 0.
    """
    found = asyncio.run(examining.examine(Settings(), examining.Options(folders=tuple(folder or ()))))
    if as_json:
        for finding in found:
            typer.echo(json.dumps(finding.document(), ensure_ascii=False))
    else:
        _show(found)
    if failed(found):
        raise typer.Exit(1)


def _show(found: Sequence[Finding]) -> None:
    table = Table("", "looked at", "found", "what to do", box=None, header_style="bold", pad_edge=False)
    for finding in found:
        style = _STYLES[finding.level]
        table.add_row(
            *(_plain(cell) for cell in (finding.level, finding.looked_at, finding.found, finding.advice)), style=style
        )
    console = Console(width=None if sys.stdout.isatty() else _WIDEST, markup=False, highlight=False)
    console.print(table)
    faults, notices = (sum(finding.level is level for finding in found) for level in (Level.FAULT, Level.NOTICE))
    console.print(f"\n{len(found)} lines: {faults} to be mended, {notices} to be thought about.")


def _plain(cell: str) -> str:
    """Text of other programs must not steer the terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in cell)
