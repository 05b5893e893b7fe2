"""Any sequence of what people and data do to an alert ends where a plain model says, with a complete timeline.

What the model does not allow is refused with 409 and changes nothing.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import instants
from telemetry.alerts.errors import AlertMoveRefused
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.lifecycle.workflow import Action
from tests.fixtures.alerts import Office, problem, tomorrow

_OPEN = {"raised", "acknowledged", "shelved"}
_ALL = _OPEN | {"cleared"}

# In which states the model takes a move; written without regard to the table of the service.
_POSSIBLE = {
    "acknowledge": {"raised"},
    "comments": _ALL,
    "assignee": _OPEN,
    "shelve": _OPEN,
    "unshelve": {"shelved"},
    "clear": _OPEN,
    "reraise": {"cleared"},
    "data:clear": _OPEN,
    "data:withdraw": _ALL,
    "data:update": _ALL,
    "data:reraise": {"cleared"},
    "data:expire": {"shelved"},
    "data:escalate": {"raised"},
    "data:surface": _OPEN,
}
_ACTION_NAMES = {"comments": "comment", "assignee": "assign", "clear": "clear-by-hand"}
_BODIES: dict[str, Any] = {
    "acknowledge": {"comment": "seen"},
    "comments": {"text": "a line"},
    "assignee": {"assignee": "Lan"},
    "shelve": {"reason": "a part", "until": tomorrow()},
    "unshelve": None,
    "clear": {"reason": "checked"},
    "reraise": {"reason": "again"},
}


@dataclass
class Model:
    """What an alert should be after what was done to it."""

    state: str = "raised"
    former: str = "raised"
    by_hand: bool = False
    revision: int = 1
    actions: list[str] = field(default_factory=lambda: ["raise"])

    def allows(self, move: str) -> bool:
        if move == "reraise" and not self.by_hand:
            return False
        return self.state in _POSSIBLE[move]

    def do(self, move: str) -> None:
        """The move, which is allowed."""
        name = move.removeprefix("data:")
        before = self.state
        match name:
            case "acknowledge":
                self.state = "acknowledged"
            case "shelve":
                self.former, self.state = (before if before != "shelved" else self.former), "shelved"
            case "unshelve" | "expire":
                self.state = self.former
            case "clear" | "withdraw":
                self.state, self.by_hand = "cleared", move == "clear"
            case "reraise":
                self.state = "raised"
        self.revision += 1
        self.actions.append(_ACTION_NAMES.get(move, name))


async def _by_data(office: Office, alert_id: int, action: Action) -> bool:
    members: dict[str, Any] = {}
    if action in {Action.CLEAR, Action.WITHDRAW}:
        members["cleared_time"] = instants.now()
    try:
        await office.by_data(alert_id, action, **members)
    except AlertMoveRefused:
        return False
    return True


async def _try(office: Office, before: Alert, model: Model, move: str, revision: str) -> None:
    """Make one move, and hold what came of it against the model."""
    alert_id = before.id
    if move.startswith("data:"):
        done = await _by_data(office, alert_id, Action(move.removeprefix("data:")))
        assert done == model.allows(move), (move, model)
    else:
        revisions: dict[str, int | str] = {"any": "*", "known": model.revision, "stale": model.revision + 7}
        answer = await office.ask(alert_id, move, _BODIES[move], None if move == "comments" else revisions[revision])
        done = answer.status_code == 200
        if revision == "stale" and move != "comments":
            assert (answer.status_code, problem(answer)) == (412, "revision-moved")
        elif not model.allows(move):
            assert (answer.status_code, problem(answer)) == (409, "alert-move-refused"), answer.text
        else:
            assert done, (move, model, answer.text)
    if done:
        model.do(move)
    else:
        assert await office.alert(alert_id) == before, "a refused move changes nothing"


async def _check(office: Office, alert: Alert, model: Model) -> None:
    assert (alert.state, alert.revision) == (model.state, model.revision)
    assert (alert.shelved_until is not None) == (model.state == "shelved")
    assert (alert.cleared_reason is not None) == (model.state == "cleared")
    moves = await office.moves(alert.id)
    assert [move.action for move in moves] == model.actions
    assert [move.from_state for move in moves] == [None, *(move.to_state for move in moves[:-1])]
    assert moves[-1].to_state == model.state
    assert all(move.actor in {"staff", "quantrac"} for move in moves)
    told = await office.database.fetchval(
        "SELECT count(*) FROM event WHERE payload -> 'alert' ->> 'id' = $1", str(alert.id)
    )
    assert told == len(moves)


_STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(_POSSIBLE)), st.sampled_from(["any", "known", "known", "stale"])),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=_STEPS)
async def test_any_sequence_of_moves_ends_where_the_model_does(office: Office, steps: list[tuple[str, str]]) -> None:
    alert = await office.raise_one()
    model = Model()
    try:
        for move, revision in steps:
            await _try(office, await office.alert(alert.id), model, move, revision)
        await _check(office, await office.alert(alert.id), model)
    finally:
        await office.by_data(alert.id, Action.WITHDRAW, cleared_time=instants.now())
