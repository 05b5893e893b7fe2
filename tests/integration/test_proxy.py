"""The proxy of deploy/ in front of a real server: what it ends, what it hides, and what it passes on untouched."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.fixtures import haproxies
from tests.fixtures.haproxies import Haproxy, Stream


@dataclass
class Gateway:
    """A server behind the proxy that remembers the requests it got."""

    requests: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.requests.append(head)
                if head.startswith("GET /v1/events"):
                    await self._stream(writer)
                elif "transfer-encoding: chunked" in head.lower():
                    body = await reader.readuntil(b"0\r\n\r\n")
                self._answer(writer, body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """Say something from time to time, more rarely than a client may be silent; then end."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for _ in range(2):
            writer.write(b": here\n\n")
            await asyncio.sleep(2.5)
        writer.write(b": end\n\n")
        await writer.drain()
        raise ConnectionError

    def _answer(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        head = "HTTP/1.1 200 OK\r\nServer: secret/1.0\r\nContent-Security-Policy: default-src 'self'\r\n"
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    @property
    def passed(self) -> list[str]:
        """The requests that came through the proxy, without its own probes."""
        return [head for head in self.requests if "x-forwarded-for" in head.lower()]


@dataclass(frozen=True)
class Proxy:
    front: Haproxy
    gateway: Gateway


@pytest.fixture(scope="module")
async def proxy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxy]:
    gateway = Gateway()
    server = await asyncio.start_server(gateway.answer, "127.0.0.1", 0)
    behind = server.sockets[0].getsockname()[1]
    try:
        async with haproxies.in_front_of(tmp_path_factory.mktemp("proxy"), behind, behind) as front:
            yield Proxy(front, gateway)
    finally:
        server.close()
        await server.wait_closed()


def test_the_deadlines_that_are_shipped_are_those_of_real_networks() -> None:
    text = haproxies.shipped()
    for named in haproxies.DEADLINES:
        assert named in text
    assert re.findall(r"ssl-min-ver (\S+)", text) == ["TLSv1.2"]
    # Nothing leads from plain HTTP to the interface: a key that was sent there would have been read already.
    assert "redirect" not in text
    assert re.findall(r"^\s*bind (.*)$", text, re.MULTILINE) == [
        ':8443 ssl crt "${TLS_CERTIFICATE}" alpn h2,http/1.1',
        ':8883 ssl crt "${TLS_CERTIFICATE}"',
    ]


async def test_a_request_passes_with_its_body_and_without_banners(proxy: Proxy) -> None:
    body = os.urandom(200_000)
    async with proxy.front.client() as client:
        answer = await client.post("/v1/observations", content=body)
    assert answer.content == body
    assert "server" not in answer.headers
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    # What the gateway says to browsers is not said anew.
    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]


async def test_the_address_that_a_client_claims_is_not_believed(proxy: Proxy) -> None:
    async with proxy.front.client() as client:
        await client.get("/v1/stations", headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
    head = proxy.gateway.requests[-1].lower()
    assert "203.0.113.9" not in head
    assert head.count("x-forwarded-for: 127.0.0.1\r\n") == 1
    assert head.count("x-forwarded-for") == 1


@pytest.mark.parametrize(
    "path", ["/metrics", "/livez", "/readyz", "/metrics?a=b", "/%6detrics", "/%6D%65%74%72%69%63%73", "/readyz/"]
)
async def test_probes_and_metrics_are_not_reached_from_outside(proxy: Proxy, path: str) -> None:
    before = proxy.gateway.passed
    reader, writer = await proxy.front.raw(proxy.front.https)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"strict-transport-security" in answer.lower()
    assert proxy.gateway.passed == before
    writer.close()


@pytest.mark.parametrize(
    "more", [b"X-Long: " + b"x" * 60_000 + b"\r\n", b"".join(b"x%d: 1\r\n" % n for n in range(200))]
)
async def test_a_head_that_is_too_long_is_refused(proxy: Proxy, more: bytes) -> None:
    reader, writer = await proxy.front.raw(proxy.front.https)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    assert line.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    writer.close()


async def test_a_body_that_nothing_takes_is_refused_before_it_is_sent(proxy: Proxy) -> None:
    before = proxy.gateway.passed
    reader, writer = await proxy.front.raw(proxy.front.https)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 20_000)
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 413")
    assert proxy.gateway.passed == before
    writer.close()


async def _lasts(stream: Stream, first: bytes, drip: bytes = b"") -> float:
    """Seconds until the proxy ends a connection that sends little or nothing."""
    reader, writer = stream
    began = time.monotonic()
    writer.write(first)

    async def dripping() -> None:
        while drip:
            await asyncio.sleep(0.1)
            writer.write(drip)
            await writer.drain()

    task = asyncio.create_task(dripping())
    with suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(4096), 20):
            pass
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    writer.close()
    return time.monotonic() - began


async def _plain(port: int) -> Stream:
    """A connection that never begins with TLS."""
    return await asyncio.open_connection("127.0.0.1", port)


async def test_slow_senders_are_ended_in_time_and_others_are_served_meanwhile(proxy: Proxy) -> None:
    front = proxy.front
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    slow = [
        _lasts(await front.raw(front.https), b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"x"),
        _lasts(await front.raw(front.https), post, b"x"),
        _lasts(await front.raw(front.https), b""),
        _lasts(await front.raw(front.mqtts), b""),
        _lasts(await _plain(front.https), b""),
        _lasts(await _plain(front.mqtts), b""),
    ]
    tasks = [asyncio.create_task(each) for each in slow]
    stream = asyncio.create_task(_events(front))
    upload = asyncio.create_task(_upload(front))
    quiet = asyncio.create_task(_quiet_mqtt(front))
    async with front.client() as client:
        while not all(task.done() for task in tasks):
            assert (await asyncio.wait_for(client.get("/v1/stations"), 5)).status_code == 200
            await asyncio.sleep(0.1)
    lasted = [task.result() for task in tasks]
    assert max(lasted) < 8, lasted
    # Screens that only read, streams that are sent as things happen, and loggers between two packets are none of them.
    assert await stream == b": here\n\n: here\n\n: end\n\n"
    assert (await upload).startswith(b"HTTP/1.1 200")
    assert b"Server: secret/1.0" in await quiet


async def _events(front: Haproxy) -> bytes:
    """What the live stream brings to a client that says nothing any more."""
    reader, writer = await front.raw(front.https)
    writer.write(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    body = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return body


async def _upload(front: Haproxy) -> bytes:
    """The answer to a stream whose lines come one by one, slower than a body may."""
    reader, writer = await front.raw(front.https)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        await asyncio.sleep(1)
        writer.write(b"3\r\n{}\n\r\n")
    writer.write(b"0\r\n\r\n")
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    return answer


async def _quiet_mqtt(front: Haproxy) -> bytes:
    """What comes back of bytes on the broker's port when more of them follow after a long silence."""
    reader, writer = await front.raw(front.mqtts)
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\x00\xff\x01")
    await asyncio.wait_for(reader.readuntil(b"\x00\xff\x01"), 5)
    await asyncio.sleep(3)
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\x00\xff\x02")
    answer = await asyncio.wait_for(reader.readuntil(b"\x00\xff\x02"), 5)
    writer.close()
    return answer
