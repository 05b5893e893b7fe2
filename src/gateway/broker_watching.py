"""Asks the broker's monitoring page again and again who is connected, for the notes of where keys are used."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import structlog

from telemetry.admission.sightings import Sightings
from telemetry.mqtt import connections

_log = structlog.get_logger(__name__)
_PAGE_SECONDS = 5.0


@asynccontextmanager
async def looking(monitor_url: str | None, sightings: Sightings, seconds: float) -> AsyncIterator[None]:
    """Look as long as the block runs; not at all where no page is known."""
    if monitor_url is None:
        yield
        return
    task = asyncio.create_task(_look(f"{monitor_url.rstrip('/')}/{connections.PAGE}", sightings, seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look(address: str, sightings: Sightings, seconds: float) -> None:
    told = False
    async with httpx.AsyncClient(timeout=_PAGE_SECONDS, trust_env=False) as client:
        while True:
            try:
                page = (await client.get(address)).json()
            except (httpx.HTTPError, ValueError) as error:
                if not told:
                    _log.warning("broker.monitor_silent", error=type(error).__name__)
                told = True
            else:
                told = False
                if isinstance(page, dict):
                    connections.note(page, sightings)
            await asyncio.sleep(seconds)
