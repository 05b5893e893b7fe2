"""The life of a maintenance or calibration window as a table.

Rule of this file: a move that the table does not list is refused, whoever asks for it.
"""

from collections.abc import Mapping
from enum import StrEnum

from core.errors import Fault
from telemetry.alerts.errors import WindowMoveRefused


class WindowKind(StrEnum):
    MAINTENANCE = "maintenance"
    CALIBRATION = "calibration"


class WindowState(StrEnum):
    DRAFT = "draft"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class WindowAction(StrEnum):
    EDIT = "edit"
    REQUEST = "request"
    ACCEPT = "accept"
    REJECT = "reject"
    CANCEL = "cancel"


# What follows a move, by the state it is made in.
MOVES: Mapping[WindowState, Mapping[WindowAction, WindowState]] = {
    WindowState.DRAFT: {
        WindowAction.EDIT: WindowState.DRAFT,
        WindowAction.REQUEST: WindowState.REQUESTED,
        WindowAction.CANCEL: WindowState.CANCELLED,
    },
    WindowState.REQUESTED: {
        WindowAction.ACCEPT: WindowState.ACCEPTED,
        WindowAction.REJECT: WindowState.REJECTED,
        WindowAction.CANCEL: WindowState.CANCELLED,
    },
    WindowState.ACCEPTED: {WindowAction.CANCEL: WindowState.CANCELLED},
    WindowState.REJECTED: {},
    WindowState.CANCELLED: {},
}

# What a station's key may do with windows of its own station; the rest is for the staff.
BY_STATION: Mapping[WindowState, frozenset[WindowAction]] = {
    WindowState.DRAFT: frozenset({WindowAction.EDIT, WindowAction.REQUEST, WindowAction.CANCEL}),
    WindowState.REQUESTED: frozenset({WindowAction.CANCEL}),
}


def target(state: WindowState, action: WindowAction) -> WindowState:
    """The state that follows. Raises WindowMoveRefused for a move that the table does not list."""
    found = MOVES[state].get(action)
    if found is None:
        possible = [str(move) for move in MOVES[state]]
        allowing = ", ".join(str(other) for other, moves in MOVES.items() if action in moves)
        raise WindowMoveRefused(
            f"The window is {state}; {action} is not possible then. Possible: {', '.join(possible) or 'nothing'}.",
            faults=[Fault("state", str(state), f"a state that allows {action}: {allowing}")],
            extra={"state": str(state), "action": str(action), "possible": possible},
        )
    return found
