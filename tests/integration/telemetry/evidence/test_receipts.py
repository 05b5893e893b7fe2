"""Receipts: what came in, who may see it, and the bytes as they came."""

import base64
import gzip
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from telemetry.readings import Channel
from tests.fixtures.evidence import EvidenceRoom


async def test_a_receipt_tells_sender_counts_and_what_was_not_stored(evidence_room: EvidenceRoom) -> None:
    outcome = await evidence_room.send(evidence_room.packet(COD=48.6, CODx=3.5))
    receipt = await evidence_room.get(f"/v1/receipts/{outcome.receipt_id}")
    assert receipt["station"] == "TH-NT-001"
    assert receipt["sender"] == "st_aaaaaaaa"
    assert receipt["counts"] == {"stored": 1, "duplicate": 0, "conflict": 0, "quarantined": 1}
    (reading,) = receipt["readings"]
    assert (reading["index"], reading["symbol"], reading["reason"]) == (1, "CODx", "unknown-symbol")
    entry = await evidence_room.get(f"/v1/quarantine/{reading['quarantine']}")
    assert entry["receipt"] == outcome.receipt_id


async def test_a_conflict_is_among_the_readings_of_its_receipt(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(COD=48.6))
    outcome = await evidence_room.send(evidence_room.packet(COD=50.0, pH=7))
    receipt = await evidence_room.get(f"/v1/receipts/{outcome.receipt_id}")
    (reading,) = receipt["readings"]
    assert (reading["outcome"], reading["symbol"], reading["index"]) == ("conflict", "COD", 0)
    assert (reading["found"], reading["expected"]) == ("50", "48.6")


async def test_the_bytes_come_back_as_they_were_sent(evidence_room: EvidenceRoom) -> None:
    body = json.dumps(evidence_room.packet(COD=1)).encode() + b" \n"
    outcome = await evidence_room.send(body)
    answer = await evidence_room.client.get(
        f"/v1/receipts/{outcome.receipt_id}/raw", headers={"Authorization": "Bearer staff"}
    )
    assert answer.content == body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["receipt-sha256"] == hashlib.sha256(body).hexdigest()
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_compressed_bytes_come_back_compressed(evidence_room: EvidenceRoom) -> None:
    outcome = await evidence_room.send(evidence_room.packet(COD=1), compressed=True)
    request = evidence_room.client.build_request(
        "GET", f"/v1/receipts/{outcome.receipt_id}/raw", headers={"Authorization": "Bearer staff"}
    )
    answer = await evidence_room.client.send(request, stream=True)
    raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert hashlib.sha256(raw).hexdigest() == answer.headers["receipt-sha256"]
    assert answer.headers["content-digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(raw).digest()).decode()}:"
    assert json.loads(gzip.decompress(raw))["readings"] == {"COD": 1}


async def test_an_unreadable_body_is_kept_in_part_and_says_so(evidence_room: EvidenceRoom) -> None:
    body = b"{" + b" " * 200_000
    outcome = await evidence_room.send(body)
    receipt = await evidence_room.get(f"/v1/receipts/{outcome.receipt_id}")
    assert receipt["complete"] is False
    assert receipt["length"] == len(body)
    assert receipt["sha256"] == hashlib.sha256(body).hexdigest()
    assert [reading["index"] for reading in receipt["readings"]] == [None]


async def test_receipts_are_listed_newest_first_and_page_by_cursor(evidence_room: EvidenceRoom) -> None:
    sent = [(await evidence_room.send(evidence_room.packet(minutes=n, COD=n))).receipt_id for n in range(5)]
    seen, cursor = [], None
    while True:
        page = await evidence_room.get("/v1/receipts", limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 2
        seen += [item["receipt"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == sent[::-1]


async def test_receipts_that_came_in_the_same_moment_are_each_listed_once(evidence_room: EvidenceRoom) -> None:
    moment = instants.now()
    sent = [
        (await evidence_room.send(evidence_room.packet(minutes=n, COD=n), received=moment)).receipt_id for n in range(3)
    ]
    first = await evidence_room.get("/v1/receipts", limit=2)
    second = await evidence_room.get("/v1/receipts", limit=2, cursor=first["nextCursor"])
    assert [item["receipt"] for item in first["items"] + second["items"]] == sorted(
        (number for number in sent if number is not None), reverse=True
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"station": "TH-NT-002"}, [1]),
        ({"channel": "mqtt"}, [2]),
        ({"outcome": "quarantined"}, [2]),
        ({"outcome": "conflict"}, []),
        ({"outcome": "stored"}, [1, 0]),
    ],
)
async def test_receipts_can_be_filtered(evidence_room: EvidenceRoom, query: dict[str, Any], found: list[int]) -> None:
    sent = [
        await evidence_room.send(evidence_room.packet(COD=1)),
        await evidence_room.send(evidence_room.packet(station="TH-NT-002", COD=1), station="TH-NT-002"),
        await evidence_room.send(
            evidence_room.packet(What=1), channel=Channel.MQTT, source="v1/TH-NT-001/observations"
        ),
    ]
    page = await evidence_room.get("/v1/receipts", **query)
    assert [item["receipt"] for item in page["items"]] == [sent[n].receipt_id for n in found]


async def test_receipts_can_be_filtered_by_time_of_receipt(evidence_room: EvidenceRoom) -> None:
    now = instants.now()
    for hours in (3, 2, 1):
        await evidence_room.send(evidence_room.packet(minutes=-hours, COD=1), received=now - timedelta(hours=hours))
    since, until = instants.text(now - timedelta(hours=2.5)), instants.text(now - timedelta(hours=1.5))
    span: dict[str, Any] = {"from": since, "to": until}
    page = await evidence_room.get("/v1/receipts", **span)
    assert [item["receivedTime"] for item in page["items"]] == [instants.text(now - timedelta(hours=2))]


async def test_a_station_sees_its_own_receipts_only(evidence_room: EvidenceRoom) -> None:
    own = await evidence_room.send(evidence_room.packet(COD=1))
    other = await evidence_room.send(evidence_room.packet(station="TH-NT-002", COD=1), station="TH-NT-002")
    await evidence_room.send(evidence_room.packet(minutes=5, COD=1), station=None)
    page = await evidence_room.get("/v1/receipts", who="first")
    assert [item["receipt"] for item in page["items"]] == [own.receipt_id]
    for path in (f"/v1/receipts/{other.receipt_id}", f"/v1/receipts/{other.receipt_id}/raw", "/v1/receipts/987654321"):
        problem = await evidence_room.get(path, who="first", expected=404)
        assert problem["type"] == "urn:quantrac:problem:receipt-not-found"
    problem = await evidence_room.get("/v1/receipts", who="first", station="TH-NT-002", expected=403)
    assert problem["type"] == "urn:quantrac:problem:forbidden"


async def test_nobody_sees_nothing(evidence_room: EvidenceRoom) -> None:
    for path in ("/v1/receipts", "/v1/receipts/1", "/v1/quarantine", "/v1/conflicts"):
        await evidence_room.get(path, who="guessed", expected=401)


@pytest.mark.parametrize(
    "cursor", ["nonsense", "WzEsInR3byJd", "WzQ2MTE2ODYwMTg0MjczODc5MDQsMV0", "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMCwxXQ"]
)
async def test_a_cursor_of_another_make_is_refused(evidence_room: EvidenceRoom, cursor: str) -> None:
    problem = await evidence_room.get("/v1/receipts", cursor=cursor, expected=422)
    assert problem["type"] == "urn:quantrac:problem:invalid-cursor"


@pytest.mark.parametrize(
    "query",
    [
        {"station": "a\0b"},
        {"from": "0001-01-01T00:00:00+07:00"},
        {"to": "2026-11-23T08:00:00"},
        {"limit": "0"},
        {"outcome": "lost"},
    ],
)
async def test_a_filter_that_means_nothing_is_refused_with_its_name(
    evidence_room: EvidenceRoom, query: dict[str, Any]
) -> None:
    problem = await evidence_room.get("/v1/receipts", expected=422, **query)
    assert next(iter(query)) in problem["errors"][0]["field"]
