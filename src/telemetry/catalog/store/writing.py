"""Transactions that change the catalogue, and what the database's refusals mean to the caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, is_transient
from telemetry.catalog import errors

# Member of the body that a unique constraint is about.
_FIELDS: Mapping[str, str] = {
    "organization_code_key": "code",
    "station_code_key": "code",
    "station_code_folded": "code",
    "station_file_code_key": "fileCode",
    "observed_property_symbol_key": "symbol",
    "datastream_station_id_observed_property_id_key": "symbol",
    "rule_set_code_key": "code",
    "datastream_alias_pkey": "aliases",
    "rule_limit_pkey": "limits",
}


@asynccontextmanager
async def changing(database: Database, **members: object) -> AsyncIterator[Any]:
    """A connection in a transaction; `members` are what the caller sent, to name the one that is taken.

    Raises errors.Taken when a unique constraint refuses, DatabaseUnavailable when the same may succeed later.
    """
    try:
        async with database.transaction() as connection:
            yield connection
    except asyncpg.UniqueViolationError as refusal:
        field = _FIELDS.get(refusal.constraint_name or "", "")
        if not field:
            raise
        raise errors.Taken.by_another(field, str(members.get(field, ""))) from refusal
    except DRIVER_ERRORS as failure:
        if is_transient(failure):
            raise DatabaseUnavailable("The database did not answer.", retry_after=5) from failure
        raise
