"""Whoever follows the live stream is looked up again and again, however far the stream has come."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

from starlette.types import Message

from telemetry.hooks.stream.clients import Client, Ending
from telemetry.hooks.stream.filters import Filter
from telemetry.hooks.stream.hub import Hub
from telemetry.hooks.stream.response import EventStream, Wish


class _Standing:
    """The part of a hub that a stream knows; it never comes to where the stream could begin."""

    options = SimpleNamespace(beat_seconds=0.01)
    client: Client | None = None

    @contextmanager
    def attend(self, name: str, wanted: Filter) -> Iterator[Client]:
        self.client = Client(name, wanted)
        yield self.client

    def settle(self, client: Client, *, joins: bool) -> asyncio.Future[object]:  # noqa: ARG002 - as a hub has it
        return asyncio.get_running_loop().create_future()


async def test_a_stream_that_has_not_caught_up_ends_with_the_right_to_it() -> None:
    hub, looks, sent = _Standing(), 0, list[Message]()

    async def still_known() -> bool:
        nonlocal looks
        looks += 1
        return looks < 3

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    stream = EventStream(cast("Hub", hub), Wish("token:qt_aaaaaaaa", cast("Filter", None), None, still_known))
    async with asyncio.timeout(10):
        await stream({"type": "http"}, receive, send)
    assert hub.client is not None
    assert (looks, hub.client.ending) == (3, Ending.REVOKED)
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
