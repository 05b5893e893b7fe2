"""Adding and editing organizations."""

from core.database import Database
from telemetry.catalog import errors, revisions
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.organizations import NewOrganization, Organization, OrganizationEdit
from telemetry.catalog.store import organizations as store
from telemetry.catalog.store.writing import changing


async def get(database: Database, code: str, counted: list[str] | None = None) -> Organization:
    """counted: codes of the stations that are counted; None: all of them."""
    found = await store.find(database, code, counted)
    if found is None:
        raise errors.not_found(errors.OrganizationNotFound, "organization", code)
    return found


async def create(database: Database, new: NewOrganization) -> Organization:
    async with changing(database, code=new.code) as connection:
        await store.insert(connection, new)
    return await get(database, new.code)


async def edit(database: Database, code: str, changes: OrganizationEdit, expected: Expected) -> Organization:
    async with changing(database) as connection:
        await store.lock(connection, code)
        current = await store.find(connection, code)
        if current is None:
            raise errors.not_found(errors.OrganizationNotFound, "organization", code)
        revisions.check(current.revision, expected)
        await store.update(connection, revisions.merged(NewOrganization, current, changes))
    return await get(database, code)
