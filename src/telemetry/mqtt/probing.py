"""Asks a broker what it says to a stranger: whether it lets one in, and which versions of MQTT it speaks.

No credential is shown and the client id is a new one each time, so no session of anybody is disturbed: a broker that
takes the user's name for the client id would end the consumer's connection if its user came twice.
"""

import asyncio
import secrets
import ssl
from dataclasses import dataclass

_SECONDS = 5.0
_CONNACK = 0x20
_ACCEPTED = 0
# MQTT 3.1.1: "unacceptable protocol version"; 5: "unsupported protocol version".
_NOT_THAT_VERSION = (0x01, 0x84)


class NoBroker(Exception):
    """Nothing there speaks MQTT; the text says how that showed."""


@dataclass(frozen=True, slots=True)
class Answer:
    speaks_5: bool
    lets_strangers_in: bool


@dataclass(frozen=True, slots=True)
class Door:
    """Where a broker listens, and by which certificates it is known where it speaks TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


async def probe(door: Door) -> Answer:
    """Two connections that are refused by a broker which is set up well. Raises NoBroker."""
    old, new = await _said(door, level=4), await _said(door, level=5)
    return Answer(speaks_5=new not in _NOT_THAT_VERSION, lets_strangers_in=_ACCEPTED in (old, new))


async def _said(door: Door, level: int) -> int:
    """The code with which the broker answers a CONNECT without user and password."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(door.host, door.port, ssl=door.tls)
            try:
                writer.write(_connect(level))
                answer = await reader.readexactly(4)
            finally:
                writer.close()
    except TimeoutError:
        raise NoBroker(f"no answer within {_SECONDS:.0f} s") from None
    except (asyncio.IncompleteReadError, ConnectionResetError):
        raise NoBroker("the connection was closed without an answer") from None
    except OSError as error:
        raise NoBroker(f"no connection ({type(error).__name__})") from error
    if answer[0] != _CONNACK:
        raise NoBroker("something else than an MQTT broker answers")
    return answer[3]


def _connect(level: int) -> bytes:
    name = f"quantrac-probe-{secrets.token_hex(4)}".encode()
    # Clean session or start, ten seconds of keep-alive; version 5 has a list of properties, which is empty.
    body = b"\x00\x04MQTT" + bytes([level, 2, 0, 10]) + (b"\x00" if level == 5 else b"")
    body += len(name).to_bytes(2, "big") + name
    return bytes([0x10, len(body)]) + body
