"""Rows of enrolments; of a code only its hash is ever here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import queries
from telemetry.admission.schemas import Enrolment

_sql = queries.load(__file__, "enrolments")


@dataclass(frozen=True, slots=True)
class Held:
    """An enrolment whose code was shown."""

    id: int
    station_id: int
    station: str
    label: str
    key_expires_time: datetime | None
    is_open: bool


async def of_station(database: Any, station: str) -> list[Enrolment]:
    return [Enrolment(**row) for row in await database.fetch(_sql["enrolments_of_station"], station, None)]


async def find(database: Any, station: str, number: int) -> Enrolment | None:
    row = await database.fetchrow(_sql["enrolments_of_station"], station, number)
    return None if row is None else Enrolment(**row)


async def insert(
    connection: Any,
    station_id: int,
    sha256: bytes,
    *,
    label: str,
    key_expires: datetime | None,
    by: str,
    valid: timedelta,
) -> int:
    number: int = await connection.fetchval(_sql["enrolment_insert"], station_id, sha256, label, key_expires, by, valid)
    return number


async def withdraw(connection: Any, station: str, number: int) -> bool:
    """Whether it was still open."""
    return await connection.fetchval(_sql["enrolment_withdraw"], station, number) is not None


async def held(connection: Any, sha256: bytes) -> Held | None:
    row = await connection.fetchrow(_sql["enrolment_held"], sha256)
    return None if row is None else Held(**row)


async def used(connection: Any, number: int, address: str | None, key_id: str) -> None:
    await connection.execute(_sql["enrolment_used"], number, address, key_id)
