"""When a delivery is tried again: the schedule, what receivers ask for, and peace for those that fail."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.hooks.webhooks import scheduling
from telemetry.hooks.webhooks.scheduling import SCHEDULE, Breaker

NOW = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)


def test_the_schedule_is_that_of_the_specification() -> None:
    since_start = [0.0]
    for attempt in range(1, len(SCHEDULE) + 1):
        wait = scheduling.delay(SCHEDULE, attempt, None, chance=lambda: 0)
        assert wait is not None
        since_start.append(since_start[-1] + wait)
    hours = [f"{int(s) // 3600:02}:{int(s) // 60 % 60:02}:{int(s) % 60:02}" for s in since_start]
    assert hours == [
        "00:00:00",
        "00:00:05",
        "00:05:05",
        "00:35:05",
        "02:35:05",
        "07:35:05",
        "17:35:05",
        "31:35:05",
        "51:35:05",
        "75:35:05",
    ]


def test_after_the_last_attempt_there_is_no_other() -> None:
    assert scheduling.delay(SCHEDULE, len(SCHEDULE) + 1, None) is None
    assert scheduling.delay(SCHEDULE, len(SCHEDULE) + 1, 5) is None


@given(st.integers(1, len(SCHEDULE)), st.floats(0, 1, exclude_max=True))
def test_chance_makes_a_wait_longer_by_a_fifth_at_most(attempt: int, chance: float) -> None:
    wait = scheduling.delay(SCHEDULE, attempt, None, chance=lambda: chance)
    assert wait is not None
    assert SCHEDULE[attempt - 1] <= wait <= SCHEDULE[attempt - 1] * 1.2


def test_waits_differ_by_chance() -> None:
    assert len({scheduling.delay(SCHEDULE, 2, None) for _ in range(20)}) > 1


def test_a_receiver_may_ask_for_more_time_but_not_for_less_nor_for_ever() -> None:
    assert scheduling.delay(SCHEDULE, 1, 60, chance=lambda: 0) == 60
    assert scheduling.delay(SCHEDULE, 2, 1, chance=lambda: 0) == 300
    assert scheduling.delay(SCHEDULE, 1, 10**9, chance=lambda: 0) == scheduling.LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 23 Nov 2026 08:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 08:01:00 -0000", 60.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("١٢", None),
        ("9" * 400, 9_999_999_999.0),
        ("Mon, 99 Nov 2026 08:01:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(header: str | None, seconds: float | None) -> None:
    assert scheduling.retry_after(header, NOW) == seconds


def test_the_breaker_opens_after_some_failures_each_time_for_longer() -> None:
    breaker = Breaker(failures=3, first_seconds=10, longest_seconds=60)
    assert [breaker.pause(failures) for failures in range(8)] == [0, 0, 0, 10, 20, 40, 60, 60]
    assert breaker.pause(10**6) == 60
