"""A station keeps what it measured until it is answered for, sends oldest first, and says the same bytes again."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from telemetry.simulation import driving, faults, ledger
from telemetry.simulation.buffering import Buffer
from telemetry.simulation.driving import Options, RunningStation, Sender
from telemetry.simulation.faults import Plan
from telemetry.simulation.ledger import Answered, Ledger, Resent, Sent
from telemetry.simulation.network import Format, Habit, Wire
from telemetry.simulation.pacing import Clock
from telemetry.simulation.parcels import Acceptance, Answer, Parcel
from telemetry.simulation.tallying import Tally
from tests.fixtures.networks import plant

START_US = 1_791_133_200_000_000
# A station whose moment in the cycle is still to come begins with the cycle before.
FIRST_US = START_US - 300_000_000
HOUR_US = 3_600_000_000
ACKED = Answer(Acceptance.ACKED, "http", "200", {"receipt": 1, "counts": {"stored": 4}, "readings": []})
REFUSED = Answer(Acceptance.REFUSED, "http", "422")
UNKNOWN = Answer(Acceptance.UNKNOWN, "http", "503")


@dataclass
class Script:
    """A way out that answers as it is told: first the given answers, then yes."""

    answers: list[Answer] = field(default_factory=list)
    seen: list[Parcel] = field(default_factory=list)

    async def send(self, parcel: Parcel) -> Answer:
        await asyncio.sleep(0)
        self.seen.append(parcel)
        return self.answers.pop(0) if self.answers else ACKED

    async def close(self) -> None:
        pass

    @property
    def times(self) -> list[int]:
        return [time_us for parcel in self.seen for time_us in [parcel.readings[0].time_us] if isinstance(time_us, int)]


def station(
    script: Script, *texts: str, rounds: int = 12, book: Ledger | None = None, days: float = 0
) -> RunningStation:
    """A station whose clock is an hour before now and so fast that all rounds are due at once."""
    plan = Plan(1, tuple(fault for text in texts for fault in faults.parse(text)))
    options = Options(plan=plan, rounds=rounds, backfill_us=int(days * 24 * HOUR_US), spread=0.0)
    begun, made = time.monotonic(), None
    # It stands still while the station is made: a millisecond is more than a minute of it.
    steady = lambda: begun if made is None else time.monotonic()  # noqa: E731 - sees `made` change
    clock = Clock(100_000, START_US, real_us=lambda: START_US + 400 * HOUR_US, steady=steady)
    made = RunningStation(plant(), Habit(Wire.HTTP, Format.JSON), script, Sender(Tally(), book), clock, options)
    if days:
        made.fill_history()
    return made


async def run(running: RunningStation) -> None:
    async with asyncio.timeout(20):
        await driving.run([running], asyncio.Event(), options=Options())


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "_FIRST_PAUSE", 0.001)


async def test_every_round_is_sent_once_in_the_order_of_time() -> None:
    script = Script()
    await run(station(script))
    assert script.times == [FIRST_US + cycle * 300_000_000 for cycle in range(12)]
    assert len({parcel.operation for parcel in script.seen}) == 12


async def test_what_was_not_answered_goes_again_with_the_same_bytes_before_anything_newer() -> None:
    script = Script([ACKED, UNKNOWN, UNKNOWN, ACKED])
    running = station(script, rounds=4)
    await run(running)
    first, second, third, fourth, *_ = script.seen
    assert second == third == fourth
    assert second.operation != first.operation
    assert script.times == sorted(script.times)
    assert len(script.seen) == 6
    assert running.buffered == 0


async def test_a_refused_packet_is_not_sent_again() -> None:
    script = Script([REFUSED])
    await run(station(script, rounds=3))
    assert len(script.seen) == 3


async def test_an_outage_is_followed_by_its_backlog_oldest_first() -> None:
    script = Script()
    await run(station(script, "outage:rate=1,for=1h", rounds=24))
    assert sorted(script.times) == script.times
    assert len(script.seen) == 24


async def test_late_and_swapped_packets_arrive_after_newer_ones() -> None:
    script = Script()
    await run(station(script, "late:rate=0.3,by=20m", rounds=60))
    assert script.times != sorted(script.times)
    assert sorted(script.times) == [FIRST_US + cycle * 300_000_000 for cycle in range(60)]


async def test_history_leaves_a_station_in_messages_of_a_day_after_what_is_live() -> None:
    script = Script()
    running = station(script, rounds=1, days=2.5)
    await run(running)
    live, *history = script.seen
    assert live.readings[0].time_us == FIRST_US
    times = [sorted(set(parcel.readings[0].time_us.tolist())) for parcel in history]  # type: ignore[union-attr] # columns
    assert [len(each) for each in times] == [288, 288, 144]
    assert times[0][0] == FIRST_US - 60 * HOUR_US
    assert times[-1][-1] == FIRST_US - 300_000_000


async def test_history_leaves_out_what_is_kept() -> None:
    script = Script()
    running = station(script, rounds=0)
    running._options = Options(rounds=0, backfill_us=24 * HOUR_US)
    begin, end = running.history_us
    kept = frozenset(range(begin, end, 300_000_000)) - {begin + 600_000_000, end - 300_000_000}
    running.fill_history(kept)
    await run(running)
    (parcel,) = script.seen
    assert sorted(set(parcel.readings[0].time_us.tolist())) == [begin + 600_000_000, end - 300_000_000]  # type: ignore[union-attr] # columns


async def test_the_ledger_has_a_line_before_and_after_each_sending(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    script = Script([UNKNOWN])
    async with Ledger(path) as book:
        await run(station(script, rounds=2, book=book))
    kinds = [type(line) for line in ledger.read(path)]
    assert kinds == [Sent, Answered, Resent, Answered, Sent, Answered]
    assert [line.acceptance for line in ledger.read(path) if isinstance(line, Answered)] == [
        "unknown",
        "acked",
        "acked",
    ]


async def test_a_station_that_is_told_to_stop_stops_and_keeps_what_is_left() -> None:
    full, stop = asyncio.Event(), asyncio.Event()

    class Wall(Script):
        async def send(self, parcel: Parcel) -> Answer:
            await super().send(parcel)
            # The station measures what is over before each sending.
            if len(self.seen) >= 3 and running.buffered == 5:
                full.set()
            return UNKNOWN

    running = station(Wall(), rounds=5)
    task = asyncio.create_task(driving.run([running], stop, options=Options(), drain_seconds=0.05))
    async with asyncio.timeout(10):
        await full.wait()
        stop.set()
        await task
    assert running.buffered == 5


@pytest.mark.parametrize(
    ("attempts", "asked", "least", "most"), [(0, None, 0.0005, 0.001), (30, None, 0.5, 1.1), (0, 7.0, 7.0, 9.1)]
)
def test_pauses_grow_and_are_never_shorter_than_asked(
    attempts: int, asked: float | None, least: float, most: float
) -> None:
    pauses = [driving.backoff(attempts, asked) for _ in range(200)]
    assert least <= min(pauses) <= max(pauses) <= most
    assert len(set(pauses)) > 100


def released(buffer: Buffer, now_us: int) -> list[int]:
    found = []
    while (entry := buffer.due(now_us)) is not None:
        found.append(entry.cycle_us)
        buffer.remove(entry)
    return found


def unpacked() -> Parcel:
    raise AssertionError("nothing is packed before it is sent")


def test_a_buffer_gives_what_is_due_oldest_first_and_history_last() -> None:
    buffer = Buffer()
    entries: Sequence[tuple[int, int, bool]] = [
        (5, 3, False),
        (0, 1, True),
        (5, 2, False),
        (90, 4, False),
        (0, 0, True),
    ]
    for release, cycle, history in entries:
        buffer.put(release, cycle, unpacked, history=history)
    assert buffer.next_us() == 0
    assert released(buffer, 10) == [2, 3, 0, 1]
    assert len(buffer) == 1
    assert released(buffer, 100) == [4]
    assert buffer.next_us() is None
