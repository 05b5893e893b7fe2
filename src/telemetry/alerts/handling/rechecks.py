"""Spans that the evaluation is to look at again: something other than data changed, or there was too much at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries

_sql = queries.load(__file__, "rechecks")


@dataclass(frozen=True, slots=True)
class Asked:
    """A span of one station, its ends included."""

    id: int
    station_id: int
    begin: datetime
    end: datetime


async def ask(
    connection: Any, station_id: int | None, datastream_id: int | None, begin: datetime, end: datetime, cause: str
) -> None:
    """In the transaction of what changed. What belongs to no station is not judged by spans."""
    if station_id is not None:
        await connection.execute(_sql["alert_rechecks_ask"], station_id, datastream_id, begin, end, cause)


async def take(connection: Any) -> list[Asked]:
    """All that is asked of the station whose turn it is, by time, held until the transaction ends."""
    rows = await connection.fetch(_sql["alert_rechecks_take"])
    return [Asked(row["id"], row["station_id"], row["begin_time"], row["end_time"]) for row in rows]


async def done(connection: Any, ids: Sequence[int], until: datetime) -> None:
    """Everything up to `until` was looked at."""
    await connection.execute(_sql["alert_rechecks_done"], list(ids), until)
