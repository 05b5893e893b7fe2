"""What every broker must know, whichever it is: who may connect, and how much it may hold for the gateway."""

from dataclasses import dataclass
from pathlib import Path

GATEWAY_USER = "quantrac-gateway"
# Most bytes of one message; a longer one closes the connection, because dropping it after an acknowledgement would lie.
MESSAGE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A live key of a station that reports, with the password hashes that brokers read."""

    key_id: str
    station: str
    nats_bcrypt: str
    mosquitto_pbkdf2: str


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths as the broker sees them. With `authority`, clients must show a certificate that it signed.

    named: the user is whom the certificate names (its common name), and nobody else.
    """

    certificate: Path
    key: Path
    authority: Path | None = None
    named: bool = False


def quoted(text: object) -> str:
    """The text as a quoted word of a configuration file; ValueError for what could end the word or the line."""
    word = str(text)
    if any(ord(sign) < 32 or sign in '"\\' for sign in word):
        raise ValueError(f"{word!r} has a quotation mark, a backslash or a control character")
    return f'"{word}"'
