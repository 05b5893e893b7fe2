"""Alerts that lie in an accepted maintenance or calibration window: they are shown and counted, and call nobody.

An alert is muted by a window in which it began, as long as it does not outlive it. Maintenance mutes everything about
its station or datastream; calibration mutes what its readings can look like.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from telemetry.alerts.kinds import Kind
from telemetry.alerts.lifecycle import lives
from telemetry.alerts.lifecycle.lives import SERVICE, Change
from telemetry.alerts.lifecycle.store import Known
from telemetry.alerts.lifecycle.workflow import Action, State
from telemetry.alerts.windows import store

# What a calibration may look like to somebody who sees the results alone.
BY_CALIBRATION: Sequence[Kind] = (
    Kind.OVER_LIMIT,
    Kind.TENDENCY,
    Kind.AVERAGE_EXCEEDED,
    Kind.INSTRUMENT_FAULT,
    Kind.FROZEN_VALUE,
    Kind.SPIKE,
    Kind.SATURATED,
)
# Moves after which an alert calls people that it did not call before.
_CALLING = frozenset({Action.RAISE, Action.RERAISE, Action.SURFACE})


async def applied(connection: Any, changes: Sequence[Change]) -> list[Change]:
    """The changes, of which those that would call people in a window of theirs call nobody."""
    calling = [at for at, change in enumerate(changes) if any(step.action in _CALLING for step in change.steps)]
    result = list(changes)
    if calling:
        now = max(step.time for at in calling for step in changes[at].steps)
        alerts = [changes[at].alert for at in calling]
        windows = await store.covering(connection, alerts, now, BY_CALIBRATION)
        for place, window in windows.items():
            result[calling[place]] = _silent(changes[calling[place]], window)
    return result


def _silent(change: Change, window: int) -> Change:
    steps = [replace(step, after=replace(step.after, muted_by=window, escalate_time=None)) for step in change.steps]
    return replace(change, steps=tuple(steps))


def muted(known: Known, window: int, now: datetime, actor: str = SERVICE) -> Change:
    facts = {"muted": True, "window": window}
    reason = f"it lies in window {window}"
    return lives.of(known.alert).then(
        Action.UPDATE, time=now, actor=actor, reason=reason, facts=facts, muted_by=window, escalate_time=None
    )


def unmuted(known: Known, now: datetime, escalate_time: datetime | None, reason: str, actor: str = SERVICE) -> Change:
    """From now on it may call somebody; where it still goes on, people hear of it as if it were raised."""
    action = Action.UPDATE if known.alert.state is State.CLEARED else Action.SURFACE
    facts = {"muted": False, "window": known.alert.muted_by}
    return lives.of(known.alert).then(
        action, time=now, actor=actor, reason=reason, facts=facts, muted_by=None, escalate_time=escalate_time
    )
