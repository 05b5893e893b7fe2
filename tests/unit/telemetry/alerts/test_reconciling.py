"""Which alert an episode is, what becomes of the others, and the spans that moments and gaps make."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from telemetry.alerts.evaluation import averages, moments, silences, surveys
from telemetry.alerts.evaluation.episode_store import Period
from telemetry.alerts.evaluation.reconciling import match
from telemetry.alerts.evaluation.survey_store import Sent
from telemetry.alerts.kinds import Kind
from telemetry.alerts.rules import book as rules

MINUTE = 60 * 10**6


@dataclass(frozen=True)
class Extent:
    raised_us: int
    last_us: int
    cleared_us: int | None
    id: int = 0
    is_open: bool = False


def alert(number: int, raised: int, last: int, cleared: int | None) -> Extent:
    return Extent(raised, last, cleared, number, cleared is None)


def episode(raised: int, last: int, cleared: int | None) -> Extent:
    return Extent(raised, last, cleared)


def matched(standing: list[Extent], episodes: list[Extent], clear: int = 0) -> tuple[list[Any], list[Any], list[int]]:
    found = match(standing, episodes, clear)
    pairs = [(None if one is None else one.id, other.raised_us) for one, other in found.pairs]
    return pairs, [(one.id, into.id) for one, into in found.merged], [one.id for one in found.withdrawn]


def test_an_episode_that_grew_is_the_same_alert() -> None:
    assert matched([alert(1, 10, 20, None)], [episode(10, 40, 45)]) == ([(1, 10)], [], [])
    assert matched([alert(1, 10, 20, 25)], [episode(5, 40, None)]) == ([(1, 5)], [], [])


def test_an_episode_apart_from_all_alerts_is_a_new_one() -> None:
    assert matched([alert(1, 10, 20, 25)], [episode(10, 20, 25), episode(26, 30, None)]) == (
        [(1, 10), (None, 26)],
        [],
        [],
    )


def test_within_the_clear_delay_it_is_the_same_alert() -> None:
    assert matched([alert(1, 10, 20, 25)], [episode(30, 40, None)], clear=5)[0] == [(1, 30)]
    assert matched([alert(1, 10, 20, 25)], [episode(31, 40, None)], clear=5) == ([(None, 31)], [], [1])


def test_of_alerts_that_became_one_the_open_one_stays() -> None:
    standing = [alert(1, 10, 20, 25), alert(2, 40, 50, None)]
    assert matched(standing, [episode(10, 60, None)]) == ([(2, 10)], [(1, 2)], [])
    closed = [alert(2, 40, 50, 55), alert(1, 10, 20, 25)]
    assert matched(closed, [episode(10, 60, 65)]) == ([(1, 10)], [(2, 1)], [])


def test_an_alert_that_was_split_is_the_part_that_begins_with_it() -> None:
    assert matched([alert(1, 10, 60, None)], [episode(10, 20, 25), episode(40, 60, None)])[0] == [(1, 10), (None, 40)]


def test_an_alert_that_nothing_shows_any_more_never_was() -> None:
    assert matched([alert(1, 10, 20, 25)], []) == ([], [], [1])


def test_moments_are_one_episode_while_they_come_no_further_apart_than_the_delay() -> None:
    found = moments.episodes([(0, 1), (30, 2), (61, 1)], 30, 200, lambda chain: {"count": sum(n for _, n in chain)})
    assert [(one.raised_us, one.last_us, one.cleared_us, one.detail["count"]) for one in found] == [
        (0, 30, 60, 3),
        (61, 61, 91, 1),
    ]


def test_moments_end_when_the_clock_has_passed_the_delay() -> None:
    assert moments.episodes([(0, 1)], 30, 30, lambda _: {})[0].cleared_us is None
    assert moments.episodes([(0, 1)], 30, 31, lambda _: {})[0].cleared_us == 30


@pytest.mark.parametrize(("silent", "found"), [(20, 0), (21, 1)])
def test_a_gap_of_cadence_and_grace_is_no_outage_and_a_longer_one_is(silent: int, found: int) -> None:
    times = np.array([0, silent], np.int64) * MINUTE
    assert len(silences.gaps(times, 5 * MINUTE, 15 * MINUTE, None)) == found
    assert len(silences.gaps(times[:1], 5 * MINUTE, 15 * MINUTE, silent * MINUTE)) == found


def test_an_outage_begins_with_the_first_reading_that_did_not_come() -> None:
    [gap] = silences.gaps(np.array([0, 60], np.int64) * MINUTE, 5 * MINUTE, 15 * MINUTE, None)
    assert (gap.raised_us, gap.cleared_us, gap.due_us) == (5 * MINUTE, 60 * MINUTE, 20 * MINUTE)
    assert gap.detail["seconds"] == 55 * 60


def period(start: int, end: int, verdict: str, window: str = "1h", mean: float = 60.0) -> Period:
    return Period(start, 1, window, start, end, verdict, mean, None, 50.0, "mg/l", 12, 12)


def test_exceeded_periods_that_follow_each_other_are_one_span() -> None:
    periods = [period(0, 1, "exceeded"), period(1, 2, "exceeded", mean=75.0), period(2, 3, "compliant")]
    [found] = averages.together(periods)
    assert (found.raised_us, found.last_us, found.due_us, found.cleared_us, found.settled_us) == (0, 2, 1, 2, 3)
    assert (found.detail["mean"], found.detail["excess"], found.detail["count"]) == (75.0, 0.5, 2)


def test_a_period_that_cannot_be_judged_ends_no_span() -> None:
    periods = [period(0, 1, "exceeded"), period(1, 2, "insufficient-data")]
    assert averages.together(periods)[0].cleared_us is None
    assert len(averages.together([*periods, period(2, 3, "exceeded")])) == 1


def test_windows_that_overlap_are_one_span_and_open_while_one_is() -> None:
    periods = [
        period(3, 4, "exceeded"),
        period(4, 5, "compliant"),
        period(0, 24, "exceeded", "24h"),
        period(30, 31, "exceeded"),
        period(31, 32, "compliant"),
    ]
    periods.sort(key=lambda one: (one.window, one.start_us))
    [found] = averages.together(periods)
    assert (found.raised_us, found.cleared_us) == (0, None)
    periods.append(period(24, 48, "compliant", "24h"))
    assert [(one.raised_us, one.cleared_us) for one in averages.together(periods)] == [(0, 24), (30, 31)]


def test_no_exceeded_period_is_no_span() -> None:
    assert averages.together([period(0, 1, "compliant"), period(1, 2, "cannot-be-judged")]) == []


SKEW = rules.book(rules.defaults(), []).effective(Kind.CLOCK_SKEW)


def lags(*seconds: float) -> list[Sent]:
    return [Sent(at * MINUTE, lag) for at, lag in enumerate(seconds)]


def test_the_median_of_live_submissions_tells_how_far_a_clock_is_off() -> None:
    assert surveys.skew(lags(121, 121, 121, 0), SKEW) is None
    off = surveys.skew(lags(0, 121, 121, 0, 121), SKEW)
    assert off is not None
    assert (off.since_us, off.detail["seconds"], off.detail["direction"]) == (4 * MINUTE, 121, "behind")
    right = surveys.skew(lags(120, 120, 120, 500, 500), SKEW)
    assert right is not None
    assert right.since_us is None
    # What is an hour old when it arrives is late data.
    late = surveys.skew(lags(0, 0, 9_000, 9_000, 9_000, 0, 0, 0), SKEW)
    assert late is not None
    assert late.since_us is None
    assert surveys.skew(lags(-300, -300, -300, -300, -300), SKEW).detail["direction"] == "ahead"  # type: ignore[union-attr]  # five are enough
