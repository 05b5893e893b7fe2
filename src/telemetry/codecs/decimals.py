"""Numbers as text in files: a decimal point, an optional exponent, nothing else."""

import math
import re

from telemetry.codecs.gathering import Spoilt
from telemetry.readings import Reason

_EXPECTED = "a number with a decimal point, such as 7.21"
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)


def decimal(text: str, field: str) -> float:
    """The number, or Spoilt: a comma, a thousands separator or a word is never guessed at."""
    text = text.strip()
    if not text:
        raise Spoilt(Reason.MISSING_FIELD, field, "nothing", _EXPECTED)
    if _NOT_FINITE.fullmatch(text):
        raise Spoilt(Reason.NOT_FINITE, field, text, _EXPECTED)
    if not _DECIMAL.fullmatch(text):
        comma = "; a decimal comma is not read" if "," in text else ""
        raise Spoilt(Reason.NOT_A_NUMBER, field, text, _EXPECTED + comma)
    value = float(text)
    if not math.isfinite(value):
        raise Spoilt(Reason.NOT_FINITE, field, text, "a number below 1.8e308")
    return value
