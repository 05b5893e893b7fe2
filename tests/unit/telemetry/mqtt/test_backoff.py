"""Pauses between attempts."""

from telemetry.mqtt.consuming import Backoff


def test_pauses_grow_from_half_a_second_to_half_a_minute_with_jitter() -> None:
    backoff = Backoff()
    for attempt, ceiling in enumerate([0.5, 1, 2, 4, 8, 16, 30, 30, 30]):
        seconds = {backoff.seconds(attempt) for _ in range(200)}
        assert ceiling / 2 <= min(seconds)
        assert max(seconds) <= ceiling
        assert len(seconds) > 100


def test_a_long_outage_does_not_overflow() -> None:
    assert Backoff().seconds(10**9) <= 30
