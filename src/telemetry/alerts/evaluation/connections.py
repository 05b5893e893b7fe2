"""Tells beside the alerts when stations lost their connection and had it again, for screens that show stations."""

from collections.abc import Iterator, Sequence
from typing import Any

from core import instants
from telemetry.alerts.kinds import Kind
from telemetry.alerts.lifecycle import store
from telemetry.alerts.lifecycle.lives import Alert, Change, Step
from telemetry.alerts.lifecycle.workflow import Action
from telemetry.events.store import Event, append

_LOST, _BACK = "station.disconnected", "station.connected"
_TOLD = {
    Action.RAISE: _LOST,
    Action.RERAISE: _LOST,
    Action.CLEAR: _BACK,
    Action.WITHDRAW: _BACK,
}


async def tell(connection: Any, changes: Sequence[Change], alerts: Sequence[Alert]) -> None:
    """Events of the changes, whose alerts are given as they were kept, in the same transaction."""
    lost = [
        (alert.id, step)
        for change, alert in zip(changes, alerts, strict=True)
        if alert.kind == Kind.LOST_CONNECTION
        for step in _turns(change)
    ]
    if lost:
        known = await store.chosen(connection, [number for number, _ in lost])
        await append(connection, [_event(number, step, known[number].subject.station) for number, step in lost])


def _turns(change: Change) -> Iterator[Step]:
    """The moves with which the station goes or comes; what was over before is neither."""
    for step in change.steps:
        if step.action in _TOLD and not (step.action is Action.WITHDRAW and step.from_state == "cleared"):
            yield step


def _event(number: int, step: Step, station: str | None) -> Event:
    alert, back = step.after, _TOLD[step.action] == _BACK
    ended = alert.cleared_time if back else None
    payload: dict[str, Any] = {
        "station": station,
        "since": instants.text(alert.raised_time),
        "until": None if ended is None else instants.text(ended),
        "seconds": None if ended is None else int((ended - alert.raised_time).total_seconds()),
        "alert": number,
    }
    return Event(
        type=_TOLD[step.action],
        payload=payload,
        station_id=alert.station_id,
        historical=alert.historical or alert.muted_by is not None,
        occurred_time=step.time,
    )
