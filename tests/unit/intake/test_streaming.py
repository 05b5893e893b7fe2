"""Long NDJSON streams: what is held in memory before it becomes a receipt."""

import gzip
from typing import cast

import pytest

from core import errors
from telemetry.intake.reception import Form, Speaker
from telemetry.intake.streaming import Passage, Stream, StreamLimits
from telemetry.intake.submitting import Intake
from telemetry.readings import Outcome, Submission

CHUNK_BYTES = 1_000


class _Taking:
    """The part of the intake that a stream knows: it keeps what it is given and answers at once."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []

    async def submit(self, submission: Submission) -> Outcome:
        self.taken.append(submission)
        return Outcome(len(self.taken), submission.received_us, submission.station)


async def chunks_of(body: bytes, encoding: str | None = None) -> list[bytes]:
    intake = _Taking()
    limits = StreamLimits(line_bytes=500, chunk_bytes=CHUNK_BYTES)
    form = Form("application/x-ndjson", encoding)
    stream = Stream(cast("Intake", intake), Speaker("st_aaaaaaaa", 1, "TH-NT-001", None), form, limits)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    assert len([outcome async for outcome in stream.receipts(receive)]) == len(intake.taken)
    return [submission.raw for submission in intake.taken]


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("line", [b"0", b"{}"])
async def test_a_chunk_is_bounded_however_short_its_lines_are(line: bytes, encoding: str | None) -> None:
    body = (line + b"\n") * 20_000
    chunks = await chunks_of(body if encoding is None else gzip.compress(body), encoding)
    assert len(chunks) >= len(body) // (2 * CHUNK_BYTES)
    assert max(map(len, chunks)) <= CHUNK_BYTES + len(line) + 1


@pytest.mark.parametrize("line", [b"", b"\r", b" "])
async def test_blank_lines_are_not_worth_a_receipt(line: bytes) -> None:
    assert await chunks_of((line + b"\n") * 20_000) == []


async def test_the_staff_speaks_for_the_stations_within_reach_and_no_longer_than_it_may() -> None:
    intake = _Taking()
    limits = StreamLimits(line_bytes=500, chunk_bytes=CHUNK_BYTES)
    speaker = Speaker("token:qt_aaaaaaaa", within=frozenset({"TH-NT-001"}))

    async def look() -> None:
        if len(intake.taken) >= 2:
            raise errors.Unauthorized("revoked")

    stream = Stream(cast("Intake", intake), speaker, Form("application/x-ndjson"), limits, Passage(look=look))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"{}\n" * 20_000, "more_body": False}

    with pytest.raises(errors.Unauthorized):
        [outcome async for outcome in stream.receipts(receive)]
    assert len(intake.taken) <= 8
    assert {submission.within for submission in intake.taken} == {speaker.within}
