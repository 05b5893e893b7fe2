"""Very long NDJSON backfills: read line by line, committed in chunks, answered with one receipt line a chunk.

Memory stays constant: a few chunks are under way at once, and no more is read from the socket while they are. The
answer is NDJSON too. Its last line is `{"complete": true, …}`; a stream that ends without it promises nothing beyond
the receipts before, and sending the whole again is harmless.
"""

import asyncio
import hashlib
import random
import zlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import structlog
from starlette.types import Receive, Send

from core import errors, instants, problems
from telemetry.codecs import inflating, ndjson
from telemetry.codecs.context import Context
from telemetry.codecs.errors import Unreadable
from telemetry.intake import answers, metering
from telemetry.intake.gating import Gate, Open
from telemetry.intake.reception import Form, Speaker
from telemetry.intake.submitting import Intake, IntakeFull, NotCommittedInTime
from telemetry.readings import Channel, Decoded, Outcome, Submission

_log = structlog.get_logger(__name__)
# Chunks that may be under way at once: one is read while others are written.
_IN_FLIGHT = 4
_IDLE_SECONDS = 60
_STEP_BYTES = 256 * 2**10


class BrokenStream(errors.Invalid):
    slug = "broken-stream"
    title = "The stream cannot be read any further"


class ClientGone(Exception):
    """The connection closed before the body was complete; nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bytes of one line, bytes of the lines that share one receipt, and seconds until a chunk must be committed.

    A backfill has more patience than a single packet: breaking it off costs the sender the whole of it.
    """

    line_bytes: int
    chunk_bytes: int
    commit_seconds: float = 60


@dataclass(slots=True)
class _Totals:
    receipts: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, document: dict[str, Any]) -> None:
        self.receipts += 1
        for fate, number in document["counts"].items():
            self.counts[fate] = self.counts.get(fate, 0) + number


async def _anybody() -> None:
    """Nobody is looked up again."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The gate that each chunk passes, and from where the stream comes.

    look: raises `errors.Unauthorized` once the staff that sends the stream may no longer; of stations the gate knows.
    """

    gate: Gate = field(default_factory=Open)
    address: str = ""
    look: Callable[[], Awaitable[None]] = _anybody


class Stream:
    """One NDJSON request: its bytes in, receipts out. Raises UnknownEncoding for an encoding other than gzip."""

    def __init__(
        self, intake: Intake, speaker: Speaker, form: Form, limits: StreamLimits, passage: Passage | None = None
    ) -> None:
        self._intake = intake
        self._speaker = speaker
        self._form = form
        self._limits = limits
        self._passage = passage or Passage()
        self._lines = ndjson.Lines(limits.line_bytes)
        self._inflate = zlib.decompressobj(31) if inflating.is_gzip(form.content_encoding) else None
        self._first_line = 1
        self._first_index = 0

    async def receipts(self, receive: Receive) -> AsyncGenerator[Outcome]:
        """The outcome of each chunk, in order, each after its COMMIT.

        Where the stream breaks, the chunks before the break are told first, and then the error is raised.
        """
        under_way: deque[asyncio.Task[Outcome]] = deque()
        broken: errors.Error | None = None
        try:
            try:
                async for lines in self._chunks(receive):
                    submission = self._submission(lines)
                    if not submission.decoded.count:
                        # Blank lines are nothing to keep, however many of them a short gzip stream makes.
                        continue
                    under_way.append(asyncio.create_task(self._submit(submission, self._first_index)))
                    self._first_index += submission.decoded.count
                    while under_way and (under_way[0].done() or len(under_way) >= _IN_FLIGHT):
                        yield await under_way.popleft()
                    # While a station has to wait, no more of its stream is read.
                    await self._passage.gate.pace(
                        self._speaker, submission.decoded.count, submission.raw_length, self._passage.address
                    )
                    await self._passage.look()
            except (BrokenStream, errors.Unauthorized) as error:
                broken = error
            while under_way:
                yield await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        if broken is not None:
            raise broken

    async def _chunks(self, receive: Receive) -> AsyncIterator[list[bytes]]:
        """Complete lines, joined until they are as many bytes as share one receipt."""
        waiting: list[bytes] = []
        size = 0
        async for part in _parts(receive):
            for plain in self._plain(part):
                for line in self._lines.feed(plain):
                    waiting.append(line)
                    # The line end counts too: memory for a chunk is bounded however short its lines are.
                    size += len(line) + 1
                    if size >= self._limits.chunk_bytes:
                        yield waiting
                        waiting, size = [], 0
        if self._inflate is not None and not self._inflate.eof:
            raise BrokenStream("The gzip stream ends before its end mark.")
        waiting += self._lines.end()
        if waiting:
            yield waiting

    def _plain(self, part: bytes) -> Iterator[bytes]:
        """The part inflated, a bounded step at a time."""
        if self._inflate is None:
            yield part
            return
        while part:
            try:
                yield self._inflate.decompress(part, _STEP_BYTES)
            except zlib.error as error:
                raise BrokenStream(f"The gzip stream is damaged ({error}).") from None
            if self._inflate.unused_data:
                raise BrokenStream("Bytes follow the end of the gzip stream.")
            part = self._inflate.unconsumed_tail

    def _submission(self, lines: list[bytes]) -> Submission:
        received_us = instants.now_us()
        context = Context(station=self._speaker.station, received_us=received_us, file_code=self._speaker.file_code)
        # A receipt's positions are those in its own bytes, which can be read again without the rest of the stream.
        try:
            decoded = ndjson.decode(lines, context, 0, self._first_line, self._limits.line_bytes)
        except Unreadable as error:
            # More flaws than are worth a row each: the chunk goes to quarantine as a whole, and the stream goes on.
            decoded = Decoded((), (error.flaw,), 1)
        self._first_line += len(lines)
        raw = b"\n".join(lines) + b"\n"
        return Submission(
            channel=Channel.HTTP,
            format=ndjson.NdjsonCodec.name,
            raw=raw,
            raw_length=len(raw),
            sha256=hashlib.sha256(raw).digest(),
            sender=self._speaker.sender,
            received_us=received_us,
            decoded=decoded,
            station_id=self._speaker.station_id,
            station=self._speaker.station,
            source=self._form.file_name or "",
            within=self._speaker.within,
        )

    async def _submit(self, submission: Submission, first_index: int) -> Outcome:
        """The outcome with positions in the stream.

        A stream waits for room, for a while, instead of being refused in the middle.
        """
        try:
            async with asyncio.timeout(self._limits.commit_seconds):
                while True:
                    try:
                        outcome = await self._intake.submit(submission)
                        break
                    except IntakeFull:
                        await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - jitter
        except TimeoutError:
            raise NotCommittedInTime("Send the same bytes again.", retry_after=5) from None
        if outcome.quarantined:
            self._passage.gate.answered(self._speaker, outcome, self._passage.address)
        return _moved(outcome, first_index)


def _moved(outcome: Outcome, first_index: int) -> Outcome:
    """The outcome of a chunk that begins at a position of the stream."""
    if not first_index or not outcome.verdicts:
        return outcome
    verdicts = [
        verdict if verdict.index is None else replace(verdict, index=verdict.index + first_index)
        for verdict in outcome.verdicts
    ]
    return msgspec.structs.replace(outcome, verdicts=verdicts)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise BrokenStream(f"Nothing arrived for {_IDLE_SECONDS} s.") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def answer(stream: Stream, receive: Receive, send: Send, request_id: str, path: str) -> None:
    """Send a receipt line for each chunk and a last line with the totals.

    An error before the first receipt is raised; a later one stands in the last line, because the status was already
    sent.
    """
    totals = _Totals()
    try:
        async with aclosing(stream.receipts(receive)) as outcomes:
            async for outcome in outcomes:
                document = answers.receipt_document(outcome)
                if not totals.receipts:
                    await send(_start(request_id))
                totals.add(document)
                await send(_line(document))
    except errors.Error as error:
        if not totals.receipts:
            raise
        metering.REFUSALS.labels(error.slug).inc()
        _log.warning("stream.broken", request_id=request_id, problem=error.slug, receipts=totals.receipts)
        await send(_line({"complete": False, "problem": problems.document(error, path)}, last=True))
        return
    if not totals.receipts:
        await send(_start(request_id))
    await send(_line({"complete": True, "receipts": totals.receipts, "counts": totals.counts}, last=True))


def _start(request_id: str) -> dict[str, Any]:
    headers = [
        (b"content-type", b"application/x-ndjson"),
        (b"x-request-id", request_id.encode()),
        *answers.PRIVATE,
    ]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _line(document: dict[str, Any], *, last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": answers.encode_any(document) + b"\n", "more_body": not last}
