"""Asks the identity provider: over TLS, in bounded time, with bounded answers, and nobody that it redirects to."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from core.peers import is_loopback
from identity.oidc.errors import ProviderFault

_MOST_BYTES = 512 * 2**10


def is_safe(url: str, *, like: str | None = None) -> bool:
    """Whether it may be asked: https, or http on this machine; like: an address that it must not be weaker than."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and is_loopback(host) and (like is None or urlsplit(like).scheme == "http")


@dataclass(frozen=True, slots=True)
class Answer:
    """date: the clock of who answered, where it says."""

    status: int
    document: dict[str, Any]
    date: datetime | None = None


class Outbound:
    """Use as an async context manager. Every method raises ProviderFault where no usable answer comes."""

    def __init__(self, tls: ssl.SSLContext, seconds: float) -> None:
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            verify=tls,
            timeout=seconds,
            trust_env=False,
            follow_redirects=False,
            # An answer that has to be inflated would have to be bounded twice.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "quantrac"},
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=2),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> Answer:
        answer = await self._ask(self._client.build_request("GET", url))
        if answer.status != httpx.codes.OK:
            raise ProviderFault(f"answered {answer.status}")
        return answer

    async def post(self, url: str, form: dict[str, str], authorization: str | None) -> Answer:
        headers = {} if authorization is None else {"Authorization": authorization}
        return await self._ask(self._client.build_request("POST", url, data=form, headers=headers))

    async def _ask(self, request: httpx.Request) -> Answer:
        try:
            # The client's own time limits are for each step; together the steps must end, too.
            async with asyncio.timeout(2 * self._seconds):
                answer = await self._client.send(request, stream=True)
                try:
                    return Answer(answer.status_code, _document(answer, await _body(answer)), _date(answer))
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderFault(type(error).__name__) from None


async def _body(answer: httpx.Response) -> bytes:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise ProviderFault("answered in an encoding that was not asked for")
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > _MOST_BYTES:
            raise ProviderFault(f"answered more than {_MOST_BYTES} bytes")
    return bytes(body)


def _date(answer: httpx.Response) -> datetime | None:
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return None if told.tzinfo is None else told


def _document(answer: httpx.Response, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderFault(f"answered {answer.status_code} and no JSON") from None
    if not isinstance(found, dict):
        raise ProviderFault(f"answered {answer.status_code} and no JSON object")
    return found
