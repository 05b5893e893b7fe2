"""What the catalogue's routes share: documented refusals, ETags and If-Match, and a trail in the log."""

import re
from typing import Annotated

import structlog
from fastapi import Depends, Header, Response

from core import access, describing
from core import errors as core_errors
from telemetry.catalog import errors
from telemetry.catalog.revisions import Expected

_log = structlog.get_logger(__name__)

_ENTITY_TAG = r'(?:W/)?"?(\d{1,9})"?'
_ENTITY_TAGS = re.compile(rf"\s*{_ENTITY_TAG}(?:\s*,\s*{_ENTITY_TAG})*\s*")

_EDITS = (errors.RevisionMissing, errors.RevisionMoved)


def refusals(*kinds: type[core_errors.Error], edits: bool = False) -> describing.Responses:
    """The error answers of a route; one that edits asks for If-Match."""
    return describing.refusals(*kinds, *(_EDITS if edits else ()))


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
        fault = core_errors.Fault("If-Match", core_errors.shown(if_match), 'an ETag such as "3", several of them, or *')
        raise errors.RevisionUnreadable("If-Match cannot be read.", faults=[fault])
    return frozenset(int(number) for number in re.findall(r"\d+", if_match))


IfMatch = Annotated[Expected, Depends(_expected)]


def tag(response: Response, revision: int) -> None:
    response.headers["ETag"] = f'"{revision}"'


def trail(staff: access.Staff, action: str, subject: str, **more: object) -> None:
    """One line in the log for every change: who did what to which."""
    _log.info(f"catalog.{action}", by=staff.name, subject=subject, **more)
