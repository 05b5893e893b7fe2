"""Alerts as lines of a table, and moves as lines of a timeline."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from core import instants
from core.database import Database
from telemetry.alerts.lifecycle import store
from telemetry.alerts.lifecycle.documents import document
from telemetry.alerts.lifecycle.schemas import Move
from telemetry.alerts.lifecycle.store import Filter, KeptMove, Known
from telemetry.series import export

_ROWS_AT_ONCE = 2_000
_HEADER = (
    "id",
    "kind",
    "severity",
    "state",
    "station",
    "organization",
    "symbol",
    "datastream",
    "raisedTime",
    "lastTime",
    "clearedTime",
    "clearedReason",
    "detectedTime",
    "closedTime",
    "historical",
    "muted",
    "titleVi",
    "titleEn",
    "peak",
    "limit",
    "unit",
    "assignee",
    "acknowledgedBy",
    "acknowledgedTime",
    "shelvedUntil",
    "shelvedReason",
    "escalationLevel",
    "reraised",
    "revision",
)


def move(kept: KeptMove) -> Move:
    return Move(
        id=kept.id,
        time=kept.time,
        action=kept.action,
        from_state=kept.from_state,
        to_state=kept.to_state,
        actor=kept.actor,
        reason=kept.reason,
        facts=dict(kept.facts),
    )


async def lines(database: Database, wanted: Filter, after: tuple[datetime | None, int | None]) -> AsyncIterator[str]:
    """CSV of all that match, page by page."""
    header = export.table(_HEADER, ())
    while True:
        found = await store.page(database, wanted, after, _ROWS_AT_ONCE)
        yield header + export.table((), (_row(known) for known in found))
        if len(found) < _ROWS_AT_ONCE:
            return
        header, after = "", (found[-1].alert.raised_time, found[-1].alert.id)


def _row(known: Known) -> list[Any]:
    shown = document(known.alert, known.subject)
    members = shown.model_dump(by_alias=True)
    title, detail = shown.title, shown.detail
    figures = {"titleVi": title.vi, "titleEn": title.en, "peak": detail.get("peak"), "limit": detail.get("limit")}
    members |= figures | {"unit": detail.get("unit", known.subject.unit)}
    return [_cell(members[name]) for name in _HEADER]


def _cell(value: Any) -> Any:
    return instants.text(value) if isinstance(value, datetime) else value
