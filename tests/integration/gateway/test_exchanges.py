"""Requests that come whole, at a real server: which of them are taken, how they are answered, and what ends them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from starlette.types import Message, Receive, Scope, Send

from core.exchanges import Exchange, Header
from gateway.edges import connections
from tests.fixtures.brokers import until
from tests.fixtures.listening import Listening, Stream, answer, everything, listening

KEEP_ALIVE = 3
LARGE = 100_000


@dataclass
class Application:
    """Answers with the path and the body that it was asked with, and notes which way each request came.

    `/refuse` is not taken, `/hold` waits for the test, `/later` for a moment, `/close` ends its connection.
    """

    ways: list[str] = field(default_factory=list)
    held: list[Exchange] = field(default_factory=list)

    def take(self, exchange: Exchange) -> bool:
        path = exchange.scope["path"]
        if path == "/refuse":
            return False
        self.ways.append("taken")
        say = partial(exchange.answer, *said(path, exchange.body))
        if path == "/hold":
            self.held.append(exchange)
        elif path == "/later":
            asyncio.get_running_loop().call_later(0.2, say)
        else:
            say()
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.ways.append("asgi")
        body = b""
        message: Message = {"more_body": True}
        while message["more_body"]:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
        status, headers, content = said(scope["path"], body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def said(path: str, body: bytes) -> tuple[int, list[Header], bytes]:
    content = b"x" * LARGE if path == "/large" else path.encode() + b" " + body
    headers = [(b"content-length", b"%d" % len(content))]
    return 200, [*headers, (b"connection", b"close")] if path == "/close" else headers, content


def request(path: str, body: bytes = b"", *headers: bytes, version: str = "1.1") -> bytes:
    lines = [f"POST {path} HTTP/{version}".encode(), b"Host: a", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


@dataclass
class Running:
    application: Application
    listening: Listening

    async def open(self) -> Stream:
        return await self.listening.open()

    async def hold(self, behind: bytes = b"") -> tuple[Stream, Exchange]:
        """A connection whose request was taken and is not answered yet; `behind`: what is sent with the request."""
        stream = await self.open()
        stream[1].write(request("/hold") + behind)
        await until(lambda: self.application.held, what="the request to be taken")
        return stream, self.application.held.pop()

    def has_seen(self, count: int) -> bool:
        return len(self.application.ways) == count

    async def serves(self) -> bool:
        """Whether the next client is answered."""
        reader, writer = await self.open()
        writer.write(request("/next"))
        _, body = await answer(reader)
        writer.close()
        return body == b"/next "


@pytest.fixture(scope="module")
async def serving() -> AsyncIterator[Running]:
    application = Application()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(connections, "HEAD_SECONDS", 1)
        async with listening(application, keep_alive=KEEP_ALIVE) as running:
            yield Running(application, running)


@pytest.fixture(autouse=True)
async def clean(serving: Running) -> AsyncIterator[None]:
    serving.application.ways.clear()
    yield
    await serving.listening.leave()
    serving.application.held.clear()


# Which way a request goes.


async def test_a_request_that_came_whole_is_taken(serving: Running) -> None:
    reader, writer = await serving.open()
    for number in range(3):
        writer.write(request(f"/{number}", b"body"))
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection:" not in head
        assert body == b"/%d body" % number
    assert serving.application.ways == ["taken"] * 3


async def test_a_chunked_request_that_came_whole_is_taken(serving: Running) -> None:
    reader, writer = await serving.open()
    writer.write(b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    writer.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert (await answer(reader))[1] == b"/chunks abcde"
    writer.write(request("/after"))
    assert (await answer(reader))[1] == b"/after "
    assert serving.application.ways[-1] == "taken"


async def test_a_request_in_two_pieces_goes_to_the_application(serving: Running) -> None:
    reader, writer = await serving.open()
    whole = request("/pieces", b"0123456789")
    # After the head, in the middle of the body, and in the middle of the head.
    for cut, way in ((-10, "asgi"), (-4, "asgi"), (20, "taken")):
        writer.write(whole[:cut])
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(whole[cut:])
        assert (await answer(reader))[1] == b"/pieces 0123456789"
        assert serving.application.ways.pop() == way


async def test_what_is_not_taken_goes_to_the_application_with_its_body(serving: Running) -> None:
    reader, writer = await serving.open()
    for path, way in (("/refuse", "asgi"), ("/other", "taken"), ("/refuse", "asgi")):
        writer.write(request(path, b"body"))
        assert (await answer(reader))[1] == f"{path} body".encode()
        assert serving.application.ways.pop() == way


async def test_a_long_body_does_not_keep_the_next_request_from_being_read(serving: Running) -> None:
    reader, writer = await serving.open()
    for _ in range(3):
        writer.write(request("/long", b"y" * 120_000))
        assert (await answer(reader))[1] == b"/long " + b"y" * 120_000


async def test_who_waits_to_be_told_to_go_on_is_told(serving: Running) -> None:
    reader, writer = await serving.open()
    whole = request("/expect", b"body", b"Expect: 100-continue")
    writer.write(whole[:-4])
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(whole[-4:])
    assert (await answer(reader))[1] == b"/expect body"
    # One that did not wait after all.
    writer.write(whole)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await answer(reader))[1] == b"/expect body"
    assert serving.application.ways == ["asgi", "asgi"]


# How it is answered.


@pytest.mark.parametrize(
    "sent",
    [
        request("/end", b"", b"Connection: close"),
        request("/end", version="1.0"),
        request("/close"),
        request("/close", b"", b"Connection: close"),
    ],
)
async def test_an_answer_that_is_the_last_says_so_once_and_ends_the_connection(serving: Running, sent: bytes) -> None:
    reader, writer = await serving.open()
    writer.write(sent)
    whole = await everything(reader)
    head, _, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.count(b"connection: close") == 1
    assert body in {b"/end ", b"/close "}
    assert serving.application.ways == ["taken"]


async def test_an_answer_may_be_given_later(serving: Running) -> None:
    reader, writer = await serving.open()
    for _ in range(2):
        started = time.monotonic()
        writer.write(request("/later"))
        assert (await answer(reader))[1] == b"/later "
        assert time.monotonic() - started >= 0.15
    assert serving.application.ways == ["taken", "taken"]


async def test_one_that_waits_does_not_hold_up_other_connections(serving: Running) -> None:
    (reader, _), exchange = await serving.hold()
    assert await serving.serves()
    exchange.answer(*said("/hold", exchange.body))
    assert (await answer(reader))[1] == b"/hold "


@pytest.mark.parametrize("count", [2, 500])
async def test_requests_in_one_write_are_answered_in_their_order(serving: Running, count: int) -> None:
    reader, writer = await serving.open()
    writer.write(b"".join(request(f"/{number}", b"body") for number in range(count)))
    answered = [(await answer(reader))[1] for _ in range(count)]
    assert answered == [b"/%d body" % number for number in range(count)]
    assert serving.application.ways[0] == "taken"
    assert len(serving.application.ways) == count
    # The connection is as good as new.
    writer.write(request("/after"))
    assert (await answer(reader))[1] == b"/after "
    assert serving.application.ways[-1] == "taken"


async def test_what_is_sent_behind_one_that_waits_waits_too(serving: Running) -> None:
    (reader, writer), exchange = await serving.hold(request("/behind"))
    writer.write(request("/last"))
    await asyncio.sleep(0.2)
    assert serving.application.ways == ["taken"]
    exchange.answer(*said("/hold", exchange.body))
    assert [(await answer(reader))[1] for _ in range(3)] == [b"/hold ", b"/behind ", b"/last "]


async def test_every_answer_is_counted_by_the_server_once(serving: Running) -> None:
    before = serving.listening.server.server_state.total_requests
    reader, writer = await serving.open()
    writer.write(request("/one") + request("/two"))
    for _ in range(2):
        await answer(reader)
    assert serving.listening.server.server_state.total_requests == before + 2


# Clients that leave, or do not read.


@pytest.mark.parametrize("behind", [b"", request("/behind")], ids=["alone", "followed"])
@pytest.mark.parametrize("rudely", [False, True], ids=["closing", "resetting"])
async def test_a_client_that_is_gone_before_its_answer_harms_nobody(
    serving: Running, caplog: pytest.LogCaptureFixture, behind: bytes, rudely: bool
) -> None:
    for _ in range(10):
        (_, writer), exchange = await serving.hold(behind)
        if rudely:
            writer.transport.abort()
        else:
            writer.close()
        if not behind:
            # While a request waits behind, nothing is read, not even the end.
            await until(lambda: not serving.listening.connections, what="the end of the connection")
        exchange.answer(*said("/hold", exchange.body))
        await until(lambda: not serving.listening.connections, what="the end of the connection")
    assert await serving.serves()
    assert caplog.records == []


async def test_for_a_client_that_does_not_read_little_is_kept(serving: Running) -> None:
    """Two hundred answers of 100 kB are more than the buffers of both kernels hold."""
    reader, writer = await serving.open()
    ways = serving.application.ways
    count = 0
    async with asyncio.timeout(60):
        while not ways or ways[-1] == "taken":
            writer.write(request("/large"))
            count += 1
            await until(partial(serving.has_seen, count), what="the request to arrive")
            assert count < 300
    # What is sent now waits in front of the application.
    further = 200
    writer.write(b"".join(request("/large") for _ in range(further)))
    await asyncio.sleep(0.3)
    assert ways == ["taken"] * (count - 1) + ["asgi"]
    (connection,) = serving.listening.connections
    assert connection.transport.get_write_buffer_size() < 3 * LARGE
    assert await serving.serves()
    ways.clear()
    for _ in range(count + further):
        assert len((await answer(reader))[1]) == LARGE
    writer.write(request("/after"))
    assert (await answer(reader))[1] == b"/after "
    assert ways[-1] == "taken"


# Ends of connections.


async def until_closed(stream: Stream) -> tuple[bytes, float]:
    """What still arrives, and how many seconds pass until the server closes."""
    started = time.monotonic()
    return await everything(stream[0]), time.monotonic() - started


async def test_a_connection_that_was_used_is_kept_for_as_long_as_the_server_is_told(serving: Running) -> None:
    taken, not_taken, silent, half = [await serving.open() for _ in range(4)]
    for stream, path in ((taken, "/taken"), (not_taken, "/refuse"), (half, "/half")):
        stream[1].write(request(path))
        await answer(stream[0])
    half[1].write(b"POST /sec")
    ends = await asyncio.gather(*(until_closed(stream) for stream in (taken, not_taken, silent, half)))
    for told, seconds in ends[:2]:
        assert told == b""
        assert seconds >= KEEP_ALIVE - 0.1
    # Nothing was ever asked of this one, and of that one not the whole.
    assert ends[2][0] == b""
    assert ends[3][0].startswith(b"HTTP/1.1 408 ")
    assert max(ends[2][1], ends[3][1]) < min(ends[0][1], ends[1][1])


async def test_the_end_of_a_body_is_not_the_beginning_of_a_head(serving: Running) -> None:
    """A chunked body may end with bytes that came by themselves: nothing is under way then."""
    reader, writer = await serving.open()
    writer.write(b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.write(b"0\r\n\r\n")
    assert (await answer(reader))[1] == b"/chunks abc"
    told, seconds = await until_closed((reader, writer))
    assert told == b""
    assert seconds >= KEEP_ALIVE - 0.1


async def test_who_waits_for_an_answer_is_not_closed(serving: Running) -> None:
    (reader, writer), exchange = await serving.hold()
    await asyncio.sleep(KEEP_ALIVE + 2)
    exchange.answer(*said("/hold", exchange.body))
    assert (await answer(reader))[1] == b"/hold "
    writer.write(request("/after"))
    assert (await answer(reader))[1] == b"/after "


async def test_a_server_that_stops_waits_for_the_answer_and_says_that_it_is_the_last() -> None:
    application = Application()
    async with listening(application) as running:
        serving = Running(application, running)
        idle = await serving.open()
        idle[1].write(request("/idle"))
        await answer(idle[0])
        (reader, _), exchange = await serving.hold()
        running.server.should_exit = True
        assert await everything(idle[0]) == b""
        await asyncio.sleep(0.5)
        assert not running.end.done()
        exchange.answer(*said("/hold", exchange.body))
        whole = await everything(reader)
        assert b"\r\nconnection: close\r\n" in whole
        assert whole.endswith(b"\r\n\r\n/hold ")
        await asyncio.wait_for(running.end, 10)
