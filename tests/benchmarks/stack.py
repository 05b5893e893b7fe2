"""What the benchmarks run against: a database of their own, the real processes, and raw COPY as the limit."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from core.database import Database
from gateway import migrating
from gateway.embedded import nats, postgres
from gateway.running.assembling import ACCOUNTS
from telemetry.intake.rows import COPY_COLUMNS
from telemetry.mqtt import broker_nats
from telemetry.mqtt import store as mqtt_store
from tests.benchmarks import network

_ROW_BYTES = 66
_GROUP_ROWS = 10_000
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EXPORT = f"SELECT {', '.join(COPY_COLUMNS)} FROM observation ORDER BY receipt_id"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Stack:
    """A folder, a migrated database with the benchmark's network, and a file of station keys."""

    folder: Path
    dsn: str
    keys: Path
    server: str


@contextmanager
def database(given: str | None) -> Iterator[Stack]:
    """On the server that is given, else on an embedded one; the database is dropped afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quantrac-bench-")))
        maintenance = given or stack.enter_context(postgres.start(folder / "postgres")).dsn
        name = f"quantrac_bench_{secrets.token_hex(4)}"
        dsn = urlsplit(maintenance)._replace(path=f"/{name}").geturl()
        asyncio.run(_execute(maintenance, f"CREATE DATABASE {name}"))
        stack.callback(lambda: asyncio.run(_execute(maintenance, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
        migrating.migrate(dsn)
        issued = asyncio.run(network.create(dsn))
        keys = folder / "keys.json"
        keys.write_text(json.dumps(issued), encoding="utf-8")
        yield Stack(folder, dsn, keys, asyncio.run(_describe(dsn)))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _describe(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        version = await connection.fetchval("SELECT current_setting('server_version')")
        extension = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    finally:
        await connection.close()
    return f"PostgreSQL {version}" + (f" with TimescaleDB {extension}" if extension else " without TimescaleDB")


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the service and the port that it answers on."""

    handle: subprocess.Popen[bytes]
    port: int

    def resident_bytes(self) -> int:
        fields = Path(f"/proc/{self.handle.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def readings_stored(self) -> float:
        """What the process has counted as stored since it began."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith("quantrac_readings_total{") and 'outcome="stored"' in line
        )

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.handle.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def process(command: str, port: int, settings: dict[str, str], log: Path) -> Iterator[Process]:
    """`quantrac <command>` until the end of the block; ready when it begins."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUANTRAC_")} | settings
    with log.open("wb") as output:
        handle = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli.main", command], env=environment, stdout=output, stderr=output
        )
        try:
            _await_ready(handle, port, log)
            yield Process(handle, port)
        finally:
            handle.send_signal(signal.SIGTERM)
            try:
                handle.wait(20)
            except subprocess.TimeoutExpired:
                handle.kill()
                handle.wait()


def _await_ready(handle: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if handle.poll() is not None:
            raise RuntimeError(f"the process ended: {log.read_text(encoding='utf-8')[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"not ready in a minute: {log.read_text(encoding='utf-8')[-2000:]}")


@contextmanager
def gateway(stack: Stack, **settings: str) -> Iterator[Process]:
    port = free_port()
    own = {"QUANTRAC_DATABASE__DSN": stack.dsn, "QUANTRAC_HTTP__PORT": str(port), "QUANTRAC_LOG__LEVEL": "WARNING"}
    with process("serve", port, own | settings, stack.folder / "serve.log") as running:
        yield running


@contextmanager
def broker(stack: Stack, sync: str) -> Iterator[tuple[int, str]]:
    """A NATS server with the stations' keys; its MQTT port and the gateway's password."""
    folder = stack.folder / f"nats-{secrets.token_hex(3)}"
    folder.mkdir()
    password = secrets.token_urlsafe(16)
    mqtt_port, monitor_port = free_port(), free_port()
    options = broker_nats.NatsOptions(
        store_dir=folder / "store",
        gateway_bcrypt=broker_nats.hash_password(password),
        listen=f"127.0.0.1:{mqtt_port}",
        client_listen="127.0.0.1:-1",
        monitor_listen=f"127.0.0.1:{monitor_port}",
        sync=sync,
        accounts=ACCOUNTS,
    )
    config = folder / "nats.conf"
    config.write_text(broker_nats.render(asyncio.run(_users(stack.dsn)), options), encoding="utf-8")
    places = nats.Places(config, folder / "store", mqtt_port, monitor_port, folder / "nats.log")
    with nats.start(places):
        yield mqtt_port, password


async def _users(dsn: str) -> Any:
    async with Database(dsn, application_name="benchmark") as opened:
        return await mqtt_store.broker_users(opened)


@contextmanager
def consumer(stack: Stack, mqtt_port: int, password: str) -> Iterator[Process]:
    port = free_port()
    settings = {
        "QUANTRAC_DATABASE__DSN": stack.dsn,
        "QUANTRAC_MQTT__PORT": str(mqtt_port),
        "QUANTRAC_MQTT__ACCOUNTS": str(ACCOUNTS),
        "QUANTRAC_MQTT__PASSWORD": password,
        "QUANTRAC_MQTT__HEALTH_PORT": str(port),
        "QUANTRAC_LOG__LEVEL": "WARNING",
    }
    with process("consume", port, settings, stack.folder / "consume.log") as running:
        yield running


@contextmanager
def watch(stack: Stack, **settings: str) -> Iterator[Process]:
    port = free_port()
    own = {
        "QUANTRAC_DATABASE__DSN": stack.dsn,
        "QUANTRAC_WATCH__HEALTH_PORT": str(port),
        "QUANTRAC_LOG__LEVEL": "WARNING",
    }
    with process("watch", port, own | settings, stack.folder / "watch.log") as running:
        yield running


def load(stack: Stack, module: str, **plan: Any) -> dict[str, Any]:
    """Run a load generator to its end; what it measured."""
    path = stack.folder / f"plan-{secrets.token_hex(4)}.json"
    defaults = {"keys": str(stack.keys), "host": "127.0.0.1", "seed": 1, "times": 1, "rate": 0, "offset_seconds": 0}
    path.write_text(json.dumps(defaults | plan), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", str(path)], stdout=subprocess.PIPE, check=True, timeout=600
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def delivered_rate(stack: Stack, mqtt_port: int, password: str, requests: int) -> float:
    """Messages a second that the broker takes and hands to a subscriber which acknowledges at once, keeping nothing.

    The physical limit of everything that stands behind this broker on this disk.
    """
    command = [sys.executable, "-m", "tests.benchmarks.mqtt_subscriber", str(mqtt_port), str(requests), str(ACCOUNTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as subscriber:
        if subscriber.stdin is None or subscriber.stdout is None:
            raise RuntimeError("the subscriber has no pipes")
        subscriber.stdin.write(password + "\n")
        subscriber.stdin.flush()
        if subscriber.stdout.readline().strip() != "subscribed":
            raise RuntimeError("the broker refused the subscriber")
        begun = load(stack, "mqtt_load", port=mqtt_port, requests=requests, window=20)["begun"]
        ended = float(subscriber.stdout.readline())
    return requests / (ended - float(begun))


def raw_copy_rate(stack: Stack) -> float:
    """Rows a second when one connection copies the rows that are in the table once more into the emptied table.

    Binary COPY in groups, without any other work: the physical limit that the benchmarks are compared with. The table
    is empty afterwards.
    """
    return asyncio.run(_raw_copy_rate(stack.dsn))


async def _raw_copy_rate(dsn: str) -> float:
    connection = await asyncpg.connect(dsn, command_timeout=300)
    parts: list[bytes] = []

    async def keep(data: bytes) -> None:
        parts.append(data)

    try:
        await connection.copy_from_query(_EXPORT, output=keep, format="binary")
        data = b"".join(parts)[len(_HEADER) : -len(_TRAILER)]
        size = _GROUP_ROWS * _ROW_BYTES
        groups = [_HEADER + data[at : at + size] + _TRAILER for at in range(0, len(data), size)]
        await empty_tables(connection)
        begin = time.perf_counter()
        for group in groups:
            await connection.copy_to_table("observation", source=_once(group), columns=COPY_COLUMNS, format="binary")
        seconds = time.perf_counter() - begin
        await empty_tables(connection)
    finally:
        await connection.close()
    return len(data) // _ROW_BYTES / seconds


async def _once(data: bytes) -> Any:
    yield data


async def empty_tables(connection: Any) -> None:
    await connection.execute("TRUNCATE observation, receipt, quarantine, reading_conflict")
    await connection.execute("CHECKPOINT")
