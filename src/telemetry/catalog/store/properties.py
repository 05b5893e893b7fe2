"""Rows of observed properties."""

from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.properties import NewObservedProperty, ObservedProperty

_sql = queries.load(__file__, "properties")


async def page(database: Database, after: str | None, rows: int) -> list[ObservedProperty]:
    return [ObservedProperty(**row) for row in await database.fetch(_sql["properties_page"], after, rows)]


async def find(database: Any, symbol: str) -> ObservedProperty | None:
    row = await database.fetchrow(_sql["property_by_symbol"], symbol)
    return None if row is None else ObservedProperty(**row)


async def lock(connection: Any, symbol: str) -> int | None:
    """The property's number, held until the transaction ends; None where there is none."""
    number: int | None = await connection.fetchval(_sql["property_lock"], symbol)
    return number


async def in_rules(connection: Any, symbol: str) -> bool:
    used: bool = await connection.fetchval(_sql["property_in_rules"], symbol)
    return used


async def insert(connection: Any, new: NewObservedProperty) -> None:
    await connection.execute(_sql["property_insert"], new.symbol, new.unit, new.name_vi, new.name_en)


async def update(connection: Any, now: NewObservedProperty) -> None:
    await connection.execute(_sql["property_update"], now.symbol, now.unit, now.name_vi, now.name_en)
