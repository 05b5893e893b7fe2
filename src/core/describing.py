"""How the error answers of a route read in the OpenAPI document."""

from typing import Any

from core import errors, problems
from core.database import DatabaseUnavailable

Responses = dict[int | str, dict[str, Any]]

_ALWAYS: tuple[type[errors.Error], ...] = (
    errors.Unauthorized,
    errors.Forbidden,
    errors.Invalid,
    errors.TooMany,
    DatabaseUnavailable,
)


def refusals(*kinds: type[errors.Error]) -> Responses:
    """The answers for these errors, by status; those that every route has are added."""
    by_status: dict[int, list[type[errors.Error]]] = {}
    for kind in (*_ALWAYS, *kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _answer(status, group) for status, group in sorted(by_status.items())}


def _answer(status: int, kinds: list[type[errors.Error]]) -> dict[str, Any]:
    # The last one is the most special: it was named by the route itself.
    shown = kinds[-1]
    example = {
        "type": problems.TYPE_PREFIX + shown.slug,
        "title": shown.title,
        "status": status,
        "detail": f"{shown.title}.",
        "instance": "/v1/…",
    }
    content = {"schema": dict(problems.SCHEMA_REFERENCE), "example": example}
    return {
        "description": "; ".join(dict.fromkeys(kind.title for kind in kinds)),
        "content": {problems.MEDIA_TYPE: content},
    }
