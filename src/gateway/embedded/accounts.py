"""Which user the database runs as when root starts it: PostgreSQL refuses to run as root."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gateway.embedded import tether
from gateway.embedded.errors import CannotStart
from gateway.embedded.tether import Account

_CANDIDATES = ("quantrac", "postgres", "nobody")


def for_server(data: Path, *, reads: Iterable[Path]) -> Account | None:
    """The account for the server, None where the caller is an ordinary user and the server runs as the same.

    `reads` are the files and folders that it must reach. Folders on the way that are closed to it are not opened: the
    server then gets the one capability that passes them.
    """
    if os.geteuid() != 0:
        return None
    account = _owner(data) if data.exists() else _candidate()
    if reaches(account, reads):
        return account
    through = replace(account, passes_closed_folders=True)
    if sys.platform != "linux" or not reaches(through, reads):
        named = ", ".join(str(path) for path in reads)
        raise CannotStart(
            f"PostgreSQL refuses to run as root and runs as user {account.name}, who cannot reach all of {named}. "
            "Move them to folders that this user may enter."
        )
    return through


def _owner(data: Path) -> Account:
    found = data.stat()
    if found.st_uid == 0:
        raise CannotStart(f"{data} belongs to root, but PostgreSQL refuses to run as root: give it another owner.")
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return Account(found.st_uid, found.st_gid, name)


def _candidate() -> Account:
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name)
    raise CannotStart(f"PostgreSQL refuses to run as root; create one of the users {', '.join(_CANDIDATES)} for it.")


def reaches(account: Account, reads: Iterable[Path]) -> bool:
    """Whether a process of that account can open each of the files and enter each of the folders."""
    tethered = tether.command([tether.REACH, *(str(path) for path in reads)], ends_with=signal.SIGKILL, account=account)
    return subprocess.run(tethered, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own script
