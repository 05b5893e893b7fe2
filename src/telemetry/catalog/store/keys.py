"""Rows of station keys; nothing here ever holds a secret, only its hashes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.keys import StationKey

_sql = queries.load(__file__, "keys")


@dataclass(frozen=True, slots=True)
class KeyHashes:
    """A credential's SHA-256, and its hashes in the forms that brokers read."""

    sha256: bytes
    nats_bcrypt: str
    mosquitto_pbkdf2: str


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys; None takes all. stations: codes. unused_for: not used for so long, or never."""

    stations: list[str] | None = None
    state: str | None = None
    expires_within: timedelta | None = None
    unused_for: timedelta | None = None


async def of_station(database: Database, station: str) -> list[StationKey]:
    return [StationKey(**row) for row in await database.fetch(_sql["keys_of_station"], station, None)]


async def find(database: Any, station: str, key_id: str) -> StationKey | None:
    row = await database.fetchrow(_sql["keys_of_station"], station, key_id)
    return None if row is None else StationKey(**row)


async def live(connection: Any, station_id: int) -> list[str]:
    return [row["id"] for row in await connection.fetch(_sql["keys_live"], station_id)]


async def insert(
    connection: Any, key_id: str, station_id: int, hashes: KeyHashes, label: str, expires: datetime | None
) -> None:
    await connection.execute(
        _sql["key_insert"],
        key_id,
        station_id,
        hashes.sha256,
        hashes.nats_bcrypt,
        hashes.mosquitto_pbkdf2,
        label,
        expires,
    )


async def update(connection: Any, key_id: str, label: str, expires: datetime | None) -> None:
    await connection.execute(_sql["key_update"], key_id, label, expires)


async def page(
    database: Database, wanted: KeyFilter, after: tuple[datetime | None, str | None], most: int
) -> list[StationKey]:
    """Keys of all stations; those that expire first come first, those that never do last."""
    rows = await database.fetch(
        _sql["keys_page"], wanted.stations, wanted.state, wanted.expires_within, wanted.unused_for, *after, most
    )
    return [StationKey(**row) for row in rows]


async def revoke(connection: Any, station: str, key_id: str) -> bool:
    """Whether the key was still unrevoked."""
    return await connection.fetchval(_sql["key_revoke"], station, key_id) is not None
