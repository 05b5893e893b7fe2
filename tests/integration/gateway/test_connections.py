"""Connections of a real server: heads without end, slow heads, silent sockets, trailers, and what is not HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.edges import connections
from tests.fixtures.listening import Listening, Stream, everything, listening


@dataclass
class Application:
    """Answers what was sent, and remembers how many requests got this far."""

    requests: list[Scope] = field(default_factory=list)
    answer_first: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append(scope)
        body = b""
        message: Message = {"more_body": True}
        while message.get("more_body") and not self.answer_first:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Running:
    application: Application
    listening: Listening

    async def open(self) -> Stream:
        return await self.listening.open()


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Running]:
    application = Application()
    with pytest.MonkeyPatch.context() as monkeypatch:
        # One second instead of ten is enough to see that there is an end.
        monkeypatch.setattr(connections, "HEAD_SECONDS", 1)
        async with listening(application) as running:
            yield Running(application, running)


@pytest.fixture(autouse=True)
def forget(served: Running) -> None:
    served.application.requests.clear()
    served.application.answer_first = False


def problem(answer: bytes) -> str:
    """The slug of the problem that was answered."""
    assert b"content-type: application/problem+json\r\n" in answer
    assert b"connection: close\r\n" in answer
    found: str = json.loads(answer.partition(b"\r\n\r\n")[2])["type"]
    return found.removeprefix("urn:quantrac:problem:")


async def flood(stream: Stream, part: bytes, most: int) -> int:
    """Send the part again and again; the bytes that were taken before the server closed."""
    sent = 0
    with suppress(ConnectionError):
        while sent < most:
            stream[1].write(part)
            await stream[1].drain()
            sent += len(part)
    stream[1].close()
    return sent


async def test_a_head_of_fifty_megabytes_is_given_up_at_its_beginning(served: Running) -> None:
    stream = await served.open()
    stream[1].write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ")
    # Kernel buffers of both sides take some megabytes that nobody read.
    assert await flood(stream, b"x" * 65_536, 50 * 2**20) < 16 * 2**20
    assert served.application.requests == []


async def test_a_head_that_is_too_long_is_told_so(served: Running) -> None:
    reader, writer = await served.open()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(b"x" * (connections.MOST_HEAD_BYTES + 1))
    answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert problem(answer) == "head-too-large"
    writer.close()


@pytest.mark.parametrize(("count", "status"), [(99, b"200"), (200, b"431")])
async def test_headers_are_counted(served: Running, count: int, status: bytes) -> None:
    reader, writer = await served.open()
    head = b"".join(b"x%d: 1\r\n" % number for number in range(count))
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await reader.readline()).split()[1] == status
    if status == b"431":
        await everything(reader)
        assert served.application.requests == []
    writer.close()


async def test_two_hundred_thousand_headers_do_not_arrive(served: Running) -> None:
    stream = await served.open()
    stream[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n")
    assert await flood(stream, b"x-123456789: 1\r\n" * 4096, 50 * 2**20) < 16 * 2**20
    assert served.application.requests == []


async def test_trailers_without_end_are_given_up_too(served: Running) -> None:
    stream = await served.open()
    stream[1].write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: ")
    assert await flood(stream, b"x" * 65_536, 50 * 2**20) < 16 * 2**20


async def test_a_long_body_in_many_pieces_is_no_head(served: Running) -> None:
    reader, writer = await served.open()
    for turn in range(2):
        body = bytes([65 + turn]) * 1_000_000
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 100_000):
            writer.write(body[start : start + 100_000])
            await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(len(body)) == body
    writer.close()


async def test_slow_heads_and_silent_sockets_are_ended_while_others_are_served(served: Running) -> None:
    silent, slow, second = [await served.open() for _ in range(3)]
    slow[1].write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    second[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await second[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    second[1].write(b"GET / HT")
    patient = await served.open()
    patient[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await patient[0].readuntil(b"\r\n\r\n")

    async def drip() -> None:
        while True:
            await asyncio.sleep(0.1)
            slow[1].write(b"x")

    dripping = asyncio.create_task(drip())
    ends = await asyncio.gather(everything(silent[0]), everything(slow[0]), everything(second[0]))
    dripping.cancel()
    assert ends[0] == b""
    assert [problem(end) for end in ends[1:]] == ["slow-head", "slow-head"]
    # Between two requests a connection stays open for as long as the server is told.
    patient[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await patient[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    for stream in (silent, slow, second, patient):
        stream[1].close()


async def test_a_body_that_nobody_waits_for_any_more_does_not_hold_its_connection(served: Running) -> None:
    served.application.answer_first = True
    reader, writer = await served.open()
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    assert await everything(reader) == b""
    dripping.cancel()
    writer.close()


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_not_http_is_answered_with_a_problem(served: Running, sent: bytes) -> None:
    reader, writer = await served.open()
    writer.write(sent)
    answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert problem(answer) == "not-http"
    assert b"server:" not in answer.lower()
    writer.close()
