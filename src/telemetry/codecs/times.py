"""Times as text, one by one and by the column: RFC 3339 with an offset, and the regulator's fourteen digits in UTC+7.

There is one grammar, msgspec's RFC 3339: `T`, `t` or a space before the time, seconds always, any number of fraction
digits (rounded to µs), `Z`, `z`, `±hh:mm` or `±hhmm`; 24:00 and leap seconds are refused. The parser by the column
takes a part of it and hands the rest to the other one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from core import instants
from telemetry.readings import Int64s, Reason

EXPECTED_TIME = "an RFC 3339 time with an offset, such as 2026-11-23T08:00:00+07:00"
EXPECTED_DIGITS = "fourteen digits yyyyMMddHHmmss in local time (UTC+7)"
# Of the regulator's digits, at any date; the time zone of the place was another one before 1975.
UTC7 = timezone(timedelta(hours=7))
_TEXT_LIMIT = 64
_UNIFORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(?:([Zz])|[+-]\d\d:\d\d)", re.ASCII)
_DIGITS = re.compile(r"[0-9]{14}", re.ASCII)


class UnreadableTime(ValueError):
    """The text is no instant; `reason` says whether only the offset is missing."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=8192)
def instant_us(text: str) -> int:
    """µs since the Unix epoch; stations that report together share their times, so the last ones are remembered."""
    # msgspec wants text that can be written as UTF-8; every time is ASCII.
    if len(text) > _TEXT_LIMIT or not text.isascii():
        raise UnreadableTime(Reason.UNREADABLE_TIME)
    try:
        instant = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        raise UnreadableTime(Reason.UNREADABLE_TIME) from None
    if instant.tzinfo is None:
        raise UnreadableTime(Reason.TIME_WITHOUT_OFFSET)
    return instants.to_us(instant)


@lru_cache(maxsize=1024)
def digits_us(text: str) -> int:
    """µs since the Unix epoch of yyyyMMddHHmmss in UTC+7, which has no summer time."""
    if not _DIGITS.fullmatch(text):
        raise UnreadableTime(Reason.UNREADABLE_TIME)
    year, month, day, hour, minute, second = int(text[:4]), *(int(text[at : at + 2]) for at in range(4, 14, 2))
    try:
        return instants.to_us(datetime(year, month, day, hour, minute, second, tzinfo=UTC7))
    except ValueError:
        raise UnreadableTime(Reason.UNREADABLE_TIME) from None


def column_us(texts: Sequence[str]) -> Int64s | None:
    """µs since the Unix epoch of (n,) times all written the same way; None where they are not, or one is no time."""
    first = _UNIFORM.fullmatch(texts[0]) if texts else None
    if first is None or set(map(len, texts)) != {first.end()}:
        return None
    joined = "".join(texts)
    if not joined.isascii():
        return None
    # Characters stand in rows and times in columns, so that each part of a time is contiguous.
    rows = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(len(texts), -1)
    signs: npt.NDArray[np.uint8] = np.ascontiguousarray(rows.T)
    fraction = len(first[1] or "")
    offset_at = 20 + fraction if fraction else 19
    if not (
        _stand(signs, {4: "-", 7: "-", 10: "Tt ", 13: ":", 16: ":"}) and (not fraction or _stand(signs, {19: "."}))
    ):
        return None
    days = _days(_number(signs, 0, 4), _number(signs, 5, 2), _number(signs, 8, 2))
    seconds = _seconds(_number(signs, 11, 2), _number(signs, 14, 2), _number(signs, 17, 2))
    offset = _offset_seconds(signs[offset_at:], zulu=first[2] is not None)
    if days is None or seconds is None or offset is None:
        return None
    us = (days * 86_400 + seconds - offset) * 1_000_000
    if not fraction:
        return us
    parts = _number(signs, 20, fraction)
    return None if parts is None else us + parts * 10 ** (6 - fraction)


def _stand(signs: npt.NDArray[np.uint8], expected: Mapping[int, str]) -> bool:
    """Whether each row named holds one of its characters in every time."""
    for row, characters in expected.items():
        found = signs[row] == ord(characters[0])
        for character in characters[1:]:
            found |= signs[row] == ord(character)
        if not found.all():
            return False
    return True


def _number(signs: npt.NDArray[np.uint8], start: int, width: int) -> Int64s | None:
    """(n,) the number written in the rows, or None where one is no digit."""
    digits = signs[start : start + width] - np.uint8(ord("0"))
    if digits.max() > 9:  # Smaller characters wrapped around to large numbers.
        return None
    weights: Int64s = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return weights @ digits


def _days(year: Int64s | None, month: Int64s | None, day: Int64s | None) -> Int64s | None:
    """(n,) days since 1970-01-01, or None where one is not in the calendar."""
    if year is None or month is None or day is None:
        return None
    if year.min() < 1 or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    starts = months.astype("datetime64[D]").astype(np.int64)
    lengths = (months + 1).astype("datetime64[D]").astype(np.int64) - starts
    return None if (day > lengths).any() else starts + day - 1


def _seconds(hour: Int64s | None, minute: Int64s | None, second: Int64s | None) -> Int64s | None:
    if hour is None or minute is None or second is None:
        return None
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    return hour * 3600 + minute * 60 + second


def _offset_seconds(signs: npt.NDArray[np.uint8], *, zulu: bool) -> Int64s | None:
    if zulu:
        return np.zeros(signs.shape[1], dtype=np.int64) if _stand(signs, {0: "Zz"}) else None
    if not _stand(signs, {0: "+-", 3: ":"}):
        return None
    zero = np.zeros(signs.shape[1], dtype=np.int64)
    distance = _seconds(_number(signs, 1, 2), _number(signs, 4, 2), zero)
    return None if distance is None else np.where(signs[0] == ord("-"), -distance, distance)
