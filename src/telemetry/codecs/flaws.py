"""The texts of flaws: what was found, made safe to store and short enough to show."""

from collections.abc import Sequence

from telemetry.codecs import errors
from telemetry.readings import Flaw, Reason

NAME_LIMIT = 128
EXPECTED_NAME = f"text of 1 to {NAME_LIMIT} characters without NUL"
# A submission with more flaws than this is refused as a whole: it would cost more to tell of each than it is worth.
MOST_FLAWS = 10_000
# A submission of more readings is refused as a whole: no sender would wait until all are committed and answered.
MOST_READINGS = 50_000
_SHOWN_LIMIT = 200


def shown(text: str) -> str:
    """The text without what a database refuses (NUL, lone surrogates), cut where it is long."""
    if len(text) > _SHOWN_LIMIT:
        text = text[:_SHOWN_LIMIT] + "…"
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()


def nameable(text: str) -> bool:
    """Whether the text can be a station's code, a symbol or a unit at all."""
    if len(text) > NAME_LIMIT or "\x00" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def check_number(flaws: Sequence[Flaw]) -> None:
    """Refuse the submission as a whole, with its first flaw for an example, where nearly nothing in it is right."""
    if len(flaws) > MOST_FLAWS:
        found = f"more than {MOST_FLAWS} bad readings, the first with {flaws[0].found}"
        raise unreadable(flaws[0].field, found, flaws[0].expected)


def too_many(count: int) -> errors.Unreadable:
    """The error for a submission of more than MOST_READINGS."""
    expected = f"at most {MOST_READINGS} in one submission; send a long series in parts, or as application/x-ndjson"
    return unreadable("body", f"{count} readings", expected)


def unreadable(field: str, found: str, expected: str) -> errors.Unreadable:
    """The error that refuses a submission as a whole."""
    flaw = Flaw(index=None, reason=Reason.UNREADABLE, field=shown(field), found=shown(found), expected=expected)
    return errors.Unreadable(flaw)
