"""Issues and revokes station keys.

Only hashes of the whole key are kept, so it is shown once. The slow ones, which brokers insist on, run at the least
cost that they accept: `core.credentials` says why that is enough.
"""

import base64
import hashlib
import secrets
from datetime import datetime
from typing import Any

import bcrypt

from core import credentials, instants
from core import errors as core_errors
from core.database import Database
from telemetry.catalog import errors, stations
from telemetry.catalog.schemas.keys import IssuedKey, KeyEdit, StationKey
from telemetry.catalog.store import keys as store
from telemetry.catalog.store.keys import KeyHashes
from telemetry.catalog.store.writing import changing

# One in use and one that takes over from it.
LIVE_KEYS = 2

_BCRYPT_ROUNDS = 4
_PBKDF2_ITERATIONS = 101  # what mosquitto_passwd writes itself
_PBKDF2_SALT_BYTES = 12  # the only length that Mosquitto 2.0 reads


def generate() -> tuple[str, str]:
    """A new key id, and the credential that begins with it."""
    return credentials.generate("st")


def mosquitto_hash(password: str, salt: bytes, iterations: int = _PBKDF2_ITERATIONS) -> str:
    """`$7$<iterations>$<salt>$<hash>`: PBKDF2-SHA512 as in Mosquitto's password file."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def hashes(credential: str) -> KeyHashes:
    """All that is kept of a credential."""
    encoded = credential.encode()
    return KeyHashes(
        sha256=credentials.digest(credential),
        nats_bcrypt=bcrypt.hashpw(encoded, bcrypt.gensalt(rounds=_BCRYPT_ROUNDS)).decode(),
        mosquitto_pbkdf2=mosquitto_hash(credential, secrets.token_bytes(_PBKDF2_SALT_BYTES)),
    )


async def listed(database: Database, station_code: str) -> list[StationKey]:
    await stations.get(database, station_code)
    return await store.of_station(database, station_code)


async def issue(database: Database, station_code: str, label: str = "", expires: datetime | None = None) -> IssuedKey:
    """A new key of the station, seen in this answer and never again. Raises TooManyKeys at the third live one."""
    refuse_past(expires, "expiresTime")
    async with changing(database) as connection:
        return await issue_within(connection, station_code, label, expires)


async def issue_within(connection: Any, station_code: str, label: str, expires: datetime | None) -> IssuedKey:
    """As `issue`, in the transaction of the connection."""
    key_id, credential = generate()
    station_id = await stations.held(connection, station_code)
    _refuse_third(station_code, await store.live(connection, station_id))
    await store.insert(connection, key_id, station_id, hashes(credential), label, expires)
    shown = await _found(connection, station_code, key_id)
    return IssuedKey(**shown.model_dump(by_alias=False), key=credential)


def _refuse_third(station_code: str, live: list[str]) -> None:
    if len(live) >= LIVE_KEYS:
        fault = core_errors.Fault("station", ", ".join(live), f"less than {LIVE_KEYS} live keys; revoke one")
        raise errors.TooManyKeys(f"Station {station_code} has {len(live)} live keys.", faults=[fault])


def refuse_past(expires: datetime | None, field: str) -> None:
    """Raise NotSuitable for a time at which a key would have expired already."""
    if expires is not None and expires <= instants.now():
        fault = core_errors.Fault(field, instants.text(expires), "a time that is not past")
        raise errors.NotSuitable("The key would have expired already.", faults=[fault])


async def edit(database: Database, station_code: str, key_id: str, changes: KeyEdit) -> StationKey:
    """The key with another label or time of expiry. One that expired opens again, where that leaves two at most.

    Raises KeyRevoked for a key that was revoked, which stays so, and TooManyKeys.
    """
    given = changes.model_fields_set
    if "expires_time" in given:
        refuse_past(changes.expires_time, "expiresTime")
    async with changing(database) as connection:
        station_id = await stations.held(connection, station_code, retired=True)
        current = await _found(connection, station_code, key_id)
        if current.state == "revoked":
            raise errors.KeyRevoked(f"Key {key_id} was revoked; issue another one.")
        if current.state == "expired" and "expires_time" in given:
            _refuse_third(station_code, await store.live(connection, station_id))
        label = current.label if changes.label is None else changes.label
        expires = changes.expires_time if "expires_time" in given else current.expires_time
        await store.update(connection, key_id, label, expires)
        return await _found(connection, station_code, key_id)


async def revoke(database: Database, station_code: str, key_id: str) -> StationKey:
    """The key opens nothing any more as soon as the gateways see the change; a second revocation changes nothing."""
    async with changing(database) as connection:
        await store.revoke(connection, station_code, key_id)
        return await _found(connection, station_code, key_id)


async def _found(connection: Any, station_code: str, key_id: str) -> StationKey:
    found = await store.find(connection, station_code, key_id)
    if found is None:
        raise errors.not_found(errors.KeyNotFound, "key", key_id, expected=f"a key of {station_code}")
    return found
