"""Asks the evaluation to look at a span again, because something other than data changed."""

from datetime import datetime
from typing import Any

from core import queries

_sql = queries.load(__file__, "rechecks")


async def ask(
    connection: Any, station_id: int | None, datastream_id: int | None, begin: datetime, end: datetime, cause: str
) -> None:
    """In the transaction of what changed. What belongs to no station is not judged by spans."""
    if station_id is not None:
        await connection.execute(_sql["alert_rechecks_ask"], station_id, datastream_id, begin, end, cause)
