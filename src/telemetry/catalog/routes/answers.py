"""What the catalogue's routes share: documented refusals, ETags and If-Match, and a trail in the log."""

from typing import Annotated

import structlog
from fastapi import Depends, Request

from core import access, describing, revisions
from core import errors as core_errors
from telemetry.catalog.snapshot import Snapshot

_log = structlog.get_logger(__name__)

IfMatch = revisions.IfMatch


def _snapshot(request: Request) -> Snapshot:
    found: Snapshot = request.app.state.catalog.snapshot
    return found


# The catalogue as it is now.
Now = Annotated[Snapshot, Depends(_snapshot)]
tag = revisions.tag


def refusals(*kinds: type[core_errors.Error], edits: bool = False) -> describing.Responses:
    """The error answers of a route; one that edits asks for If-Match."""
    return describing.refusals(*kinds, *(revisions.EDITS if edits else ()))


def log_change(staff: access.Staff, action: str, subject: str, **more: object) -> None:
    """One line in the log for every change: who did what to which."""
    _log.info(f"catalog.{action}", by=staff.name, subject=subject, **more)
