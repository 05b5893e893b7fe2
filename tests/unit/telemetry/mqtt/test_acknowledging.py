"""Which acknowledgements leave, in which order, and which never do. No broker: packets are handed in and read back."""

import asyncio
from importlib.metadata import version
from inspect import signature

import aiomqtt
import pytest
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from telemetry.mqtt.acknowledging import AcknowledgingClient, BrokerAddress, Delivery, connection_options

ADDRESS = BrokerAddress("broker.invalid", 1883, "gateway", "secret", "fixed-id")


def client(epoch: int = 1, in_flight: int = 100) -> AcknowledgingClient:
    return AcknowledgingClient(ADDRESS, epoch=epoch, in_flight=in_flight)


def arrive(to: AcknowledgingClient, mid: int, *, qos: int = 1, dup: bool = False, topic: bytes = b"t") -> None:
    message = paho.MQTTMessage(mid=mid, topic=topic)
    message.qos, message.dup, message.payload = qos, dup, bytearray(b"payload")
    to._on_message(to._client, None, message)


def acknowledged(by: AcknowledgingClient) -> list[int]:
    """Packet ids of the PUBACKs that paho has queued for the wire, in order."""
    by._send_acknowledgements()
    wire = b"".join(bytes(packet["packet"]) for packet in by._client._out_packet)
    assert all(wire[start : start + 2] == b"\x40\x02" for start in range(0, len(wire), 4))
    return [int.from_bytes(wire[start + 2 : start + 4]) for start in range(0, len(wire), 4)]


async def taken(of: AcknowledgingClient) -> list[Delivery]:
    return await asyncio.wait_for(of.batch(100), 1)


def test_the_names_that_manual_acknowledgement_rests_on_exist() -> None:
    """The library has no public way; another version of it must be looked at before it is taken."""
    assert version("aiomqtt").startswith("2.5.")
    assert version("paho-mqtt").startswith("2.")
    assert callable(paho.Client.manual_ack_set)
    assert callable(paho.Client.ack)
    assert list(signature(paho.Client._packet_queue).parameters) == ["self", "command", "packet", "mid", "qos", "info"]
    assert list(signature(paho.Client._sock_recv).parameters) == ["self", "bufsize"]
    assert callable(aiomqtt.Client._on_message)
    assert callable(aiomqtt.Client._on_connect)
    assert callable(aiomqtt.Client._on_publish)


async def test_the_names_of_a_client_object_exist_and_manual_acknowledgement_is_on() -> None:
    made = client()
    assert made._client._manual_ack is True
    assert isinstance(made._disconnected, asyncio.Future)
    assert made._client.on_message == made._on_message
    assert made._client.on_connect == made._on_connect
    assert made._queue.maxsize == 0


def test_a_session_outlives_the_connection_in_both_versions() -> None:
    old = connection_options(ADDRESS, receive_maximum=10, session_seconds=60)
    assert old["clean_session"] is False
    assert old["identifier"] == "fixed-id"
    new_address = BrokerAddress("broker.invalid", 1883, "gateway", "secret", "fixed-id", protocol="5")
    new = connection_options(new_address, receive_maximum=100_000, session_seconds=7 * 86400)
    assert new["clean_start"] is False
    assert new["properties"].SessionExpiryInterval == 7 * 86400
    assert new["properties"].ReceiveMaximum == 65535


async def test_nothing_is_acknowledged_on_arrival() -> None:
    made = client()
    arrive(made, 1)
    assert [delivery.mid for delivery in await taken(made)] == [1]
    assert acknowledged(made) == []
    assert made.in_flight == 1


async def test_acknowledgements_leave_in_the_order_of_arrival() -> None:
    made = client()
    for mid in (5, 3, 9):
        arrive(made, mid)
    first, second, third = await taken(made)
    made.acknowledge(third)
    made.acknowledge(second)
    assert acknowledged(made) == []
    made.acknowledge(first)
    assert acknowledged(made) == [5, 3, 9]
    assert made.in_flight == 0
    assert made.counters.acknowledged == 3


async def test_a_message_that_was_put_aside_holds_nobody_up_and_is_acknowledged_later() -> None:
    made = client()
    for mid in (1, 2, 3):
        arrive(made, mid)
    first, second, third = await taken(made)
    made.put_aside(first)
    made.put_aside(first)
    made.acknowledge(second)
    made.acknowledge(third)
    assert acknowledged(made) == [2, 3]
    assert made.in_flight == 1
    made.acknowledge(first)
    assert acknowledged(made) == [2, 3, 1]


async def test_a_late_acknowledgement_of_an_older_connection_is_dropped() -> None:
    older, newer = client(epoch=1), client(epoch=2)
    arrive(older, 7)
    [late] = await taken(older)
    arrive(newer, 7)
    newer.acknowledge(late)
    assert acknowledged(newer) == []
    assert newer.counters.late_acknowledgements == 1
    assert newer.in_flight == 1


async def test_nothing_is_acknowledged_once_the_connection_is_gone() -> None:
    made = client()
    arrive(made, 1)
    [delivery] = await taken(made)
    made._disconnected.set_result(None)
    made.acknowledge(delivery)
    assert acknowledged(made) == []
    assert made.counters.late_acknowledgements == 1
    with pytest.raises(aiomqtt.MqttError, match="the connection is gone"):
        await made.batch(1)
    with pytest.raises(aiomqtt.MqttError, match="the connection is gone"):
        await made.lost()
    assert made.tell("t", b"") is False


async def test_a_copy_of_a_message_in_flight_is_not_taken_twice() -> None:
    made = client()
    arrive(made, 1)
    arrive(made, 1, dup=True)
    [delivery] = await taken(made)
    assert made.counters.redelivered == 1
    made.acknowledge(delivery)
    assert acknowledged(made) == [1]
    # Its packet id is free again: what comes under it now is another message.
    arrive(made, 1)
    assert len(await taken(made)) == 1


async def test_acknowledgements_that_become_due_together_leave_in_one_write() -> None:
    made = client()
    for mid in (1, 300, 65535):
        arrive(made, mid)
    for delivery in await taken(made):
        made.acknowledge(delivery)
    assert len(made._client._out_packet) == 0
    await asyncio.sleep(0)
    [packet] = made._client._out_packet
    assert packet["packet"] == bytes.fromhex("40020001 4002012c 4002ffff")
    assert made.counters.acknowledged == 3


async def test_paho_reads_from_one_buffer() -> None:
    made = client()
    chunks = [b"abcdef", b"gh"]

    def receive(bufsize: int) -> bytes:
        assert bufsize == 65536
        return chunks.pop(0)

    made._receive = receive
    assert [made._client._sock_recv(1), made._client._sock_recv(3), made._client._sock_recv(9)] == [b"a", b"bcd", b"ef"]
    assert not made._has_more()
    assert made._client._sock_recv(1) == b"g"
    assert made._has_more()


async def test_an_acknowledgement_is_sent_once() -> None:
    made = client()
    arrive(made, 1)
    [delivery] = await taken(made)
    made.acknowledge(delivery)
    made.acknowledge(delivery)
    assert acknowledged(made) == [1]


async def test_qos_0_needs_no_acknowledgement_and_is_bounded() -> None:
    made = client(in_flight=1)
    arrive(made, 0, qos=0)
    [delivery] = await taken(made)
    made.acknowledge(delivery)
    assert acknowledged(made) == []
    for mid in range(1, 5):
        arrive(made, mid)
    arrive(made, 0, qos=0)
    assert len(await taken(made)) == 4
    assert made.counters.dropped_qos0 == 1


async def test_a_batch_has_no_more_than_was_asked_for() -> None:
    made = client()
    for mid in range(1, 6):
        arrive(made, mid)
    assert [delivery.mid for delivery in await made.batch(2)] == [1, 2]
    assert [delivery.mid for delivery in await made.batch(10)] == [3, 4, 5]


async def test_a_broker_that_sends_more_than_it_was_told_to_is_left_unread_for_a_while() -> None:
    made = client(in_flight=2)
    for mid in range(1, 9):
        arrive(made, mid)
    made._read()
    assert made.counters.pauses == 1
    assert not made._reading
    deliveries = await taken(made)
    for delivery in deliveries[:3]:
        made.acknowledge(delivery)
    assert not made._reading
    made.acknowledge(deliveries[3])
    assert made._reading


async def test_a_client_that_was_stopped_hands_out_what_arrived_and_reads_no_more() -> None:
    made = client(in_flight=2)
    for mid in (1, 2, 3):
        arrive(made, mid)
    left = made.stop_reading()
    assert [delivery.mid for delivery in left] == [1, 2, 3]
    for delivery in left:
        made.acknowledge(delivery)
    assert acknowledged(made) == [1, 2, 3]
    assert not made._reading


async def test_a_batch_waits_for_the_first_message() -> None:
    made = client()
    waiting = asyncio.create_task(made.batch(10))
    await asyncio.sleep(0)
    assert not waiting.done()
    arrive(made, 1)
    assert len(await asyncio.wait_for(waiting, 1)) == 1


async def test_a_topic_that_no_topic_may_be_can_be_put_away_like_any_other() -> None:
    made = client()
    arrive(made, 1, topic=b"v1/\xff\xfe/\0")
    arrive(made, 2, topic=b"v1/\0")
    assert [delivery.topic for delivery in await taken(made)] == ["v1/\\xff\\xfe/\\x00", "v1/\\x00"]


async def test_the_content_type_of_mqtt_5_is_kept() -> None:
    made = client()
    message = paho.MQTTMessage(mid=1, topic=b"t")
    message.qos = 1
    message.properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    message.properties.ContentType = "text/csv"
    made._on_message(made._client, None, message)
    [delivery] = await taken(made)
    assert delivery.content_type == "text/csv"


async def test_whether_the_broker_knew_the_session_is_kept() -> None:
    made = client()
    made._on_connect(made._client, None, paho.ConnectFlags(session_present=True), ReasonCode(PacketTypes.CONNACK))
    assert made.session_present is True
