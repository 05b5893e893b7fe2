"""Rows of stations."""

from dataclasses import dataclass
from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.stations import NewStation, Station

_sql = queries.load(__file__, "stations")


@dataclass(frozen=True, slots=True)
class StationFilter:
    """What a list of stations is narrowed to; `search` has no marks and small letters. codes: of these alone."""

    kind: str | None = None
    organization: str | None = None
    status: str | None = None
    search: str | None = None
    district: str | None = None
    codes: list[str] | None = None


async def page(database: Database, wanted: StationFilter, after: str | None, rows: int) -> list[Station]:
    found = await database.fetch(
        _sql["stations_page"],
        wanted.kind,
        wanted.organization,
        wanted.status,
        wanted.search,
        after,
        rows,
        wanted.district,
        wanted.codes,
    )
    return [Station(**row) for row in found]


async def find(database: Any, code: str) -> Station | None:
    row = await database.fetchrow(_sql["station_by_code"], code)
    return None if row is None else Station(**row)


async def lock(connection: Any, code: str) -> int | None:
    """The station's number, held until the transaction ends; None where there is none."""
    number: int | None = await connection.fetchval(_sql["station_lock"], code)
    return number


async def insert(connection: Any, new: NewStation, organization_id: int) -> None:
    await connection.execute(_sql["station_insert"], *_values(new, organization_id))


async def update(connection: Any, now: NewStation, organization_id: int) -> None:
    await connection.execute(_sql["station_update"], *_values(now, organization_id))


def _values(station: NewStation, organization_id: int) -> tuple[object, ...]:
    return (
        station.code,
        station.kind,
        organization_id,
        station.name_vi,
        station.name_en,
        station.file_code,
        station.latitude,
        station.longitude,
        station.status,
        station.cadence_seconds,
        station.demonstration,
        station.district,
    )
