"""Turns the signals that ask a process to stop into an event that its loops wait for."""

import asyncio
import signal


def awaited() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT; call it inside the running event loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
