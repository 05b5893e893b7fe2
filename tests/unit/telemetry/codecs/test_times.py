"""Times: a table of what is one and what is none, and the parser by the column against the one by one."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.codecs.times import UnreadableTime, column_us, digits_us, instant_us
from telemetry.readings import Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-23T08:00:00+07:00", "2026-11-23T01:00:00"),
        ("2026-11-23T08:00:00Z", "2026-11-23T08:00:00"),
        ("2026-11-23t08:00:00z", "2026-11-23T08:00:00"),
        ("2026-11-23 08:00:00Z", "2026-11-23T08:00:00"),
        ("2026-11-23T08:00:00+0700", "2026-11-23T01:00:00"),
        ("2026-11-23T08:00:00-00:00", "2026-11-23T08:00:00"),
        ("2026-11-23T08:00:00-23:59", "2026-11-24T07:59:00"),
        ("2026-11-23T00:00:00+07:00", "2026-11-22T17:00:00"),
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59"),
        ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59"),
        ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08"),
        ("0001-01-01T07:00:00+07:00", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
        ("2026-11-23T08:00:00.5Z", "2026-11-23T08:00:00.500000"),
        ("2026-11-23T08:00:00.000001Z", "2026-11-23T08:00:00.000001"),
        ("2026-11-23T08:00:00.1234567Z", "2026-11-23T08:00:00.123457"),
        ("2026-11-23T08:00:00.9999999Z", "2026-11-23T08:00:01"),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text: str, utc: str) -> None:
    expected = us(datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert instant_us(text) == expected
    column = column_us([text])
    assert column is None or column.tolist() == [expected]


NO_TIMES = [
    "",
    "now",
    "1795395600",
    "2026-11-23",
    "2026-11-23T08:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T23:59:60Z",
    "2026-11-23T08:60:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-11-23T08:00:00+24:00",
    "2026-11-23T08:00:00+07:60",
    "2026-11-23T08:00:00+07",
    "2026-11-23T08:00:00.Z",
    "2026-11-23T08:00:00,5Z",
    "2026-11-23T08:00:00Z ",
    " 2026-11-23T08:00:00Z",
    "2026/11/23T08:00:00Z",
    "20261123T080000Z",
    "2026-11-23T08:00:00Zulu",
    "2026-11-23T08:00:00\u0660Z",
    "２０２６-11-23T08:00:00Z",
    "2026-11-23T08:00:00Z\ud800",
    "2026-11-23T08:00:00." + "0" * 100 + "Z",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTime) as caught:
        instant_us(text)
    assert caught.value.reason is Reason.UNREADABLE_TIME
    assert column_us([text]) is None


@pytest.mark.parametrize("text", ["2026-11-23T08:00:00", "2026-11-23 08:00:00.25"])
def test_a_time_without_offset_is_told_apart(text: str) -> None:
    with pytest.raises(UnreadableTime) as caught:
        instant_us(text)
    assert caught.value.reason is Reason.TIME_WITHOUT_OFFSET
    assert column_us([text]) is None


@pytest.mark.parametrize("bad", NO_TIMES)
def test_one_bad_time_spoils_the_column_as_a_whole(bad: str) -> None:
    good = "2026-11-23T08:00:00Z"
    assert column_us([good, bad, good]) is None
    assert column_us([good, good]) is not None


def test_times_of_different_widths_are_not_taken_by_the_column() -> None:
    assert column_us(["2026-11-23T08:00:00Z", "2026-11-23T08:00:00+07:00"]) is None
    assert column_us(["2026-11-23T08:00:00.5Z", "2026-11-23T08:00:00.25Z"]) is None
    assert column_us([]) is None


def test_texts_that_only_fit_together_are_not_times() -> None:
    assert column_us(["2026-11-23T08:00:00Z2", "026-11-23T08:00:00Z"]) is None


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001 - bounds are naive
separators = st.sampled_from("Tt ")


@settings(deadline=None)
@given(st.lists(instants, min_size=1), separators, st.sampled_from(["seconds", "milliseconds", "microseconds"]))
def test_the_column_reads_what_python_reads(times: list[datetime], separator: str, precision: str) -> None:
    texts = [time.isoformat(separator, precision) for time in times]
    column = column_us(texts)
    assert column is not None
    assert column.dtype == np.int64
    assert column.tolist() == [us(datetime.fromisoformat(text)) for text in texts]
    assert column.tolist() == [instant_us(text) for text in texts]


@settings(deadline=None)
@given(st.lists(instants, min_size=1))
def test_the_column_reads_zulu_times(times: list[datetime]) -> None:
    texts = [time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z" for time in times]
    column = column_us(texts)
    assert column is not None
    assert column.tolist() == [instant_us(text) for text in texts]


@settings(deadline=None)
@given(
    st.integers(0, 40),
    st.text("0123456789-:.+TtZz ", min_size=1, max_size=3),
    st.sampled_from(["2026-11-23T08:59:31.250+07:00", "2024-02-29T23:59:59Z"]),
)
def test_the_column_never_reads_what_one_by_one_refuses(at: int, piece: str, text: str) -> None:
    mutated = text[:at] + piece + text[at + len(piece) :]
    column = column_us([text, mutated])
    try:
        expected = instant_us(mutated)
    except UnreadableTime:
        assert column is None
    else:
        assert column is None or column.tolist() == [instant_us(text), expected]


@pytest.mark.parametrize(
    ("digits", "utc"),
    [
        ("20240615083000", "2024-06-15T01:30:00"),
        ("20260325000000", "2026-03-24T17:00:00"),
        ("20240229235959", "2024-02-29T16:59:59"),
    ],
)
def test_fourteen_digits_are_vietnamese_time(digits: str, utc: str) -> None:
    assert digits_us(digits) == us(datetime.fromisoformat(utc).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "2024061508300",
        "202406150830000",
        "20240230083000",
        "20240615240000",
        "20240615083060",
        "2024-06-15 08:",
        "００００００００００００００",
    ],
)
def test_other_digits_are_no_time(digits: str) -> None:
    with pytest.raises(UnreadableTime) as caught:
        digits_us(digits)
    assert caught.value.reason is Reason.UNREADABLE_TIME
