"""Pages for clients that come back together: each is read once, and a failure is nobody's for long."""

import asyncio

import pytest

from core.database import DatabaseUnavailable
from core.feeds import Position
from telemetry.hooks.stream.cursors import Cursor, Stage
from telemetry.hooks.stream.pages import Pages
from telemetry.hooks.stream.source import Batch, Source

_HERE = Cursor(Position("5:9:")).towards(Position("9:12:"))
_ALL = frozenset(Stage)


class Counting(Source):
    """Counts its pages instead of reading any."""

    def __init__(self) -> None:
        self.pages = 0
        self.most = 0
        self.failing = False
        self._reading = 0

    async def page(self, cursor: Cursor, stages: frozenset[Stage]) -> Batch:
        del stages
        self.pages += 1
        self._reading += 1
        self.most = max(self.most, self._reading)
        await asyncio.sleep(0.01)
        self._reading -= 1
        if self.failing:
            raise DatabaseUnavailable("away")
        return Batch((), cursor.reached())


async def test_many_who_come_from_the_same_place_are_read_for_once() -> None:
    source = Counting()
    pages = Pages(source)
    batches = await asyncio.gather(*(pages.read(_HERE, _ALL) for _ in range(500)))
    assert source.pages == 1
    assert {batch.cursor for batch in batches} == {Cursor(Position("9:12:"))}
    await pages.read(_HERE, frozenset({Stage.EVENTS}))
    assert source.pages == 2
    await pages.close()


async def test_two_pages_are_read_at_a_time_and_few_are_kept() -> None:
    source = Counting()
    pages = Pages(source)
    places = [_HERE.behind(Stage.EVENTS, "7", row) for row in range(40)]
    await asyncio.gather(*(pages.read(place, _ALL) for place in places))
    assert (source.pages, source.most) == (40, 2)
    assert len(pages._pages) == 16
    await pages.close()


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    source = Counting()
    pages = Pages(source)
    source.failing = True
    results = await asyncio.gather(*(pages.read(_HERE, _ALL) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseUnavailable] * 3
    source.failing = False
    await pages.read(_HERE, _ALL)
    assert source.pages == 2
    await pages.close()


async def test_who_leaves_takes_the_page_from_nobody() -> None:
    source = Counting()
    pages = Pages(source)
    leaving, staying = (asyncio.create_task(pages.read(_HERE, _ALL)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).cursor.at_rest
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert source.pages == 1
    await pages.close()
