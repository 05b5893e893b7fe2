"""A station's side of MQTT: publishes readings until the broker acknowledged them, and hears the receipts.

The simulator, replay and the tests send through it; the README shows it as the example to follow.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aiomqtt
import msgspec
import structlog
from paho.mqtt import client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core import instants
from telemetry.mqtt import topics
from telemetry.mqtt.acknowledging import BrokerAddress, connection_options, looked_at

_log = structlog.get_logger(__name__)
_json = msgspec.json.Encoder()

OnReceipts = Callable[[list[dict[str, Any]]], None]


class PublishRefused(Exception):
    """The broker does not take the message. Only MQTT 5 tells; with 3.1.1 a refused message is acknowledged."""


class _Connection(aiomqtt.Client):
    """One connection, whose publishes are futures that the broker's acknowledgement resolves."""

    def __init__(self, address: BrokerAddress, station: str, window: int) -> None:
        # Nothing is to be kept for a station that is away: a receipt that it misses costs a resend.
        options = connection_options(address, receive_maximum=window, session_seconds=0)
        options |= {"clean_session": True} if address.protocol == "3.1.1" else {"clean_start": True}
        super().__init__(
            **options,
            max_inflight_messages=window,
            will=aiomqtt.Will(topics.status(station), _json.encode({"state": "lost"}), qos=1, retain=True),
        )
        self._acknowledged: dict[int, asyncio.Future[None]] = {}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._disconnected.add_done_callback(looked_at)
        return self

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[None]:
        """Publish with QoS 1; the future is done at the PUBACK, or fails with the connection."""
        future: asyncio.Future[None] = self._loop.create_future()
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if self._disconnected.done() or info.rc not in {paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_QUEUE_SIZE}:
            future.set_exception(aiomqtt.MqttError("the connection is gone"))
        else:
            self._acknowledged[info.mid] = future
        return future

    def fail_waiting(self) -> None:
        """Tell who waits that their messages may or may not have arrived."""
        waiting, self._acknowledged = self._acknowledged, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(aiomqtt.MqttError("the connection broke before the acknowledgement"))

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        future = self._acknowledged.pop(mid, None)
        if future is None or future.done():
            super()._on_publish(client, userdata, mid, reason_code, properties)
        elif reason_code.is_failure:
            future.set_exception(PublishRefused(str(reason_code)))
        else:
            future.set_result(None)


class StationPublisher:
    """A station that stays connected. Use as an async context manager; `publish` may be called many times at once.

    window: publishes that may wait for their acknowledgement; on_receipts: is handed the receipts as they come.
    """

    def __init__(
        self, address: BrokerAddress, station: str, *, window: int = 50, on_receipts: OnReceipts | None = None
    ) -> None:
        self._address = address
        self._station = station
        self._window = window
        self._on_receipts = on_receipts
        self._room = asyncio.Semaphore(window)
        self._connection: _Connection | None = None
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False
        self.connections = 0
        self.resent = 0
        self.last_error: str | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay_connected(), name=f"station-{self._station}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say good-bye with a retained status, so that the last will is not needed, and disconnect."""
        if self._connection is not None:
            with suppress(aiomqtt.MqttError, TimeoutError, PublishRefused):
                await asyncio.wait_for(
                    self._connection.send(topics.status(self._station), _status("offline"), retain=True), 2
                )
        if self._task is not None:
            self._is_leaving = True
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    async def connected(self) -> None:
        """Waits for the first or next connection."""
        await self._connected.wait()

    async def publish(self, payload: bytes, *, file_name: str | None = None) -> None:
        """Returns once the broker has the message; sends it again over as many connections as it takes."""
        await self.publish_to(topics.observations(self._station, file_name), payload)

    async def publish_to(self, topic: str, payload: bytes) -> None:
        async with self._room:
            while True:
                await self._connected.wait()
                connection = self._connection
                if connection is not None:
                    try:
                        await connection.send(topic, payload)
                    except aiomqtt.MqttError:
                        self.resent += 1
                        await asyncio.sleep(0.05)
                    else:
                        return

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            try:
                async with _Connection(self._address, self._station, self._window) as connection:
                    attempt = 0
                    await self._serve(connection)
            except (aiomqtt.MqttError, OSError) as error:
                self.last_error = str(error)
                _log.debug("station.disconnected", station=self._station, error=str(error))
                if self._is_leaving:
                    # A refusal that comes in the moment of the cancellation takes its place.
                    return
            await asyncio.sleep(min(30.0, 0.25 * 2.0 ** min(attempt, 8)) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            attempt += 1

    async def _serve(self, connection: _Connection) -> None:
        try:
            await connection.subscribe(topics.receipts(self._station), qos=0)
            connection.send(topics.status(self._station), _status("online"), retain=True).add_done_callback(looked_at)
            self._connection = connection
            self.connections += 1
            self._connected.set()
            async for message in connection.messages:
                self._hear(bytes(message.payload))
        finally:
            self._connected.clear()
            self._connection = None
            connection.fail_waiting()

    def _hear(self, payload: bytes) -> None:
        if self._on_receipts is not None:
            try:
                receipts = msgspec.json.decode(payload)["receipts"]
            except (msgspec.DecodeError, KeyError, TypeError) as error:
                _log.warning("station.receipt_unreadable", station=self._station, error=str(error))
                return
            self._on_receipts(receipts)


def _status(state: str) -> bytes:
    return _json.encode({"state": state, "time": instants.text(instants.now())})
