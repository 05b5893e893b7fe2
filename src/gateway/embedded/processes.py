"""Starts a tethered process with its output in a file, and ends it step by step."""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import structlog

from gateway.embedded import tether
from gateway.embedded.tether import Account

_log = structlog.get_logger(__name__)

_TOLD_BYTES = 2000
# Files of earlier runs: at this size one is set aside, and the one set aside before it is forgotten.
_LOG_BYTES = 32 * 2**20

Step = tuple[signal.Signals, float]


class Process:
    """A running child of the calling process. Create it in the main thread (see `tether`); the rest may run in any."""

    def __init__(
        self,
        program: Sequence[str],
        *,
        log: Path,
        ends_with: signal.Signals,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        holds: Iterable[int] = (),
        folder: Path | None = None,
    ) -> None:
        """Start `program` with its output appended to `log`; it inherits the descriptors in `holds`."""
        self._name = Path(program[0]).name
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        _set_aside(log)
        self._log_start = log.stat().st_size if log.exists() else 0
        with os.fdopen(open_log(log), "ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - the caller names a program, never a shell's line
                tether.command(program, ends_with=ends_with, account=account),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder or Path("/"),
                env=environment,
                pass_fds=tuple(holds),
                # A Ctrl-C in the terminal is for the owner, who stops things in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """How it ended, None while it runs; negative for a signal."""
        return self._popen.poll()

    def send(self, order: signal.Signals) -> None:
        self._popen.send_signal(order)

    def end(self, *steps: Step) -> int:
        """Send each signal and wait for its seconds, then kill; the exit code."""
        for order, seconds in steps:
            self._popen.send_signal(order)
            try:
                return self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                _log.warning("process.slow_stop", process=self._name, pid=self.pid, signal=order.name)
        self._popen.kill()
        return self._popen.wait()

    def last_words(self) -> str:
        """The end of what it has written since its start."""
        with self._log.open("rb") as written:
            written.seek(self._log_start)
            return written.read()[-_TOLD_BYTES:].decode(errors="replace").strip()


def open_log(log: Path) -> int:
    """A descriptor that appends to the file; a new one is for its owner and the owner's group alone."""
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _set_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
