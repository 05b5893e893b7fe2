"""Transactions about alerts, and what the database's refusals mean to the caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from core import errors as core_errors
from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, is_transient
from telemetry.alerts import errors

_GOES_ON = errors.AlertGoesOn("Another alert of this kind is open for the subject; handle that one.")
_REFUSALS: Mapping[str, core_errors.Error] = {
    "alert_open": _GOES_ON,
    "alert_episode": _GOES_ON,
    "alert_rule_kind_station_kind_observed_property_id_station_i_key": errors.AlertRuleTaken(
        "There is a rule of this kind for the same subject; edit that one."
    ),
}


@asynccontextmanager
async def changing(database: Database) -> AsyncIterator[Any]:
    """A connection in a transaction. Raises what a unique constraint stands for, or DatabaseUnavailable."""
    try:
        async with database.transaction() as connection:
            yield connection
    except asyncpg.UniqueViolationError as refusal:
        meaning = _REFUSALS.get(refusal.constraint_name or "")
        if meaning is None:
            raise
        raise type(meaning)(meaning.detail) from refusal
    except DRIVER_ERRORS as failure:
        if is_transient(failure):
            raise DatabaseUnavailable("The database did not answer.", retry_after=5) from failure
        raise
