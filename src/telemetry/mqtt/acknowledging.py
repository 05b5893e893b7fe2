"""An aiomqtt client for one connection, which acknowledges a message only when it is told to.

Rules of this file:
- A client serves one connection. A packet id means something within its connection only, so an acknowledgement that
  comes after the connection broke is dropped: sent on the next one it would acknowledge a message that nobody kept.
- Acknowledgements leave in the order of arrival [MQTT-4.6.0-2], save for messages that were put aside.
- The incoming queue has no limit of its own, because aiomqtt's limited one drops what it already acknowledged. What
  is in flight is bounded by the broker (MQTT 5: Receive Maximum, 3.1.1: its own setting), and where a broker does not
  keep to it, by not reading from the socket.
"""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core import instants
from telemetry.mqtt.counters import Counters

_SESSION_SECONDS = 7 * 86400
# Packets that are read in one go before other work of the event loop has its turn.
_READ_AT_ONCE = 128
_READ_BYTES = 2**16
_PUBACK = 0x40
# A broker may send this many times what it was told to before the socket is left unread.
_PATIENCE = 4


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who speaks to it."""

    host: str
    port: int
    username: str
    password: str | None
    client_id: str
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    keepalive: int = 20
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came: the connection's epoch and the packet id in it, by which it is acknowledged."""

    epoch: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    received_us: int
    content_type: str | None = None


def connection_options(address: BrokerAddress, *, receive_maximum: int, session_seconds: int) -> dict[str, Any]:
    """Arguments of aiomqtt.Client for a session that outlives the connection."""
    options: dict[str, Any] = {
        "hostname": address.host,
        "port": address.port,
        "username": address.username,
        "password": address.password,
        "identifier": address.client_id,
        "keepalive": address.keepalive,
        "timeout": 5,
        "tls_context": tls_context(address) if address.tls else None,
    }
    if address.protocol == "3.1.1":
        return options | {"protocol": aiomqtt.ProtocolVersion.V311, "clean_session": False}
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = session_seconds
    properties.ReceiveMaximum = min(receive_maximum, 65535)
    return options | {"protocol": aiomqtt.ProtocolVersion.V5, "clean_start": False, "properties": properties}


def tls_context(address: BrokerAddress) -> ssl.SSLContext:
    """TLS that believes the broker's authority, and shows a certificate where the address has one."""
    context = ssl.create_default_context(cafile=address.ca_file)
    if address.certificate_file is not None:
        context.load_cert_chain(address.certificate_file, address.key_file)
    return context


def looked_at(future: asyncio.Future[None]) -> None:
    """Ask for an error that is told elsewhere, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()


class AcknowledgingClient(aiomqtt.Client):
    """One connection with manual acknowledgement. Use as an async context manager, once."""

    def __init__(self, address: BrokerAddress, *, epoch: int, in_flight: int, counters: Counters | None = None) -> None:
        super().__init__(**connection_options(address, receive_maximum=in_flight, session_seconds=_SESSION_SECONDS))
        self._client.manual_ack_set(True)
        # What goes wrong is raised; a log line for each packet costs more than the packet.
        self._client.disable_logger()
        self._receive = self._client._sock_recv  # noqa: SLF001 - paho asks the socket for each byte; see _from_buffer
        self._client._sock_recv = self._from_buffer  # type: ignore[method-assign]  # noqa: SLF001
        self._buffer = memoryview(b"")
        self._to_acknowledge = bytearray()
        self.epoch = epoch
        self.session_present = False
        self.counters = counters or Counters()
        self._most_held = in_flight * _PATIENCE
        self._arrived: deque[Delivery] = deque()
        self._news = asyncio.Event()
        # Packet ids in order of arrival, and of those the ones that may be acknowledged.
        self._order: deque[int] = deque()
        self._held: dict[int, bool] = {}
        self._aside: set[int] = set()
        self._reading = True
        self._stopped = False
        self._seen = 0

    @property
    def in_flight(self) -> int:
        """Messages that came with QoS 1 and are not acknowledged."""
        return len(self._held) + len(self._aside)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._disconnected.add_done_callback(looked_at)
        self._disconnected.add_done_callback(lambda _: self._news.set())
        self._read_socket()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._send_acknowledgements()
        with suppress(aiomqtt.MqttError):
            await super().__aexit__(kind, error, trace)
        self._close_socket()

    async def batch(self, most: int) -> list[Delivery]:
        """The messages that arrived, at least one and at most so many; MqttError when the connection is gone."""
        while not self._arrived:
            self._refuse_broken()
            self._news.clear()
            await self._news.wait()
        self._refuse_broken()
        return [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]

    async def lost(self) -> None:
        """Waits until the connection is gone, then raises MqttError."""
        with suppress(Exception):  # What broke it is told by the next line.
            await asyncio.shield(self._disconnected)
        self._refuse_broken()

    def acknowledge(self, delivery: Delivery) -> None:
        """Say that the message is kept; it is told to the broker as soon as all that came before it may be."""
        if delivery.qos == 0:
            return
        if delivery.epoch != self.epoch or self._disconnected.done():
            self.counters.late_acknowledgements += 1
            return
        if delivery.mid in self._aside:
            self._aside.discard(delivery.mid)
            self._puback(delivery.mid)
        elif delivery.mid in self._held:
            self._held[delivery.mid] = True
            while self._order and self._held[self._order[0]]:
                mid = self._order.popleft()
                del self._held[mid]
                self._puback(mid)
        if not self._reading and not self._stopped and self.in_flight <= self._most_held // 2:
            self._read_socket()

    def put_aside(self, delivery: Delivery) -> None:
        """Let the messages behind this one be acknowledged before it."""
        if delivery.epoch == self.epoch and delivery.mid in self._held:
            self._order.remove(delivery.mid)
            del self._held[delivery.mid]
            self._aside.add(delivery.mid)

    def tell(self, topic: str, payload: bytes) -> bool:
        """Publish with QoS 0 and do not wait; whether the message was handed to a living connection."""
        if self._disconnected.done():
            return False
        return self._client.publish(topic, payload, qos=0).rc == paho.MQTT_ERR_SUCCESS

    def stop_reading(self) -> list[Delivery]:
        """Take no more from the broker; what arrived already. The connection and the acknowledgements go on."""
        self._stopped = True
        self._pause()
        left = list(self._arrived)
        self._arrived.clear()
        return left

    def _pause(self) -> None:
        self._reading = False
        socket = self._client.socket()
        if socket is not None:
            self._loop.remove_reader(socket.fileno())

    def _close_socket(self) -> None:
        """A broker that no longer reads does not get the farewell; its socket must not stay open for that."""
        socket = self._client.socket()
        if socket is not None and socket.fileno() >= 0:
            self._loop.remove_reader(socket.fileno())
            self._loop.remove_writer(socket.fileno())
            socket.close()
        if self._misc_task is not None:
            self._misc_task.cancel()

    def _read_socket(self) -> None:
        self._reading = True
        socket = self._client.socket()
        if socket is not None and socket.fileno() >= 0:
            self._loop.add_reader(socket.fileno(), self._read)
            self._loop.call_soon(self._read_more)

    def _read(self) -> None:
        """Read packets while there are any. aiomqtt's own reader takes one packet a turn of the event loop."""
        try:
            for _ in range(_READ_AT_ONCE):
                before = self._seen
                self._client.loop_read()
                if self._seen == before and not self._has_more():
                    break
            else:
                # What is buffered already does not make the socket readable.
                self._loop.call_soon(self._read_more)
        except Exception as error:  # noqa: BLE001 - whatever it was, this connection cannot be read any further
            if not self._disconnected.done():
                self._disconnected.set_exception(aiomqtt.MqttError(f"unreadable packet: {error}"))
        if self._reading and self.in_flight >= self._most_held:
            self.counters.pauses += 1
            self._pause()

    def _read_more(self) -> None:
        if self._reading and not self._disconnected.done():
            self._read()

    def _has_more(self) -> bool:
        """Whether bytes are here that the event loop cannot see: in our buffer, or decrypted by TLS."""
        socket = self._client.socket()
        return len(self._buffer) > 0 or (isinstance(socket, ssl.SSLSocket) and socket.pending() > 0)

    def _from_buffer(self, bufsize: int) -> bytes:
        """Stands in for paho's read, which asks the system four times for one message."""
        if not self._buffer:
            self._buffer = memoryview(self._receive(_READ_BYTES))
        part, self._buffer = bytes(self._buffer[:bufsize]), self._buffer[bufsize:]
        return part

    def _puback(self, mid: int) -> None:
        """Note the acknowledgement; all that become due in one turn of the event loop leave in one write."""
        if not self._to_acknowledge:
            self._loop.call_soon(self._send_acknowledgements)
        self._to_acknowledge += bytes((_PUBACK, 2, mid >> 8, mid & 0xFF))

    def _send_acknowledgements(self) -> None:
        packets, self._to_acknowledge = bytes(self._to_acknowledge), bytearray()
        count = len(packets) // 4
        if not count:
            return
        if self._disconnected.done():
            self.counters.late_acknowledgements += count
            return
        # paho's own `ack` queues one packet and makes one write of each.
        self._client._packet_queue(_PUBACK, packets, 0, 0)  # noqa: SLF001
        self.counters.acknowledged += count

    def _refuse_broken(self) -> None:
        if not self._disconnected.done():
            return
        raise aiomqtt.MqttError("the connection is gone") from self._disconnected.exception()

    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = flags.session_present
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ARG002
        """Queue the message; a copy of one that is still in flight (NATS repeats after `ack_wait`) is left out."""
        self._seen += 1
        if message.qos == 0:
            if self.in_flight >= self._most_held:
                # QoS 0 promises nothing, and nothing else bounds it.
                self.counters.dropped_qos0 += 1
                return
        elif message.mid in self._held or message.mid in self._aside:
            self.counters.redelivered += 1
            return
        else:
            self._order.append(message.mid)
            self._held[message.mid] = False
            self.counters.redelivered += message.dup
        self.counters.messages += 1
        self.counters.bytes += len(message.payload)
        self._arrived.append(
            Delivery(
                epoch=self.epoch,
                mid=message.mid,
                qos=message.qos,
                topic=_topic(message),
                payload=bytes(message.payload),
                received_us=instants.now_us(),
                content_type=getattr(message.properties, "ContentType", None),
            )
        )
        self._news.set()


def _topic(message: paho.MQTTMessage) -> str:
    """The topic; what no topic may hold comes escaped, so that the message can be put away like any other."""
    try:
        return message.topic.replace("\0", "\\x00")
    except UnicodeDecodeError as error:
        return error.object.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
