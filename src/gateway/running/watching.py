"""Starts a service again when it ended by itself, with a pause that grows while it keeps ending."""

import asyncio
import time
from collections.abc import Callable

import structlog

from gateway.embedded.errors import CannotStart
from gateway.running.services import Service

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.3
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# A service that ran for so long starts over with the shortest pause.
_STEADY_SECONDS = 60.0


async def keep_running(service: Service, tell: Callable[[str], None]) -> None:
    """Watch until cancelled."""
    pause, since = _FIRST_PAUSE_SECONDS, time.monotonic()
    while True:
        if service.alive:
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        if time.monotonic() - since > _STEADY_SECONDS:
            pause = _FIRST_PAUSE_SECONDS
        _log.warning("service.ended", service=service.name, pause=pause)
        tell(f"The {service.name} ended by itself and is started again (log: {service.log}).")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        since = time.monotonic()
        await _restart(service, tell)


async def _restart(service: Service, tell: Callable[[str], None]) -> None:
    try:
        service.launch()
        await service.ready()
    except CannotStart as error:
        _log.warning("service.not_restarted", service=service.name, error=str(error))
        tell(str(error))
    else:
        _log.info("service.restarted", service=service.name)
        tell(f"The {service.name} is back.")
