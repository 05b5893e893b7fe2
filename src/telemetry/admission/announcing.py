"""Tells, once for each key and time, that a station's key is about to expire."""

from datetime import timedelta

import structlog

from core import instants
from core.database import Database
from telemetry.admission import expiry_store
from telemetry.events.store import Event, append

_log = structlog.get_logger(__name__)

EVENT = "station.key-expiring"


class KeyExpiry:
    """A round of the watch process: looks for keys that expire within so many days."""

    name = "key-expiry"
    pause_seconds = 300.0

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._within = timedelta(days=days)

    async def turn(self) -> bool:
        async with self._database.transaction() as connection:
            found = await expiry_store.tell_expiring(connection, self._within)
            await append(connection, [_event(key) for key in found])
        for key in found:
            _log.warning("station.key_expiring", station=key.station, key=key.id, expires=str(key.expires_time))
        return False


def _event(key: expiry_store.Expiring) -> Event:
    payload = {
        "station": key.station,
        "key": key.id,
        "label": key.label,
        "expiresTime": instants.text(key.expires_time),
        "lastUsedTime": None if key.last_used_time is None else instants.text(key.last_used_time),
    }
    return Event(type=EVENT, payload=payload, station_id=key.station_id)
