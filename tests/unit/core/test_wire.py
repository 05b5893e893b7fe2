"""Kinds of values that bodies and queries are made of: what Python is lax about, the interface is not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from core import wire

INSTANT = TypeAdapter(wire.Instant)
QUERY_INSTANT = TypeAdapter(wire.QueryInstant)
WHOLE_NUMBER = TypeAdapter(wire.WholeNumber)
NUMBER = TypeAdapter(wire.Number)
YES_OR_NO = TypeAdapter(wire.YesOrNo)


@pytest.mark.parametrize("value", [1767225600, 1.5, "1", "1767225600", True, "2026-01-01", "20260101T000000Z", "soon"])
def test_only_text_of_rfc_3339_is_an_instant(value: object) -> None:
    with pytest.raises(ValidationError, match="RFC 3339"):
        INSTANT.validate_python(value)


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00", "1899-01-01T00:00:00Z", "2026-13-01T00:00:00Z"])
def test_an_instant_has_an_offset_and_exists(value: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(value)


def test_instants_are_read_from_text_and_taken_as_they_are() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert INSTANT.validate_python("2026-01-01T07:00:00+07:00") == INSTANT.validate_python(moment) == moment
    assert QUERY_INSTANT.validate_python("2026-01-01T07:00:00 07:00") == moment


@pytest.mark.parametrize("value", [True, False, "1.0", "1e3", "1_000", "", "٣", 1.5, None])
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(ValidationError):
        WHOLE_NUMBER.validate_python(value)


@pytest.mark.parametrize(("value", "read"), [(300, 300), ("300", 300), (" -3 ", -3)])
def test_whole_numbers_come_as_numbers_and_as_digits(value: object, read: int) -> None:
    assert WHOLE_NUMBER.validate_python(value) == read


def test_true_is_no_number_and_one_is_not_true() -> None:
    for adapter, value in ((NUMBER, True), (YES_OR_NO, 1), (YES_OR_NO, 0.0)):
        with pytest.raises(ValidationError, match="is expected"):
            adapter.validate_python(value)


@pytest.mark.parametrize(("value", "read"), [(True, True), ("true", True), ("0", False)])
def test_yes_or_no_comes_as_a_boolean_and_as_text(value: Any, read: bool) -> None:
    assert YES_OR_NO.validate_python(value) is read
