"""Quarantine: what was kept but not stored, and the decision that it stays out."""

import pytest

from core import instants
from tests.fixtures.evidence import Centre


async def test_a_quarantined_reading_is_kept_with_its_text_as_sent(centre: Centre) -> None:
    await centre.send(
        {
            "station": "TH-NT-001",
            "phenomenonTime": centre.time(),
            "readings": [{"symbol": "COD", "result": 9_999, "unit": "mg/l", "status": "00"}],
        }
    )
    (entry,) = (await centre.get("/v1/quarantine"))["items"]
    assert (entry["station"], entry["symbol"], entry["index"], entry["reason"]) == (
        "TH-NT-001",
        "COD",
        0,
        "out-of-range",
    )
    assert entry["value"].startswith("9999")
    assert entry["resolution"] is None
    assert await centre.get(f"/v1/quarantine/{entry['id']}") == entry


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
async def test_quarantine_can_be_filtered(centre: Centre, query: dict[str, str], symbols: list[str]) -> None:
    await centre.send(centre.packet(A=1))
    await centre.send(centre.packet(station="TH-NT-002", B=1), station="TH-NT-002")
    page = await centre.get("/v1/quarantine", **query)
    assert [item["symbol"] for item in page["items"]] == symbols


async def test_quarantine_of_one_receipt_pages_by_cursor(centre: Centre) -> None:
    outcome = await centre.send(centre.packet(A=1, B=2, C=3))
    await centre.send(centre.packet(D=1))
    first = await centre.get("/v1/quarantine", receipt=outcome.receipt_id, limit=2)
    second = await centre.get("/v1/quarantine", receipt=outcome.receipt_id, limit=2, cursor=first["nextCursor"])
    assert [item["symbol"] for item in first["items"] + second["items"]] == ["C", "B", "A"]
    assert second["nextCursor"] is None


async def test_a_station_sees_its_own_quarantine_only(centre: Centre) -> None:
    await centre.send(centre.packet(A=1))
    await centre.send(centre.packet(station="TH-NT-002", B=1), station="TH-NT-002")
    (own,) = (await centre.get("/v1/quarantine", who="second"))["items"]
    assert own["symbol"] == "B"
    (other,) = (await centre.get("/v1/quarantine", station="TH-NT-001"))["items"]
    await centre.get(f"/v1/quarantine/{other['id']}", who="second", expected=404)


async def test_a_dismissed_reading_leaves_the_open_list_and_keeps_its_note(centre: Centre) -> None:
    await centre.send(centre.packet(A=1))
    (entry,) = (await centre.get("/v1/quarantine"))["items"]
    before = instants.now()
    dismissed = await centre.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "Sensor not ours."})
    assert (dismissed["resolution"], dismissed["note"]) == ("dismissed", "Sensor not ours.")
    assert instants.parse(dismissed["resolvedTime"]) >= before.replace(microsecond=0)
    assert (await centre.get("/v1/quarantine"))["items"] == []
    assert (await centre.get("/v1/quarantine", state="resolved"))["items"] == [dismissed]


async def test_a_reading_is_dismissed_once(centre: Centre) -> None:
    await centre.send(centre.packet(A=1))
    (entry,) = (await centre.get("/v1/quarantine"))["items"]
    await centre.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "first"})
    problem = await centre.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "second"}, expected=409)
    assert problem["type"] == "urn:quantrac:problem:already-resolved"
    assert (await centre.get(f"/v1/quarantine/{entry['id']}"))["note"] == "first"


@pytest.mark.parametrize("body", [{}, {"note": ""}, {"note": "a\0b"}, {"note": "x", "who": "me"}, {"note": "x" * 501}])
async def test_a_dismissal_needs_a_note_that_can_be_kept(centre: Centre, body: dict[str, str]) -> None:
    await centre.send(centre.packet(A=1))
    (entry,) = (await centre.get("/v1/quarantine"))["items"]
    await centre.post(f"/v1/quarantine/{entry['id']}/dismissal", body, expected=422)
    assert (await centre.get(f"/v1/quarantine/{entry['id']}"))["resolution"] is None


async def test_decisions_are_for_the_staff(centre: Centre) -> None:
    await centre.send(centre.packet(A=1))
    (entry,) = (await centre.get("/v1/quarantine", who="first"))["items"]
    await centre.post(f"/v1/quarantine/{entry['id']}/dismissal", {"note": "mine"}, who="first", expected=403)
    await centre.post(f"/v1/quarantine/{entry['id']}/replay", {"dryRun": False}, who="first", expected=403)
    await centre.post("/v1/quarantine/replay", {}, who="first", expected=403)
    await centre.get("/v1/conflicts", who="first", expected=403)


async def test_what_is_not_there_is_not_found(centre: Centre) -> None:
    await centre.get("/v1/quarantine/404", expected=404)
    await centre.post("/v1/quarantine/404/dismissal", {"note": "x"}, expected=404)
    problem = await centre.post("/v1/quarantine/404/replay", {}, expected=404)
    assert problem["errors"] == [{"field": "id", "found": "404", "expected": "an id of GET /v1/quarantine"}]


async def test_a_conflict_shows_the_refused_value_beside_the_kept_one(centre: Centre) -> None:
    first = await centre.send(centre.packet(COD=48.6))
    second = await centre.send(centre.packet(COD=50.0))
    (conflict,) = (await centre.get("/v1/conflicts", station="TH-NT-001", symbol="COD"))["items"]
    assert conflict["kept"] == {"result": 48.6, "status": "00", "receipt": first.receipt_id}
    assert conflict["refused"] == {"result": 50.0, "status": "00", "receipt": second.receipt_id}
    assert (conflict["phenomenonTime"], conflict["unit"]) == (centre.time(), "mg/l")


async def test_conflicts_can_be_filtered_and_page_by_cursor(centre: Centre) -> None:
    await centre.send(centre.packet(COD=1, pH=7))
    outcome = await centre.send(centre.packet(COD=2, pH=8))
    await centre.send(centre.packet(COD=3))
    first = await centre.get("/v1/conflicts", limit=2)
    second = await centre.get("/v1/conflicts", limit=2, cursor=first["nextCursor"])
    assert len(first["items"]) == 2
    assert len(second["items"]) == 1
    own = await centre.get("/v1/conflicts", receipt=outcome.receipt_id)
    assert sorted(item["refused"]["result"] for item in own["items"]) == [2, 8]
    assert (await centre.get("/v1/conflicts", station="TH-NT-002"))["items"] == []
