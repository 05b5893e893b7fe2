"""One timer for many waits."""

import asyncio
import time

import pytest

from telemetry.intake.deadlines import Deadlines


async def test_a_wait_that_ends_in_time_is_left_alone() -> None:
    deadlines = Deadlines(0.05)
    for _ in range(3):
        with deadlines:
            await asyncio.sleep(0)
    with deadlines:
        assert await asyncio.sleep(0.01, "done") == "done"
    await asyncio.sleep(0.1)


async def test_a_wait_that_takes_too_long_is_a_time_out_soon_after_its_time() -> None:
    deadlines = Deadlines(0.1)
    started = time.monotonic()
    with pytest.raises(TimeoutError), deadlines:
        await asyncio.sleep(30)
    assert 0.1 <= time.monotonic() - started < 5
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    # The same task may wait again.
    with deadlines:
        await asyncio.sleep(0)


async def test_only_the_waits_that_are_over_are_ended() -> None:
    deadlines = Deadlines(0.2)

    async def wait(seconds: float) -> str:
        try:
            with deadlines:
                await asyncio.sleep(seconds)
        except TimeoutError:
            return "late"
        return "in time"

    found = await asyncio.gather(*(wait(seconds) for seconds in (0.0, 30.0, 0.01, 30.0)))
    assert found == ["in time", "late", "in time", "late"]


async def test_a_task_that_somebody_else_cancels_is_cancelled() -> None:
    deadlines = Deadlines(30)

    async def wait() -> None:
        with deadlines:
            await asyncio.sleep(30)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_inside_goes_through() -> None:
    with pytest.raises(KeyError), Deadlines(30):
        raise KeyError


def test_a_deadline_without_a_task_is_refused() -> None:
    with pytest.raises(RuntimeError), Deadlines(1):
        pass
