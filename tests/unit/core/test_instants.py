"""Instants in their three forms: text, datetime, microseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core import instants, wire
from core.instants import Zone

_QUERY = TypeAdapter(wire.QueryInstant)
_BODY = TypeAdapter(wire.Instant)
_EIGHT = datetime(2026, 11, 23, 8, 0, tzinfo=instants.VIETNAM)


@given(st.datetimes(timezones=st.sampled_from([UTC, instants.VIETNAM, timezone(timedelta(hours=-11, minutes=-30))])))
def test_microseconds_lose_nothing(moment: datetime) -> None:
    # Times that a change of the clock skips or repeats equal no time of another zone, so both are taken in UTC.
    assert instants.from_us(instants.to_us(moment)) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "us"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 7, tzinfo=instants.VIETNAM), -3_600_000_000),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(2026, 11, 23, 1, 0, tzinfo=UTC), 1_795_395_600_000_000),
    ],
)
def test_microseconds_count_from_1970(moment: datetime, us: int) -> None:
    # Until 1975 clocks in Saigon, which name the zone, were an hour ahead of today's.
    assert instants.to_us(moment) == us


def test_a_time_without_an_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="offset"):
        instants.to_us(datetime(2026, 11, 23, 8))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("text", ["2026-11-23T08:00:00+07:00", "2026-11-23T01:00:00Z", "2026-11-23 08:00:00+07:00"])
def test_text_with_an_offset_is_read(text: str) -> None:
    assert instants.parse(text) == _EIGHT


@pytest.mark.parametrize(("text", "told"), [("2026-11-23T08:00:00", "offset"), ("now", "RFC 3339"), ("", "RFC 3339")])
def test_other_text_is_refused_with_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        instants.parse(text)


def test_instants_are_written_in_the_zone_that_is_asked_for() -> None:
    assert instants.text(_EIGHT) == "2026-11-23T01:00:00Z"
    assert instants.text(_EIGHT, Zone.VIETNAM) == "2026-11-23T08:00:00+07:00"
    assert instants.text(_EIGHT + timedelta(microseconds=5)) == "2026-11-23T01:00:00.000005Z"


@given(st.datetimes(min_value=datetime(1976, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants bounds without a zone
def test_what_is_written_reads_back_the_same(moment: datetime) -> None:
    assert all(instants.parse(instants.text(moment, zone)) == moment for zone in Zone)


_FIRST_US = instants.to_us(datetime(1, 1, 1, tzinfo=UTC))
_LAST_US = instants.to_us(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))


@given(st.integers(_FIRST_US, _LAST_US) | st.integers(-(10**7), 10**7))
@example(_FIRST_US)
@example(_LAST_US)
@example(-1)
@example(0)
def test_microseconds_are_written_as_the_instant_is(us: int) -> None:
    assert instants.text_of_us(us) == instants.text(instants.from_us(us))


def test_the_present_is_told_in_both_forms() -> None:
    before = instants.now()
    assert instants.to_us(before) <= instants.now_us() <= instants.to_us(instants.now())


@pytest.mark.parametrize("text", ["2026-11-23T08:00:00 07:00", "2026-11-23T08:00:00+07:00", "2026-11-23T01:00:00Z"])
def test_a_plus_that_became_a_space_in_a_query_is_still_a_plus(text: str) -> None:
    assert _QUERY.validate_python(text) == _EIGHT


def test_in_a_body_a_space_stays_a_space() -> None:
    with pytest.raises(ValidationError):
        _BODY.validate_python("2026-11-23T08:00:00 07:00")


@pytest.mark.parametrize("text", ["1899-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_times_at_the_ends_of_the_calendar_are_refused(text: str) -> None:
    for kind in (_BODY, _QUERY):
        with pytest.raises(ValidationError, match="1900 and 2200"):
            kind.validate_python(text)
