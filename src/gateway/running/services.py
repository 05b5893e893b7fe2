"""The processes of one machine, each behind the same few verbs: launch, ready, stop."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from gateway.embedded import nats, postgres
from gateway.embedded.errors import CannotStart
from gateway.embedded.processes import Process

_READY_SECONDS = 60.0
_STOP = ((signal.SIGTERM, 25.0),)


class Service(Protocol):
    """`launch` is called in the main thread (the kernel ties the process to it), `stop` in any."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Path: ...

    @property
    def alive(self) -> bool: ...

    def launch(self) -> None: ...

    async def ready(self) -> None:
        """Return once it does its work; raises CannotStart when it ends instead."""

    def stop(self) -> None: ...


class Database:
    """The embedded PostgreSQL; after a crash it is started again on the port that the others know."""

    name = "database"

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self.log = log
        self._launcher = postgres.Launcher(folder, log=log)
        self._server: postgres.Server | None = None

    @property
    def alive(self) -> bool:
        return self._launcher.alive

    @property
    def dsn(self) -> str:
        if self._server is None:
            raise CannotStart("The database was not started.")
        return self._server.dsn

    def launch(self) -> None:
        if self._server is not None:
            # The old process is gone; this gives back what was kept for it.
            self._launcher.stop()
            self._launcher = postgres.Launcher(self._folder, port=self._server.port, log=self.log)
        self._launcher.launch()

    async def ready(self) -> None:
        self._server = await asyncio.to_thread(self._launcher.wait_until_ready)

    def stop(self) -> None:
        self._launcher.stop()


class Broker:
    """The embedded NATS server in MQTT mode."""

    name = "broker"

    def __init__(self, places: nats.Places) -> None:
        self.log = places.log
        self._broker = nats.Broker(places)

    @property
    def alive(self) -> bool:
        return self._broker.alive

    def launch(self) -> None:
        self._broker.stop()
        self._broker.launch()

    async def ready(self) -> None:
        await asyncio.to_thread(self._broker.wait_until_ready)

    async def reload(self) -> bool:
        """Whether the broker took its configuration anew; one that does not run reads it when it starts."""
        return not self.alive or await asyncio.to_thread(self._broker.reload)

    def stop(self) -> None:
        self._broker.stop()


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command of `quantrac` itself, as a service.

    health: address that answers 200 once the process does its work; None for one that works from its start.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    health: str | None = None


class Command:
    """A process of `quantrac` itself."""

    def __init__(self, name: str, line: CommandLine, log: Path) -> None:
        self.name = name
        self.log = log
        self._line = line
        self._process: Process | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.code is None

    def launch(self) -> None:
        self._process = Process(
            [sys.executable, "-P", "-m", "gateway.cli.main", *self._line.arguments],
            log=self.log,
            ends_with=signal.SIGTERM,
            environment=self._line.environment,
            folder=Path.cwd(),
        )

    async def ready(self) -> None:
        if self._line.health is None:
            return
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while not await _is_ok(client, self._line.health):
                if self._process is None or self._process.code is not None:
                    raise CannotStart(self._failure())
                if asyncio.get_running_loop().time() > deadline:
                    raise CannotStart(f"The {self.name} is not ready after {_READY_SECONDS:.0f} s; see {self.log}.")
                await asyncio.sleep(0.1)

    def _failure(self) -> str:
        if self._process is None:
            return f"The {self.name} was not launched."
        words = self._process.last_words().splitlines()
        return f"The {self.name} ended with code {self._process.code}: {words[-1] if words else 'it said nothing'}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.end(*_STOP)
            self._process = None


async def _is_ok(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).is_success
    except httpx.HTTPError:
        return False
