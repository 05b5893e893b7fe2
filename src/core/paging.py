"""Cursor paging: a page, and an opaque cursor that says where the next one begins."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import Field

from core import errors, instants, wire

Item = TypeVar("Item")

PageSize = Annotated[wire.WholeNumber, Query(ge=1, le=10_000, description="The most items on one page.")]
CursorText = Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before.")]

# Bounds of PostgreSQL's bigint.
_SMALLEST, _GREATEST = -(2**63), 2**63 - 1


class InvalidCursor(errors.Invalid):
    slug = "invalid-cursor"
    title = "The cursor was not given out by this service"


class Page(wire.Body, Generic[Item]):
    items: Sequence[Item]
    next_cursor: str | None = Field(
        default=None, description="Pass it as `cursor` for the next page; null on the last."
    )


def encode(*position: int | str | datetime) -> str:
    """An opaque cursor for the position behind the last item of a page."""
    parts = [instants.to_us(part) if isinstance(part, datetime) else part for part in position]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def decode(cursor: str, *kinds: type[Any], greatest: int = _GREATEST) -> tuple[Any, ...]:
    """The position in a cursor: an int, str or datetime at each place, as `kinds` say; no int beyond `greatest`.

    Raises InvalidCursor for anything else, and for what PostgreSQL cannot take.
    """
    try:
        parts = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list)
        return tuple(_restored(part, kind, greatest) for part, kind in zip(parts, kinds, strict=True))
    except (binascii.Error, msgspec.DecodeError, OverflowError, ValueError):
        fault = errors.Fault("cursor", errors.shown(cursor), "the nextCursor of an earlier page of the same query")
        raise InvalidCursor("The cursor cannot be read.", faults=[fault]) from None


def _restored(part: object, kind: type[Any], greatest: int) -> int | str | datetime:
    """The part as it was encoded; ValueError or OverflowError where it never was."""
    if kind is str and isinstance(part, str) and "\0" not in part:
        # PostgreSQL takes no NUL, and what is no character cannot be encoded.
        part.encode()
        return part
    # A boolean is an integer to Python, and to nobody else.
    if isinstance(part, int) and not isinstance(part, bool) and part >= _SMALLEST:
        if kind is datetime:
            return instants.from_us(part)
        if kind is int and part <= greatest:
            return part
    raise ValueError(f"{part!r} is no {kind.__name__} of a cursor")


def after(cursor: str | None, *kinds: type[Any], greatest: int = _GREATEST) -> tuple[Any, ...]:
    """The position in a cursor as `decode` gives it; a None for each part where there is no cursor."""
    return (None,) * len(kinds) if cursor is None else decode(cursor, *kinds, greatest=greatest)


def next_cursor(
    found: Sequence[Item], size: int, position: Callable[[Item], tuple[int | str | datetime, ...]]
) -> str | None:
    """The cursor behind a page of `size`, where more than the page holds was found; None where this was all."""
    return encode(*position(found[size - 1])) if len(found) > size else None
