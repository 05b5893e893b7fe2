"""Makes one attempt: resolves the receiver once, connects to the address that the guard chose, posts, reads a little.

Nothing is taken from the environment, no redirect is followed, and the whole attempt ends in a given time. A failure
is told in fixed words: what libraries say of it may name files and addresses of ours.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import h11
import httpx

from telemetry.hooks.webhooks import guarding
from telemetry.hooks.webhooks.addresses import Address
from telemetry.hooks.webhooks.guarding import Policy, Refused, Target

# The addresses of a name, in the order of preference, or OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_DNS_SECONDS = 5.0
# An answer's body is read for the log and out of politeness: a receiver whose answer is cut off may log an error.
_POLITE_SECONDS = 1.0
_SHOWN_CHARACTERS = 200
_MOST_HEADER_BYTES = 32 * 1024
_CHUNK_BYTES = 16 * 1024
_USER_AGENT = "quantrac-webhooks/1"
_NOT_SHOWN = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an attempt: a status, or an error in words; `refused` where the guard said no."""

    status: int | None = None
    error: str = ""
    address: str | None = None
    # The version of TLS that was spoken; None without TLS, or where it did not come to that.
    tls: str | None = None
    retry_after: str | None = None
    answer: str = ""
    milliseconds: int = 0
    refused: bool = False

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one attempt."""

    seconds: float = 15.0
    answer_bytes: int = 64 * 1024


class Resolver:
    """The system's resolver in threads of its own: names that nobody answers for keep no other waiting."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhook-dns")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses, host, port)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[Any]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))


class Sender:
    """Posts to receivers, as `policy` allows, to what `resolve` gives for their names."""

    def __init__(
        self, policy: Policy, resolve: Resolve, tls: ssl.SSLContext | None = None, bounds: Bounds | None = None
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._bounds = bounds or Bounds()

    async def post(self, url: str, headers: Mapping[str, str], content: bytes, turn: int = 0) -> Reply:
        """Make one attempt. `turn` goes round the receiver's addresses. Raises nothing but cancellation."""
        began = time.monotonic()
        told: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self._bounds.seconds):
                target, address = await self._choose(url, turn)
                told["address"] = str(address)
                await self._exchange(target, address, headers, content, told)
        except Refused as refusal:
            told |= {"error": f"refused: {refusal}", "refused": True}
        except TimeoutError:
            # With a status the answer has begun, and what it says is what counts.
            if "status" not in told:
                told["error"] = f"no answer within {self._bounds.seconds:g} s"
        except (OSError, h11.ProtocolError) as failure:
            if "status" not in told:
                told["error"] = _words(failure, connected="tls" in told)
        return Reply(**told, milliseconds=round((time.monotonic() - began) * 1000))

    async def _choose(self, url: str, turn: int) -> tuple[Target, Address]:
        target = guarding.target(url, self._policy)
        if target.literal is not None:
            return target, guarding.choose(target, [str(target.literal)], self._policy)
        try:
            async with asyncio.timeout(_DNS_SECONDS):
                answers = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError, TimeoutError):
            raise _NameUnknown from None
        return target, guarding.choose(target, answers, self._policy, turn)

    async def _exchange(
        self, target: Target, address: Address, headers: Mapping[str, str], content: bytes, told: dict[str, Any]
    ) -> None:
        """One request on one connection of its own; `told` takes what is known as soon as it is."""
        secured = target.scheme == "https"
        # The address is written in digits, so nothing is resolved here; TLS is spoken with the name.
        reader, writer = await asyncio.open_connection(
            str(address),
            target.port,
            ssl=self._tls if secured else None,
            server_hostname=target.host if secured else None,
        )
        try:
            spoken: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
            told["tls"] = spoken and spoken.version()
            protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEADER_BYTES)
            writer.write(_request(protocol, target, headers, content))
            response = await self._response(protocol, reader)
            found = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
            told["status"] = response.status_code
            told["retry_after"] = found.get("retry-after")
            told["answer"] = await self._beginning(protocol, reader)
        finally:
            # Without a farewell that a receiver could draw out.
            writer.transport.abort()

    @staticmethod
    async def _response(protocol: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
        """The head of the answer, after those that only say that there will be one."""
        while True:
            event = protocol.next_event()
            if isinstance(event, h11.Response):
                return event
            if event is h11.NEED_DATA:
                protocol.receive_data(await reader.read(_CHUNK_BYTES))
            elif not isinstance(event, h11.InformationalResponse):
                raise h11.RemoteProtocolError("no answer")

    async def _beginning(self, protocol: h11.Connection, reader: asyncio.StreamReader) -> str:
        """The first characters of the answer; of the rest as much is read as the bounds allow."""
        kept = bytearray()
        read = 0
        # The status was there; what it says does not change with the rest of the body.
        with suppress(TimeoutError, OSError, h11.RemoteProtocolError):
            async with asyncio.timeout(_POLITE_SECONDS):
                while read <= self._bounds.answer_bytes:
                    event = protocol.next_event()
                    if event is h11.NEED_DATA:
                        chunk = await reader.read(_CHUNK_BYTES)
                        read += len(chunk)
                        protocol.receive_data(chunk)
                    elif isinstance(event, h11.Data):
                        kept += event.data[: max(0, 4 * _SHOWN_CHARACTERS - len(kept))]
                    else:
                        break
        shown = _NOT_SHOWN.sub(" ", kept.decode("utf-8", "replace"))
        return " ".join(shown.split())[:_SHOWN_CHARACTERS]


def _request(protocol: h11.Connection, target: Target, headers: Mapping[str, str], content: bytes) -> bytes:
    every = {
        "host": target.authority,
        "user-agent": _USER_AGENT,
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": str(len(content)),
    } | dict(headers)
    events = (
        h11.Request(method="POST", target=target.path, headers=list(every.items())),
        h11.Data(data=content),
        h11.EndOfMessage(),
    )
    return b"".join(protocol.send(event) or b"" for event in events)


class _NameUnknown(OSError):
    """The receiver's name does not resolve."""


# In words of our own, the most special first.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "TLS could not be agreed on"),
    (_NameUnknown, "the name does not resolve"),
    (h11.RemoteProtocolError, "the connection was closed without an answer, or the answer is not HTTP"),
    (h11.LocalProtocolError, "the request cannot be written"),
)


def _words(failure: BaseException, *, connected: bool) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {failure.verify_message}"
    otherwise = "the connection broke" if connected else "no connection could be made"
    return next((text for kind, text in _WORDS if isinstance(failure, kind)), otherwise)
