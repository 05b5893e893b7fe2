"""How commands show what they found: tables, JSON lines, members one by one, and how far long work has come."""

import sys
from collections.abc import Sequence
from datetime import datetime

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core import instants

_WIDEST = 400


def written(time: datetime) -> str:
    """The time in Vietnam, to the second."""
    return instants.text(time.replace(microsecond=0), instants.Zone.VIETNAM)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    # A pipe has no width: what reads it wants whole cells.
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)


def print_json(items: Sequence[BaseModel]) -> None:
    """One document a line."""
    for item in items:
        typer.echo(item.model_dump_json())


def print_members(item: BaseModel) -> None:
    """Each member on a line of its own, under its name on the wire."""
    document = item.model_dump(mode="json")
    width = max(map(len, document))
    for name, value in document.items():
        if not isinstance(value, list):
            typer.echo(f"{name:<{width}}  {'' if value is None else value}")


def bar() -> Progress:
    """A bar on standard error, so that standard output stays what was asked for; gone when the work is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
