"""The life of a window: every pair of state and move is allowed or refused."""

import pytest

from telemetry.alerts.errors import WindowMoveRefused
from telemetry.alerts.windows import moves as window_moves
from telemetry.alerts.windows.moves import WindowAction, WindowState

_ALLOWED = {
    ("draft", "edit"): "draft",
    ("draft", "request"): "requested",
    ("draft", "cancel"): "cancelled",
    ("requested", "accept"): "accepted",
    ("requested", "reject"): "rejected",
    ("requested", "cancel"): "cancelled",
    ("accepted", "cancel"): "cancelled",
}


@pytest.mark.parametrize("state", WindowState)
@pytest.mark.parametrize("action", WindowAction)
def test_every_pair_of_state_and_move_is_allowed_or_refused(state: WindowState, action: WindowAction) -> None:
    following = _ALLOWED.get((state, action))
    if following is not None:
        assert window_moves.target(state, action) == following
        return
    with pytest.raises(WindowMoveRefused) as refusal:
        window_moves.target(state, action)
    assert refusal.value.extra["state"] == state
    assert refusal.value.extra["possible"] == [move for (of, move) in _ALLOWED if of == state]


def test_a_station_decides_nothing() -> None:
    for state, actions in window_moves.BY_STATION.items():
        assert not actions & {WindowAction.ACCEPT, WindowAction.REJECT}
        assert actions <= set(window_moves.MOVES[state])
    assert WindowState.ACCEPTED not in window_moves.BY_STATION
