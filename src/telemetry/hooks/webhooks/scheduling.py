"""When a delivery is tried again, when a receiver is left in peace, and when it is given up."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# The schedule of the Standard Webhooks specification: seconds to wait after each attempt that failed.
_MINUTE, _HOUR = 60, 3600
SCHEDULE: tuple[float, ...] = (
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
# A time to wait that a receiver asks for is honoured up to here.
LONGEST_RETRY_AFTER = 6 * _HOUR
# Answers that say: not so much at once.
THROTTLING = frozenset({429, 502, 503, 504})

_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Breaker:
    """After `failures` in a row a receiver is left in peace, each time twice as long; then one delivery tries."""

    failures: int = 5
    first_seconds: float = 10
    longest_seconds: float = 300

    def pause(self, failures: int) -> float:
        """Seconds of peace after so many failures in a row; 0 while there are too few of them."""
        beyond = failures - self.failures
        return min(self.first_seconds * 2.0 ** min(beyond, 30), self.longest_seconds) if beyond >= 0 else 0


def delay(
    schedule: Sequence[float], attempts: int, retry_after: float | None, chance: Callable[[], float] = random.random
) -> float | None:
    """Seconds until the next attempt after so many; None where the last one was made.

    A little longer than the schedule, at random, so that what failed together does not come back together; at least
    what the receiver asked for.
    """
    if attempts > len(schedule):
        return None
    planned = schedule[attempts - 1] * (1 + _JITTER * chance())
    return max(planned, min(retry_after or 0, LONGEST_RETRY_AFTER))


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait, written as a number or as a date; None where it says neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now) / timedelta(seconds=1))
