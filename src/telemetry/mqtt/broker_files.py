"""Writes a broker's files whole or not at all, and again whenever the catalogue changes who may connect."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from core import errors
from core.database import Database
from telemetry.mqtt import store
from telemetry.mqtt.brokers import BrokerUser

_log = structlog.get_logger(__name__)

# A revoked key is refused within 5 s: this wait, the query, and the broker's reload.
LOOK_SECONDS = 1.5

Render = Callable[[Sequence[BrokerUser]], Mapping[Path, str]]


def write(files: Mapping[Path, str], *, owner: tuple[int, int] | None = None) -> bool:
    """Write what differs, each file in one step and readable by its owner alone; whether anything differed."""
    changed = False
    for path, text in files.items():
        if _read(path) != text:
            _replace(path, text, owner)
            changed = True
    return changed


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str, owner: tuple[int, int] | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if owner is not None:
            os.chown(beside, *owner)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


async def keep_current(
    database: Database,
    render: Render,
    reload: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    owner: tuple[int, int] | None = None,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Look again and again who may connect, and have the broker read its files again when that changed.

    Keys expire by the clock, without a change of the catalogue: so the keys themselves are looked at, not its revision.
    While the database is away the broker keeps the files that it has.
    """
    pending = False
    while not stop.is_set():
        try:
            users = await store.broker_users(database)
            # Writing files is slower than the event loop should wait, on a slow disk.
            pending |= await asyncio.to_thread(write, render(users), owner=owner)
            if pending:
                await reload()
                pending = False
                _log.info("broker_files.renewed", users=len(users))
        except (errors.Unavailable, OSError) as error:
            _log.warning("broker_files.not_renewed", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), look_seconds)
