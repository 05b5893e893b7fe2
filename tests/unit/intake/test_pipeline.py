"""Judging a group: every reading is a row or a flaw, and each refusal says what was found and expected."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.intake.matching import Matcher
from telemetry.intake.pipeline import Judged, judge
from telemetry.quality.checking import Window
from telemetry.readings import Flaw, Readings, Reason, Submission
from tests.fixtures import submissions
from tests.fixtures.submissions import COD, DAY_US, FIRST, NOW_US, PH, SECOND_US, packet, submission

WINDOW = Window()
BAD_NUMBER = Flaw(1, Reason.NOT_A_NUMBER, "result", "n/a", "a number", "pH", "n/a")


def judged(*group: Submission) -> Judged:
    return judge(Matcher(submissions.two_stations()), group, WINDOW)


def only_flaw(readings: Readings, **members: Any) -> Flaw:
    result = judged(submission(readings, **members))
    assert len(result.rows) == 0
    ((flaw,),) = result.flaws
    return flaw


def test_readings_that_pass_become_rows_with_result_quality_and_place() -> None:
    result = judged(submission(packet(COD=48.5, pH=7.2, Amoni=10.0, index=3)))
    rows = result.rows
    assert rows.datastream_id.tolist() == [COD, PH, submissions.AMMONIUM]
    assert rows.result.tolist() == [48.5, 7.2, 10.0 * submissions.AMMONIUM_FACTOR]
    assert (rows.quality.tolist(), rows.reasons.tolist()) == ([1, 1, 1], [0, 0, 0])
    assert rows.index.tolist() == [3, 4, 5]
    assert result.flaws == [()]


def test_a_reading_that_is_not_finite_is_told_with_its_result() -> None:
    flaw = only_flaw(packet(COD=float("nan")))
    assert flaw == Flaw(
        0, Reason.NOT_FINITE, "result", "nan", "a finite number", "COD", "nan", "mg/l", "2026-11-23T01:00:00Z", "00", 1
    )
    assert only_flaw(packet(pH=float("-inf"), status=[2])).found == "-inf"


def test_a_reading_out_of_the_instruments_range_is_told_with_the_range() -> None:
    flaw = only_flaw(packet(COD=500.1))
    assert (flaw.reason, flaw.field, flaw.found) == (Reason.OUT_OF_RANGE, "result", "500.1")
    assert flaw.expected == "within the instrument's range, 0.0 to 500.0 mg/l"
    assert only_flaw(packet(pH=-1.0)).expected == "within the instrument's range, 0.0 to 14.0"


def test_the_value_as_sent_is_kept_beside_the_result_that_was_judged() -> None:
    flaw = only_flaw(packet(Amoni=200.0))
    assert (flaw.value, flaw.found) == ("200.0", repr(200.0 * submissions.AMMONIUM_FACTOR))
    assert flaw.expected == "within the instrument's range, -1e+100 to 100.0 mg/l"
    assert flaw.symbol == "NH4-N"


def test_a_reading_out_of_the_time_window_is_told_with_the_window() -> None:
    expected = "between 2025-10-19T01:00:00Z and 2026-11-23T01:10:00Z"
    old = only_flaw(packet(time_us=NOW_US - 400 * DAY_US - 1, COD=1.0))
    assert (old.reason, old.field, old.expected) == (Reason.TOO_OLD, "phenomenonTime", expected)
    assert old.found == old.phenomenon_time == "2025-10-19T00:59:59.999999Z"
    ahead = only_flaw(packet(time_us=NOW_US + 600 * SECOND_US + 1, COD=1.0))
    assert (ahead.reason, ahead.expected) == (Reason.IN_FUTURE, expected)


def test_a_time_that_no_calendar_has_is_still_told() -> None:
    flaw = only_flaw(packet(time_us=-(2**62), COD=1.0))
    assert (flaw.reason, flaw.found) == (Reason.TOO_OLD, f"{-(2**62)} µs since 1970")


def test_the_ends_of_the_window_belong_to_it() -> None:
    result = judged(
        submission(packet(time_us=NOW_US - 400 * DAY_US, COD=1.0), packet(time_us=NOW_US + 600 * SECOND_US, COD=1.0))
    )
    assert len(result.rows) == 2


def test_a_window_counts_from_each_submissions_own_receipt_and_a_replays_from_its_first() -> None:
    old = packet(time_us=NOW_US - 400 * DAY_US - 1, COD=1.0)
    earlier = submission(old, received_us=NOW_US - DAY_US)
    replayed = submission(old, received_us=NOW_US, first_received_us=NOW_US - DAY_US)
    result = judged(submission(old), earlier, replayed)
    assert result.rows.submission.tolist() == [1, 2]
    assert [len(flaws) for flaws in result.flaws] == [1, 0, 0]


def test_a_mismatch_is_told_before_anything_about_the_value() -> None:
    nothing = float("nan")
    flaw = only_flaw(packet(time_us=0, XYZ=nothing, index=4, status=[1]))
    assert (flaw.reason, flaw.index, flaw.value, flaw.status) == (Reason.UNKNOWN_SYMBOL, 4, "nan", "01")
    assert flaw.phenomenon_time == "1970-01-01T00:00:00Z"
    unit = only_flaw(Readings(FIRST, ("COD",), NOW_US, [nothing], units=("µg/l",)))
    assert (unit.reason, unit.unit, unit.symbol) == (Reason.UNIT_MISMATCH, "µg/l", "COD")


def test_calibrating_and_faulty_readings_are_rows_that_fail() -> None:
    rows = judged(submission(packet(COD=9000.0, pH=7.0, status=[1, 2]))).rows
    assert (rows.quality.tolist(), rows.reasons.tolist()) == ([4, 4], [1, 2])


def test_the_flaws_of_the_codec_stay_and_come_first() -> None:
    clean = submission(packet(COD=1.0))
    mixed = submission(packet(COD=1.0), packet(XYZ=1.0, index=2), flaws=[BAD_NUMBER])
    result = judged(clean, mixed)
    assert result.flaws[0] == []
    assert [flaw.index for flaw in result.flaws[1]] == [1, 2]
    assert judged(submission(packet(COD=1.0), flaws=[BAD_NUMBER])).flaws == [[BAD_NUMBER]]


def test_a_part_of_a_group_is_a_group_of_its_own() -> None:
    group = [submission(packet(COD=float(n), XYZ=1.0)) for n in range(4)]
    part = judged(*group).part(1, 3)
    assert list(part.submissions) == group[1:3]
    assert (part.rows.result.tolist(), part.rows.submission.tolist()) == ([1.0, 2.0], [0, 1])
    assert [len(flaws) for flaws in part.flaws] == [1, 1]


def test_rows_that_the_database_refuses_become_flaws() -> None:
    whole = judged(submission(packet(COD=1.0, pH=7.0, Amoni=3.0, XYZ=1.0, status=[0, 2, 0, 0])))
    rest = whole.without([1])
    assert rest.rows.datastream_id.tolist() == [COD, submissions.AMMONIUM]
    assert [(flaw.index, flaw.reason) for flaw in rest.flaws[0]] == [
        (3, Reason.UNKNOWN_SYMBOL),
        (1, Reason.DATABASE_REFUSED),
    ]
    refused = rest.flaws[0][1]
    assert (refused.symbol, refused.value, refused.status) == ("pH", "7.0", "02")
    assert refused.phenomenon_time == "2026-11-23T01:00:00Z"
    # Nothing of the group before is changed.
    assert (len(whole.rows), len(whole.flaws[0])) == (3, 1)


_VALUES = st.sampled_from([1.0, 7.0, -3.0, 501.0, 1e308, float("nan"), float("inf")])
_TIMES = st.sampled_from([NOW_US, NOW_US - 2 * 3600 * SECOND_US, NOW_US - 500 * DAY_US, NOW_US + DAY_US])


@st.composite
def _submissions(draw: st.DrawFn) -> Submission:
    readings: list[Readings] = []
    place = 0
    for _ in range(draw(st.integers(0, 3))):
        symbols = draw(st.lists(st.sampled_from(["COD", "pH", "Amoni", "Temp", "TSS", "?"]), min_size=1, unique=True))
        count = len(symbols)
        values = draw(st.lists(_VALUES, min_size=count, max_size=count))
        status = draw(st.none() | st.lists(st.integers(0, 2), min_size=count, max_size=count))
        time_us: Any = draw(_TIMES)
        value: Any = values
        if draw(st.booleans()):
            value, time_us = np.array(values), np.array(draw(st.lists(_TIMES, min_size=count, max_size=count)))
        readings.append(
            Readings(draw(st.sampled_from([FIRST, "nobody"])), symbols, time_us, value, status=status, index=place)
        )
        place += count
    flaws = [Flaw(place + n, Reason.NOT_A_NUMBER, "result", "x", "a number") for n in range(draw(st.integers(0, 2)))]
    return submission(*readings, flaws=flaws, station_id=draw(st.sampled_from([None, 1, 2])))


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(_submissions(), max_size=5))
def test_every_reading_is_in_the_rows_or_in_the_flaws_exactly_once(group: list[Submission]) -> None:
    result = judged(*group)
    for ordinal, sent in enumerate(group):
        mine = result.rows.submission == ordinal
        places = Counter(result.rows.index[mine].tolist()) + Counter(flaw.index for flaw in result.flaws[ordinal])
        assert places == Counter(range(sent.decoded.count))
    assert np.isfinite(result.rows.result).all()
    assert (result.rows.datastream_id > 0).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_submissions_without_readings_are_judged_too(count: int) -> None:
    result = judged(*[submission() for _ in range(count)])
    assert (len(result.rows), [list(flaws) for flaws in result.flaws]) == (0, [[]] * count)
