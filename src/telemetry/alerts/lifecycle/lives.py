"""An alert as it is kept, and what each move makes of it.

Pure. A `Change` collects what happens to one alert within one transaction; `keeping.keep` writes it down with its
moves and events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from telemetry.alerts.lifecycle.workflow import CLEARED_REASONS, Action, State, target

# The actor of moves that follow from data and from the clock.
SERVICE = "quantrac"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A row of `alert`; `id` is 0 until it is kept. `detail` has the names and forms of the wire (camelCase)."""

    id: int = 0
    kind: str
    severity: str
    station_id: int | None
    datastream_id: int | None
    state: State
    raised_time: datetime
    last_time: datetime
    cleared_time: datetime | None = None
    cleared_reason: str | None = None
    detected_time: datetime
    closed_time: datetime | None = None
    historical: bool = False
    muted_by: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    assignee: str | None = None
    acknowledged_by: str | None = None
    acknowledged_time: datetime | None = None
    shelved_by: str | None = None
    shelved_until: datetime | None = None
    shelved_reason: str | None = None
    shelved_from: State | None = None
    escalation_level: int = 0
    escalate_time: datetime | None = None
    reraised_n: int = 0
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One move: what was done by whom, when and why, and the alert as it was after it."""

    action: Action
    from_state: State | None
    actor: str
    time: datetime
    reason: str
    facts: Mapping[str, Any]
    after: Alert


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one alert in one transaction; `before` is None for an alert that is raised now."""

    before: Alert | None
    steps: tuple[Step, ...] = ()

    @property
    def alert(self) -> Alert:
        """The alert as it is after the last step."""
        if self.steps:
            return self.steps[-1].after
        if self.before is None:
            raise ValueError("a change of no alert by no step")
        return self.before

    def then(
        self,
        action: Action,
        *,
        time: datetime,
        actor: str = SERVICE,
        reason: str = "",
        facts: Mapping[str, Any] | None = None,
        **members: Any,
    ) -> Self:
        """The change with one more move, which sets what the move is about and the given members of the alert.

        Raises AlertMoveRefused where the workflow does not list the move. `facts` are of the move; the alert's own
        `detail` is among the members.
        """
        alert = self.alert
        now = target(alert.state, action, alert.shelved_from)
        effects = _effects(alert, action, actor, time, reason) | members
        after = replace(alert, **effects, state=now, revision=alert.revision + 1)
        return replace(self, steps=(*self.steps, Step(action, alert.state, actor, time, reason, facts or {}, after)))


def of(alert: Alert) -> Change:
    """A change of an alert that is kept, still without a step."""
    return Change(alert)


def raised(alert: Alert, *, reason: str = "", facts: Mapping[str, Any] | None = None) -> Change:
    """The change that raises an alert, whose id is still 0 and whose state is `raised`, when it was detected."""
    target(None, Action.RAISE)
    step = Step(Action.RAISE, None, SERVICE, alert.detected_time, reason, facts or {}, alert)
    return Change(None, (step,))


_SHELF = ("shelved_by", "shelved_until", "shelved_reason", "shelved_from")
_CLOSING = ("cleared_time", "cleared_reason", "closed_time", "acknowledged_by", "acknowledged_time")


def _effects(alert: Alert, action: Action, actor: str, time: datetime, reason: str) -> dict[str, Any]:
    """The members that a move sets by itself."""
    if action in CLEARED_REASONS:
        closed = {"cleared_reason": CLEARED_REASONS[action], "closed_time": time, "escalate_time": None}
        return dict.fromkeys(_SHELF) | closed
    effects: dict[str, Any] = {}
    match action:
        case Action.ACKNOWLEDGE:
            effects = {"acknowledged_by": actor, "acknowledged_time": time, "escalate_time": None}
        case Action.ESCALATE:
            effects = {"escalation_level": alert.escalation_level + 1}
        case Action.SHELVE:
            former = alert.shelved_from or alert.state
            effects = {"shelved_by": actor, "shelved_reason": reason, "shelved_from": former, "escalate_time": None}
        case Action.UNSHELVE | Action.EXPIRE:
            effects = dict.fromkeys(_SHELF)
        case Action.RERAISE:
            effects = dict.fromkeys(_CLOSING) | {"reraised_n": alert.reraised_n + 1, "escalation_level": 0}
    return effects
