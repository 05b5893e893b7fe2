"""Keys that expire soon, and whether that was told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import queries

_sql = queries.load(__file__, "expiry")


@dataclass(frozen=True, slots=True)
class Expiring:
    """A key that expires soon."""

    id: str
    station_id: int
    station: str
    label: str
    expires_time: datetime
    last_used_time: datetime | None


async def tell_expiring(connection: Any, within: timedelta) -> list[Expiring]:
    """Keys that expire within the time and that this is said of for the first time."""
    return [Expiring(**row) for row in await connection.fetch(_sql["admission_expiring_keys"], within)]
