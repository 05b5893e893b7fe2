"""Submissions that wait for their outcome: who is told of it, and when it is too late.

Rule of this file: who is told is called once at most, and one timer serves all that wait.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

import msgspec

from telemetry.readings import Outcome, Submission

# Takes what became of a submission: its outcome, or the error that stands in its place. It never raises.
Settle = Callable[[Outcome | Exception], None]


class Waiting(msgspec.Struct, eq=False):
    """A submission in the queue, its weight there, and whom its outcome is told; nobody any more, once it was."""

    submission: Submission
    settle: Settle | None
    rows: int
    bytes: int

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for the outcome any more: it was told, or the sender gave up."""
        return self.settle is None

    def tell(self, result: Outcome | Exception) -> None:
        settle, self.settle = self.settle, None
        if settle is not None:
            settle(result)

    def give_up(self) -> None:
        self.settle = None


class Patience:
    """Tells those that waited too long, with an error that `lateness` makes."""

    def __init__(self, lateness: Callable[[], Exception]) -> None:
        self._lateness = lateness
        # Nearly always in the order in which they came, for which a heap is as quick as a queue.
        self._due: list[tuple[float, int, Waiting]] = []
        self._number = count()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, waiting: Waiting, seconds: float) -> None:
        """Bound the wait."""
        due = asyncio.get_running_loop().time() + seconds
        heapq.heappush(self._due, (due, next(self._number), waiting))
        if self._timer is None or due < self._timer.when():
            self._set(due)

    def forget(self) -> None:
        """Let go of those at the front whose wait is over; of the others when their turn comes."""
        while self._due and self._due[0][2].is_over:
            heapq.heappop(self._due)

    def end(self) -> None:
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._due and (self._due[0][0] <= now or self._due[0][2].is_over):
            heapq.heappop(self._due)[2].tell(self._lateness())
        if self._due:
            self._set(self._due[0][0])
