"""What every broker must know, whichever it is: who may connect, and how much it may hold for the gateway."""

from dataclasses import dataclass
from hashlib import blake2b
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


def account_of(station: str, accounts: int) -> int:
    """Which of the broker's accounts a station is in, 0 to accounts - 1: always the same one of as many."""
    return int.from_bytes(blake2b(station.encode(), digest_size=8).digest(), "big") % accounts


def gateway_user(name: str, account: int) -> str:
    """The gateway's user in one of the accounts."""
    return f"{name}-{account}" if account else name


def quoted(text: object) -> str:
    """The text as a quoted word of a configuration file; ValueError for what could end the word or the line."""
    word = str(text)
    if any(ord(sign) < 32 or sign in '"\\' for sign in word):
        raise ValueError(f"{word!r} has a quotation mark, a backslash or a control character")
    return f'"{word}"'
