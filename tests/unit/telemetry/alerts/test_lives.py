"""What each move makes of an alert."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from telemetry.alerts.errors import AlertMoveRefused
from telemetry.alerts.lifecycle import lives
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.lifecycle.workflow import Action, State

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def _alert(**members: object) -> Alert:
    known: dict[str, object] = {
        "id": 7,
        "kind": "over-limit",
        "severity": "warning",
        "station_id": 1,
        "datastream_id": 2,
        "state": State.RAISED,
        "raised_time": _NOW - _HOUR,
        "last_time": _NOW,
        "detected_time": _NOW,
        "escalate_time": _NOW + _HOUR,
    }
    return Alert(**known | members)  # type: ignore[arg-type] # members by name


def test_raising_is_the_first_line_of_the_timeline() -> None:
    change = lives.raised(_alert(id=0))
    (step,) = change.steps
    assert (step.action, step.from_state, step.actor, step.time) == (Action.RAISE, None, "quantrac", _NOW)
    assert change.alert.revision == 1
    assert change.before is None


def test_a_change_of_nothing_has_no_alert() -> None:
    with pytest.raises(ValueError, match="no step"):
        _ = lives.Change(None).alert


def test_an_acknowledged_alert_no_longer_escalates() -> None:
    alert = lives.of(_alert()).then(Action.ACKNOWLEDGE, actor="Lan", time=_NOW).alert
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_time) == (State.ACKNOWLEDGED, "Lan", _NOW)
    assert alert.escalate_time is None
    assert alert.revision == 2


@pytest.mark.parametrize("former", [State.RAISED, State.ACKNOWLEDGED])
@pytest.mark.parametrize("back", [Action.UNSHELVE, Action.EXPIRE])
def test_shelving_remembers_where_the_alert_came_from(former: State, back: Action) -> None:
    shelved = lives.of(_alert(state=former)).then(
        Action.SHELVE, actor="Lan", time=_NOW, reason="waiting for a part", shelved_until=_NOW + _HOUR
    )
    alert = shelved.alert
    assert (alert.state, alert.shelved_from, alert.shelved_by) == (State.SHELVED, former, "Lan")
    assert (alert.shelved_reason, alert.shelved_until) == ("waiting for a part", _NOW + _HOUR)
    assert alert.escalate_time is None
    returned = shelved.then(back, time=_NOW).alert
    assert returned.state is former
    assert {returned.shelved_from, returned.shelved_by, returned.shelved_until, returned.shelved_reason} == {None}


def test_shelving_again_keeps_where_it_came_from_first() -> None:
    once = lives.of(_alert(state=State.ACKNOWLEDGED)).then(
        Action.SHELVE, actor="Lan", time=_NOW, reason="one", shelved_until=_NOW + _HOUR
    )
    twice = once.then(Action.SHELVE, actor="Minh", time=_NOW, reason="two", shelved_until=_NOW + 2 * _HOUR)
    assert twice.alert.shelved_from is State.ACKNOWLEDGED
    assert twice.then(Action.EXPIRE, time=_NOW).alert.state is State.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (Action.CLEAR, "condition"),
        (Action.CLEAR_BY_HAND, "by-hand"),
        (Action.WITHDRAW, "withdrawn"),
        (Action.MERGE, "merged"),
    ],
)
def test_a_cleared_alert_says_why_and_leaves_the_shelf(action: Action, reason: str) -> None:
    shelved = lives.of(_alert()).then(
        Action.SHELVE, actor="Lan", time=_NOW, reason="a part", shelved_until=_NOW + _HOUR
    )
    alert = shelved.then(action, time=_NOW, cleared_time=_NOW).alert
    assert (alert.state, alert.cleared_reason, alert.closed_time) == (State.CLEARED, reason, _NOW)
    assert (alert.shelved_until, alert.shelved_from, alert.escalate_time) == (None, None, None)


def test_an_alert_that_is_back_is_nobodys_yet() -> None:
    gone = lives.of(_alert(escalation_level=2)).then(Action.ACKNOWLEDGE, actor="Lan", time=_NOW)
    gone = gone.then(Action.CLEAR, time=_NOW, cleared_time=_NOW)
    alert = gone.then(Action.RERAISE, time=_NOW, escalate_time=_NOW + _HOUR).alert
    assert (alert.state, alert.reraised_n, alert.escalation_level) == (State.RAISED, 1, 0)
    assert {alert.cleared_time, alert.cleared_reason, alert.closed_time, alert.acknowledged_by} == {None}
    assert alert.escalate_time == _NOW + _HOUR


def test_escalation_goes_up_one_level() -> None:
    alert = lives.of(_alert()).then(Action.ESCALATE, time=_NOW, escalate_time=None).alert
    assert (alert.escalation_level, alert.escalate_time, alert.state) == (1, None, State.RAISED)


def test_each_step_keeps_the_alert_as_it_was_then() -> None:
    change = lives.raised(_alert(id=0)).then(Action.CLEAR, time=_NOW, cleared_time=_NOW)
    assert [step.after.state for step in change.steps] == [State.RAISED, State.CLEARED]
    assert [step.from_state for step in change.steps] == [None, State.RAISED]
    assert [step.after.revision for step in change.steps] == [1, 2]


def test_a_refused_move_changes_nothing() -> None:
    change = lives.of(_alert(state=State.CLEARED, cleared_reason="condition"))
    with pytest.raises(AlertMoveRefused):
        change.then(Action.ACKNOWLEDGE, actor="Lan", time=_NOW)
    assert change.steps == ()


def test_a_move_sets_no_member_that_alerts_do_not_have() -> None:
    names = {field.name for field in fields(Alert)}
    for state in State:
        for action in Action:
            assert set(lives._effects(_alert(state=state), action, "Lan", _NOW, "why")) <= names
