"""Takes the stations' messages from the broker and acknowledges each one after its outcome was committed.

Rules of this file: a message is acknowledged only after `submit` returned. Whatever else happens to it (the database
is away, the intake is full, a fault of our own), it stays with the broker and is tried again, for ever. Nothing that
concerns receipts, metrics or the heartbeat may delay an acknowledgement.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiomqtt
import structlog

from core import errors, instants
from telemetry.mqtt import topics
from telemetry.mqtt.acknowledging import AcknowledgingClient, BrokerAddress, Delivery
from telemetry.mqtt.counters import Counters
from telemetry.mqtt.receipting import Receipts
from telemetry.readings import Outcome, Submission

_log = structlog.get_logger(__name__)

Receive = Callable[[Delivery], Submission]
Submit = Callable[[Submission], Awaitable[Outcome]]
Kept = Callable[[Submission, Outcome], None]

_BATCH = 512
_DRAIN_SECONDS = 10.0
# The database is asked again this soon, so that reception resumes soon after it is back.
_RETRY_MOST_SECONDS = 4.0
# Heartbeats that may be missed before the connection is given up.
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting times that double from `first` to `most` seconds, each with full jitter in its upper half."""

    first: float = 0.5
    most: float = 30.0

    def seconds(self, attempt: int) -> float:
        ceiling = min(self.most, self.first * 2.0 ** min(attempt, 16))
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


class SubscriptionRefused(Exception):
    """The broker does not let the gateway's user subscribe, or with QoS 0 only."""

    def __init__(self, granted: list[int]) -> None:
        super().__init__(f"the broker answered {granted} to the subscription; 1 is needed for observations")


@dataclass(slots=True)
class _State:
    """What outlives a connection."""

    session_expected: bool
    epoch: int = 0
    attempts: int = 0
    connected: bool = False
    held: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Consumer:
    """The one consumer of one session; the broker keeps one session in each of its accounts.

    receive: turns a message into a submission and never raises for what a station may send.
    submit: commits a submission and returns what became of it.
    kept: told of each submission with its outcome, once it is acknowledged.
    subscribed: awaited once the broker keeps the subscriptions.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        receive: Receive,
        submit: Submit,
        kept: Kept | None = None,
        in_flight: int = 2000,
        session_expected: bool = False,
        subscribed: Callable[[], Awaitable[None]] | None = None,
        counters: Counters | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self._address = address
        self._receive = receive
        self._submit = submit
        self._kept = kept
        self._in_flight = in_flight
        self._subscribed = subscribed
        self._backoff = backoff or Backoff()
        self._state = _State(session_expected)
        self._receipts = Receipts(self.counters)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set: connect, serve, and connect again after a pause when the connection broke."""
        while not stop.is_set():
            try:
                await self._serve(stop)
            except (aiomqtt.MqttError, SubscriptionRefused, OSError) as error:
                self.counters.connection_failures += 1
                _log.warning(
                    "mqtt.disconnected", error=str(error) or type(error).__name__, attempt=self._state.attempts
                )
            except Exception:  # noqa: BLE001 - the outermost loop of a connection
                # What is not acknowledged stays with the broker, and a new connection starts clean.
                self.counters.failures += 1
                _log.exception("mqtt.connection_failed", attempt=self._state.attempts)
            if not stop.is_set():
                pause = self._backoff.seconds(self._state.attempts)
                self._state.attempts += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)

    async def _serve(self, stop: asyncio.Event) -> None:
        """One connection, from its start to its end."""
        self._state.epoch += 1
        client = AcknowledgingClient(
            self._address, epoch=self._state.epoch, in_flight=self._in_flight, counters=self.counters
        )
        async with client:
            try:
                self._note_session(client)
                await self._subscribe(client)
                await self._work(client, stop)
            finally:
                self._note_connected(connected=False)

    def _note_session(self, client: AcknowledgingClient) -> None:
        self.counters.connections += 1
        if self._state.session_expected and not client.session_present:
            self.counters.sessions_lost += 1
            _log.error(
                "mqtt.session_lost",
                client_id=self._address.client_id,
                meaning="the broker forgot it; what it had acknowledged may be lost until stations send it again",
            )

    async def _subscribe(self, client: AcknowledgingClient) -> None:
        """Ask for the data and the own heartbeat; asked again at each connection, which changes nothing."""
        wanted = [(name, 1) for name in topics.OBSERVATIONS] + [(topics.HEARTBEAT, 0)]
        granted = [code if isinstance(code, int) else code.value for code in await client.subscribe(wanted)]
        if any(code >= 0x80 for code in granted) or 0 in granted[: len(topics.OBSERVATIONS)]:
            raise SubscriptionRefused(granted)
        self._state.session_expected = True
        self._state.attempts = 0
        self._note_connected(connected=True)
        _log.info("mqtt.connected", epoch=client.epoch, session_present=client.session_present)
        await self._note_subscribed()

    def _note_connected(self, *, connected: bool) -> None:
        """The counters may be shared with consumers of other accounts."""
        self.counters.connected += connected - self._state.connected
        self._state.connected = connected

    def _note_held(self, messages: int) -> None:
        self.counters.in_flight += messages - self._state.held
        self._state.held = messages

    async def _note_subscribed(self) -> None:
        """Have it written down once; a database that is away is no reason to leave the broker."""
        if self._subscribed is not None:
            try:
                await self._subscribed()
            except errors.Unavailable as error:
                _log.warning("mqtt.session_not_noted", error=error.slug)
            else:
                self._subscribed = None

    async def _work(self, client: AcknowledgingClient, stop: asyncio.Event) -> None:
        """Run the parts of a connection until one fails or the service stops, and then finish what was taken."""
        stopping = asyncio.create_task(_until(stop), name="mqtt-stop")
        beats = _Heartbeat(client, self._address.keepalive, self.counters)
        parts = [
            stopping,
            asyncio.create_task(self._take(client, beats), name="mqtt-take"),
            asyncio.create_task(self._receipts.publish(client.tell), name="mqtt-receipts"),
            asyncio.create_task(beats.watch(), name="mqtt-heartbeat"),
            asyncio.create_task(client.lost(), name="mqtt-lost"),
        ]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if stopping in done:
                await self._drain(client)
            else:
                for task in done:
                    task.result()
        finally:
            # What is still under way cannot be acknowledged any more: the broker sends it again on the next connection.
            ended = [*parts, *self._state.tasks]
            for task in ended:
                task.cancel()
            await asyncio.gather(*ended, return_exceptions=True)

    async def _take(self, client: AcknowledgingClient, beats: "_Heartbeat") -> None:
        while True:
            for delivery in await client.batch(_BATCH):
                if delivery.topic == topics.HEARTBEAT:
                    beats.heard(delivery.payload)
                else:
                    self._begin(client, delivery)
            self._note_held(client.in_flight)
            self.counters.last_message_us = instants.now_us()

    def _begin(self, client: AcknowledgingClient, delivery: Delivery) -> None:
        task = asyncio.create_task(self._keep(client, delivery))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    async def _keep(self, client: AcknowledgingClient, delivery: Delivery) -> None:
        """Commit one message, however often it takes, and acknowledge it; give up when its connection is gone."""
        attempt = 0
        backoff = Backoff(self._backoff.first, _RETRY_MOST_SECONDS)
        while True:
            try:
                submission = self._receive(delivery)
                outcome = await self._submit(submission)
                break
            except (errors.Overloaded, errors.Unavailable) as error:
                self.counters.retries += 1
                if attempt == 0:
                    _log.warning("mqtt.not_kept_yet", topic=delivery.topic, error=error.slug)
            except Exception:  # noqa: BLE001 - the outermost loop of a message
                # A fault of our own must not lose the message, nor hold up those behind it.
                self.counters.failures += 1
                client.put_aside(delivery)
                _log.exception("mqtt.message_failed", topic=delivery.topic, attempt=attempt)
            await asyncio.sleep(backoff.seconds(attempt))
            attempt += 1
            if delivery.epoch != self._state.epoch:
                # The broker sends it again on the new connection.
                return
        client.acknowledge(delivery)
        self._note_held(client.in_flight)
        self._answer(delivery, submission, outcome)

    def _answer(self, delivery: Delivery, submission: Submission, outcome: Outcome) -> None:
        source = topics.parse(delivery.topic)
        if source is None:
            return
        try:
            self._receipts.add(source.station, submission.sha256, outcome)
            if self._kept is not None:
                self._kept(submission, outcome)
        except Exception:  # noqa: BLE001 - the message is kept and acknowledged; only its receipt is lost
            self.counters.receipts_lost += 1
            _log.exception("mqtt.receipt_failed", topic=delivery.topic)

    async def _drain(self, client: AcknowledgingClient) -> None:
        """Finish what was taken, for ten seconds at most; what is left stays with the broker."""
        for delivery in client.stop_reading():
            if delivery.topic != topics.HEARTBEAT:
                self._begin(client, delivery)
        if self._state.tasks:
            _, late = await asyncio.wait(self._state.tasks, timeout=_DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._receipts.flush(client.tell)
        _log.info("mqtt.drained", left_with_broker=client.in_flight)


class _Heartbeat:
    """Publishes to the consumer's own topic and gives the connection up when it does not come back."""

    def __init__(self, client: AcknowledgingClient, seconds: float, counters: Counters) -> None:
        self._client = client
        self._seconds = seconds
        self._counters = counters
        self._word = secrets.token_hex(8).encode()
        self._missed = 0

    def heard(self, payload: bytes) -> None:
        if payload == self._word:
            self._missed = 0

    async def watch(self) -> None:
        while True:
            self._client.tell(topics.HEARTBEAT, self._word)
            self._missed += 1
            await asyncio.sleep(self._seconds)
            if self._missed >= _PATIENCE:
                self._counters.silences += 1
                raise aiomqtt.MqttError(f"the broker delivered nothing in {_PATIENCE * self._seconds:.0f} s")


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
