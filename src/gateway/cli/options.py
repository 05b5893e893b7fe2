"""Options that several commands take, and how what is given is checked."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from core import instants
from core.wire import Body
from telemetry.catalog import errors

Whole = TypeVar("Whole", bound=Body)


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


def one(station: str | None) -> list[str] | None:
    """The codes that a list is narrowed to; None: all, and what belongs to no station."""
    return None if station is None else [station]


def checked(kind: type[Whole], members: dict[str, Any]) -> Whole:
    """Options under the same rules as a body over HTTP."""
    try:
        return kind.model_validate(members)
    except ValidationError as failure:
        raise errors.NotSuitable.because(failure) from failure
