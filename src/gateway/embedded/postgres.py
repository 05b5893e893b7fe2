"""Starts PostgreSQL from a package-index wheel for one owner, and takes it down with that owner, however it ends.

The rules that make it safe: one owner at a time (a lock that the server inherits, so that nobody starts a second one
while the first still shuts down); the server that answers is asked for its data directory, because another one may have
taken the port; recovery after a crash takes the time that it takes.
"""

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import structlog

from gateway.embedded import cluster, ownership, ports, store
from gateway.embedded.errors import CannotStart, PortTaken
from gateway.embedded.processes import Process

_log = structlog.get_logger(__name__)

_ATTEMPTS = 5
# A server that says it is ready answers at once; this is for a machine that is out of breath.
_ANSWER_SECONDS = 60.0
_TELL_EVERY_SECONDS = 10.0
# SIGINT disconnects the clients and writes everything down; SIGQUIT leaves the rest to recovery at the next start.
_STOP = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))
_RESERVED = frozenset({"port", "listen_addresses", "unix_socket_directories", "data_directory"})
_SETTINGS = {"timezone": "UTC", "log_timezone": "UTC", "max_wal_size": "4GB", "cluster_name": "quantrac"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    dsn: str = field(repr=False)
    pid: int
    folder: Path
    port: int
    # The folder of its unix socket, where the path is short enough for one.
    sockets: Path | None


class Launcher:
    """One server process on one folder: `launch`, `wait_until_ready`, `stop`; `start` does the three.

    `launch` belongs into the main thread (the kernel ties the server to the thread that starts it); the others may run
    in any.
    """

    # A server whose owner was killed keeps the folder while it shuts down.
    OWNERSHIP_SECONDS = 60.0

    def __init__(
        self, folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None, log: Path | None = None
    ) -> None:
        self._folder = folder.resolve()
        self._wanted_port = port
        self._settings = {**_SETTINGS, **(settings or {})}
        if reserved := _RESERVED & self._settings.keys():
            raise ValueError(f"the launcher itself decides on {', '.join(sorted(reserved))}")
        self._log = log or self._folder / "postgres.log"
        self._owned: int | None = None
        self._process: Process | None = None
        self._cluster: cluster.Cluster | None = None
        self.port = port

    def launch(self) -> None:
        """Take the folder, make the cluster where there is none, and start the server process."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            self._owned = ownership.take(self._folder, wait_seconds=self.OWNERSHIP_SECONDS)
            undo.callback(self._disown)
            self._cluster = cluster.prepare(self._folder)
            self._spawn(self._cluster)
            undo.pop_all()

    def _spawn(self, files: cluster.Cluster) -> None:
        if self._wanted_port:
            ports.refuse_taken(self._wanted_port, "PostgreSQL")
        self.port = self._wanted_port or ports.free()
        program = [str(cluster.binaries() / "postgres"), "-D", str(files.data)]
        given = {
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(files.sockets or ""),
        }
        for name, value in given.items():
            program += ["-c", f"{name}={value}"]
        self._process = Process(
            program,
            log=self._log,
            ends_with=signal.SIGINT,
            environment=cluster.environment(),
            account=files.account,
            holds=[] if self._owned is None else [self._owned],
        )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.code is None

    def wait_until_ready(self) -> Server:
        """The server, once it answers. Raises CannotStart when it ends instead, with what it said last."""
        process, files = self._started()
        began = told = time.monotonic()
        answer_deadline = None
        while True:
            if process.code is not None:
                raise self._ended(process)
            now = time.monotonic()
            if _status(files.data, process.pid) == "ready":
                answer_deadline = answer_deadline or now + _ANSWER_SECONDS
                if self._answers(files):
                    return self._server(process, files)
                if now > answer_deadline:
                    raise CannotStart(
                        f"PostgreSQL in {self._folder} is ready, but does not answer on port {self.port}."
                    )
            if now - told > _TELL_EVERY_SECONDS:
                told = now
                _log.info("postgres.starting", folder=str(self._folder), seconds=round(now - began))
            time.sleep(0.02)

    def _answers(self, files: cluster.Cluster) -> bool:
        try:
            found = Path(store.data_directory(self._dsn(files, "postgres")))
        except psycopg.Error as error:
            _log.debug("postgres.not_answering", error=type(error).__name__)
            return False
        # Compared as text: the folder may be closed to this process, and links were resolved when it was named.
        if found != files.data:
            raise PortTaken(self.port, "PostgreSQL")
        store.create_database(self._dsn(files, "postgres"))
        return True

    def _server(self, process: Process, files: cluster.Cluster) -> Server:
        return Server(self._dsn(files, "quantrac"), process.pid, self._folder, self.port, files.sockets)

    def _dsn(self, files: cluster.Cluster, database: str) -> str:
        return f"postgresql://{cluster.USER}:{quote(files.password)}@127.0.0.1:{self.port}/{database}"

    def _started(self) -> tuple[Process, cluster.Cluster]:
        if self._process is None or self._cluster is None:
            raise CannotStart("PostgreSQL was not launched.")
        return self._process, self._cluster

    def _ended(self, process: Process) -> CannotStart:
        if not ports.is_free(self.port):
            return PortTaken(self.port, "PostgreSQL")
        return CannotStart(f"PostgreSQL ended with code {process.code} while it started: {process.last_words()}")

    def stop(self) -> None:
        """Shut the server down and let go of the folder."""
        if self._process is not None:
            self._process.end(*_STOP)
            self._process = None
        self._disown()

    def _disown(self) -> None:
        if self._owned is not None:
            ownership.release(self._owned)
            self._owned = None


def _status(data: Path, pid: int) -> str | None:
    """What the server says of itself in its lock file: `starting` through crash recovery, then `ready`."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else None


@contextmanager
def start(
    folder: Path, port: int = 0, settings: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[Server]:
    """A PostgreSQL server on `folder` as long as the block runs.

    The first time the cluster is made there; later its data are served again. `port` 0 takes a free one. `settings` are
    server parameters. Call it from the main thread.
    """
    with ExitStack() as stack:
        yield _ready(
            stack, [Launcher(folder, port=port, settings=settings, log=log) for _ in range(1 if port else _ATTEMPTS)]
        )


def _ready(stack: ExitStack, launchers: Sequence[Launcher]) -> Server:
    """The server of the first launcher that got its port; a free port may be snatched before the server has it."""
    for launcher in launchers[:-1]:
        with suppress(PortTaken):
            return _kept(stack, launcher)
    return _kept(stack, launchers[-1])


def _kept(stack: ExitStack, launcher: Launcher) -> Server:
    """The server when it answers, stopped with the stack; stopped at once when it does not."""
    with ExitStack() as undo:
        undo.callback(launcher.stop)
        launcher.launch()
        server = launcher.wait_until_ready()
        stack.push(undo.pop_all())
        return server
