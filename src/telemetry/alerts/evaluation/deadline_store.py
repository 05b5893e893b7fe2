"""What the clock is compared with: the newest readings and the alerts that wait for a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import instants, queries
from telemetry.alerts.evaluation.episode_store import Stand, stand
from telemetry.alerts.lifecycle import store

_sql = queries.load(__file__, "deadlines")


async def newest(database: Any, since: datetime) -> dict[int, int]:
    """By active station the newest phenomenon time (µs) after `since`. Takes a database or a connection."""
    rows = await database.fetch(_sql["deadlines_newest"], since)
    return {row["station_id"]: instants.to_us(row["phenomenon_time"]) for row in rows}


async def open_alerts(database: Any, kinds: Sequence[str]) -> list[Stand]:
    """Takes a database or a connection."""
    return [stand(store.read(row)) for row in await database.fetch(_sql["deadlines_open"], list(kinds))]
