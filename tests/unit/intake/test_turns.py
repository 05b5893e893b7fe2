"""Work in turns of the event loop."""

import asyncio

from telemetry.intake.turns import Turns


async def test_everything_is_done_in_its_order_a_few_in_each_turn() -> None:
    done: list[int] = []
    turns = Turns(done.append, 3)
    for number in range(7):
        turns.put(number)
    seen = []
    while len(done) < 7:
        await asyncio.sleep(0)
        seen.append(len(done))
    assert done == list(range(7))
    assert seen == [3, 6, 7]


async def test_what_is_put_in_by_the_work_itself_has_its_turn_too() -> None:
    done: list[int] = []

    def do(number: int) -> None:
        done.append(number)
        if number < 5:
            turns.put(number + 1)

    turns = Turns(do, 2)
    turns.put(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert done == [0, 1, 2, 3, 4, 5]


async def test_others_have_their_turn_in_between() -> None:
    heard: list[str] = []
    turns = Turns(heard.append, 1)
    for name in ("a", "b", "c"):
        turns.put(name)

    async def other() -> None:
        for _ in range(3):
            heard.append("other")
            await asyncio.sleep(0)

    await other()
    await asyncio.sleep(0)
    assert sorted(heard) == ["a", "b", "c", "other", "other", "other"]
    assert heard != sorted(heard)


async def test_work_that_fails_keeps_nothing_from_its_turn() -> None:
    loop = asyncio.get_running_loop()
    told: list[BaseException | None] = []
    loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
    done: list[int] = []

    def do(number: int) -> None:
        if number == 1:
            raise ValueError(number)
        done.append(number)

    turns = Turns(do, 4)
    for number in range(4):
        turns.put(number)
    for _ in range(4):
        await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert done == [0, 2, 3]
    assert [type(error) for error in told] == [ValueError]
