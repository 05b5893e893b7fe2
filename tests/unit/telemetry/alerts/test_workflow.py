"""The life of an alert: every pair of state and move is listed here, and is allowed or refused."""

import itertools

import pytest

from telemetry.alerts.errors import AlertMoveRefused
from telemetry.alerts.lifecycle import workflow
from telemetry.alerts.lifecycle.workflow import Action, State

R, A, S, C = State.RAISED, State.ACKNOWLEDGED, State.SHELVED, State.CLEARED

# Written out a second time, as a person reads it: action, and what follows in raised, acknowledged, shelved, cleared.
_TABLE: dict[Action, tuple[State | None, State | None, State | None, State | None]] = {
    Action.RAISE: (None, None, None, None),
    Action.ACKNOWLEDGE: (A, None, None, None),
    Action.COMMENT: (R, A, S, C),
    Action.ASSIGN: (R, A, S, None),
    Action.ESCALATE: (R, None, None, None),
    Action.SHELVE: (S, S, S, None),
    Action.UNSHELVE: (None, None, A, None),
    Action.EXPIRE: (None, None, A, None),
    Action.CLEAR: (C, C, C, None),
    Action.CLEAR_BY_HAND: (C, C, C, None),
    Action.WITHDRAW: (C, C, C, C),
    Action.MERGE: (C, C, C, C),
    Action.RERAISE: (None, None, None, R),
    Action.SURFACE: (R, A, S, None),
    Action.UPDATE: (R, A, S, C),
}
_STATES = (R, A, S, C)
_PAIRS = [
    (state, action, following) for action, row in _TABLE.items() for state, following in zip(_STATES, row, strict=True)
]


def test_the_table_below_names_every_move() -> None:
    assert set(_TABLE) == set(Action)


@pytest.mark.parametrize(("state", "action", "following"), _PAIRS)
def test_every_pair_of_state_and_move_is_allowed_or_refused(
    state: State, action: Action, following: State | None
) -> None:
    # What is taken from the shelf was acknowledged before.
    if following is not None:
        assert workflow.target(state, action, A) is following
        return
    with pytest.raises(AlertMoveRefused) as refusal:
        workflow.target(state, action, A)
    assert refusal.value.status == 409
    assert refusal.value.extra["state"] == state
    assert refusal.value.extra["action"] == action
    assert action not in refusal.value.extra["possible"]


@pytest.mark.parametrize("action", Action)
def test_what_is_not_there_is_raised_and_nothing_else(action: Action) -> None:
    if action is Action.RAISE:
        assert workflow.target(None, action) is R
        return
    with pytest.raises(AlertMoveRefused, match="not there"):
        workflow.target(None, action)


@pytest.mark.parametrize(("former", "action"), list(itertools.product((R, A), (Action.UNSHELVE, Action.EXPIRE))))
def test_what_leaves_the_shelf_is_what_it_was_before(former: State, action: Action) -> None:
    assert workflow.target(S, action, former) is former


def test_what_was_shelved_from_nowhere_stays() -> None:
    with pytest.raises(AlertMoveRefused):
        workflow.target(S, Action.UNSHELVE, None)


def test_a_refusal_says_the_state_what_was_asked_and_what_is_possible() -> None:
    refusal = workflow.refused(C, Action.SHELVE)
    assert refusal.detail == "The alert is cleared; shelve is not possible then. Possible: comment, reraise."
    (fault,) = refusal.faults
    assert (fault.field, fault.found) == ("state", "cleared")
    assert fault.expected == "a state that allows shelve: raised, acknowledged, shelved"


@pytest.mark.parametrize("state", State)
def test_only_what_people_may_ask_for_is_offered(state: State) -> None:
    offered = workflow.possible(state)
    assert offered
    assert set(offered) <= workflow.BY_PEOPLE
    for action in offered:
        workflow.target(state, action, R)


def test_every_move_has_its_event() -> None:
    assert set(workflow.EVENTS) == set(Action)
    assert all(name.startswith("alert.") for name in workflow.EVENTS.values())


def test_whatever_clears_says_why() -> None:
    clearing = {action for action, row in _TABLE.items() if row[0] is C}
    assert set(workflow.CLEARED_REASONS) == clearing
