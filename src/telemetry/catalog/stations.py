"""Adding, editing and retiring stations."""

from collections.abc import Callable
from typing import Any

from core.database import Database
from telemetry.catalog import errors, revisions
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.stations import NewStation, Station, StationEdit
from telemetry.catalog.store import organizations as organization_store
from telemetry.catalog.store import stations as store
from telemetry.catalog.store.writing import changing

Allow = Callable[[NewStation | Station], None]


def _anything(_: NewStation | Station) -> None:
    """Whoever asks may have any station."""


async def get(database: Any, code: str) -> Station:
    """Takes a database or a connection."""
    found = await store.find(database, code)
    if found is None:
        raise errors.not_found(errors.StationNotFound, "station", code)
    return found


async def create(database: Database, new: NewStation, allow: Allow = _anything) -> Station:
    """allow: raises where somebody may not have such a station."""
    allow(new)
    async with changing(database, code=new.code, fileCode=new.file_code) as connection:
        await store.insert(connection, new, await _owner(connection, new.organization))
    return await get(database, new.code)


async def edit(
    database: Database, code: str, changes: StationEdit, expected: Expected, allow: Allow = _anything
) -> Station:
    """allow: raises where somebody may not have it as it is, or as it would be."""
    async with changing(database, fileCode=changes.file_code) as connection:
        await store.lock(connection, code)
        current = await get(connection, code)
        allow(current)
        revisions.check(current.revision, expected)
        now = revisions.merged(NewStation, current, changes)
        allow(now)
        await store.update(connection, now, await _owner(connection, now.organization))
    return await get(database, code)


async def retire(database: Database, code: str, expected: Expected, allow: Allow = _anything) -> Station:
    """The station stays, with its history, its late readings and its keys; it is no longer expected to report."""
    return await edit(database, code, StationEdit(status="retired"), expected, allow)


async def held(connection: Any, code: str, *, retired: bool = False) -> int:
    """The number of a station that is in use, or retired where that is allowed, held until the transaction ends."""
    number = await store.lock(connection, code)
    if number is None:
        raise errors.not_found(errors.StationNotFound, "station", code)
    station = await get(connection, code)
    if station.status == "retired" and not retired:
        raise errors.StationRetired(f"Station {code} is retired; set its status to active first.")
    return number


async def _owner(connection: Any, code: str) -> int:
    number = await organization_store.lock(connection, code)
    if number is None:
        raise errors.not_found(errors.OrganizationNotFound, "organization", code)
    return number
