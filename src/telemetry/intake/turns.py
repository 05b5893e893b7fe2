"""Work that is done a little in each turn of the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Does what was put in, in its order, a few pieces in each turn of the event loop.

    What arrives at once would otherwise be done at once, and every answer of the database would wait behind it: a group
    needs half a dozen of them, one after the other, before anybody hears of its COMMIT.
    """

    def __init__(self, do: Callable[[T], None], at_once: int) -> None:
        self._do = do
        self._at_once = at_once
        self._waiting: deque[T] = deque()
        self._is_called = False

    def put(self, piece: T) -> None:
        self._waiting.append(piece)
        if not self._is_called:
            self._call()

    def _call(self) -> None:
        self._is_called = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        try:
            for _ in range(min(self._at_once, len(self._waiting))):
                self._do(self._waiting.popleft())
        finally:
            self._is_called = False
            if self._waiting:
                self._call()
