"""Names that no station has: wildcards, slashes and system topics, in CONNECT and in PUBLISH, written byte by byte."""

import asyncio

import aiomqtt
import pytest

from telemetry.mqtt import topics
from telemetry.mqtt.acknowledging import AcknowledgingClient
from tests.fixtures.brokers import Network, RunningBroker, packet

MINE, OTHER = "TH-NT-001", "TH-NT-002"
_ACCEPTED = 0


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _frame(kind: int, body: bytes) -> bytes:
    """A packet of MQTT 3.1.1; lengths here need at most two bytes."""
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([size % 128 | 128, size // 128])
    return bytes([kind]) + length + body


async def _connected(
    port: int, user: str, password: str, client_id: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int | None]:
    """A connection, and the code that the broker answered; None where it closed instead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # User name, password, clean session.
    head = b"\x00\x04MQTT\x04\xc2\x00\x0a"
    writer.write(_frame(0x10, head + _text(client_id) + _text(user) + _text(password)))
    try:
        answer = await asyncio.wait_for(reader.readexactly(4), 5)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return reader, writer, None
    return reader, writer, answer[3]


@pytest.fixture
def started(broker: RunningBroker, network: Network) -> RunningBroker:
    broker.configure(network.users())
    broker.start()
    return broker


async def test_users_with_wildcards_and_slashes_are_refused(started: RunningBroker, network: Network) -> None:
    credential = network.credentials[MINE]
    key_id = credential.partition(".")[0]
    for user in ("+", "#", "$SYS/#", f"{key_id}/+", f"{key_id}/../{key_id}", f"{key_id}.>", "*", ">", f" {key_id}"):
        _, writer, code = await _connected(started.port, user, credential, key_id)
        writer.close()
        assert code != _ACCEPTED, user


async def test_odd_topics_reach_nobody(started: RunningBroker, network: Network) -> None:
    """What the broker does with each, close or drop, is its business; the consumer hears the proper one alone."""
    credential = network.credentials[MINE]
    key_id = credential.partition(".")[0]
    odd = (
        f"v1/{MINE}/../{OTHER}/observations",
        "v1/+/observations",
        "v1/#",
        "$SYS/observations",
        f"v1/{OTHER}/observations/",
        f"/v1/{MINE}/observations",
        f"v1.{OTHER}.observations",
        f"v1/{MINE}//observations",
    )
    heard = []
    async with AcknowledgingClient(started.gateway(), epoch=1, in_flight=50) as gateway:
        await gateway.subscribe([(name, 1) for name in topics.OBSERVATIONS])
        for topic in (*odd, topics.observations(MINE)):
            _, writer, code = await _connected(started.port, key_id, credential, key_id)
            assert code == _ACCEPTED
            writer.write(_frame(0x30, _text(topic) + packet(OTHER, 1)))
            # A goodbye behind it: when the broker has closed, it has read what came before.
            writer.write(b"\xe0\x00")
            await writer.drain()
            writer.close()
        try:
            async with asyncio.timeout(5):
                while topics.observations(MINE) not in heard:
                    for delivery in await gateway.batch(10):
                        heard.append(delivery.topic)
                        gateway.acknowledge(delivery)
        except aiomqtt.MqttError as error:
            pytest.fail(str(error))
    assert heard == [topics.observations(MINE)]
