"""Adding and editing observed properties."""

from core import errors as core_errors
from core.database import Database
from telemetry.catalog import errors, revisions
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.properties import NewObservedProperty, ObservedProperty, ObservedPropertyEdit
from telemetry.catalog.store import properties as store
from telemetry.catalog.store.writing import changing


async def get(database: Database, symbol: str) -> ObservedProperty:
    found = await store.find(database, symbol)
    if found is None:
        raise errors.not_found(errors.ObservedPropertyNotFound, "symbol", symbol)
    return found


async def create(database: Database, new: NewObservedProperty) -> ObservedProperty:
    async with changing(database, symbol=new.symbol) as connection:
        await store.insert(connection, new)
    return await get(database, new.symbol)


async def edit(database: Database, symbol: str, changes: ObservedPropertyEdit, expected: Expected) -> ObservedProperty:
    """A unit in use stays: kept results, ranges and limits are numbers in it."""
    async with changing(database) as connection:
        await store.lock(connection, symbol)
        current = await store.find(connection, symbol)
        if current is None:
            raise errors.not_found(errors.ObservedPropertyNotFound, "symbol", symbol)
        revisions.check(current.revision, expected)
        now = revisions.merged(NewObservedProperty, current, changes)
        if now.unit != current.unit and (current.datastreams or await store.in_rules(connection, symbol)):
            fault = core_errors.Fault("unit", now.unit, f"{current.unit!r}, which results and limits are kept in")
            raise errors.PropertyInUse(f"The unit of {symbol} is in use.", faults=[fault])
        await store.update(connection, now)
    return await get(database, symbol)
