"""Cursors bring back what they were made of, and everything else is refused before the database sees it."""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import paging

_MOMENT = datetime(2026, 11, 23, 1, 0, 0, 120, tzinfo=UTC)


def _cursor(document: object) -> str:
    """A cursor as a stranger would forge it."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@given(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_position_comes_back_as_it_was(number: int, text: str) -> None:
    assert paging.decode(paging.encode(number, text), int, str) == (number, text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_as_it_was(moment: datetime) -> None:
    assert paging.decode(paging.encode(moment), datetime) == (moment,)


def test_a_time_comes_back_in_utc_whatever_zone_it_was_in() -> None:
    local = _MOMENT.astimezone(timezone(timedelta(hours=7)))
    (found,) = paging.decode(paging.encode(local), datetime)
    assert (found, found.utcoffset()) == (_MOMENT, timedelta(0))


def test_a_cursor_needs_no_escaping_in_an_address() -> None:
    cursor = paging.encode("Trạm?>~ÿÿÿ", 2**63 - 1)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        (["a\0b"], [str]),
        (["\ud800"], [str]),
        ([2**63], [int]),
        ([-(2**63) - 1], [int]),
        ([2**80], [int]),
        ([True], [int]),
        ([1.0], [int]),
        ([1], [str]),
        (["1"], [int]),
        ([None], [int]),
        ([None], [str]),
        ([[1]], [int]),
        ([2**62], [datetime]),
        ([-(2**62)], [datetime]),
        (["2026-11-23T08:00:00Z"], [datetime]),
        ([False], [datetime]),
        ([1], [int, int]),
        ([1, 2], [int]),
        ([], [int]),
        ({"a": 1}, [str]),
        ("ab", [str, str]),
        (1, [int]),
        (None, [int]),
    ],
)
def test_what_was_never_given_out_is_refused(document: object, kinds: Sequence[type[Any]]) -> None:
    with pytest.raises(paging.InvalidCursor) as raised:
        paging.decode(_cursor(document), *kinds)
    (fault,) = raised.value.faults
    assert (fault.field, fault.found) == ("cursor", _cursor(document))


@pytest.mark.parametrize("cursor", ["", "a", "!", "====", "é", "\0", "bm90IGpzb24", "W10", "_" * 500])
def test_what_is_no_cursor_at_all_is_refused(cursor: str) -> None:
    with pytest.raises(paging.InvalidCursor):
        paging.decode(cursor, int)


@given(st.text(max_size=60))
def test_no_text_does_worse_than_being_refused(cursor: str) -> None:
    with suppress(paging.InvalidCursor):
        assert len(paging.decode(cursor, int, str)) == 2


def test_a_long_cursor_is_shown_shortened() -> None:
    with pytest.raises(paging.InvalidCursor) as raised:
        paging.decode("x" * 500, int)
    assert len(raised.value.faults[0].found) < 210


def test_numbers_beyond_those_that_were_given_out_are_refused() -> None:
    assert paging.decode(paging.encode("a", 9), str, int, greatest=9) == ("a", 9)
    with pytest.raises(paging.InvalidCursor):
        paging.after(paging.encode("a", 10), str, int, greatest=9)


def test_a_time_is_not_held_against_the_greatest_number() -> None:
    assert paging.decode(paging.encode(_MOMENT), datetime, greatest=9) == (_MOMENT,)


def test_a_first_page_begins_before_everything() -> None:
    assert paging.after(None, str, int) == (None, None)
    assert paging.after(paging.encode("a", 1), str, int) == ("a", 1)


def test_the_next_cursor_stands_behind_the_last_item_of_the_page() -> None:
    following = paging.next_cursor([10, 20, 30], 2, lambda item: (item,))
    assert following is not None
    assert paging.decode(following, int) == (20,)


@pytest.mark.parametrize("found", [[], [10], [10, 20]])
def test_the_last_page_has_no_next_one(found: list[int]) -> None:
    assert paging.next_cursor(found, 2, lambda item: (item,)) is None
