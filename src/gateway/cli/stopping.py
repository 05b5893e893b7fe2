"""Runs long work until it is done or a person stops it: the first signal asks, the second one insists."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

_GRACE_SECONDS = 20.0


async def run(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Await the work. SIGINT and SIGTERM set `stop`; work that goes on for long after that is cancelled."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)

    def asked() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    asking = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, asking}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=_GRACE_SECONDS)
            task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            await task
    finally:
        asking.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
