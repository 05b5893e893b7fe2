"""Quarantine: what was kept but not stored, and the decision that it stays out."""

from typing import Any

import pytest

from core import instants
from tests.fixtures.evidence import EvidenceRoom


async def test_a_quarantined_reading_is_kept_with_its_text_as_sent(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(
        {
            "station": "TH-NT-001",
            "phenomenonTime": evidence_room.time(),
            "readings": [{"symbol": "COD", "result": 9_999, "unit": "mg/l", "status": "00"}],
        }
    )
    (entry,) = (await evidence_room.get("/v1/quarantine"))["items"]
    assert (entry["station"], entry["symbol"], entry["index"], entry["reason"]) == (
        "TH-NT-001",
        "COD",
        0,
        "out-of-range",
    )
    assert entry["value"].startswith("9999")
    assert entry["deviceStatus"] == "00"
    assert entry["resolution"] is None
    assert await evidence_room.get(f"/v1/quarantine/{entry['id']}") == entry


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ({"reason": "unknown-symbol"}, ["B", "A"]),
        ({"symbol": "A"}, ["A"]),
        ({"station": "TH-NT-002"}, ["B"]),
        ({"reason": "too-old"}, []),
        ({"state": "resolved"}, []),
        ({"state": "all", "symbol": "B"}, ["B"]),
    ],
)
async def test_quarantine_can_be_filtered(
    evidence_room: EvidenceRoom, query: dict[str, Any], symbols: list[str]
) -> None:
    await evidence_room.send(evidence_room.packet(A=1))
    await evidence_room.send(evidence_room.packet(station="TH-NT-002", B=1), station="TH-NT-002")
    page = await evidence_room.get("/v1/quarantine", **query)
    assert [item["symbol"] for item in page["items"]] == symbols


async def test_quarantine_of_one_receipt_pages_by_cursor(evidence_room: EvidenceRoom) -> None:
    outcome = await evidence_room.send(evidence_room.packet(A=1, B=2, C=3))
    await evidence_room.send(evidence_room.packet(D=1))
    first = await evidence_room.get("/v1/quarantine", receipt=outcome.receipt_id, limit=2)
    second = await evidence_room.get("/v1/quarantine", receipt=outcome.receipt_id, limit=2, cursor=first["nextCursor"])
    assert [item["symbol"] for item in first["items"] + second["items"]] == ["C", "B", "A"]
    assert second["nextCursor"] is None


async def test_a_station_sees_its_own_quarantine_only(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(A=1))
    await evidence_room.send(evidence_room.packet(station="TH-NT-002", B=1), station="TH-NT-002")
    (own,) = (await evidence_room.get("/v1/quarantine", who="second"))["items"]
    assert own["symbol"] == "B"
    (other,) = (await evidence_room.get("/v1/quarantine", station="TH-NT-001"))["items"]
    await evidence_room.get(f"/v1/quarantine/{other['id']}", who="second", expected=404)


async def test_a_dismissed_reading_leaves_the_open_list_and_keeps_its_note(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(A=1))
    (entry,) = (await evidence_room.get("/v1/quarantine"))["items"]
    before = instants.now()
    dismissed = await evidence_room.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "Sensor not ours."})
    assert (dismissed["resolution"], dismissed["note"]) == ("dismissed", "Sensor not ours.")
    assert instants.parse(dismissed["resolvedTime"]) >= before.replace(microsecond=0)
    assert (await evidence_room.get("/v1/quarantine"))["items"] == []
    assert (await evidence_room.get("/v1/quarantine", state="resolved"))["items"] == [dismissed]


async def test_a_reading_is_dismissed_once(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(A=1))
    (entry,) = (await evidence_room.get("/v1/quarantine"))["items"]
    await evidence_room.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "first"})
    problem = await evidence_room.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "second"}, expected=409)
    assert problem["type"] == "urn:quantrac:problem:already-resolved"
    assert (await evidence_room.get(f"/v1/quarantine/{entry['id']}"))["note"] == "first"


@pytest.mark.parametrize("body", [{}, {"note": ""}, {"note": "a\0b"}, {"note": "x", "who": "me"}, {"note": "x" * 501}])
async def test_a_dismissal_needs_a_note_that_can_be_kept(evidence_room: EvidenceRoom, body: dict[str, str]) -> None:
    await evidence_room.send(evidence_room.packet(A=1))
    (entry,) = (await evidence_room.get("/v1/quarantine"))["items"]
    await evidence_room.post(f"/v1/quarantine/{entry['id']}/dismissal", body, expected=422)
    assert (await evidence_room.get(f"/v1/quarantine/{entry['id']}"))["resolution"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/quarantine/1/dismissal", rb'{"note": "\ud800"}'),
        ("/v1/quarantine/replay", rb'{"symbol": "\ud800"}'),
        ("/v1/quarantine/replay", rb'{"station": "\u0000"}'),
        ("/v1/quarantine/replay", b'{"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd"}'),
        ("/v1/quarantine/replay", b'{"receipt": 9223372036854775808}'),
        ("/v1/quarantine/replay", b'{"from": "9999-12-31T23:59:59-14:00"}'),
    ],
)
async def test_text_and_numbers_that_no_database_holds_are_refused(
    evidence_room: EvidenceRoom, path: str, body: bytes
) -> None:
    headers = {"Authorization": "Bearer staff", "Content-Type": "application/json"}
    answer = await evidence_room.client.post(path, content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_decisions_are_for_the_staff(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(A=1))
    (entry,) = (await evidence_room.get("/v1/quarantine", who="first"))["items"]
    await evidence_room.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "mine"}, who="first", expected=403)
    await evidence_room.post(f"/v1/quarantine/{entry['id']}/replay", {"dryRun": False}, who="first", expected=403)
    await evidence_room.post("/v1/quarantine/replay", {}, who="first", expected=403)


async def test_a_station_sees_its_own_conflicts_only(evidence_room: EvidenceRoom) -> None:
    for station in ("TH-NT-001", "TH-NT-002"):
        await evidence_room.send(evidence_room.packet(station=station, COD=1), station=station)
        await evidence_room.send(evidence_room.packet(station=station, COD=2), station=station)
    (own,) = (await evidence_room.get("/v1/conflicts", who="second"))["items"]
    assert own["station"] == "TH-NT-002"
    await evidence_room.get("/v1/conflicts", who="second", station="TH-NT-001", expected=403)


async def test_what_is_not_there_is_not_found(evidence_room: EvidenceRoom) -> None:
    await evidence_room.get("/v1/quarantine/404", expected=404)
    await evidence_room.post("/v1/quarantine/404/dismissal", {"note": "x"}, expected=404)
    problem = await evidence_room.post("/v1/quarantine/404/replay", {}, expected=404)
    assert problem["errors"] == [{"field": "id", "found": "404", "expected": "an id of GET /v1/quarantine"}]


async def test_a_conflict_shows_the_refused_value_beside_the_kept_one(evidence_room: EvidenceRoom) -> None:
    first = await evidence_room.send(evidence_room.packet(COD=48.6))
    second = await evidence_room.send(evidence_room.packet(COD=50.0))
    (conflict,) = (await evidence_room.get("/v1/conflicts", station="TH-NT-001", symbol="COD"))["items"]
    assert conflict["kept"] == {"result": 48.6, "deviceStatus": "00", "receipt": first.receipt_id}
    assert conflict["refused"] == {"result": 50.0, "deviceStatus": "00", "receipt": second.receipt_id}
    assert (conflict["phenomenonTime"], conflict["unit"]) == (evidence_room.time(), "mg/l")


async def test_conflicts_can_be_filtered_and_page_by_cursor(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(COD=1, pH=7))
    outcome = await evidence_room.send(evidence_room.packet(COD=2, pH=8))
    await evidence_room.send(evidence_room.packet(COD=3))
    first = await evidence_room.get("/v1/conflicts", limit=2)
    second = await evidence_room.get("/v1/conflicts", limit=2, cursor=first["nextCursor"])
    assert len(first["items"]) == 2
    assert len(second["items"]) == 1
    own = await evidence_room.get("/v1/conflicts", receipt=outcome.receipt_id)
    assert sorted(item["refused"]["result"] for item in own["items"]) == [2, 8]
    assert (await evidence_room.get("/v1/conflicts", station="TH-NT-002"))["items"] == []


@pytest.mark.parametrize("path", ["/v1/receipts", "/v1/quarantine", "/v1/conflicts"])
async def test_a_station_that_is_not_there_is_not_found(evidence_room: EvidenceRoom, path: str) -> None:
    problem = await evidence_room.get(path, station="TH-XX-404", expected=404)
    assert problem["type"] == "urn:quantrac:problem:station-not-found"


async def test_a_replay_of_a_station_that_is_not_there_is_not_found(evidence_room: EvidenceRoom) -> None:
    problem = await evidence_room.post("/v1/quarantine/replay", {"station": "TH-XX-404"}, expected=404)
    assert problem["type"] == "urn:quantrac:problem:station-not-found"


@pytest.mark.parametrize("path", ["/v1/receipts", "/v1/quarantine", "/v1/conflicts"])
async def test_a_plus_sign_in_a_time_may_have_become_a_space(evidence_room: EvidenceRoom, path: str) -> None:
    await evidence_room.get(f"{path}?from=2026-11-23T08:00:00+07:00")


async def test_a_reading_that_the_staff_sent_is_in_the_quarantine_of_its_station(evidence_room: EvidenceRoom) -> None:
    body = [
        evidence_room.packet(station="TH-NT-001", CODx=1),
        evidence_room.packet(station="TH-NT-002", COD=9_999),
        evidence_room.packet(station="TH-XX-404", COD=1),
    ]
    await evidence_room.send(body, station=None)
    entries = (await evidence_room.get("/v1/quarantine"))["items"]
    assert {(entry["reason"], entry["station"]) for entry in entries} == {
        ("unknown-symbol", "TH-NT-001"),
        ("out-of-range", "TH-NT-002"),
        ("unknown-station", None),
    }
    (own,) = (await evidence_room.get("/v1/quarantine", who="second"))["items"]
    assert own["reason"] == "out-of-range"


async def test_what_a_station_sends_in_another_ones_name_stays_with_the_sender(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(station="TH-NT-002", COD=1), station="TH-NT-001")
    (entry,) = (await evidence_room.get("/v1/quarantine"))["items"]
    assert (entry["reason"], entry["station"]) == ("wrong-station", "TH-NT-001")
