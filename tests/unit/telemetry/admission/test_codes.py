"""One-time codes: made, typed, mistyped."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.admission import codes

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MADE = st.builds(codes.generate)


def test_a_code_is_three_groups_of_four_and_no_two_are_alike() -> None:
    made = {codes.generate() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code) for code in made)


@given(_MADE)
def test_a_code_is_read_however_it_was_typed(code: str) -> None:
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')}\n", code.replace("0", "o")):
        assert codes.read(typed) == code
    assert codes.read(code.replace("1", "l").replace("0", "O")) == code


@given(_MADE, st.integers(0, 11), st.integers(1, 31))
def test_any_wrong_digit_is_found(code: str, at: int, off: int) -> None:
    digits = list(code.replace("-", ""))
    digits[at] = _DIGITS[(_DIGITS.index(digits[at]) + off) % 32]
    with pytest.raises(codes.Mistyped):
        codes.read("".join(digits))


@given(_MADE, st.integers(0, 11), st.integers(0, 11))
def test_any_two_digits_that_changed_places_are_found(code: str, one: int, other: int) -> None:
    digits = list(code.replace("-", ""))
    if digits[one] == digits[other]:
        return
    digits[one], digits[other] = digits[other], digits[one]
    with pytest.raises(codes.Mistyped):
        codes.read("".join(digits))


@pytest.mark.parametrize("text", ["", "K7QM-2XNB", "K7QM-2XNB-9F4T-0", "U" * 12, "K7QM-2XNB-9F4*", "\ud800" * 12])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(codes.Mistyped):
        codes.read(text)
