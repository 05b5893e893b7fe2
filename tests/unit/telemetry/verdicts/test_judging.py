"""From averages to verdicts, and from verdicts to what changed."""

import numpy as np
import pytest

from telemetry.verdicts import correcting, judging, reconciling
from telemetry.verdicts.averaging import UNKNOWN, Means, Rows
from telemetry.verdicts.book import Book, Policy, Stream
from telemetry.verdicts.holding import Limit
from telemetry.verdicts.planning import Periods
from telemetry.verdicts.reconciling import Derived, Standing
from telemetry.verdicts.windows import HOUR_US

_NAN = float("nan")


def means(mean: float = 10.0, covered: int = 12, valid: int = 12) -> Means:
    return Means(
        received_n=np.array([12]),
        valid_n=np.array([valid]),
        covered_n=np.array([covered]),
        mean=np.array([mean]),
        low=np.array([mean]),
        low_us=np.array([5]),
        high=np.array([mean]),
        high_us=np.array([7]),
        first_receipt=np.array([1]),
        last_receipt=np.array([2]),
    )


@pytest.mark.parametrize(
    ("mean", "covered", "measured", "bounds", "hindrance", "verdict", "reason"),
    [
        (10.0, 12, 12, (_NAN, 10.0), 0, "compliant", None),
        (10.1, 12, 12, (_NAN, 10.0), 0, "exceeded", None),
        (10.1, 12, 12, (10.2, _NAN), 0, "exceeded", None),
        (10.1, 12, 12, (5.0, 11.0), 0, "compliant", None),
        (10.1, 12, 12, (5.0, 10.0), 0, "exceeded", None),
        (99.0, 8, 8, (_NAN, 10.0), 0, "insufficient-data", None),
        (99.0, 9, 9, (_NAN, 10.0), 0, "exceeded", None),
        (99.0, 8, 12, (_NAN, 10.0), 0, "cannot-be-judged", "oxygen-undefined"),
        (99.0, 0, 8, (_NAN, 10.0), 0, "insufficient-data", None),
        (99.0, 12, 12, (_NAN, 10.0), judging.NO_OXYGEN, "cannot-be-judged", "no-oxygen-datastream"),
        (99.0, 0, 0, (_NAN, 10.0), judging.CONVERSION_UNKNOWN, "cannot-be-judged", "conversion-unknown"),
    ],
)
def test_a_verdict_follows_from_mean_share_and_bounds(
    mean: float,
    covered: int,
    measured: int,
    bounds: tuple[float, float],
    hindrance: int,
    verdict: str,
    reason: str | None,
) -> None:
    found = judging.judged(
        means(mean, covered),
        np.array([measured]),
        np.array([12]),
        np.array([0.75]),
        (np.array([bounds[0]]), np.array([bounds[1]])),
        np.array([hindrance], np.int8),
    )
    assert judging.VERDICTS[found.verdict[0]] == verdict
    assert judging.REASONS[found.reason[0]] == reason
    numbers = (found.means.mean[0], found.means.low[0], found.means.high[0])
    assert np.isnan(numbers).all() == (verdict == "cannot-be-judged")
    assert (found.means.low_us[0] == UNKNOWN) == (verdict == "cannot-be-judged")


def test_a_share_that_floats_do_not_hold_exactly_is_reached() -> None:
    found = judging.judged(
        means(covered=7),
        np.array([7]),
        np.array([10]),
        np.array([0.7]),
        (np.array([_NAN]), np.array([20.0])),
        np.zeros(1, np.int8),
    )
    assert judging.VERDICTS[found.verdict[0]] == "compliant"


def test_every_verdict_and_reason_has_a_meaning() -> None:
    names = {*judging.VERDICTS, *(reason for reason in judging.REASONS if reason)}
    assert names == set(judging.LEGEND)


def test_oxygen_of_another_station_corrects_nothing() -> None:
    rows = Rows(np.array([1, 2]), np.array([60, 60]), np.array([10.0, 10.0]), np.ones(2, np.bool_), np.array([1, 1]))
    oxygen = Rows(np.array([8]), np.array([60]), np.array([13.95]), np.ones(1, np.bool_), np.array([1]))
    found = correcting.corrected(rows, oxygen, {1: 8, 2: 9}, 7.0)
    assert found.valid.tolist() == [True, False]
    assert found.result[0] == pytest.approx(20.0)


# What changed.

_STREAM = Stream(1, 1, "wastewater", "COD", "mg/l", 300 * 10**6, active=True, oxygen_stream=0)
_LIMIT = Limit(4, 40, 1, "1h", True, None, None, 20.0, None, None, 0, 2**60)


def book(*, active: bool = True) -> Book:
    stream = Stream(1, 1, "wastewater", "COD", "mg/l", 300 * 10**6, active=active, oxygen_stream=0)
    return Book(1, {1: stream}, [_LIMIT], {}, {})


def derived(found: Means) -> Derived:
    periods = asked()
    policy = Policy(1, None, None, "1h", 0.75, 1)
    return Derived(periods, np.zeros(1, np.int8), np.zeros(1, np.int8), found, np.array([12]), [policy])


def asked() -> Periods:
    one = np.array([1], np.int64)
    return Periods(one, one * 0, one * 9 * HOUR_US, one * 10 * HOUR_US, one * 0, np.zeros(1, np.bool_))


def standing(**members: object) -> Standing:
    same: dict[str, object] = {
        "id": 77,
        "datastream_id": 1,
        "window": 0,
        "start_us": 9 * HOUR_US,
        "verdict": 0,
        "reason": 0,
        "limit_id": 4,
        "unit": None,
        "oxygen_reference": _NAN,
        "lower": _NAN,
        "upper": 20.0,
        "split": False,
        "mean": 10.0,
        "low": 10.0,
        "low_us": 5,
        "high": 10.0,
        "high_us": 7,
        "valid_n": 12,
        "received_n": 12,
        "expected_n": 12,
    }
    return Standing(**{name: np.array([value]) for name, value in (same | members).items()})


def test_the_same_again_changes_nothing() -> None:
    found = reconciling.difference(book(), asked(), derived(means()), standing())
    assert [len(places) for places in (found.new, found.changed, found.replaced, found.withdrawn)] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "was",
    [
        {"verdict": 1},
        {"reason": 1},
        {"limit_id": 5},
        {"upper": 21.0},
        {"upper": _NAN},
        {"unit": "g/l"},
        {"oxygen_reference": 7.0},
        {"split": True},
        {"mean": 10.1},
        {"mean": _NAN},
        {"low_us": 6},
        {"high": 11.0},
        {"valid_n": 11},
        {"received_n": 13},
        {"expected_n": 60},
    ],
    ids=str,
)
def test_whatever_counts_makes_it_another_verdict(was: dict[str, object]) -> None:
    found = reconciling.difference(book(), asked(), derived(means()), standing(**was))
    assert (found.changed.tolist(), found.replaced.tolist(), found.new.tolist()) == ([0], [0], [])


def test_what_does_not_stand_is_new_and_what_is_derived_no_more_is_withdrawn() -> None:
    other = standing(start_us=8 * HOUR_US)
    found = reconciling.difference(book(), asked(), derived(means()), other)
    assert (found.new.tolist(), found.withdrawn.tolist()) == ([0], [])
    nothing = derived(means())
    nothing = Derived(
        nothing.periods.picked(np.zeros(1, np.bool_)),
        nothing.verdict[:0],
        nothing.reason[:0],
        Means(*(getattr(nothing.means, name)[:0] for name in Means.__dataclass_fields__)),
        nothing.expected_n[:0],
        [],
    )
    found = reconciling.difference(book(), asked(), nothing, standing())
    assert (found.new.tolist(), found.withdrawn.tolist()) == ([], [0])


def test_of_a_datastream_out_of_use_only_what_was_received_is_new() -> None:
    silent = means(mean=_NAN, covered=0, valid=0)
    silent = Means(
        **{name: getattr(silent, name) for name in Means.__dataclass_fields__ if name != "received_n"},
        received_n=np.array([0]),
    )
    empty = standing(start_us=0)
    assert len(reconciling.difference(book(active=False), asked(), derived(silent), empty).new) == 0
    assert len(reconciling.difference(book(active=False), asked(), derived(means()), empty).new) == 1
    assert len(reconciling.difference(book(active=True), asked(), derived(silent), empty).new) == 1
