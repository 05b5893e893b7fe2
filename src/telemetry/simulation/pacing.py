"""The stations' clock: real time, or a time that begins in the past and runs faster until it has caught up."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core import instants

_MICROSECONDS = 1_000_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)([smhd])")
# A sleeper looks again after this long at most, so that a clock that was set is noticed.
_LONGEST_SLEEP = 30.0


@dataclass(slots=True)
class Clock:
    """start_us: where a faster clock begins; it never runs ahead of real time."""

    speed: float = 1.0
    start_us: int | None = None
    real_us: Callable[[], int] = instants.now_us
    steady: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)
    _origin_us: int = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.steady()
        self._origin_us = self.real_us() if self.start_us is None else self.start_us

    def now_us(self) -> int:
        if self.speed <= 1.0 and self.start_us is None:
            return self.real_us()
        run_us = int((self.steady() - self._begun) * self.speed * _MICROSECONDS)
        return min(self._origin_us + run_us, self.real_us())

    def seconds_until(self, at_us: int) -> float:
        """Real seconds to sleep before looking at the clock again."""
        ahead = max(at_us - self.now_us(), 0) / _MICROSECONDS
        fast = ahead / max(self.speed, 1.0)
        return min(max(fast, 0.0), _LONGEST_SLEEP)


def duration_us(text: str) -> int:
    """Microseconds of `90s`, `30m`, `2h`, `3d`, `-45m`; ValueError says what is expected."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError("a duration such as 90s, 30m, 2h, 3d or -45m")
    return round(float(found[1]) * _UNITS[found[2]] * _MICROSECONDS)


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, or wake up when it is time to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
