"""Instants as RFC 3339 text, as datetimes and as microseconds since the Unix epoch.

Inside the service an instant in columns is an int64 of microseconds since 1970-01-01T00:00:00Z, called `*_us`.
"""

import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Zone(StrEnum):
    """The zones in which instants are written out on request."""

    UTC = "UTC"
    VIETNAM = "Asia/Ho_Chi_Minh"

    @property
    def info(self) -> ZoneInfo:
        return VIETNAM if self is Zone.VIETNAM else ZoneInfo("UTC")


def to_us(instant: datetime) -> int:
    """Microseconds since the Unix epoch; the datetime must carry an offset."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return (instant - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def now() -> datetime:
    return datetime.now(UTC)


def now_us() -> int:
    """As `to_us(now())`, without the objects in between: this is asked several times for each request."""
    return time.time_ns() // 1_000


def text_of_us(us: int) -> str:
    """As `text(from_us(us))`, for what is asked in every answer: moments of the same second share their text."""
    second, fraction = divmod(us, 1_000_000)
    return f"{_second_text(second)}.{fraction:06d}Z" if fraction else f"{_second_text(second)}Z"


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return from_us(second * 1_000_000).isoformat()[:-6]


def parse(text: str) -> datetime:
    """Read RFC 3339 text with an offset; ValueError says what is wrong."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-11-23T08:00:00+07:00") from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write +07:00 or Z behind it")
    return instant


def text(instant: datetime, zone: Zone = Zone.UTC) -> str:
    """RFC 3339 in the zone, with Z for UTC and no fraction where there is none."""
    if zone is Zone.UTC:
        return instant.astimezone(UTC).isoformat()[:-6] + "Z"
    return instant.astimezone(zone.info).isoformat()
