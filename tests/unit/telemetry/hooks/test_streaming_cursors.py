"""Ids of the live stream: what is written is read again, and nothing else is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feeds import Position
from telemetry.hooks.stream.cursors import Cursor, EventIdUnreadable, Stage

_TIME = datetime(2026, 11, 23, 1, 0, 3, 250_000, tzinfo=UTC)


@st.composite
def snapshots(draw: st.DrawFn) -> str:
    begin = draw(st.integers(1, 2**50))
    running = sorted(draw(st.sets(st.integers(begin, begin + 1000), max_size=20)))
    end = begin + 1001
    return f"{begin}:{end}:{','.join(map(str, running))}"


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    times = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone
    seen, seen_time = draw(snapshots()), draw(times)
    if draw(st.booleans()):
        return Cursor(Position(seen, seen_time=seen_time))
    position = Position(
        seen,
        draw(snapshots()),
        str(draw(st.integers(0, 2**60))),
        draw(st.integers(0, 10**17)),
        seen_time,
        draw(times),
    )
    return Cursor(position, draw(st.sampled_from(Stage)), draw(st.integers(0, 10**6)))


@given(cursors())
def test_what_was_written_is_read_again(cursor: Cursor) -> None:
    text = cursor.write()
    assert Cursor.read(text) == cursor
    # It stands in a header, on one line.
    assert text.isascii()
    assert text.isprintable()


@given(st.text(max_size=60) | st.from_regex(r"1_[0-9]{1,17}_[0-9:,]{1,20}(_[0-9:,eo_]{0,20})?", fullmatch=True))
def test_any_other_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        cursor = Cursor.read(text)
    except EventIdUnreadable:
        return
    assert Cursor.read(cursor.write()) == cursor


@pytest.mark.parametrize("snapshot", ["0:5:", "5:3:", "5:9:4", "5:9:9", "5:9:7,6", "5:9:6,6", "5:9:6,", f"1:{2**63}:"])
def test_a_snapshot_that_the_database_would_refuse_is_refused(snapshot: str) -> None:
    with pytest.raises(EventIdUnreadable):
        Cursor.read(f"1_0_{snapshot}")


def test_a_cursor_on_its_way_stays_on_it() -> None:
    resting = Cursor(Position("5:9:", seen_time=_TIME))
    target = Position("9:12:", seen_time=_TIME)
    going = resting.towards(target)
    assert (going.at_rest, going.position.target) == (False, "9:12:")
    assert going.towards(Position("20:30:", seen_time=_TIME)) == going
    assert going.behind(Stage.EVENTS, "7", 3).next_stage().position.row_id == 0
    assert going.reached() == Cursor(target)
    assert resting.reached() == resting


def test_a_cursor_lies_ahead_of_a_database_that_was_restored() -> None:
    cursor = Cursor(Position("5:9:", seen_time=_TIME))
    assert not cursor.lies_ahead_of(Position("5:9:"))
    assert not cursor.lies_ahead_of(Position("9:20:"))
    assert cursor.lies_ahead_of(Position("5:8:"))
    assert cursor.towards(Position("5:30:")).lies_ahead_of(Position("9:20:"))
