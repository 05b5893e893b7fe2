"""Signs deliveries as the Standard Webhooks specification says, and makes the secrets that they are signed with."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from core import instants

PREFIX = "whsec_"
# The type of what is sent to see whether it arrives.
TEST = "webhook.test"
_SECRET_BYTES = 32
_json = msgspec.json.Encoder()


class NotASecret(ValueError):
    """Text that is not `whsec_` and 24 to 64 bytes in base64; it is never repeated in the message."""


@dataclass(frozen=True, slots=True)
class Secret:
    """The key that a receiver shares with us; it shows itself only through `text`."""

    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """As the receiver enters it."""
        return PREFIX + base64.b64encode(self.raw).decode()


def new_secret() -> Secret:
    return Secret(secrets.token_bytes(_SECRET_BYTES))


def secret_of(text: str) -> Secret:
    """Raises NotASecret."""
    try:
        raw = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not text.strip().startswith(PREFIX) or not 24 <= len(raw) <= 64:
        raise NotASecret("a secret is whsec_ and 24 to 64 bytes in base64")
    return Secret(raw)


def new_webhook_id() -> str:
    """An identifier without a full stop, so that nothing can be moved between the parts that are signed."""
    return f"msg_{secrets.token_hex(16)}"


def body(kind: str, time: datetime, payload: str) -> str:
    """What is sent, from an event's type, time and JSON text."""
    return _json.encode(
        {"type": kind, "timestamp": instants.text(time), "data": msgspec.Raw(payload.encode())}
    ).decode()


def signature(secret: Secret, webhook_id: str, timestamp: int, content: bytes) -> str:
    signed = b".".join((webhook_id.encode(), str(timestamp).encode(), content))
    return "v1," + base64.b64encode(hmac.digest(secret.raw, signed, hashlib.sha256)).decode()


def headers(keys: Sequence[Secret], webhook_id: str, time: datetime, content: bytes) -> dict[str, str]:
    """The headers of an attempt at `time`; one signature for each of the keys."""
    timestamp = int(time.timestamp())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, webhook_id, timestamp, content) for key in keys),
    }
