"""Writes changes of alerts down: the alerts, a move for each step and an event for each move, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from telemetry.alerts.handling import muting
from telemetry.alerts.lifecycle import documents, store
from telemetry.alerts.lifecycle.documents import Subject
from telemetry.alerts.lifecycle.lives import Alert, Change, Step
from telemetry.alerts.lifecycle.workflow import EVENTS
from telemetry.events.store import Event, append


async def keep(connection: Any, changes: Sequence[Change]) -> list[Alert]:
    """The alerts as they are now, in the order given; new ones with their ids.

    The caller's transaction holds the alerts that were there before (`store.lock`), so that nobody else moved them.
    Changes without a step write nothing. What begins in an accepted window of its own is muted.
    """
    changes = await muting.applied(connection, changes)
    new = [change for change in changes if change.before is None]
    ids = iter(await store.numbers(connection, len(new)) if new else ())
    numbered = [_numbered(change, next(ids)) if change.before is None else change for change in changes]
    moved = [change for change in numbered if change.steps]
    await store.insert(connection, [change.alert for change in moved if change.before is None])
    await store.update(connection, [change.alert for change in moved if change.before is not None])
    steps = [step for change in moved for step in change.steps]
    await store.insert_moves(connection, steps)
    known = await store.chosen(connection, [change.alert.id for change in moved]) if moved else {}
    await append(connection, [_event(step, known[step.after.id].subject) for step in steps])
    return [change.alert for change in numbered]


def _numbered(change: Change, number: int) -> Change:
    """The change of a new alert, with its id in every step."""
    return Change(None, tuple(replace(step, after=replace(step.after, id=number)) for step in change.steps))


def _event(step: Step, subject: Subject) -> Event:
    alert = step.after
    return Event(
        type=EVENTS[step.action],
        payload=documents.payload(step, subject),
        station_id=alert.station_id,
        alert_kind=alert.kind,
        severity=alert.severity,
        # Who sends hooks and mail needs to know one thing: whether this calls anybody.
        historical=alert.historical or alert.muted_by is not None,
        occurred_time=step.time,
    )
