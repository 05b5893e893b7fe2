"""The ledger: what is written can be read, a torn line costs itself only, lines are on disk before work goes on."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from telemetry.simulation import checking, formats, ledger
from telemetry.simulation.faults import Kind, Plan
from telemetry.simulation.ledger import Answered, Ledger, Resent, Sent
from telemetry.simulation.network import Format, Habit, Wire
from telemetry.simulation.packets import Bench, marked
from telemetry.simulation.parcels import Acceptance, Answer, Parcel
from tests.fixtures.networks import plant

START_US = 1_791_133_200_000_000
RECEIPT: dict[str, Any] = {
    "receipt": 12,
    "counts": {"stored": 3, "quarantined": 1},
    "readings": [{"index": 2, "outcome": "quarantined", "reason": "unknown-symbol", "field": "symbol"}],
}


def parcel(operation: str = "a-1") -> Parcel:
    packet = marked(Bench(1, Plan(1), plant()).single(START_US), Kind.LATE)
    return formats.packed(packet, Habit(Wire.HTTP, Format.JSON), operation)


async def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "ledger.jsonl"
    async with Ledger(path) as book:
        await book.record(ledger.sent(parcel()))
        await book.record(ledger.resent("a-1"))
        await book.record(ledger.answered("a-1", Answer(Acceptance.ACKED, "http", "200", RECEIPT)))
    first, second, third = ledger.read(path)
    assert isinstance(first, Sent)
    assert first.station == "TH-NT-001"
    assert first.sha256 == parcel().sha256
    assert first.injected == [("late", None)]
    assert first.readings[0].symbols == ["Flow", "pH", "COD", "Amoni"]
    assert first.readings[0].value == list(parcel().readings[0].value)
    assert isinstance(second, Resent)
    assert isinstance(third, Answered)
    assert third.receipt == 12
    assert third.deviations == [ledger.Deviation(2, "quarantined", "unknown-symbol")]


async def test_a_line_is_in_the_file_when_record_returns(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with Ledger(path) as book:
        for number in range(3):
            await book.record(ledger.resent(f"a-{number}"))
            assert len(path.read_bytes().splitlines()) == number + 1


async def test_many_writers_share_syncs_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with Ledger(path) as book:
        await asyncio.gather(*(book.record(ledger.resent(f"a-{number}")) for number in range(2_000)))
    assert {line.operation for line in ledger.read(path)} == {f"a-{number}" for number in range(2_000)}


async def test_leaving_waits_for_lines_that_are_still_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with Ledger(path) as book:
        tasks = [asyncio.create_task(book.record(ledger.resent(f"a-{number}"))) for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert len(list(ledger.read(path))) == 50


async def test_a_torn_line_is_passed_over_and_the_next_writer_begins_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with Ledger(path) as book:
        await book.record(ledger.resent("a-1"))
        await book.record(ledger.resent("a-2"))
    path.write_bytes(path.read_bytes()[:-20])
    async with Ledger(path) as book:
        await book.record(ledger.resent("b-1"))
    assert [line.operation for line in ledger.read(path)] == ["a-1", "b-1"]


def test_a_whole_line_of_another_kind_is_an_error_that_names_its_place(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"event":"boiled","operation":"a"}\n', encoding="utf-8")
    with pytest.raises(ledger.TornLedger, match=r"ledger.jsonl:1"):
        list(ledger.read(path))


async def test_what_was_not_answered_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with Ledger(path) as book:
        for operation in ("acked", "silent", "timed-out", "refused", "acked-then-unknown"):
            await book.record(ledger.sent(parcel(operation)))
        await book.record(ledger.answered("acked", Answer(Acceptance.ACKED, "http", receipt=RECEIPT)))
        await book.record(ledger.answered("timed-out", Answer(Acceptance.UNKNOWN, "http", "ReadTimeout")))
        await book.record(ledger.answered("refused", Answer(Acceptance.REFUSED, "http", "422")))
        await book.record(ledger.answered("acked-then-unknown", Answer(Acceptance.ACKED, "puback")))
        await book.record(ledger.answered("acked-then-unknown", Answer(Acceptance.UNKNOWN, "puback")))
    found = checking.operations(ledger.read(path))
    assert Counter(each.acceptance.value for each in found.values()) == {"acked": 2, "refused": 1, "unknown": 2}
