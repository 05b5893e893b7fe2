"""Encrypts the secrets of webhooks for the time that they rest in the database."""

import base64
import binascii

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from telemetry.hooks.webhooks import errors
from telemetry.hooks.webhooks.signing import Secret


class NotAKey(ValueError):
    """A key that is not 32 bytes in URL-safe base64; it is never repeated in the message."""


class Seal:
    """Closes with the first key, opens with any: a key is replaced by putting the new one in front."""

    def __init__(self, keys: str | None) -> None:
        """`keys` are separated by commas or white space; None or none: nothing can be sealed. Raises NotAKey."""
        self._keys = [_key(text) for text in (keys or "").replace(",", " ").split()]

    @property
    def ready(self) -> bool:
        return bool(self._keys)

    def close(self, secret: Secret) -> bytes:
        return self._opened().encrypt(secret.raw)

    def open(self, sealed: bytes) -> Secret:
        """Raises errors.KeyMissing where none of the keys is the one that closed it."""
        try:
            return Secret(self._opened().decrypt(sealed))
        except InvalidToken:
            raise errors.KeyMissing(
                "The secret of this webhook was encrypted with another key. Put the former key behind the present one "
                "in QUANTRAC_HOOKS__SECRET_KEY_FILE, or rotate the secret."
            ) from None

    def _opened(self) -> MultiFernet:
        if not self._keys:
            raise errors.KeyMissing(
                "Webhooks need a key that their secrets are encrypted with. Set QUANTRAC_HOOKS__SECRET_KEY_FILE to a "
                "file with 32 random bytes in base64 (openssl rand -base64 32), the same for every process."
            )
        return MultiFernet(self._keys)


def _key(text: str) -> Fernet:
    try:
        raw = base64.urlsafe_b64decode(
            text.replace("+", "-").replace("/", "_").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        )
        return Fernet(base64.urlsafe_b64encode(raw))
    except (binascii.Error, ValueError):
        raise NotAKey("QUANTRAC_HOOKS__SECRET_KEY is not 32 bytes in base64") from None
