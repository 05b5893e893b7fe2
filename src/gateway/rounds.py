"""Keeps rounds of work going: each in its own task, again and again, through outages and faults of its own."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge, Histogram

from core import acting, errors
from core.database import is_transient

_log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_DRAIN_SECONDS = 10.0
# A round that has not succeeded for so long, and for so many of its own pauses, does not do its work.
_PATIENCE_SECONDS, _PATIENCE_PAUSES = 60.0, 10

SECONDS = Histogram(
    "quantrac_round_seconds",
    "Time that one turn of a round took.",
    ["round"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
LAST_SUCCESS = Gauge("quantrac_round_last_success_timestamp_seconds", "When a turn last ended well.", ["round"])
FAILURES = Counter("quantrac_round_failures_total", "Turns that failed, by cause.", ["round", "cause"])


class Round(Protocol):
    """Work that is looked for again and again. Several processes may turn the same round side by side."""

    name: str
    pause_seconds: float

    async def turn(self) -> bool:
        """Do what there is to do, in bounded time; True when there is more to do at once."""


class Rounds:
    """The rounds of one process."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = rounds
        began = time.monotonic()
        self._succeeded = {round_.name: began for round_ in rounds}

    async def run(self, stop: asyncio.Event) -> None:
        """Turn until `stop` is set; a turn under way is finished then, within ten seconds."""
        tasks = [asyncio.create_task(self._keep_turning(r, stop), name=f"round-{r.name}") for r in self._rounds]
        await stop.wait()
        await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def standing(self) -> tuple[Mapping[str, str], bool]:
        """How each round stands, and whether all of them do their work."""
        now = time.monotonic()
        found = {}
        for round_ in self._rounds:
            silent = now - self._succeeded[round_.name]
            late = silent > max(_PATIENCE_SECONDS, _PATIENCE_PAUSES * round_.pause_seconds)
            found[round_.name] = f"no success for {silent:.0f} s" if late else "ok"
        return found, all(text == "ok" for text in found.values())

    async def _keep_turning(self, round_: Round, stop: asyncio.Event) -> None:
        pause = _FIRST_PAUSE
        acting.begin(acting.Acting(f"watch:{round_.name}"))
        while not stop.is_set():
            began = time.perf_counter()
            try:
                more = await round_.turn()
            except Exception as error:  # noqa: BLE001 - the outermost loop: the next turn begins anew from the database
                self._tell(round_.name, error)
                await _sleep(stop, pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            SECONDS.labels(round_.name).observe(time.perf_counter() - began)
            LAST_SUCCESS.labels(round_.name).set_to_current_time()
            self._succeeded[round_.name] = time.monotonic()
            pause = _FIRST_PAUSE
            await _sleep(stop, 0 if more else round_.pause_seconds)

    def _tell(self, name: str, error: Exception) -> None:
        if isinstance(error, errors.Unavailable) or is_transient(error):
            FAILURES.labels(name, "unavailable").inc()
            _log.warning("round.waits", round=name, error=type(error).__name__)
        else:
            FAILURES.labels(name, "fault").inc()
            _log.exception("round.failed", round=name)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until the process is to stop; other tasks have their turn in any case."""
    if not seconds:
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
