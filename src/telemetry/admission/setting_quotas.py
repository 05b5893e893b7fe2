"""Shows and changes the quotas of stations."""

from typing import Any

from core.database import Database
from core.revisions import Expected, check
from telemetry.admission import quota_store, schemas
from telemetry.admission.quotas import Quota
from telemetry.catalog import errors
from telemetry.catalog.snapshot import QuotaEntry
from telemetry.catalog.store.writing import changing

_MEASURES = ("requests", "readings", "bytes")


async def shown(database: Any, code: str, default: Quota) -> schemas.StationQuota:
    """Takes a database or a connection. Raises StationNotFound."""
    own = await _own(database, code)
    now = default.altered(QuotaEntry(own.requests, own.readings, own.bytes))
    return schemas.StationQuota(
        station=code,
        own=schemas.OwnMeasures(requests=own.requests, readings=own.readings, bytes=own.bytes),
        in_force=schemas.Measures(requests=now.requests, readings=now.readings, bytes=now.bytes),
        burst_minutes=now.burst_minutes,
        paused_until=own.paused_until,
        revision=own.revision,
    )


async def edit(
    database: Database, code: str, changes: schemas.QuotaEdit, expected: Expected, default: Quota
) -> schemas.StationQuota:
    """Change what the edit names; None takes what the settings say again. Raises StationNotFound, RevisionMoved."""
    async with changing(database) as connection:
        current = await _own(connection, code)
        check(current.revision, expected)
        requests, readings, size = (
            getattr(changes if name in changes.model_fields_set else current, name) for name in _MEASURES
        )
        await quota_store.set_quota(connection, current.station_id, requests, readings, size)
        return await shown(connection, code, default)


async def _own(database: Any, code: str) -> quota_store.OwnQuota:
    found = await quota_store.quota(database, code)
    if found is None:
        raise errors.not_found(errors.StationNotFound, "station", code)
    return found
