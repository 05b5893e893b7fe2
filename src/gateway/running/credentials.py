"""Makes the secrets of one machine once, in files that only their owner reads: token, broker password, station keys."""

import json
import os
import secrets
from pathlib import Path

from core import instants
from core.database import Database
from gateway.running import store
from telemetry.catalog import keys, loading
from telemetry.catalog.snapshot import Snapshot

LABEL = "demonstration"


def write_secret(file: Path, text: str) -> None:
    """Write a file in one step, readable by its owner alone from the first moment."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)
    beside.replace(file)


def ensure_secret(file: Path) -> str:
    """The secret in the file; made at random where there is none."""
    if not file.exists():
        write_secret(file, secrets.token_urlsafe(32) + "\n")
    return file.read_text(encoding="utf-8").strip()


async def ensure_station_keys(database: Database, file: Path) -> dict[str, str]:
    """A key for every demonstration station, by station code; those in the file that still work are kept.

    A station whose key is lost gets a new one, and its earlier keys of the same label are revoked.
    """
    catalog = await loading.read(database)
    written = _read(file)
    found = _working(catalog, written)
    for code in await store.demonstration_stations(database):
        if code not in found:
            found[code] = await _replaced(database, code)
    if found != written:
        write_secret(file, json.dumps(dict(sorted(found.items())), indent=1) + "\n")
    return found


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _working(catalog: Snapshot, written: dict[str, str]) -> dict[str, str]:
    now = instants.now_us()
    owners = {code: catalog.owner_of(key, now) for code, key in written.items()}
    return {code: written[code] for code, owner in owners.items() if owner is not None and owner.code == code}


async def _replaced(database: Database, code: str) -> str:
    for key in await keys.listed(database, code):
        if key.label == LABEL and key.revoked_time is None:
            await keys.revoke(database, code, key.id)
    return (await keys.issue(database, code, LABEL)).key
