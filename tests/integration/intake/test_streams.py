"""NDJSON streams: receipts chunk by chunk, a last line that says whether all was read, and memory that stays flat."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from core import instants
from telemetry.intake import metering, streaming
from telemetry.intake.endpoint import EndpointLimits
from telemetry.intake.reception import Form, Speaker
from telemetry.intake.submitting import IntakeLimits, NotCommittedInTime
from tests.fixtures.entrances import LIMITS, Entrance, part, raw
from tests.fixtures.intakes import session_of
from tests.fixtures.submissions import FIRST

NDJSON = "application/x-ndjson"
PAGE = 4096


def lines(entrance: Entrance, count: int, *, first: int = 0) -> list[bytes]:
    """One packet a line, one reading a packet, backwards from the base minute by minute."""
    return [json.dumps(entrance.packet(-number, COD=1.0)).encode() for number in range(first, first + count)]


def joined(some: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in some)


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def decoded(sent: list[Message]) -> list[dict[str, Any]]:
    body = b"".join(message.get("body", b"") for message in sent)
    return [json.loads(line) for line in body.splitlines()]


async def test_a_stream_is_answered_with_a_receipt_for_each_chunk_and_a_last_line(entrance: Entrance) -> None:
    answer, told = await entrance.stream(joined(lines(entrance, 100)), X_Request_ID="backfill-1")
    assert (answer.headers["content-type"], answer.headers["x-request-id"]) == (NDJSON, "backfill-1")
    *receipts, last = told
    # About a hundred bytes a line, 2,000 bytes a chunk.
    assert len(receipts) > 3
    numbers = [receipt["receipt"] for receipt in receipts]
    assert numbers == [row["id"] for row in await entrance.works.receipts()] == sorted(set(numbers))
    assert sum(receipt["counts"]["stored"] for receipt in receipts) == 100
    assert last == {
        "complete": True,
        "receipts": len(receipts),
        "counts": {"stored": 100, "duplicate": 0, "conflict": 0, "quarantined": 0, "rejected": 0},
    }
    assert len(await entrance.works.observations()) == 100


async def test_the_chunks_hold_the_bytes_of_the_stream_in_its_order(entrance: Entrance) -> None:
    body = joined(lines(entrance, 60))
    await entrance.stream(body)
    receipts = await entrance.works.receipts()
    assert b"".join(row["raw"] for row in receipts) == body
    assert {row["format"] for row in receipts} == {"ndjson"}


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
async def test_it_does_not_matter_how_the_bytes_are_cut(entrance: Entrance, size: int) -> None:
    body = joined(lines(entrance, 30))[:-1]
    _, told = await entrance.stream(pieces(body, size))
    assert told[-1]["counts"]["stored"] == 30
    assert b"".join(row["raw"] for row in await entrance.works.receipts()) == body + b"\n"


@pytest.mark.parametrize("media_type", ["application/ndjson", "application/jsonl"])
async def test_other_names_of_the_media_type_are_streams_too(entrance: Entrance, media_type: str) -> None:
    answer = await entrance.post(joined(lines(entrance, 3)), content_type=media_type)
    assert json.loads(answer.text.splitlines()[-1])["complete"] is True


async def test_blank_lines_leave_no_receipt_and_still_count_as_lines(entrance: Entrance) -> None:
    _, told = await entrance.stream(b"\n" * 50_000 + joined(lines(entrance, 1)) + b"{\n")
    assert told[-1]["counts"] | {"stored": 1, "quarantined": 1} == told[-1]["counts"]
    assert len(await entrance.works.receipts()) == 1
    (flaw,) = told[0]["readings"]
    assert "line 50002" in flaw["field"]


async def test_a_bad_line_in_the_middle_hurts_no_other(entrance: Entrance) -> None:
    some = lines(entrance, 60)
    some[10] = b'{"station": '
    some[30] = b"\xff\xfe"
    some[40] = b""
    some[50] = json.dumps(entrance.packet(-50, CODx=1.0)).encode()
    _, told = await entrance.stream(joined(some))
    *receipts, last = told
    assert last["complete"] is True
    assert last["counts"] == {"stored": 56, "duplicate": 0, "conflict": 0, "quarantined": 3, "rejected": 0}
    entries = [entry for receipt in receipts for entry in receipt["readings"]]
    # Positions count the readings of the whole stream; an empty line has none.
    assert [(entry["index"], entry["reason"]) for entry in entries] == [
        (10, "unreadable"),
        (30, "unreadable"),
        (49, "unknown-symbol"),
    ]
    assert [entry["field"] for entry in entries[:2]] == ["line 11: body", "line 31: body"]


async def test_a_line_that_is_too_long_is_one_flaw_and_the_rest_goes_on(entrance: Entrance) -> None:
    some = lines(entrance, 5)
    some[2] = b'{"readings":"' + b"x" * (3 * LIMITS.body_bytes) + b'"}'
    _, told = await entrance.stream(pieces(joined(some), 5_000))
    assert told[-1]["counts"]["stored"] == 4
    (entry,) = [entry for line in told[:-1] for entry in line["readings"]]
    assert (entry["reason"], entry["found"]) == ("unreadable", f"more than {LIMITS.body_bytes} bytes")


async def test_packets_and_columns_may_take_turns(entrance: Entrance) -> None:
    columns = {
        "station": FIRST,
        "phenomenonTime": [entrance.time(-minute) for minute in (10, 11, 12)],
        "results": {"pH": [7.0, None, 7.2], "COD": [1.0, 2.0, 3.0]},
    }
    _, told = await entrance.stream(joined([*lines(entrance, 3), json.dumps(columns).encode(), *lines(entrance, 5)]))
    assert told[-1]["counts"] == {"stored": 10, "duplicate": 3, "conflict": 0, "quarantined": 0, "rejected": 0}


async def test_an_empty_stream_is_complete(entrance: Entrance) -> None:
    for body in (b"", gzip.compress(b"")):
        encoding = {"Content_Encoding": "gzip"} if body else {}
        answer, told = await entrance.stream(body, **encoding)
        assert (answer.status_code, told) == (200, [{"complete": True, "receipts": 0, "counts": {}}])
    assert await entrance.works.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize("spelling", ["gzip", "GZIP", "x-gzip"])
@pytest.mark.parametrize("size", [1, 1000])
async def test_a_gzip_stream_is_inflated_as_it_comes(entrance: Entrance, size: int, spelling: str) -> None:
    body = gzip.compress(joined(lines(entrance, 50)))
    _, told = await entrance.stream(pieces(body, size), Content_Encoding=spelling)
    assert (told[-1]["complete"], told[-1]["counts"]["stored"]) == (True, 50)


async def test_a_truncated_gzip_stream_tells_what_was_kept_and_that_it_is_not_complete(entrance: Entrance) -> None:
    body = gzip.compress(joined(lines(entrance, 500)))
    _, told = await entrance.stream(pieces(body[:-20], 100), Content_Encoding="gzip")
    *receipts, last = told
    assert last["complete"] is False
    assert last["problem"]["type"] == "urn:quantrac:problem:broken-stream"
    assert last["problem"]["status"] == 422
    # Every chunk that was read has its receipt, although the stream broke behind it.
    assert [receipt["receipt"] for receipt in receipts] == [row["id"] for row in await entrance.works.receipts()]
    assert len(await entrance.works.observations()) == sum(receipt["counts"]["stored"] for receipt in receipts) > 300
    # The whole again is harmless.
    _, told = await entrance.stream(body, Content_Encoding="gzip")
    assert told[-1]["counts"]["stored"] + told[-1]["counts"]["duplicate"] == 500
    assert len(await entrance.works.observations()) == 500


@pytest.mark.parametrize("damage", ["behind", "inside", "none at all"])
async def test_a_damaged_gzip_stream_is_refused_where_the_damage_is(entrance: Entrance, damage: str) -> None:
    body = gzip.compress(joined(lines(entrance, 3)))
    broken = {"behind": body + b"more", "inside": body[:30] + b"\0\0\0\0" + body[34:], "none at all": b"x" * 100}
    answer, told = await entrance.stream(broken[damage], Content_Encoding="gzip")
    if answer.status_code == 200:
        assert told[-1]["complete"] is False
    else:
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:quantrac:problem:broken-stream")


async def test_receipts_come_while_the_stream_is_still_being_sent(entrance: Entrance) -> None:
    answered = asyncio.Event()

    async def messages() -> AsyncIterator[Message]:
        for number in range(40):
            yield part(joined(lines(entrance, 5, first=5 * number)))
            if number == 20:
                # Whoever waits for the answer before sending on must get one.
                async with asyncio.timeout(10):
                    while not await entrance.works.receipts():  # noqa: ASYNC110 - a table has no event
                        await asyncio.sleep(0.01)
                answered.set()
        yield part(b"", more=False)

    sent = await raw(entrance.endpoint, entrance.headers(content_type=NDJSON), messages())
    assert answered.is_set()
    assert decoded(sent)[-1]["counts"]["stored"] == 200


async def test_a_client_that_vanishes_ends_the_stream_and_its_tasks(entrance: Entrance) -> None:
    before = asyncio.all_tasks()
    messages = [*(part(joined(lines(entrance, 30, first=30 * n))) for n in range(5)), {"type": "http.disconnect"}]
    sent = await raw(entrance.endpoint, entrance.headers(content_type=NDJSON), messages)
    assert all(line.get("complete") is None for line in decoded(sent))
    for _ in range(100):
        if asyncio.all_tasks() <= before:
            break
        await asyncio.sleep(0.02)
    assert not asyncio.all_tasks() - before
    # What was told is stored; what was not told may be.
    told = sum(line["counts"]["stored"] for line in decoded(sent))
    assert told <= len(await entrance.works.observations()) <= 150
    # The intake goes on.
    _, again = await entrance.stream(joined(lines(entrance, 150)))
    assert again[-1]["complete"] is True
    assert len(await entrance.works.observations()) == 150


async def test_a_stream_that_stalls_is_given_up(entrance: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_IDLE_SECONDS", 0.2)
    messages = [part(joined(lines(entrance, 100)))]
    sent = await asyncio.wait_for(raw(entrance.endpoint, entrance.headers(content_type=NDJSON), messages), 10)
    *receipts, last = decoded(sent)
    assert last["problem"]["detail"] == "Nothing arrived for 0.2 s."
    assert len(receipts) == len(await entrance.works.receipts()) > 0


async def test_a_stream_waits_for_room_instead_of_breaking(entrance: Entrance) -> None:
    before = metering.REFUSALS.labels("intake-full")._value.get()
    async with entrance.with_limits(LIMITS, IntakeLimits(queue_rows=1, group_rows=30, writers=1)):
        streams = await asyncio.gather(
            *(entrance.stream(joined(lines(entrance, 200, first=200 * n))) for n in range(3)), return_exceptions=True
        )
        # One of them may come when there is no room at all; then it is told so before its body is read.
        complete = [told for answer, told in _good(streams) if answer.status_code == 200]
        assert complete
        assert all(told[-1]["complete"] and told[-1]["counts"]["stored"] == 200 for told in complete)
    # Waiting for room is no refusal.
    refused = [answer for answer, _ in _good(streams) if answer.status_code == 503]
    assert metering.REFUSALS.labels("intake-full")._value.get() - before == len(refused)


def _good(found: list[Any]) -> list[tuple[Any, list[dict[str, Any]]]]:
    errors = [one for one in found if isinstance(one, BaseException)]
    assert not errors
    return found


async def test_a_stream_on_a_database_that_hangs_ends_after_its_patience(entrance: Entrance) -> None:
    limits = streaming.StreamLimits(line_bytes=20_000, chunk_bytes=2_000, commit_seconds=0.5)
    speaker = Speaker("st_aaaaaaaa", 1, FIRST)

    async def receive() -> Message:
        return part(joined(lines(entrance, 100)), more=False)

    async with session_of(entrance.works.dsn) as operator, operator.transaction():
        await operator.execute("LOCK TABLE observation IN ACCESS EXCLUSIVE MODE")
        stream = streaming.Stream(entrance.works.intake, speaker, Form(NDJSON), limits)
        started = time.monotonic()
        with pytest.raises(NotCommittedInTime):
            await streaming.answer(stream, receive, _nowhere, "id", "/v1/observations")
        assert time.monotonic() - started < 5


async def test_a_database_that_hangs_in_the_middle_is_told_in_the_last_line(entrance: Entrance) -> None:
    limits = streaming.StreamLimits(line_bytes=20_000, chunk_bytes=500, commit_seconds=0.5)
    speaker = Speaker("st_aaaaaaaa", 1, FIRST)
    sent: list[Message] = []

    async with session_of(entrance.works.dsn) as operator:
        transaction = operator.transaction()

        async def receive() -> Message:
            if not sent:
                return part(joined(lines(entrance, 20)))
            return part(joined(lines(entrance, 20, first=100)), more=False)

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) == 2:
                await transaction.start()
                await operator.execute("LOCK TABLE observation IN ACCESS EXCLUSIVE MODE")

        stream = streaming.Stream(entrance.works.intake, speaker, Form(NDJSON), limits)
        await streaming.answer(stream, receive, send, "id", "/v1/observations")
        await transaction.rollback()
    *_, last = decoded(sent)
    assert (last["complete"], last["problem"]["status"]) == (False, 503)


async def _nowhere(message: Message) -> None:
    raise AssertionError(f"nothing was to be sent: {message}")


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


async def test_a_stream_of_fifty_megabytes_needs_no_more_memory_than_one_of_five(entrance: Entrance) -> None:
    """Columns of 50 times a line, padded with white space to keep the database out of the measurement."""
    padding = b" " * 30_000
    highest = 0

    def line(number: int) -> bytes:
        first = entrance.works.time_us(0) - number * 50 * 10**6
        times = ",".join(f'"{instants.text(instants.from_us(first - n * 10**6))}"' for n in range(50))
        results = ",".join(["1.5"] * 50)
        return b'{"phenomenonTime":[%b],%b"results":{"COD":[%b]}}\n' % (times.encode(), padding, results.encode())

    async def body(megabytes: int) -> AsyncIterator[bytes]:
        nonlocal highest
        size = number = 0
        while size < megabytes * 2**20:
            made = line(number)
            number += 1
            size += len(made)
            yield made
            highest = max(highest, resident_bytes())

    async with entrance.with_limits(EndpointLimits()):
        _, told = await entrance.stream(body(5))
        assert told[-1]["complete"] is True
        base, highest = highest, 0
        _, told = await entrance.stream(body(50))
    assert told[-1]["complete"] is True
    assert len(told) > 80
    assert told[-1]["counts"]["stored"] + told[-1]["counts"]["duplicate"] > 75_000
    assert highest - base < 25 * 2**20, f"{(highest - base) / 2**20:.1f} MiB more"
