"""Credentials, `<prefix>_<8 of a-z0-9>.<43 url-safe signs>`: how they are made, and what is kept of secrets. Pure.

The first half is public and looked up, the second has 256 random bits; such a secret cannot be guessed whatever its
hash costs, so SHA-256 is enough.
"""

import hashlib
import secrets
import string

_ID_SIGNS = string.ascii_lowercase + string.digits
_ID_LENGTH = 8
_SECRET_BYTES = 32


def generate(prefix: str) -> tuple[str, str]:
    """A new id, such as `st_k3v9x0ab`, and the credential that begins with it."""
    public = f"{prefix}_" + "".join(secrets.choice(_ID_SIGNS) for _ in range(_ID_LENGTH))
    return public, f"{public}.{secret()}"


def secret() -> str:
    """256 random bits as 43 url-safe signs."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest(text: str) -> bytes:
    """SHA-256 of a secret, 32 bytes: all that is kept of it. Takes any text that a stranger may send."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
