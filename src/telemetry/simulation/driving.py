"""Runs stations: each measures at its pace, keeps what it measured, and sends oldest first until it is answered for."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import structlog

from telemetry.readings import Int64s
from telemetry.simulation import buffering, formats, ledger, network, pacing
from telemetry.simulation.buffering import Buffer, Entry
from telemetry.simulation.faults import Plan
from telemetry.simulation.ledger import Ledger
from telemetry.simulation.network import Habit, Station
from telemetry.simulation.pacing import Clock
from telemetry.simulation.packets import Bench, Packet
from telemetry.simulation.parcels import Acceptance, Answer, Parcel, Transport
from telemetry.simulation.tallying import Tally

_log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_DAY_US = 86_400_000_000
# Stations of a network do not answer a gateway's return all in the same moment.
_jitter = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Options:
    """How to run.

    rounds: cycles that each station measures, None for no end. backfill_us: how much history each station sends first.
    history_at_once: stations that send history at the same time. spread: seconds over which the first round is spread.
    """

    seed: int = 1
    plan: Plan = field(default_factory=lambda: Plan(1))
    rounds: int | None = None
    backfill_us: int = 0
    history_at_once: int = 6
    spread: float = 3.0


class Sender:
    """Sends parcels of one run: writes the ledger around every sending and counts."""

    def __init__(self, tally: Tally, book: Ledger | None = None) -> None:
        self.tally = tally
        self._book = book
        self._numbers = count(1)
        self._run = f"{time.time_ns():x}"
        self._writing: set[asyncio.Task[None]] = set()

    def operation(self) -> str:
        """A name for an operation that no other run gives."""
        return f"{self._run}-{next(self._numbers)}"

    async def send(self, transport: Transport, parcel: Parcel, attempt: int) -> Answer:
        """One sending. Its line is on disk before the bytes leave, and the answer's before the caller knows it."""
        if attempt == 0:
            self.tally.sent(parcel)
        if self._book is not None:
            first = attempt == 0
            await self._book.record(ledger.sent(parcel) if first else ledger.resent(parcel.operation))
        begun = time.monotonic()
        answer = await transport.send(parcel)
        self.tally.answered(answer, time.monotonic() - begun)
        if self._book is not None:
            await self._book.record(ledger.answered(parcel.operation, answer))
        return answer

    def receipted(self, operation: str, receipt: Mapping[str, Any]) -> None:
        """A receipt that came after its sending had ended."""
        self.tally.receipted(receipt)
        if self._book is not None:
            line = ledger.answered(operation, Answer(Acceptance.ACKED, "receipt", receipt=receipt))
            task = asyncio.create_task(self._book.record(line))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def settled(self) -> None:
        """Return when late receipts are in the ledger."""
        if self._writing:
            await asyncio.wait(self._writing)


class RunningStation:
    """One station: a clock, a buffer and a way out. One task runs it."""

    def __init__(
        self, station: Station, habit: Habit, transport: Transport, sender: Sender, clock: Clock, options: Options
    ) -> None:
        self.station = station
        self._habit = habit
        self._transport = transport
        self._sender = sender
        self._clock = clock
        self._options = options
        self._cadence_us = station.cadence_seconds * 1_000_000
        self._phase_us = int(network.phase_of(station.code) * self._cadence_us)
        self._bench = Bench(options.seed, options.plan, station)
        self._buffer = Buffer()
        self._rounds = 0
        self._attempts = 0
        # The first cycle is the last one whose moment is past: it goes at once, so that a newcomer sees data within
        # seconds, and the next ones of a network are spread over the cadence from the start.
        self._next_us = (clock.now_us() - self._phase_us) // self._cadence_us * self._cadence_us

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    @property
    def history_us(self) -> tuple[int, int]:
        """Begin and end of the time before the first cycle that is to be filled."""
        first = self._next_us - self._options.backfill_us
        return -(-first // self._cadence_us) * self._cadence_us, self._next_us

    def fill_history(self, kept: frozenset[int] = frozenset()) -> None:
        """Put the time before the first cycle into the buffer, a day to a message, without the cycles that are kept."""
        start, end = self.history_us
        for begin in range(start, end, _DAY_US):
            times = np.arange(begin, min(begin + _DAY_US, end), self._cadence_us, dtype=np.int64)
            missing = times[[time_us not in kept for time_us in times.tolist()]]
            if len(missing):
                self._buffer.put(0, int(missing[0]), partial(self._history, missing), history=True)

    async def run(self, stop: asyncio.Event, history: asyncio.Semaphore) -> None:
        """Measure and send until told to stop, or until all rounds are measured and answered for."""
        await pacing.sleep(stop, network.phase_of(self.station.code) * self._options.spread)
        while not stop.is_set():
            self._measure()
            entry = self._buffer.due(self._clock.now_us())
            if entry is not None:
                await self._deliver(entry, stop, history)
            elif self._done_measuring and not self.buffered:
                return
            else:
                await pacing.sleep(stop, self._pause())

    async def drain(self, stop: asyncio.Event, history: asyncio.Semaphore) -> None:
        """Send what may be sent now, until the buffer holds nothing that is due."""
        while not stop.is_set():
            entry = self._buffer.due(self._clock.now_us())
            if entry is None:
                return
            await self._deliver(entry, stop, history)

    @property
    def _done_measuring(self) -> bool:
        return self._options.rounds is not None and self._rounds >= self._options.rounds

    def _measure(self) -> None:
        """Put every cycle that is over into the buffer; the station sends it at its own moment of the next cycle."""
        now_us = self._clock.now_us()
        while not self._done_measuring and self._moment_us <= now_us:
            packet = self._bench.single(self._next_us)
            for way in buffering.ways(self._bench.outlook, packet, self._moment_us):
                self._buffer.put(way.release_us, way.packet.cycle_us, partial(self._pack, way.packet, way.spoiled))
            self._next_us += self._cadence_us
            self._rounds += 1

    @property
    def _moment_us(self) -> int:
        return self._next_us + self._phase_us

    def _pause(self) -> float:
        moments = [] if self._done_measuring else [self._moment_us]
        upcoming = self._buffer.next_us()
        if upcoming is not None:
            moments.append(upcoming)
        return max(self._clock.seconds_until(min(moments)), 0.001)

    async def _deliver(self, entry: Entry, stop: asyncio.Event, history: asyncio.Semaphore) -> None:
        """Send one entry; it leaves the buffer when it was kept or refused, and stays when nothing is known."""
        parcel = entry.packed()
        if entry.history:
            async with history:
                answer = await self._sender.send(self._transport, parcel, entry.attempts)
        else:
            answer = await self._sender.send(self._transport, parcel, entry.attempts)
        entry.attempts += 1
        if answer.acceptance is not Acceptance.UNKNOWN:
            self._attempts = 0
            self._buffer.remove(entry)
            if answer.acceptance is Acceptance.REFUSED:
                _log.warning("station.refused", station=self.station.code, detail=answer.detail)
            return
        pause = backoff(self._attempts, answer.retry_after)
        self._attempts += 1
        _log.debug("station.resends", station=self.station.code, detail=answer.detail, pause=round(pause, 2))
        await pacing.sleep(stop, pause)

    def _pack(self, packet: Packet, spoiled: bool) -> Parcel:
        return formats.packed(packet, self._habit, self._sender.operation(), spoiled=spoiled)

    def _history(self, times: Int64s) -> Parcel:
        return formats.packed_history(self._bench.history(times), self._habit.wire, self._sender.operation())


def backoff(attempts: int, retry_after: float | None) -> float:
    """Seconds until the next sending: doubling, jittered, never sooner than the server asked."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts, 10))
    return max(longest * _jitter.uniform(0.5, 1.0), (retry_after or 0.0) * _jitter.uniform(1.0, 1.3))


async def run(
    stations: list[RunningStation],
    stop: asyncio.Event,
    *,
    options: Options,
    drain_seconds: float = 10.0,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Run all stations; after `stop` each tries for `drain_seconds` to send what is due."""
    history = asyncio.Semaphore(options.history_at_once)
    if on_start is not None:
        on_start()
    async with asyncio.TaskGroup() as group:
        for station in stations:
            group.create_task(station.run(stop, history), name=f"station-{station.station.code}")
    never = asyncio.Event()
    try:
        async with asyncio.timeout(drain_seconds):
            await asyncio.gather(*(station.drain(never, history) for station in stations))
    except TimeoutError:
        left = sum(station.buffered for station in stations)
        _log.warning("stations.undelivered", messages=left)
