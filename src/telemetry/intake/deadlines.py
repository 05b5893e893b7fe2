"""One coarse timer for many waits: the hot path enters and leaves a wait without a timer of its own."""

import asyncio
from types import TracebackType
from typing import Self


class Deadlines:
    """Gives each task that waits inside it `seconds`, late by a quarter of that at most; then TimeoutError.

    Use as a context manager around the wait; a task waits in it once at a time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[object], float] = {}
        self._expired: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        loop = task.get_loop()
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 4, self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._since.pop(task, None)
        if task in self._expired:
            self._expired.discard(task)
            # Somebody else who cancelled the task at the same time is obeyed.
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _look(self) -> None:
        """Cancel the waits that are over, and look again while there are others."""
        self._timer = None
        if not self._since:
            return
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._seconds
        for task, since in list(self._since.items()):
            if since <= oldest:
                del self._since[task]
                self._expired.add(task)
                task.cancel()
        self._timer = loop.call_later(self._seconds / 4, self._look)
