"""Reads observations, one function per query."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core import queries
from core.database import Database
from telemetry.series.spans import Resolution

_sql = queries.load(__file__, "series")
_BUCKETS = {Resolution.HOURLY: _sql["series_hourly"], Resolution.DAILY: _sql["series_daily"]}

# phenomenon_time, datastream_id, result, result_quality, quality_reasons, device_status, receipt_id; or
# bucket, datastream_id, received_n, valid_n, suspect_n, result_mean, result_min, result_max.
Row = Sequence[Any]


async def latest(database: Database, streams: Sequence[int], not_before: datetime) -> list[Any]:
    """Newest observation of each datastream that has one; records with the columns of `observation`."""
    return await database.fetch(_sql["series_latest"], streams, not_before)


async def raw(
    database: Database, streams: Sequence[int], begin: datetime, end: datetime, most: int | None
) -> list[Row]:
    """Observations in order of time and datastream."""
    return await database.fetch(_sql["series_raw"], streams, begin, end, most)


async def buckets(
    database: Database, resolution: Resolution, streams: Sequence[int], begin: datetime, end: datetime
) -> list[Row]:
    """Buckets that have observations, in order of time and datastream; `begin` and `end` are starts of buckets."""
    return await database.fetch(_BUCKETS[resolution], streams, begin, end)


async def counts(
    database: Database, spans: Sequence[tuple[int, datetime, datetime, timedelta]]
) -> dict[int, tuple[int, int]]:
    """Steps with an observation and with a valid one, by datastream; `spans` are (datastream, begin, end, step)."""
    columns = [list(column) for column in zip(*spans, strict=True)] or [[], [], [], []]
    rows = await database.fetch(_sql["series_counts"], *columns)
    return {row["datastream_id"]: (row["received_n"], row["valid_n"]) for row in rows}
