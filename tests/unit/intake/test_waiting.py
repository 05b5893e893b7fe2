"""Who waits for an outcome is told once, in time or of its lateness."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from telemetry.intake.waiting import Patience, Waiting
from telemetry.readings import Outcome
from tests.fixtures.submissions import packet, submission

STORED = Outcome(7, 0, "TH-NT-001", stored=1)
Told = list[tuple[str, Outcome | Exception]]


class Late(Exception):
    """Somebody waited too long."""


def waiting(told: Told, name: str = "only") -> Waiting:
    """One that writes down under its name what it is told."""
    return Waiting(submission(packet(COD=1.0)), lambda result: told.append((name, result)), 2, 100)


def names(told: Told) -> list[str]:
    return [name for name, _ in told]


def test_an_outcome_is_told_once() -> None:
    told: Told = []
    one = waiting(told)
    assert not one.is_over
    one.tell(STORED)
    assert one.is_over
    one.tell(Late())
    one.tell(STORED)
    assert told == [("only", STORED)]


def test_who_gave_up_is_told_nothing() -> None:
    told: Told = []
    one = waiting(told)
    one.give_up()
    assert one.is_over
    one.tell(STORED)
    one.give_up()
    assert told == []


def test_who_is_being_told_is_told_nothing_else_meanwhile() -> None:
    told: Told = []

    def settle(result: Outcome | Exception) -> None:
        told.append(("only", result))
        one.tell(Late())

    one = Waiting(submission(packet(COD=1.0)), settle, 2, 100)
    one.tell(STORED)
    assert told == [("only", STORED)]


async def test_who_waited_too_long_is_told_so_and_not_before() -> None:
    told: Told = []
    patience = Patience(Late)
    patience.begin(waiting(told), 0.2)
    await asyncio.sleep(0.05)
    assert told == []
    await asyncio.sleep(0.4)
    ((_, result),) = told
    assert isinstance(result, Late)


async def test_those_that_waited_too_long_are_told_in_the_order_of_their_times() -> None:
    told: Told = []
    patience = Patience(Late)
    for name, seconds in (("c", 0.3), ("a", 0.1), ("d", 0.4), ("b", 0.2), ("also b", 0.2)):
        patience.begin(waiting(told, name), seconds)
    await asyncio.sleep(0.15)
    assert names(told)[:1] == ["a"]
    await asyncio.sleep(0.6)
    assert names(told) == ["a", "b", "also b", "c", "d"]
    # Every one hears of its own lateness.
    assert len({id(error) for _, error in told}) == 5


async def test_who_was_told_or_gave_up_is_not_late() -> None:
    told: Told = []
    patience = Patience(Late)
    answered, gone, late = (waiting(told, name) for name in ("answered", "gone", "late"))
    for one in (answered, gone, late):
        patience.begin(one, 0.1)
    answered.tell(STORED)
    gone.give_up()
    await asyncio.sleep(0.4)
    assert names(told) == ["answered", "late"]


async def test_what_is_over_at_the_front_is_let_go() -> None:
    told: Told = []
    patience = Patience(Late)
    made = [waiting(told, str(number)) for number in range(4)]
    for number, one in enumerate(made):
        patience.begin(one, 30 + number)
    for one in (made[0], made[1], made[3]):
        one.tell(STORED)
    patience.forget()
    assert [entry[-1] for entry in patience._due if not entry[-1].is_over] == [made[2]]
    # The last one's turn comes when the one before it is over.
    made[2].tell(STORED)
    patience.forget()
    assert patience._due == []
    patience.end()


async def test_what_was_let_go_does_not_end_the_patience_with_the_others() -> None:
    told: Told = []
    patience = Patience(Late)
    first, second = waiting(told, "first"), waiting(told, "second")
    patience.begin(first, 0.1)
    first.tell(STORED)
    patience.forget()
    patience.begin(second, 0.2)
    await asyncio.sleep(0.5)
    assert names(told) == ["first", "second"]
    third = waiting(told, "third")
    patience.begin(third, 0.05)
    await asyncio.sleep(0.3)
    assert names(told)[-1] == "third"


async def test_after_the_end_nobody_is_told() -> None:
    told: Told = []
    patience = Patience(Late)
    patience.begin(waiting(told), 0.05)
    patience.end()
    patience.end()
    await asyncio.sleep(0.2)
    assert told == []


async def test_who_is_told_may_have_another_wait_begun() -> None:
    told: Told = []
    patience = Patience(Late)

    def settle(result: Outcome | Exception) -> None:
        told.append(("first", result))
        patience.begin(waiting(told, "second"), 0.05)

    patience.begin(Waiting(submission(packet(COD=1.0)), settle, 2, 100), 0.05)
    patience.begin(waiting(told, "third"), 0.3)
    await asyncio.sleep(0.6)
    assert names(told) == ["first", "second", "third"]


async def test_one_timer_serves_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_at: Callable[..., asyncio.TimerHandle] = loop.call_at

    def counting(*args: Any, **members: Any) -> asyncio.TimerHandle:
        timers.append(call_at(*args, **members))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", counting)
    told: Told = []
    patience = Patience(Late)
    for number in range(100):
        patience.begin(waiting(told, str(number)), 30)
    assert len(timers) == 1
    # One that is due sooner takes the place of the timer.
    patience.begin(waiting(told, "sooner"), 10)
    assert [timer.cancelled() for timer in timers] == [True, False]
    patience.end()
    assert all(timer.cancelled() for timer in timers)
