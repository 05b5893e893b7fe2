"""Receipts that became ready together are told together."""

import asyncio
import json

from telemetry.mqtt.counters import Counters
from telemetry.mqtt.receipting import Receipts
from telemetry.readings import Fate, Outcome, Reason, Verdict


class Wire:
    """Takes what is published, or is gone."""

    def __init__(self, *, connected: bool = True) -> None:
        self.connected = connected
        self.sent: list[tuple[str, dict[str, list[dict[str, object]]]]] = []

    def tell(self, topic: str, payload: bytes) -> bool:
        if self.connected:
            self.sent.append((topic, json.loads(payload)))
        return self.connected


def outcome(number: int, station: str = "TH-NT-001", found: str = "x") -> Outcome:
    verdict = Verdict(0, Fate.QUARANTINED, Reason.UNKNOWN_SYMBOL, "symbol", found, "a symbol")
    return Outcome(number, 1_795_400_000_000_000, station, stored=2, quarantined=1, verdicts=(verdict,))


def test_one_document_for_each_station_and_round() -> None:
    counters, wire = Counters(), Wire()
    receipts = Receipts(counters)
    receipts.add("TH-NT-001", b"\x01" * 32, outcome(1))
    receipts.add("TH-NT-002", b"\x02" * 32, outcome(2, "TH-NT-002"))
    receipts.add("TH-NT-001", b"\x03" * 32, outcome(3))
    receipts.flush(wire.tell)
    assert [topic for topic, _ in wire.sent] == ["v1/TH-NT-001/receipts", "v1/TH-NT-002/receipts"]
    first = wire.sent[0][1]["receipts"]
    assert [(item["receipt"], item["sha256"]) for item in first] == [(1, "01" * 32), (3, "03" * 32)]
    assert first[0]["counts"] == {"stored": 2, "duplicate": 0, "conflict": 0, "quarantined": 1, "rejected": 0}
    assert counters.receipts == 3
    receipts.flush(wire.tell)
    assert len(wire.sent) == 2


def test_a_round_that_is_too_long_for_one_message_is_parted_in_order() -> None:
    counters, wire = Counters(), Wire()
    receipts = Receipts(counters)
    for number in range(10):
        receipts.add("TH-NT-001", b"\x01" * 32, outcome(number, found="x" * 50_000))
    receipts.flush(wire.tell)
    assert len(wire.sent) > 1
    assert [item["receipt"] for _, document in wire.sent for item in document["receipts"]] == list(range(10))


def test_receipts_without_a_connection_are_counted_and_forgotten() -> None:
    counters = Counters()
    receipts = Receipts(counters)
    receipts.add("TH-NT-001", b"\x01" * 32, outcome(1))
    receipts.flush(Wire(connected=False).tell)
    assert (counters.receipts, counters.receipts_lost) == (0, 1)
    wire = Wire()
    receipts.flush(wire.tell)
    assert wire.sent == []


async def test_publishing_waits_for_receipts() -> None:
    wire, receipts = Wire(), Receipts(Counters())
    task = asyncio.create_task(receipts.publish(wire.tell))
    await asyncio.sleep(0)
    assert wire.sent == []
    for number in range(3):
        receipts.add("TH-NT-001", b"\x01" * 32, outcome(number))
    for _ in range(3):
        await asyncio.sleep(0)
    assert [len(document["receipts"]) for _, document in wire.sent] == [3]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
