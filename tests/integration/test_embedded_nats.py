"""The embedded broker: ready when MQTT answers, read again on request, gone with its owner."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import pytest

from gateway.embedded import nats, ports
from gateway.embedded.errors import CannotStart, Occupied, PortTaken
from telemetry.mqtt import broker_nats
from telemetry.mqtt.brokers import BrokerUser
from tests.fixtures.processes import gone, wait_for

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")

PASSWORD = "a password for the tests"  # noqa: S105 - a broker of this test's own
OWNER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from gateway.embedded import nats
    config, store, mqtt_port, monitor_port, log = sys.argv[1:]
    places = nats.Places(Path(config), Path(store), int(mqtt_port), int(monitor_port), Path(log))
    with nats.start(places) as broker:
        print(broker.pid, flush=True)
        sys.stdin.read()
""")


def _station(key_id: str) -> BrokerUser:
    return BrokerUser(
        key_id=key_id, station="T-1", nats_bcrypt=broker_nats.hash_password(PASSWORD), mosquitto_pbkdf2=""
    )


class Ground:
    """A folder with a configuration, and the ports in it."""

    def __init__(self, folder: Path) -> None:
        self.places = nats.Places(
            config=folder / "nats.conf",
            store=folder / "store",
            mqtt_port=ports.free(),
            monitor_port=ports.free(),
            log=folder / "nats.log",
        )
        self._client_port = ports.free()
        self.write()

    def write(self, *users: BrokerUser) -> None:
        options = broker_nats.NatsOptions(
            store_dir=self.places.store,
            gateway_bcrypt=broker_nats.hash_password(PASSWORD),
            listen=f"127.0.0.1:{self.places.mqtt_port}",
            client_listen=f"127.0.0.1:{self._client_port}",
            monitor_listen=f"127.0.0.1:{self.places.monitor_port}",
        )
        self.places.config.write_text(broker_nats.render(users, options), encoding="utf-8")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@contextmanager
def _owner(places: nats.Places) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process of its own that owns the broker; its pid, and the broker's."""
    arguments = [places.config, places.store, places.mqtt_port, places.monitor_port, places.log]
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


async def _connects(places: nats.Places, user: str) -> bool:
    client = aiomqtt.Client("127.0.0.1", places.mqtt_port, identifier=user, username=user, password=PASSWORD, timeout=5)
    try:
        async with client:
            return True
    except aiomqtt.MqttError:
        return False


async def test_the_broker_takes_clients_when_it_is_ready(ground: Ground) -> None:
    with nats.start(ground.places) as broker:
        pid = broker.pid
        assert await _connects(ground.places, "quantrac-gateway")
        assert not await _connects(ground.places, "nobody")
    assert gone(pid)


async def test_a_new_station_is_let_in_after_a_reload_and_the_connected_ones_stay(ground: Ground) -> None:
    with nats.start(ground.places) as broker:
        client = aiomqtt.Client("127.0.0.1", ground.places.mqtt_port, username="quantrac-gateway", password=PASSWORD)
        async with client:
            assert not await _connects(ground.places, "st_aaaaaaaa")
            ground.write(_station("st_aaaaaaaa"))
            assert broker.reload()
            assert await _connects(ground.places, "st_aaaaaaaa")
            await client.publish("v1/T-1/receipts", b"{}", qos=1)


async def test_a_configuration_that_cannot_be_read_is_refused_and_the_old_one_stays(ground: Ground) -> None:
    ground.write(_station("st_aaaaaaaa"))
    with nats.start(ground.places) as broker:
        ground.places.config.write_text("authorization {", encoding="utf-8")
        assert not broker.reload(seconds=1)
        assert broker.alive
        assert await _connects(ground.places, "st_aaaaaaaa")


async def test_what_was_acknowledged_outlives_a_kill(ground: Ground) -> None:
    topic = "v1/T-1/observations"
    station, gateway = "st_aaaaaaaa", "quantrac-gateway"
    ground.write(_station(station))
    port = ground.places.mqtt_port

    def client(user: str) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1", port, identifier=user, username=user, password=PASSWORD, clean_session=False, timeout=5
        )

    with nats.start(ground.places) as broker:
        async with client(gateway) as subscriber:
            await subscriber.subscribe(topic, qos=1)
        async with client(station) as sender:
            for number in range(20):
                await sender.publish(topic, json.dumps(number), qos=1)
            os.kill(broker.pid, signal.SIGKILL)
    with nats.start(ground.places):
        async with client(gateway) as subscriber:
            found = []
            async for message in subscriber.messages:
                assert isinstance(message.payload, bytes)
                found.append(json.loads(message.payload))
                if len(found) == 20:
                    break
    assert found == list(range(20))


@on_linux
def test_a_killed_owner_takes_its_broker_along(ground: Ground) -> None:
    with _owner(ground.places) as (owner, pid):
        owner.kill()
        owner.wait()
        wait_for(lambda: gone(pid))
    with nats.start(ground.places) as again:
        assert again.alive


def test_a_second_owner_is_refused(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats.Broker, "OWNERSHIP_SECONDS", 0.2)
    with _owner(ground.places) as (owner, pid):
        with pytest.raises(Occupied, match=f"started by process {owner.pid}"), nats.start(ground.places):
            pass
        assert not gone(pid)


def test_a_port_in_use_is_named(ground: Ground) -> None:
    with (
        socket.create_server(("127.0.0.1", ground.places.mqtt_port)),
        pytest.raises(PortTaken, match=f"Port {ground.places.mqtt_port} .* MQTT"),
        nats.start(ground.places),
    ):
        pass


def test_a_broker_that_cannot_start_says_why(ground: Ground) -> None:
    ground.places.config.write_text("mqtt { listen: nowhere", encoding="utf-8")
    with pytest.raises(CannotStart, match="Parse error"), nats.start(ground.places):
        pass
