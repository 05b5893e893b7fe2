"""Two at once: one is first, the other is told so, and the timeline has both or one, never a mixture."""

import asyncio
from datetime import timedelta

import pytest

from core import instants
from telemetry.alerts.errors import AlertMoveRefused
from telemetry.alerts.handling.escalating import Escalation
from telemetry.alerts.lifecycle.workflow import Action, State
from tests.fixtures.alerts import Office, problem, tomorrow


@pytest.mark.parametrize(
    ("revision", "status", "situation"), [(1, 412, "revision-moved"), ("*", 409, "alert-move-refused")]
)
async def test_of_two_who_acknowledge_at_once_one_is_first(
    office: Office, revision: int | str, status: int, situation: str
) -> None:
    alert = await office.raise_one()
    answers = await asyncio.gather(*(office.ask(alert.id, "acknowledge", {"comment": c}, revision) for c in "abcde"))
    assert sorted(answer.status_code for answer in answers) == [200, *[status] * 4]
    assert {problem(answer) for answer in answers if answer.status_code != 200} == {situation}
    moves = await office.moves(alert.id)
    assert [move.action for move in moves] == ["raise", "acknowledge"]
    assert (await office.alert(alert.id)).revision == 2
    assert len(await office.events()) == 2


async def test_data_that_clear_and_a_person_who_shelves_end_in_one_order_or_the_other(office: Office) -> None:
    for n in range(1, 13):
        alert = await office.raise_one(f"TH-NT-{n:03d}")

        async def clear(number: int = alert.id) -> None:
            await office.by_data(number, Action.CLEAR, cleared_time=instants.now())

        shelved, _ = await asyncio.gather(office.ask(alert.id, "shelve", {"reason": "x", "until": tomorrow()}), clear())
        current = await office.alert(alert.id)
        actions = [move.action for move in await office.moves(alert.id)]
        assert current.state is State.CLEARED
        assert current.shelved_until is None
        if shelved.status_code == 200:
            assert actions == ["raise", "shelve", "clear"]
        else:
            assert (shelved.status_code, actions) == (409, ["raise", "clear"])


async def test_data_that_clear_what_a_person_cleared_are_refused_by_the_table(office: Office) -> None:
    alert = await office.raise_one()
    await office.ask(alert.id, "clear", {"reason": "x"})
    with pytest.raises(AlertMoveRefused):
        await office.by_data(alert.id, Action.CLEAR, cleared_time=instants.now())
    assert [move.action for move in await office.moves(alert.id)] == ["raise", "clear-by-hand"]


async def test_an_escalation_and_an_acknowledgement_at_once_lose_neither(office: Office) -> None:
    now = instants.now()
    for n in range(1, 9):
        alert = await office.raise_one(f"TH-KT-{n:03d}", "SO2", escalate_time=now)
        round_ = Escalation(office.database, clock=lambda: now + timedelta(minutes=1))
        answer, _ = await asyncio.gather(office.ask(alert.id, "acknowledge"), round_.turn())
        assert answer.status_code == 200
        actions = [move.action for move in await office.moves(alert.id)]
        assert actions in (["raise", "acknowledge"], ["raise", "escalate", "acknowledge"])
        assert (await office.alert(alert.id)).escalate_time is None


async def test_comments_of_many_at_once_are_all_there(office: Office) -> None:
    alert = await office.raise_one()
    answers = await asyncio.gather(*(office.ask(alert.id, "comments", {"text": f"line {n}"}, None) for n in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert {move.reason for move in await office.moves(alert.id)} == {"", *(f"line {n}" for n in range(20))}
    assert (await office.alert(alert.id)).revision == 21


async def test_of_two_overlapping_windows_asked_for_at_once_one_is_taken(office: Office) -> None:
    now = instants.now()
    body = {
        "kind": "maintenance",
        "station": "TH-NT-001",
        "from": instants.text(now),
        "to": instants.text(now + timedelta(hours=1)),
        "reason": "x",
    }
    answers = await asyncio.gather(*(office.send("POST", "/v1/windows", body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    number = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    decisions = await asyncio.gather(
        office.send("POST", f"/v1/windows/{number}/accept", revision="*"),
        office.send("POST", f"/v1/windows/{number}/reject", {"reason": "x"}, revision="*"),
    )
    assert sorted(answer.status_code for answer in decisions) == [200, 409]
