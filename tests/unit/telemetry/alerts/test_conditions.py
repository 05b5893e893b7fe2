"""What readings show of each condition: data that just do, and data that just do not."""

from typing import Any

import numpy as np
import pytest

from telemetry.alerts.evaluation import conditions
from telemetry.alerts.evaluation.conditions import CONDITIONS, Span, View
from telemetry.alerts.evaluation.sheets import Sheet
from telemetry.alerts.kinds import KINDS, Kind
from telemetry.catalog import snapshot
from telemetry.quality.flags import Reason

MINUTE = 60 * 10**6
NAN = float("nan")


def view(results: list[float], *, every: int = 5, **members: Any) -> View:
    """One datastream with the id 1."""
    count = len(results)
    given: dict[str, Any] = {
        "stream": np.array([1]),
        "group": np.zeros(count, np.int64),
        "time_us": np.arange(count, dtype=np.int64) * every * MINUTE,
        "result": np.array(results),
        "status": np.zeros(count, np.int16),
        "reasons": np.zeros(count, np.int32),
        "lower": np.full(count, NAN),
        "upper": np.full(count, NAN),
        "range_span": np.array([100.0]),
        "held": np.zeros(1, np.bool_),
    }
    return View(**given | members)


def sheet(kind: Kind, *, hysteresis: float = 0.0, **parameters: float) -> Sheet:
    known = {parameter.name: np.full(2, parameter.default) for parameter in KINDS[kind].parameters}
    return Sheet(
        enabled=np.ones(2, np.bool_),
        raise_us=np.zeros(2, np.int64),
        clear_us=np.zeros(2, np.int64),
        hysteresis=np.full(2, hysteresis),
        parameters=known | {name: np.full(2, value) for name, value in parameters.items()},
    )


def shows(kind: Kind, seen: View, **rule: float) -> list[int]:
    """What each reading shows, 9 where the condition does not look at it."""
    found = [9] * len(seen.time_us)
    sight = CONDITIONS[kind](seen, sheet(kind, **rule))
    for at, shown in zip(sight.at.tolist(), sight.shows.tolist(), strict=True):
        found[at] = shown
    return found


def limits(count: int, lower: float = NAN, upper: float = NAN) -> dict[str, Any]:
    return {"lower": np.full(count, lower), "upper": np.full(count, upper)}


def test_only_what_is_beyond_its_limit_is_over_it() -> None:
    assert shows(Kind.OVER_LIMIT, view([50.0, 50.1, 49.9], **limits(3, upper=50.0))) == [-1, 1, -1]
    assert shows(Kind.OVER_LIMIT, view([6.0, 5.9, 9.0, 9.1], **limits(4, 6.0, 9.0))) == [-1, 1, -1, 1]
    assert shows(Kind.OVER_LIMIT, view([1e9])) == [-1]


def test_inside_the_band_of_hysteresis_nothing_is_said() -> None:
    seen = view([51.0, 48.0, 45.0, 44.9], **limits(4, upper=50.0))
    assert shows(Kind.OVER_LIMIT, seen, hysteresis=0.1) == [1, 0, -1, -1]


def test_a_device_that_calibrates_or_is_broken_measures_nothing() -> None:
    status = np.array([0, 1, 2], np.int16)
    assert shows(Kind.OVER_LIMIT, view([60.0, 60.0, 60.0], status=status, **limits(3, upper=50.0))) == [1, 9, 9]


def test_a_tendency_begins_at_its_share_and_not_beyond_the_limit() -> None:
    seen = view([39.9, 40.0, 50.0, 50.1], **limits(4, upper=50.0))
    assert shows(Kind.TENDENCY, seen, share=0.8) == [-1, 1, 1, 0]
    # Between two limits it is counted from their middle, here 7.5 and 1.5 to either side.
    seen = view([7.5, 6.4, 6.2, 8.8], **limits(4, 6.0, 9.0))
    assert shows(Kind.TENDENCY, seen, share=0.8) == [-1, -1, 1, 1]
    # Below a lower limit alone it comes near from above.
    assert shows(Kind.TENDENCY, view([6.0, 4.5], **limits(2, lower=4.0)), share=0.8) == [-1, 1]


def test_status_02_is_a_fault_and_01_is_not() -> None:
    status = np.array([0, 1, 2, 0], np.int16)
    assert shows(Kind.INSTRUMENT_FAULT, view([1.0] * 4, status=status)) == [-1, -1, 1, -1]


def test_status_01_outside_an_accepted_window_is_a_finding() -> None:
    seen = view([1.0] * 6, status=np.array([0, 1, 1, 1, 1, 0], np.int16))
    assert shows(Kind.STUCK_CALIBRATION, seen) == [-1, 1, 1, 1, 1, -1]
    # The window ends before the reading of minute 15.
    windows = {0: [Span(5 * MINUTE, 15 * MINUTE)]}
    seen = view([1.0] * 6, status=np.array([0, 1, 1, 1, 1, 0], np.int16), calibrations=windows)
    assert shows(Kind.STUCK_CALIBRATION, seen) == [-1, -1, -1, 1, 1, -1]


def test_even_in_a_window_a_calibration_may_last_only_so_long() -> None:
    windows = {0: [Span(0, 1000 * MINUTE)]}
    seen = view([1.0] * 5, status=np.array([1, 1, 1, 1, 0], np.int16), calibrations=windows)
    assert shows(Kind.STUCK_CALIBRATION, seen, longestSeconds=600) == [-1, -1, -1, 1, -1]


def test_enough_equal_values_are_frozen_and_one_less_is_not() -> None:
    assert shows(Kind.FROZEN_VALUE, view([1.0, 2.0, 2.0, 2.0, 3.0]), count=3) == [-1, 1, 1, 1, -1]
    assert shows(Kind.FROZEN_VALUE, view([1.0, 2.0, 2.0, 3.0]), count=3) == [-1] * 4


def test_zero_may_be_excepted_from_freezing() -> None:
    assert shows(Kind.FROZEN_VALUE, view([0.0] * 4), count=3) == [1] * 4
    assert shows(Kind.FROZEN_VALUE, view([0.0] * 4), count=3, ignoreZero=1) == [-1] * 4


def test_equal_values_far_apart_are_not_frozen() -> None:
    assert shows(Kind.FROZEN_VALUE, view([2.0] * 4, every=61), count=3, gapSeconds=3600) == [-1] * 4
    assert shows(Kind.FROZEN_VALUE, view([2.0] * 4, every=60), count=3, gapSeconds=3600) == [1] * 4


def test_a_jump_of_more_than_half_the_range_is_a_spike_both_ways() -> None:
    assert shows(Kind.SPIKE, view([10.0, 60.1, 10.0, 10.0])) == [9, 1, 1, -1]
    assert shows(Kind.SPIKE, view([10.0, 60.0, 10.0])) == [9, -1, -1]
    assert shows(Kind.SPIKE, view([10.0, 13.1], range_span=np.array([NAN])), change=3.0) == [9, 1]
    assert shows(Kind.SPIKE, view([10.0, 99.0], range_span=np.array([NAN]))) == [9, -1]


def test_a_jump_over_a_gap_is_no_spike() -> None:
    assert shows(Kind.SPIKE, view([10.0, 90.0], every=60), gapSeconds=900) == [9, -1]


def test_a_value_at_the_end_of_its_range_is_saturated() -> None:
    reasons = np.array([0, int(Reason.SATURATED), int(Reason.SATURATED | Reason.LATE), int(Reason.LATE)], np.int32)
    assert shows(Kind.SATURATED, view([1.0, 100.0, 100.0, 1.0], reasons=reasons)) == [-1, 1, 1, -1]


@pytest.mark.parametrize("kind", CONDITIONS)
def test_every_condition_looks_at_no_reading_without_complaint(kind: Kind) -> None:
    assert shows(kind, view([])) == []


def test_limits_are_those_in_force_at_each_time() -> None:
    entries = [snapshot.LimitEntry(1, 10, 20, None, 5.0, False), snapshot.LimitEntry(1, 30, 40, 1.0, None, False)]
    stream = snapshot.DatastreamEntry(1, 1, "COD", "mg/l", "mg/l", 1.0, None, None, "active")
    columns = _columns(stream, entries)
    lower, upper = conditions.limits_at(columns, np.ones(6, np.int64), np.array([9, 10, 19, 20, 30, 40]))
    assert np.isnan(lower).tolist() == [True, True, True, True, False, True]
    assert np.isnan(upper).tolist() == [True, False, False, True, True, True]


def _columns(stream: snapshot.DatastreamEntry, entries: list[snapshot.LimitEntry]) -> snapshot.Columns:
    station = snapshot.StationEntry(1, "S", "wastewater", "active", 300, None)
    return snapshot.build(1, [station], [stream], [], entries, []).columns


def test_a_catalogue_without_limits_has_none_at_any_time() -> None:
    stream = snapshot.DatastreamEntry(1, 1, "COD", "mg/l", "mg/l", 1.0, None, None, "active")
    lower, upper = conditions.limits_at(_columns(stream, []), np.ones(2, np.int64), np.array([1, 2]))
    assert np.isnan(lower).all()
    assert np.isnan(upper).all()
