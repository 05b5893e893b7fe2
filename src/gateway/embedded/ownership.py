"""One owner for one folder: a lock that the kernel frees when the last process that holds it is gone."""

import fcntl
import os
import time
from contextlib import ExitStack
from pathlib import Path

from gateway.embedded.errors import Occupied

_NAME = "lock"


def take(folder: Path, *, wait_seconds: float = 10.0) -> int:
    """A file descriptor that holds the folder; whoever inherits it holds the folder too.

    A server that gets the descriptor keeps the folder while it shuts down after its owner was killed; the next owner
    waits for that. Raises Occupied when the folder is still held after `wait_seconds`.
    """
    descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with ExitStack() as undo:
        undo.callback(os.close, descriptor)
        _wait(descriptor, folder, time.monotonic() + wait_seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        undo.pop_all()
    return descriptor


def _wait(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                owner = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
                raise Occupied(f"{folder} is in use by another process (started by process {owner}).") from None
            time.sleep(0.05)
        else:
            return


def release(descriptor: int) -> None:
    """Let go of the folder; a server that inherited the descriptor and still runs keeps it."""
    os.close(descriptor)
