"""The runner of rounds: goes on through failures, tells how each stands, finishes what is under way."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
from prometheus_client import REGISTRY

from core.database import DatabaseUnavailable
from gateway.rounds import Rounds


class Counted:
    """A round that does what it is given, once a turn."""

    def __init__(self, name: str, work: Callable[[int], Awaitable[bool]], pause: float = 0.01) -> None:
        self.name = name
        self.pause_seconds = pause
        self.turns = 0
        self._work = work

    async def turn(self) -> bool:
        self.turns += 1
        return await self._work(self.turns)


async def _turn_until(rounds: Rounds, done: Callable[[], bool]) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(rounds.run(stop))
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is awaited sets no event
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(task, 11)


def _failures(name: str, cause: str) -> float:
    return REGISTRY.get_sample_value("quantrac_round_failures_total", {"round": name, "cause": cause}) or 0.0


async def test_a_round_with_more_to_do_is_turned_again_without_a_pause() -> None:
    async def work(turn: int) -> bool:
        return turn < 50

    eager = Counted("eager", work, pause=3600)
    await _turn_until(Rounds([eager]), lambda: eager.turns == 50)


async def test_a_failing_round_is_counted_by_cause_and_turned_again_while_the_others_go_on() -> None:
    async def fail(turn: int) -> bool:
        if turn == 1:
            raise DatabaseUnavailable("away", retry_after=1)
        if turn == 2:
            raise asyncpg.DeadlockDetectedError("met another")
        if turn == 3:
            raise ValueError("a fault of our own")
        return False

    async def well(_: int) -> bool:
        return False

    failing, calm = Counted("failing", fail), Counted("calm", well)
    unavailable, fault = _failures("failing", "unavailable"), _failures("failing", "fault")
    await _turn_until(Rounds([failing, calm]), lambda: failing.turns >= 5)
    assert _failures("failing", "unavailable") - unavailable == 2
    assert _failures("failing", "fault") - fault == 1
    assert calm.turns > failing.turns


async def test_a_turn_under_way_is_finished_before_the_end() -> None:
    finished = asyncio.Event()

    async def slow(_: int) -> bool:
        await asyncio.sleep(0.3)
        finished.set()
        return False

    round_ = Counted("slow", slow)
    await _turn_until(Rounds([round_]), lambda: round_.turns == 1)
    assert finished.is_set()
    assert round_.turns == 1


async def test_a_round_is_standing_well_until_it_is_silent_for_long() -> None:
    async def well(_: int) -> bool:
        return False

    rounds = Rounds([Counted("fresh", well)])
    assert rounds.standing() == ({"fresh": "ok"}, True)
    rounds._succeeded["fresh"] -= 61
    found, ready = rounds.standing()
    assert not ready
    assert found["fresh"] == "no success for 61 s"
