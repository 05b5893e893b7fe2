"""The form of tokens, `qt_<8 of a-z0-9>.<43 url-safe signs>`, and what is kept of them. Pure.

The first half is public and looked up, the second has 256 random bits; such a secret cannot be guessed whatever its
hash costs, so SHA-256 is enough.
"""

import hashlib
import hmac
import re
import secrets
import string

from core.rights import Right

_FORM = re.compile(r"(qt_[a-z0-9]{8})\.[A-Za-z0-9_-]{43}")
_SIGNS = string.ascii_lowercase + string.digits
# Compared with where nobody has the id, so that this takes as long.
_NOBODYS = hashlib.sha256(b"nobody").digest()

# What a token never does, whoever it acts for: decide, and say who may do what. Of the second service tokens are the
# exception, which somebody who manages people made for that.
DECISIONS: frozenset[Right] = frozenset({Right.APPROVE})
NEVER_FOR_A_PERSON: frozenset[Right] = DECISIONS | {Right.MANAGE_PEOPLE}


def generate() -> tuple[str, str]:
    """A new id, and the token that begins with it."""
    token_id = "qt_" + "".join(secrets.choice(_SIGNS) for _ in range(8))
    return token_id, f"{token_id}.{secrets.token_urlsafe(32)}"


def id_of(token: str) -> str | None:
    """The public half; None for what has not the form of a token."""
    found = _FORM.fullmatch(token)
    return None if found is None else found[1]


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def opens(token: str, kept: bytes | None) -> bool:
    """Whether the token is the one whose digest was kept; None: nobody has its id."""
    same = hmac.compare_digest(digest(token), kept or _NOBODYS)
    return same and kept is not None
