"""What the commands on receipts and quarantine share: their options, the opened parts, and how rows are printed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from core import instants
from core.database import Database
from gateway import resources
from gateway.settings import Settings

Result = TypeVar("Result")

_NAME = "quantrac-cli"
_WIDEST = 400


def instant(text: str) -> datetime:
    """An option that is a time."""
    try:
        return instants.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Station = Annotated[str | None, typer.Option(help="Only this station, by its code.")]
Since = Annotated[
    datetime | None,
    typer.Option("--from", parser=instant, metavar="TIME", help="Received at this time or later, with its offset."),
]
Until = Annotated[datetime | None, typer.Option("--to", parser=instant, metavar="TIME", help="Received before this.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Most rows, newest first.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document a line instead of a table.")]


@asynccontextmanager
async def opened() -> AsyncIterator[Database]:
    async with resources.database_of(Settings(), _NAME) as database:
        yield database


def asked(question: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    """The answer to one question to the database."""

    async def ask() -> Result:
        async with opened() as database:
            return await question(database)

    return asyncio.run(ask())


def written(time: datetime) -> str:
    return instants.text(time.replace(microsecond=0), instants.Zone.VIETNAM)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    # A pipe has no width: what reads it wants whole cells.
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)


def print_json(items: Sequence[BaseModel]) -> None:
    for item in items:
        typer.echo(item.model_dump_json())


def print_members(item: BaseModel) -> None:
    """Each member on a line of its own, under its name on the wire."""
    document = item.model_dump(mode="json")
    width = max(map(len, document))
    for name, value in document.items():
        if not isinstance(value, list):
            typer.echo(f"{name:<{width}}  {'' if value is None else value}")
