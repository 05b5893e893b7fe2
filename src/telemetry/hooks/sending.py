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
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from telemetry.hooks import guarding
from telemetry.hooks.addresses import Address
from telemetry.hooks.guarding import Policy, Refused, Target

# The addresses of a name, in the order of preference, or OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_DNS_SECONDS = 5.0
# An answer's body is read for the log and out of politeness: a receiver whose answer is cut off may log an error.
_POLITE_SECONDS = 1.0
_SHOWN_CHARACTERS = 200
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


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to one address, whatever host it is asked for; TLS is then spoken with the host's name."""

    def __init__(self, target: Target, address: Address) -> None:
        self._target = target
        self._address = address
        self._inner = httpcore.AnyIOBackend()
        self.connected = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        if (host, port) != (self._target.host, self._target.port):
            raise httpcore.ConnectError("another host than the one that was allowed")
        stream = await self._inner.connect_tcp(str(self._address), port, timeout, local_address, socket_options)
        self.connected = True
        return stream

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no receiver is a local socket")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


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
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as failure:
            if "status" not in told:
                told["error"] = _words(failure)
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
        every = {
            "host": target.authority,
            "user-agent": _USER_AGENT,
            "content-type": "application/json",
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "close",
            "content-length": str(len(content)),
        } | dict(headers)
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        backend = _Pinned(target, address)
        connection = httpcore.AsyncHTTPConnection(
            origin=url.origin, ssl_context=self._tls, http1=True, http2=False, retries=0, network_backend=backend
        )
        async with connection:
            sent = [(name.encode(), value.encode()) for name, value in every.items()]
            async with connection.stream("POST", url, headers=sent, content=content) as response:
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                told["tls"] = _tls_version(response)
                told["status"] = response.status
                told["retry_after"] = found.get("retry-after")
                told["answer"] = await self._beginning(response)

    async def _beginning(self, response: httpcore.Response) -> str:
        """The first characters of the answer; of the rest as much is read as the bounds allow."""
        kept = bytearray()
        read = 0
        try:
            async with asyncio.timeout(_POLITE_SECONDS):
                async for chunk in response.aiter_stream():
                    read += len(chunk)
                    kept += chunk[: max(0, 4 * _SHOWN_CHARACTERS - len(kept))]
                    if read > self._bounds.answer_bytes:
                        break
        except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, OSError):
            # The status was there; what it says does not change with the rest of the body.
            pass
        return _NOT_SHOWN.sub(" ", kept.decode("utf-8", "replace")).strip()[:_SHOWN_CHARACTERS]


def _tls_version(response: httpcore.Response) -> str | None:
    spoken: ssl.SSLObject | None = response.extensions["network_stream"].get_extra_info("ssl_object")
    return None if spoken is None else spoken.version()


class _NameUnknown(OSError):
    """The receiver's name does not resolve."""


# In words of our own, the most special first.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "TLS could not be agreed on"),
    (_NameUnknown, "the name does not resolve"),
    (httpcore.ConnectError, "no connection could be made"),
    (httpcore.RemoteProtocolError, "the connection was closed without an answer, or the answer is not HTTP"),
    (httpcore.LocalProtocolError, "the request cannot be written"),
)


def _words(failure: BaseException) -> str:
    causes = [cause for cause in (failure, failure.__cause__, failure.__context__) if cause is not None]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {cause.verify_message}"
    return next((text for kind, text in _WORDS if any(isinstance(c, kind) for c in causes)), "the connection broke")
