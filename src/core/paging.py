"""Cursor paging: a page, and an opaque cursor that says where the next one begins."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import Field

from core import errors, wire

Item = TypeVar("Item")

PageSize = Annotated[int, Query(ge=1, le=10_000, description="The most items on one page.")]
CursorText = Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before.")]


class InvalidCursor(errors.Invalid):
    slug = "invalid-cursor"
    title = "The cursor was not given out by this service"


class Page(wire.Body, Generic[Item]):
    items: Sequence[Item]
    next_cursor: str | None = Field(
        default=None, description="Pass it as `cursor` for the next page; null on the last."
    )


def encode(*position: int | str | None) -> str:
    """An opaque cursor for the position behind the last item of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def _storable(part: object) -> bool:
    """Whether PostgreSQL can take the part: no NUL in text, no integer beyond bigint."""
    if isinstance(part, str):
        return "\0" not in part and not any("\ud800" <= sign <= "\udfff" for sign in part)
    return not isinstance(part, int) or -(2**63) <= part < 2**63


def decode(cursor: str, *kinds: type[Any]) -> tuple[Any, ...]:
    """The position in a cursor; each part must be of the kind at its place."""
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError):
        position = None
    well_formed = isinstance(position, list) and len(position) == len(kinds) and all(map(_storable, position))
    if not well_formed or not all(isinstance(part, kind) for part, kind in zip(position, kinds, strict=True)):
        fault = errors.Fault("cursor", cursor[:200], "the nextCursor of an earlier page of the same query")
        raise InvalidCursor("The cursor cannot be read.", faults=[fault])
    return tuple(position)
