"""Hands mails to the SMTP server, and tells what is wrong with a mail from what is wrong with the server."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from telemetry.hooks.mail.errors import MailServerUnavailable
from telemetry.hooks.mail.messages import Sender

Security = Literal["starttls", "tls", "none"]

_LONGEST_ERROR = 300
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_PERMANENT = 500
_CLOSING = 421


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in, as whom, and from whom it comes."""

    host: str
    port: int
    security: Security
    sender: Sender
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    seconds: float = 30


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said to a mail; `code` is None where the connection broke before it said anything."""

    code: int | None
    text: str

    @property
    def taken(self) -> bool:
        return self.code is not None and self.code < 300

    @property
    def permanent(self) -> bool:
        """Whether the same mail will be refused again."""
        return self.code is not None and self.code >= _PERMANENT


class Session:
    """One connection, over which mails go one after the other."""

    def __init__(self, server: Server, client: aiosmtplib.SMTP) -> None:
        self._server = server
        self._client = client

    @property
    def open(self) -> bool:
        return self._client.is_connected

    def told(self) -> str:
        """How the connection is protected, for people."""
        cipher = self._client.get_transport_info("cipher")
        return f"{cipher[1]}, {cipher[0]}" if cipher else "no encryption"

    async def send(self, recipient: str, message: bytes) -> Reply:
        """Raises MailServerUnavailable where the refusal is not about this mail."""
        try:
            async with asyncio.timeout(2 * self._server.seconds):
                _, text = await self._client.sendmail(self._server.sender.address, [recipient], message)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            first = refusal.recipients[0]
            return self._refused(first.code, first.message)
        except aiosmtplib.SMTPSenderRefused as refusal:
            # What it holds against our sender it would say to every mail.
            raise _unavailable(f"The sender is refused: {refusal.code} {refusal.message}") from refusal
        except aiosmtplib.SMTPResponseException as refusal:
            return self._refused(refusal.code, refusal.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
            # Whether the server has the mail is not known. Another connection will tell about the next one.
            self._client.close()
            return Reply(None, cleaned(f"{type(failure).__name__}: {failure}"))
        return Reply(250, cleaned(text))

    def _refused(self, code: int, text: str) -> Reply:
        if code == _CLOSING:
            self._client.close()
        return Reply(code, cleaned(text))


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Session]:
    """A session. Raises MailServerUnavailable where the server does not answer, or does not let us in."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=server.tls if server.security != "none" else None,
        timeout=server.seconds,
        # The machine's own name is asked of name servers, which may hang, and is nobody's business.
        local_hostname=server.sender.domain,
    )
    try:
        async with asyncio.timeout(3 * server.seconds):
            await client.connect()
    except aiosmtplib.SMTPResponseException as refusal:
        client.close()
        raise _unavailable(f"The server refuses us: {refusal.code} {refusal.message}") from refusal
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
        client.close()
        raise _unavailable(f"{type(failure).__name__}: {failure}") from failure
    try:
        yield Session(server, client)
    finally:
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(2):
                await client.quit()
        client.close()


def _unavailable(detail: str) -> MailServerUnavailable:
    return MailServerUnavailable(cleaned(detail), retry_after=60)


def cleaned(text: str) -> str:
    """What a server says, in one line and of bounded length."""
    return _UNPRINTABLE.sub(" ", text).strip()[:_LONGEST_ERROR]
