"""`quantrac broker-config` as an operator runs it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import pytest

from core.database import Database
from telemetry.catalog import keys
from telemetry.mqtt.acknowledging import BrokerAddress, connection_options
from tests.fixtures.brokers import PASSWORD, Network, RunningBroker, eventually, until

ROOT = Path(__file__).parents[3]


def command(dsn: str, *arguments: str, password: str | None = PASSWORD) -> tuple[list[str], dict[str, str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUANTRAC_")}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "QUANTRAC_DATABASE__DSN": dsn, "COLUMNS": "200"}
    if password is not None:
        environment["QUANTRAC_MQTT__PASSWORD"] = password
    return [sys.executable, "-m", "gateway.cli.main", "broker-config", *arguments], environment


def arguments_for(broker: RunningBroker) -> list[str]:
    output = broker.folder / "nats.conf" if broker.kind == "nats" else broker.folder
    found = [broker.kind, "--output", str(output), "--store-dir", str(broker.store)]
    found += ["--listen", f"127.0.0.1:{broker.port}", "--pid-file", str(broker.folder / "pid")]
    return found + (["--client-listen", "127.0.0.1:-1"] if broker.kind == "nats" else ["--run-as", "root"])


async def accepted(address: BrokerAddress) -> bool:
    try:
        async with aiomqtt.Client(**connection_options(address, receive_maximum=10, session_seconds=0)):
            return True
    except aiomqtt.MqttError:
        return False


@contextmanager
def watching_process(arguments: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


async def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, arguments, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def test_a_changed_station_is_live_without_a_restart(
    broker: RunningBroker, network: Network, database: Database, dsn: str
) -> None:
    told = arguments_for(broker)
    done = await run(*command(dsn, *told))
    assert done.returncode == 0, done.stderr
    assert "3 station keys" in done.stdout
    broker.start()
    assert await accepted(broker.gateway())
    first = broker.station(network.credentials["TH-NT-001"])
    assert await accepted(first)
    arguments, environment = command(dsn, *told, "--watch", "--reload-pid-file", str(broker.folder / "pid"))
    with watching_process(arguments, environment, broker.folder / "watch.log") as watching:
        try:
            await until(lambda: "broker_files.renewed" in (broker.folder / "watch.log").read_text(encoding="utf-8"))
            await keys.revoke(database, "TH-NT-001", first.username)

            async def refused() -> bool:
                return not await accepted(first)

            await eventually(refused, seconds=5, what="the revoked key is refused")
            fresh = broker.station((await keys.issue(database, "TH-NT-001", "second")).key)
            await eventually(lambda: accepted(fresh), seconds=5, what="the new key is accepted")
        finally:
            watching.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(watching.wait, 10) == 0
    assert await accepted(broker.station(network.credentials["TH-NT-002"]))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nats", "--output", "f", "--store-dir", "s", "--tls-key", "k"], "--tls-certificate"),
        (["mosquitto", "--output", "f", "--store-dir", "s", "--listen", "1883"], "ADDRESS:PORT"),
        (["nats", "--output", "f", "--store-dir", "s", "--owner", "no-such-user"], "no-such-user"),
        (["nats", "--output", "f"], "--store-dir"),
    ],
)
async def test_wrong_options_are_told_in_plain_words(
    arguments: list[str], expected: str, dsn: str, tmp_path: Path
) -> None:
    line, environment = command(dsn, *arguments)
    done = await run(["env", "-C", str(tmp_path), *line], environment)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not os.listdir(tmp_path)  # noqa: PTH208 - names are looked at


@pytest.mark.parametrize(
    "arguments",
    [
        ["mosquitto", "--output", "f", "--store-dir", "s"],
        ["nats", "--output", "f", "--store-dir", "s", "--certificate-names"],
    ],
)
async def test_accounts_that_cannot_be_are_told(arguments: list[str], dsn: str, tmp_path: Path) -> None:
    line, environment = command(dsn, *arguments)
    done = await run(["env", "-C", str(tmp_path), *line], environment | {"QUANTRAC_MQTT__ACCOUNTS": "2"})
    assert done.returncode == 2
    assert "QUANTRAC_MQTT__ACCOUNTS at 1" in done.stderr
    assert not os.listdir(tmp_path)  # noqa: PTH208 - names are looked at


async def test_a_missing_gateway_password_is_told(dsn: str, tmp_path: Path) -> None:
    done = await run(
        *command(dsn, "nats", "--output", str(tmp_path / "f"), "--store-dir", str(tmp_path), password=None)
    )
    assert done.returncode == 2
    assert "QUANTRAC_MQTT__PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr
