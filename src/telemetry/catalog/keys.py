"""Issues and revokes station keys.

A key is `<id>.<secret>`: the id is public and looked up, the secret has 256 random bits. Only hashes of the whole are
kept, so the key is shown once. A secret of that size cannot be guessed offline whatever the hash costs; SHA-256 is
enough, and the slow hashes that brokers insist on run at the least cost that they accept.
"""

import base64
import hashlib
import secrets
import string
from datetime import datetime

import bcrypt

from core import errors as core_errors
from core import instants
from core.database import Database
from telemetry.catalog import errors, stations
from telemetry.catalog.schemas.keys import IssuedKey, StationKey
from telemetry.catalog.store import keys as store
from telemetry.catalog.store.keys import KeyHashes
from telemetry.catalog.store.writing import changing

# One in use and one that takes over from it.
LIVE_KEYS = 2

_ID_SIGNS = string.ascii_lowercase + string.digits
_BCRYPT_ROUNDS = 4
_PBKDF2_ITERATIONS = 101  # what mosquitto_passwd writes itself
_PBKDF2_SALT_BYTES = 12  # the only length that Mosquitto 2.0 reads


def generate() -> tuple[str, str]:
    """A new key id, and the credential that begins with it."""
    key_id = "st_" + "".join(secrets.choice(_ID_SIGNS) for _ in range(8))
    return key_id, f"{key_id}.{secrets.token_urlsafe(32)}"


def mosquitto_hash(password: str, salt: bytes, iterations: int = _PBKDF2_ITERATIONS) -> str:
    """`$7$<iterations>$<salt>$<hash>`: PBKDF2-SHA512 as in Mosquitto's password file."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def hashes(credential: str) -> KeyHashes:
    """All that is kept of a credential."""
    encoded = credential.encode()
    return KeyHashes(
        sha256=hashlib.sha256(encoded).digest(),
        nats_bcrypt=bcrypt.hashpw(encoded, bcrypt.gensalt(rounds=_BCRYPT_ROUNDS)).decode(),
        mosquitto_pbkdf2=mosquitto_hash(credential, secrets.token_bytes(_PBKDF2_SALT_BYTES)),
    )


async def listed(database: Database, station_code: str) -> list[StationKey]:
    await stations.get(database, station_code)
    return await store.of_station(database, station_code)


async def issue(database: Database, station_code: str, label: str = "", expires: datetime | None = None) -> IssuedKey:
    """A new key of the station, seen in this answer and never again. Raises TooManyKeys at the third live one."""
    if expires is not None and expires <= instants.now():
        fault = core_errors.Fault("expiresTime", instants.text(expires), "a time that is not past")
        raise errors.NotSuitable("The key would have expired already.", faults=[fault])
    key_id, credential = generate()
    async with changing(database) as connection:
        station_id = await stations.held(connection, station_code)
        live = await store.live(connection, station_id)
        if len(live) >= LIVE_KEYS:
            fault = core_errors.Fault("station", ", ".join(live), f"less than {LIVE_KEYS} live keys; revoke one")
            raise errors.TooManyKeys(f"Station {station_code} has {len(live)} live keys.", faults=[fault])
        await store.insert(connection, key_id, station_id, hashes(credential), label, expires)
        shown = await _found(connection, station_code, key_id)
    return IssuedKey(**shown.model_dump(by_alias=False), key=credential)


async def revoke(database: Database, station_code: str, key_id: str) -> StationKey:
    """The key opens nothing any more as soon as the gateways see the change; a second revocation changes nothing."""
    async with changing(database) as connection:
        await store.revoke(connection, station_code, key_id)
        return await _found(connection, station_code, key_id)


async def _found(connection: object, station_code: str, key_id: str) -> StationKey:
    found = await store.find(connection, station_code, key_id)
    if found is None:
        raise errors.not_found(errors.KeyNotFound, "key", key_id, expected=f"a key of {station_code}")
    return found
