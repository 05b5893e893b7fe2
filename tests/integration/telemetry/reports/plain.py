"""Reports as one would make them by hand: a plain loop over every observation that stands in the table."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from core.instants import VIETNAM
from tests.fixtures.series import Archive

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Hour:
    received: int = 0
    valid: list[float] = field(default_factory=list)

    def mean(self, needed: int) -> float | None:
        return sum(self.valid) / len(self.valid) if len(self.valid) >= max(1, needed) else None


async def observations(archive: Archive, streams: list[int]) -> list[Any]:
    return await archive.database.fetch(
        "SELECT datastream_id, phenomenon_time, result, result_quality FROM observation"
        " WHERE datastream_id = ANY ($1) ORDER BY datastream_id, phenomenon_time",
        streams,
    )


async def by_hour(archive: Archive, streams: list[int]) -> dict[int, dict[datetime, Hour]]:
    """By datastream and begin of the hour."""
    found: dict[int, dict[datetime, Hour]] = defaultdict(lambda: defaultdict(Hour))
    for row in await observations(archive, streams):
        hour = found[row["datastream_id"]][row["phenomenon_time"].replace(minute=0, second=0, microsecond=0)]
        hour.received += 1
        if row["result_quality"] < 4:
            hour.valid.append(row["result"])
    return found


def days(begin: datetime, end: datetime) -> list[tuple[str, list[datetime]]]:
    """The dates in Việt Nam with the hours of each."""
    found: dict[str, list[datetime]] = {}
    while begin < end:
        found.setdefault(f"{begin.astimezone(VIETNAM):%Y-%m-%d}", []).append(begin)
        begin += HOUR
    return list(found.items())


def needed(expected: int, share: float) -> int:
    return math.ceil(expected * share - 1e-9)


def percent(above: int, below: int) -> float | None:
    return round(100 * above / below, 2) if below else None


def gaps(times: list[datetime], longest: timedelta) -> list[tuple[datetime, datetime]]:
    ordered = sorted(set(times))
    return [(a, b) for a, b in pairwise(ordered) if b - a > longest]
