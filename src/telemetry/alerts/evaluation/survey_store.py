"""What the surveys read: how fresh stations are, what grows in quarantine, and which jobs and readers stand still."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import instants, queries
from telemetry.alerts.evaluation.episode_store import time_us

_sql = queries.load(__file__, "surveys")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a station sent within one of its cadences: when, and how far its freshest readings were behind our clock."""

    time_us: int
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class Job:
    """A background job; next_time is None where none is planned."""

    name: str
    seconds: float
    succeeded: datetime | None
    next_time: datetime | None
    failures: int


async def lags(database: Any, since: datetime) -> dict[int, list[Sent]]:
    """By station id, in order of time."""
    found: dict[int, list[Sent]] = {}
    for row in await database.fetch(_sql["surveys_lags"], since):
        found.setdefault(row["station_id"], []).append(Sent(instants.to_us(row["received_time"]), row["lag"]))
    return found


async def ahead(database: Any, since: datetime) -> dict[int, list[Sent]]:
    """As lags, of readings that stay out because their time is ahead; one for each receipt."""
    found: dict[int, list[Sent]] = {}
    for row in await database.fetch(_sql["surveys_ahead"], since):
        time, received = time_us(row["phenomenon_time"]), instants.to_us(row["received_time"])
        if time is not None:
            found.setdefault(row["station_id"], []).append(Sent(received, (received - time) / 1e6))
    return found


async def quarantined(database: Any, since: datetime) -> dict[int | None, int]:
    return {row["station_id"]: row["n"] for row in await database.fetch(_sql["surveys_quarantined"], since)}


async def readers(database: Any) -> dict[str, datetime]:
    return {row["reader"]: row["moved_time"] for row in await database.fetch(_sql["surveys_readers"])}


async def jobs(database: Any) -> list[Job]:
    """None of them where the database has no background jobs."""
    if not await database.fetchval(_sql["surveys_timescale"]):
        return []
    rows = await database.fetch(_sql["surveys_jobs"])
    return [Job(row["job"], row["seconds"], row["succeeded"], row["next_start"], row["failures"]) for row in rows]


async def latest(database: Any, kind: str) -> dict[int | None, tuple[datetime, datetime | None]]:
    """By station id when the newest alert that is over ended, and when a person closed it."""
    rows = await database.fetch(_sql["surveys_latest"], kind)
    return {row["station_id"]: (row["ended"], row["closed"]) for row in rows}
