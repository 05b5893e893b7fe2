"""The stations' clock runs as fast as asked, never ahead of real time, and durations are read from text."""

import asyncio
import time

import pytest

from telemetry.simulation import pacing
from telemetry.simulation.pacing import Clock

SECOND_US = 1_000_000


class Hands:
    """Real and steady time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def real_us(self) -> int:
        return int(self.seconds * SECOND_US)

    def steady(self) -> float:
        return self.seconds


def test_real_pace_is_real_time() -> None:
    hands = Hands()
    clock = Clock(real_us=hands.real_us, steady=hands.steady)
    hands.seconds += 5
    assert clock.now_us() == hands.real_us()
    assert clock.seconds_until(hands.real_us() + 3 * SECOND_US) == pytest.approx(3)


def test_a_faster_clock_begins_in_the_past_and_catches_up() -> None:
    hands = Hands()
    clock = Clock(60, hands.real_us() - 600 * SECOND_US, hands.real_us, hands.steady)
    assert clock.now_us() == 400 * SECOND_US
    hands.seconds += 1
    assert clock.now_us() == 460 * SECOND_US
    assert clock.seconds_until(520 * SECOND_US) == pytest.approx(1)
    hands.seconds += 100
    assert clock.now_us() == hands.real_us()


def test_a_clock_does_not_sleep_longer_than_half_a_minute() -> None:
    hands = Hands()
    clock = Clock(real_us=hands.real_us, steady=hands.steady)
    assert clock.seconds_until(hands.real_us() + 4_000 * SECOND_US) == 30.0
    assert clock.seconds_until(0) == 0.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5h", 5400), ("30m", 1800), ("3d", 259_200), ("-45m", -2700)]
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert pacing.duration_us(text) == seconds * SECOND_US


@pytest.mark.parametrize("text", ["", "90", "1 week", "s", "1h30m"])
def test_other_durations_are_not(text: str) -> None:
    with pytest.raises(ValueError, match="90s, 30m, 2h, 3d"):
        pacing.duration_us(text)


async def test_a_sleeper_wakes_when_it_is_time_to_stop() -> None:
    stop = asyncio.Event()
    begun = time.monotonic()
    asyncio.get_running_loop().call_later(0.02, stop.set)
    await pacing.sleep(stop, 30)
    assert time.monotonic() - begun < 5
