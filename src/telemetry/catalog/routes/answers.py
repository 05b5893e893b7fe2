"""What the catalogue's routes share: documented refusals, ETags and If-Match, pages, and a trail in the log."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Depends, Header, Response

from core import access, paging, problems
from core import errors as core_errors
from core.database import DatabaseUnavailable
from telemetry.catalog import errors
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.fields import LARGEST_ID

_log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Responses = dict[int | str, dict[str, Any]]

_ENTITY_TAG = r'(?:W/)?"?(\d{1,9})"?'
_ENTITY_TAGS = re.compile(rf"\s*{_ENTITY_TAG}(?:\s*,\s*{_ENTITY_TAG})*\s*")

_PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "found", "expected"],
                "properties": {name: {"type": "string"} for name in ("field", "found", "expected")},
            },
        },
    },
}
_ALWAYS = (core_errors.Unauthorized, core_errors.Forbidden, core_errors.Invalid, DatabaseUnavailable)
_EDITS = (errors.RevisionMissing, errors.RevisionMoved)


def refusals(*kinds: type[core_errors.Error], edits: bool = False) -> Responses:
    """The error answers of a route, for its description; those that every route has are added."""
    by_status: dict[int, list[type[core_errors.Error]]] = {}
    for kind in (*_ALWAYS, *kinds, *(_EDITS if edits else ())):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "; ".join(dict.fromkeys(kind.title for kind in group)),
            "content": {
                problems.MEDIA_TYPE: {
                    "schema": dict(_PROBLEM),
                    "example": {
                        "type": problems.TYPE_PREFIX + group[-1].slug,
                        "title": group[-1].title,
                        "status": status,
                        "detail": f"{group[-1].title}.",
                        "instance": "/v1/…",
                    },
                }
            },
        }
        for status, group in sorted(by_status.items())
    }


def _expected(
    if_match: Annotated[
        str | None,
        Header(
            max_length=500,
            description='The `ETag` that the edit is made on, such as `"3"`; `*` for any. Edits need it.',
            examples=['"1"'],
        ),
    ] = None,
) -> Expected:
    if if_match is None:
        raise errors.RevisionMissing(
            "Send `If-Match` with the ETag that you read, or `*` to overwrite whatever is there.",
            faults=[core_errors.Fault("If-Match", "nothing", 'an ETag such as "3", or *')],
        )
    if if_match.strip() == "*":
        return None
    if not _ENTITY_TAGS.fullmatch(if_match):
        fault = core_errors.Fault("If-Match", errors.shown(if_match), 'an ETag such as "3", several of them, or *')
        raise errors.RevisionUnreadable("If-Match cannot be read.", faults=[fault])
    return frozenset(int(number) for number in re.findall(r"\d+", if_match))


IfMatch = Annotated[Expected, Depends(_expected)]


def tag(response: Response, revision: int) -> None:
    response.headers["ETag"] = f'"{revision}"'


def after(cursor: str | None, *kinds: type[Any]) -> tuple[Any, ...]:
    """The position in a cursor, a None for each part without one; never a value that the database cannot take."""
    if cursor is None:
        return (None,) * len(kinds)
    position = paging.decode(cursor, *kinds)
    for part in position:
        text_with_nul = isinstance(part, str) and "\x00" in part
        if text_with_nul or (isinstance(part, int) and not 0 <= part <= LARGEST_ID):
            fault = core_errors.Fault("cursor", cursor[:200], "the nextCursor of an earlier page of the same query")
            raise paging.InvalidCursor("The cursor cannot be read.", faults=[fault])
    return position


def next_cursor(
    found: Sequence[Item], size: int, position: Callable[[Item], tuple[int | str | None, ...]]
) -> str | None:
    """The cursor behind the page, where one more row than the page holds was found."""
    return paging.encode(*position(found[size - 1])) if len(found) > size else None


def trail(staff: access.Staff, action: str, subject: str, **more: object) -> None:
    """One line in the log for every change: who did what to which."""
    _log.info(f"catalog.{action}", by=staff.name, subject=subject, **more)
