"""Rates and what was tried in vain, against a clock that the tests turn."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.rates import Failures, Rate


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_whole_allowance_may_come_at_once_and_then_one_step_at_a_time(clock: Clock) -> None:
    rate = Rate(30, clock)
    assert [rate.take("a") for _ in range(31)] == [0] * 30 + [2]
    assert rate.wait("a") == 2
    clock.now += 2
    assert (rate.take("a"), rate.take("a")) == (0, 2)
    clock.now += 60
    assert [rate.take("a") for _ in range(31)] == [0] * 30 + [2]


def test_a_refusal_makes_nobody_wait_longer(clock: Clock) -> None:
    rate = Rate(60, clock)
    waits = [rate.take("a") for _ in range(1000)]
    assert (waits[:60], set(waits[60:])) == ([0] * 60, {1})
    clock.now += 1
    assert rate.take("a") == 0


def test_names_do_not_share_an_allowance(clock: Clock) -> None:
    rate = Rate(1, clock)
    assert (rate.take("a"), rate.take("b"), rate.take("a", "b"), rate.take("ab")) == (0, 0, 0, 0)
    assert (rate.take("a"), rate.take("b")) == (60, 60)


def test_no_limit_counts_nothing(clock: Clock) -> None:
    rate = Rate(0, clock)
    assert {rate.take("a") for _ in range(1000)} == {0}
    assert (rate.wait("a"), len(rate)) == (0, 0)


def test_the_table_is_bounded_and_drops_those_not_heard_longest(clock: Clock) -> None:
    rate = Rate(1, clock, most_names=100)
    assert rate.take("first") == 0
    for number in range(99):
        assert rate.take(f"n{number}") == 0
    clock.now += 61
    assert rate.take("first") == 0
    for number in range(99, 150):
        rate.take(f"n{number}" * 1000)
    assert len(rate) == 100
    assert rate.wait("first") > 0
    assert rate.wait("n0") == 0


@settings(deadline=None, max_examples=60)
@given(some.lists(some.floats(0, 5), min_size=1, max_size=200), some.integers(1, 600))
def test_no_minute_has_more_than_two_allowances(pauses: list[float], per_minute: int) -> None:
    clock = Clock()
    rate = Rate(per_minute, clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        if rate.take("a") == 0:
            taken.append(clock.now)
    for start in taken:
        assert sum(start <= time < start + 60 for time in taken) <= 2 * per_minute


@settings(deadline=None, max_examples=60)
@given(some.integers(1, 600), some.integers(0, 50))
def test_who_waits_as_told_is_let_in(per_minute: int, tries: int) -> None:
    clock = Clock()
    rate = Rate(per_minute, clock)
    for _ in range(per_minute + tries):
        rate.take("a")
    clock.now += rate.wait("a")
    assert rate.take("a") == 0


def test_an_address_that_guesses_waits_whatever_name_it_tries(clock: Clock) -> None:
    failures = Failures(10, 5, clock)
    for number in range(10):
        assert failures.failed("1.1.1.1", f"name{number}") == 0
    assert failures.failed("1.1.1.1", "another") > 0
    assert failures.wait("1.1.1.1", "yet another", guessable=False) > 0
    assert failures.wait("2.2.2.2", "another", guessable=True) == 0


def test_a_name_that_is_attacked_from_many_addresses_slows_down_for_all_of_them(clock: Clock) -> None:
    failures = Failures(10, 5, clock)
    answers = [failures.failed(f"1.1.1.{number}", "victim") for number in range(8)]
    assert answers == [0] * 5 + [12] * 3
    assert failures.wait("9.9.9.9", "victim", guessable=True) == 12


def test_a_secret_that_cannot_be_guessed_is_looked_at_whatever_others_tried(clock: Clock) -> None:
    failures = Failures(10, 5, clock)
    for number in range(100):
        failures.failed(f"1.1.1.{number}", "st_aaaaaaaa")
    assert failures.wait("9.9.9.9", "st_aaaaaaaa", guessable=False) == 0


def test_an_owner_is_not_kept_out_of_where_the_name_was_right_before(clock: Clock) -> None:
    failures = Failures(10, 5, clock)
    failures.succeeded("9.9.9.9", "victim")
    for number in range(100):
        failures.failed(f"1.1.1.{number}", "victim")
    assert failures.wait("9.9.9.9", "victim", guessable=True) == 0


def test_a_neighbour_behind_the_same_address_cannot_guess_without_end(clock: Clock) -> None:
    failures = Failures(1000, 5, clock)
    failures.succeeded("9.9.9.9", "victim")
    for _ in range(5):
        assert failures.wait("9.9.9.9", "victim", guessable=True) == 0
        failures.failed("9.9.9.9", "victim")
    assert failures.wait("9.9.9.9", "victim", guessable=True) == 12


def test_the_places_that_are_remembered_are_bounded(clock: Clock) -> None:
    failures = Failures(10, 1, clock, most_names=3)
    for number in range(5):
        failures.succeeded(f"1.1.1.{number}", "victim")
    failures.failed("8.8.8.8", "victim")
    waits = [failures.wait(f"1.1.1.{number}", "victim", guessable=True) for number in range(5)]
    assert [seconds > 0 for seconds in waits] == [True, True, False, False, False]


def test_the_answer_is_the_same_for_any_name(clock: Clock) -> None:
    one, other = Failures(10, 5, clock), Failures(10, 5, clock)
    assert [one.failed("1.1.1.1", "there") for _ in range(20)] == [
        other.failed("1.1.1.1", "not there") for _ in range(20)
    ]
