"""The life of an alert as a table: in which state which move is possible, and where it leads.

Rule of this file: a move that the table does not list is refused, whoever asks for it.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum

from core.errors import Fault
from telemetry.alerts.errors import AlertMoveRefused


class State(StrEnum):
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    CLEARED = "cleared"


class Action(StrEnum):
    """What happens to an alert, by a person or by the data."""

    RAISE = "raise"
    ACKNOWLEDGE = "acknowledge"
    COMMENT = "comment"
    ASSIGN = "assign"
    ESCALATE = "escalate"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    # The time of shelving is over.
    EXPIRE = "expire"
    # The condition ended.
    CLEAR = "clear"
    CLEAR_BY_HAND = "clear-by-hand"
    # Later data show that the condition never was.
    WITHDRAW = "withdraw"
    # Later data show that it was part of another alert.
    MERGE = "merge"
    # The condition is back, or goes on after it was cleared by hand.
    RERAISE = "reraise"
    # What was found as history turns out to go on.
    SURFACE = "surface"
    # Later data moved its times or its figures.
    UPDATE = "update"


class _Target(Enum):
    FORMER = "the state that it was shelved from"


FORMER = _Target.FORMER

# What follows a move, by the state it is made in; None is an alert that is not there yet.
MOVES: Mapping[State | None, Mapping[Action, State | _Target]] = {
    None: {Action.RAISE: State.RAISED},
    State.RAISED: {
        Action.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Action.COMMENT: State.RAISED,
        Action.ASSIGN: State.RAISED,
        Action.ESCALATE: State.RAISED,
        Action.SHELVE: State.SHELVED,
        Action.CLEAR: State.CLEARED,
        Action.CLEAR_BY_HAND: State.CLEARED,
        Action.WITHDRAW: State.CLEARED,
        Action.MERGE: State.CLEARED,
        Action.UPDATE: State.RAISED,
        Action.SURFACE: State.RAISED,
    },
    State.ACKNOWLEDGED: {
        Action.COMMENT: State.ACKNOWLEDGED,
        Action.ASSIGN: State.ACKNOWLEDGED,
        Action.SHELVE: State.SHELVED,
        Action.CLEAR: State.CLEARED,
        Action.CLEAR_BY_HAND: State.CLEARED,
        Action.WITHDRAW: State.CLEARED,
        Action.MERGE: State.CLEARED,
        Action.UPDATE: State.ACKNOWLEDGED,
        Action.SURFACE: State.ACKNOWLEDGED,
    },
    State.SHELVED: {
        Action.COMMENT: State.SHELVED,
        Action.ASSIGN: State.SHELVED,
        # Shelving it again gives it another expiry.
        Action.SHELVE: State.SHELVED,
        Action.UNSHELVE: FORMER,
        Action.EXPIRE: FORMER,
        Action.CLEAR: State.CLEARED,
        Action.CLEAR_BY_HAND: State.CLEARED,
        Action.WITHDRAW: State.CLEARED,
        Action.MERGE: State.CLEARED,
        Action.UPDATE: State.SHELVED,
        Action.SURFACE: State.SHELVED,
    },
    State.CLEARED: {
        Action.COMMENT: State.CLEARED,
        Action.WITHDRAW: State.CLEARED,
        Action.MERGE: State.CLEARED,
        Action.RERAISE: State.RAISED,
        Action.UPDATE: State.CLEARED,
    },
}

# What people ask for; the rest follows from data and from the clock.
BY_PEOPLE = frozenset(
    {
        Action.ACKNOWLEDGE,
        Action.COMMENT,
        Action.ASSIGN,
        Action.SHELVE,
        Action.UNSHELVE,
        Action.CLEAR_BY_HAND,
        Action.RERAISE,
    }
)

# The event that tells of a move.
EVENTS: Mapping[Action, str] = {
    Action.RAISE: "alert.raised",
    Action.ACKNOWLEDGE: "alert.acknowledged",
    Action.COMMENT: "alert.commented",
    Action.ASSIGN: "alert.assigned",
    Action.ESCALATE: "alert.escalated",
    Action.SHELVE: "alert.shelved",
    Action.UNSHELVE: "alert.unshelved",
    Action.EXPIRE: "alert.unshelved",
    Action.CLEAR: "alert.cleared",
    Action.CLEAR_BY_HAND: "alert.cleared",
    Action.WITHDRAW: "alert.cleared",
    Action.MERGE: "alert.cleared",
    Action.RERAISE: "alert.reraised",
    Action.UPDATE: "alert.updated",
    # Nobody was called for it before.
    Action.SURFACE: "alert.raised",
}

# Why an alert is cleared, by the move that cleared it.
CLEARED_REASONS: Mapping[Action, str] = {
    Action.CLEAR: "condition",
    Action.CLEAR_BY_HAND: "by-hand",
    Action.WITHDRAW: "withdrawn",
    Action.MERGE: "merged",
}


def possible(state: State | None) -> list[Action]:
    """The moves that people may ask for in the state."""
    return [action for action in MOVES[state] if action in BY_PEOPLE]


def target(state: State | None, action: Action, shelved_from: State | None = None) -> State:
    """The state that follows. Raises AlertMoveRefused for a move that the table does not list."""
    found = MOVES[state].get(action)
    if isinstance(found, State):
        return found
    if found is FORMER and shelved_from is not None:
        return shelved_from
    raise refused(state, action)


def refused(state: State | None, action: Action) -> AlertMoveRefused:
    """Says the state, what was asked and what is possible."""
    now = "not there" if state is None else state.value
    expected = ", ".join(possible(state)) or "nothing"
    fault = Fault("state", now, f"a state that allows {action.value}: {', '.join(_allowing(action)) or 'none'}")
    return AlertMoveRefused(
        f"The alert is {now}; {action.value} is not possible then. Possible: {expected}.",
        faults=[fault],
        extra={"state": now, "action": action.value, "possible": [str(move) for move in possible(state)]},
    )


def _allowing(action: Action) -> list[str]:
    return [state.value for state, moves in MOVES.items() if state is not None and action in moves]
