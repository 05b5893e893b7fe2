"""Rows of the quotas that stations have of their own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries

_sql = queries.load(__file__, "quotas")


@dataclass(frozen=True, slots=True)
class OwnQuota:
    """What was set for a station; None: as the settings say. revision is 0 where nothing was ever set."""

    station_id: int
    requests: int | None
    readings: int | None
    bytes: int | None
    revision: int
    paused_until: datetime | None


async def quota(database: Any, station: str) -> OwnQuota | None:
    """None where there is no such station."""
    row = await database.fetchrow(_sql["admission_quota"], station)
    return None if row is None else OwnQuota(**row)


async def set_quota(
    connection: Any, station_id: int, requests: int | None, readings: int | None, size: int | None
) -> None:
    await connection.execute(_sql["admission_set_quota"], station_id, requests, readings, size)
