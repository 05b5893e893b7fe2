"""Rows of datastreams and their aliases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.datastreams import Datastream

_sql = queries.load(__file__, "datastreams")


@dataclass(frozen=True, slots=True)
class DatastreamRow:
    """The columns that an edit may change, settled: every default worked out."""

    reported_unit: str
    reported_as: str | None
    factor: float
    range_min: float | None
    range_max: float | None
    mandatory: bool
    status: str

    def values(self) -> tuple[object, ...]:
        return (
            self.reported_unit,
            self.reported_as,
            self.factor,
            self.range_min,
            self.range_max,
            self.mandatory,
            self.status,
        )


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name that leads to a datastream, its symbol or an alias."""

    datastream_id: int
    symbol: str
    spelling: str


async def page(
    database: Database,
    stations: list[str] | None,
    symbol: str | None,
    status: str | None,
    after: tuple[str | None, int | None],
    rows: int,
) -> list[Datastream]:
    found = await database.fetch(_sql["datastreams_page"], stations, symbol, status, *after, rows)
    return [Datastream(**row) for row in found]


async def find(database: Any, datastream_id: int) -> Datastream | None:
    row = await database.fetchrow(_sql["datastream_by_id"], datastream_id)
    return None if row is None else Datastream(**row)


async def station_of(database: Any, datastream_id: int) -> str | None:
    code: str | None = await database.fetchval(_sql["datastream_station"], datastream_id)
    return code


async def spellings(connection: Any, station_id: int) -> list[Spelling]:
    return [Spelling(**row) for row in await connection.fetch(_sql["datastream_spellings"], station_id)]


async def insert(connection: Any, station_id: int, symbol: str, row: DatastreamRow) -> int | None:
    """The new datastream's number; None when no observed property has the symbol."""
    number: int | None = await connection.fetchval(_sql["datastream_insert"], station_id, symbol, *row.values())
    return number


async def update(connection: Any, datastream_id: int, row: DatastreamRow) -> None:
    await connection.execute(_sql["datastream_update"], datastream_id, *row.values())


async def set_aliases(connection: Any, station_id: int, datastream_id: int, aliases: Sequence[str]) -> None:
    await connection.execute(_sql["datastream_aliases_drop"], station_id, datastream_id, list(aliases))
    await connection.execute(_sql["datastream_aliases_insert"], station_id, datastream_id, list(aliases))
