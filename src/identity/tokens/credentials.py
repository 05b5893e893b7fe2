"""The form of tokens, `qt_<8 of a-z0-9>.<43 url-safe signs>`, and what they never do. Pure."""

import hmac
import re

from core import credentials
from core.credentials import digest
from core.rights import DECISIONS, Right

_FORM = re.compile(r"(qt_[a-z0-9]{8})\.[A-Za-z0-9_-]{43}")
# Compared with where nobody has the id, so that this takes as long.
_NOBODYS = digest("nobody")

# What a token never does, whoever it acts for: decide, and say who may do what. Of the second service tokens are the
# exception, which somebody who manages people made for that.
NEVER_FOR_A_PERSON: frozenset[Right] = DECISIONS | {Right.MANAGE_PEOPLE}


def generate() -> tuple[str, str]:
    """A new id, and the token that begins with it."""
    return credentials.generate("qt")


def id_of(token: str) -> str | None:
    """The public half; None for what has not the form of a token."""
    found = _FORM.fullmatch(token)
    return None if found is None else found[1]


def opens(token: str, kept: bytes | None) -> bool:
    """Whether the token is the one whose digest was kept; None: nobody has its id."""
    same = hmac.compare_digest(digest(token), kept or _NOBODYS)
    return same and kept is not None
