"""One-time codes that people read out over the telephone: `K7QM-2XNB-9F4T`. Pure.

Crockford's base 32 without I, L, O and U: eleven digits that were drawn by lot (55 bits) and one that checks them. The
check finds every single wrong digit and every two that changed places: it is a sum of the digits times powers of an
element of GF(32) whose powers are all different. With 55 bits, a life of days and one use, a slow hash of what is kept
would buy nothing.
"""

import secrets

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)} | {"O": 0, "I": 1, "L": 1}
_RANDOM_DIGITS = 11
_GROUP = 4
# x^5 + x^2 + 1, of which x is a primitive element.
_POLYNOMIAL = 0b100101


class Mistyped(ValueError):
    """Not a code that was ever given out: a digit is wrong, missing or too many."""


def generate() -> str:
    """A new code, in groups of four."""
    values = [secrets.randbelow(32) for _ in range(_RANDOM_DIGITS)]
    return written([*values, _check(values)])


def written(values: list[int]) -> str:
    digits = "".join(_DIGITS[value] for value in values)
    return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def read(text: str) -> str:
    """The code as it was given out, however typed: in small letters, with other gaps, O for 0. Raises Mistyped."""
    signs = [sign for sign in text.upper() if not sign.isspace() and sign not in "-–."]
    if len(signs) != _RANDOM_DIGITS + 1:
        raise Mistyped(f"{len(signs)} digits instead of {_RANDOM_DIGITS + 1}")
    try:
        values = [_VALUES[sign] for sign in signs]
    except KeyError as error:
        raise Mistyped(f"{error.args[0]!r} is no digit of a code") from None
    if _check(values[:-1]) != values[-1]:
        raise Mistyped("a digit is wrong or two changed places")
    return written(values)


def _check(values: list[int]) -> int:
    total = 0
    for value in values:
        total = _times_x(total) ^ value
    return _times_x(total)


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 0b100000 else value
