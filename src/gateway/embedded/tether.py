"""Becomes another program that dies with its owner and, where root starts it, runs as an ordinary user.

Python's own `preexec_fn` is not safe beside threads, so this file is run as a script of its own, by the interpreter
without site packages: it drops the rights, asks the kernel for a signal at the owner's death, makes sure that the owner
still lives and then becomes the program. It imports nothing but the standard library.

The kernel sends that signal when the *thread* that started the child ends: start tethered processes from the main
thread.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION = 0x20080522
_NOT_STARTED = 126
# In place of a program: try to open the files and enter the folders that follow.
REACH = "--reach"


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a program runs as when root starts it."""

    uid: int
    gid: int
    name: str
    # Lets the program through folders that are closed to its user, such as a checkout under /root.
    passes_closed_folders: bool = False


def command(program: Sequence[str], *, ends_with: signal.Signals, account: Account | None = None) -> list[str]:
    """The command line that runs `program` tethered to the calling process."""
    user = "-" if account is None else f"{account.uid}:{account.gid}:{int(account.passes_closed_folders)}"
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(ends_with)), user, *program]


def _prctl(option: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [*values, 0, 0, 0, 0][:4]
    if libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def _keep_one_capability(capability: int) -> None:
    """Give up every capability but this one, and pass it on to the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    low = 1 << capability
    # Twice (effective, permitted, inheritable): the lower and the upper 32 capabilities.
    sets = (ctypes.c_uint32 * 6)(low, low, low, 0, 0, 0)
    if libc.capset(header, sets) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _become(uid: int, gid: int, *, passes_closed_folders: bool) -> None:
    if passes_closed_folders:
        # Capabilities outlive the change of user, and `access`, which PostgreSQL asks about its programs, counts them.
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if passes_closed_folders:
        _keep_one_capability(_CAP_DAC_OVERRIDE)


def _reach(paths: Sequence[str]) -> None:
    """Open every file and enter every folder, and ask `access` too: it counts capabilities in its own way."""
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - pathlib is slow to import, and this script starts with every process
            os.stat(os.path.join(path, "."))  # noqa: PTH116, PTH118 - the same
        else:
            os.close(os.open(path, os.O_RDONLY))
            if not os.access(path, os.R_OK):
                raise PermissionError(path)


def main(arguments: Sequence[str]) -> None:
    owner, ends_with, user, *program = arguments
    if user != "-":
        uid, gid, passes = (int(part) for part in user.split(":"))
        _become(uid, gid, passes_closed_folders=bool(passes))
    if program[0] == REACH:
        _reach(program[1:])
        return
    if sys.platform == "linux":
        # After the change of user, which would clear it.
        _prctl(_PR_SET_PDEATHSIG, int(ends_with))
    if os.getppid() != int(owner):
        sys.exit(_NOT_STARTED)
    os.execv(program[0], program)  # noqa: S606 - becoming the program, without a shell, is what this script is for


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as failure:
        sys.stderr.write(f"cannot become {sys.argv[4]}: {failure}\n")
        sys.exit(_NOT_STARTED)
