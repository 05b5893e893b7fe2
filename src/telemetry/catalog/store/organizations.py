"""Rows of organizations."""

from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.organizations import NewOrganization, Organization

_sql = queries.load(__file__, "organizations")


async def page(
    database: Database,
    kind: str | None,
    search: str | None,
    after: str | None,
    rows: int,
    *,
    codes: list[str] | None = None,
    counted: list[str] | None = None,
) -> list[Organization]:
    """codes: of these alone; counted: the stations that are counted. None: all."""
    found = await database.fetch(_sql["organizations_page"], kind, search, after, rows, codes, counted)
    return [Organization(**row) for row in found]


async def find(database: Any, code: str, counted: list[str] | None = None) -> Organization | None:
    row = await database.fetchrow(_sql["organization_by_code"], code, counted)
    return None if row is None else Organization(**row)


async def lock(connection: Any, code: str) -> int | None:
    """The organization's number, held until the transaction ends; None where there is none."""
    number: int | None = await connection.fetchval(_sql["organization_lock"], code)
    return number


async def insert(connection: Any, new: NewOrganization) -> None:
    await connection.execute(
        _sql["organization_insert"], new.code, new.name_vi, new.name_en, new.kind, new.demonstration
    )


async def update(connection: Any, now: NewOrganization) -> None:
    await connection.execute(
        _sql["organization_update"], now.code, now.name_vi, now.name_en, now.kind, now.demonstration
    )
