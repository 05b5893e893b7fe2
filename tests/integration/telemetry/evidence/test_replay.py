"""Replay: quarantined submissions are read again after the catalogue was mended."""

import asyncio
import json
from datetime import timedelta

from core import instants
from telemetry.evidence import store
from telemetry.intake import streaming
from telemetry.intake.reception import Form, Speaker
from telemetry.readings import Channel
from tests.fixtures.evidence import EvidenceRoom

REAL = {"dryRun": False}


async def test_a_replay_stores_what_passes_now_and_closes_its_entry(evidence_room: EvidenceRoom) -> None:
    outcome = await evidence_room.send(evidence_room.packet(COD=1, Amoni=2.5, pH=7))
    await evidence_room.alias("Amoni", "COD")
    await evidence_room.database.execute("DELETE FROM observation")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert report["counts"] == {"stored": 1, "duplicate": 0, "conflict": 0, "quarantined": 0}
    (entry,) = report["entries"]
    assert (entry["receipt"], entry["index"], entry["kept"], entry["outcome"]) == (
        outcome.receipt_id,
        1,
        True,
        "stored",
    )
    assert await evidence_room.observations() == [("TH-NT-001", "COD", 2.5)]
    closed = await evidence_room.get(f"/v1/quarantine/{entry['quarantine']}")
    assert (closed["resolution"], closed["resolvedReceipt"]) == ("replayed", entry["newReceipt"])
    assert closed["note"] == "replayed by an.nguyen"
    assert report["remaining"] == 0


async def test_the_new_receipt_has_the_same_bytes_and_points_to_the_old_one(evidence_room: EvidenceRoom) -> None:
    outcome = await evidence_room.send(evidence_room.packet(Amoni=2.5), compressed=True)
    await evidence_room.alias("Amoni")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    old = await evidence_room.get(f"/v1/receipts/{outcome.receipt_id}")
    new = await evidence_room.get(f"/v1/receipts/{report['entries'][0]['newReceipt']}")
    assert (new["channel"], new["station"], new["sender"]) == ("replay", "TH-NT-001", "an.nguyen")
    assert (new["sha256"], new["encoding"], new["length"]) == (old["sha256"], "gzip", old["length"])
    assert (new["replayOf"], old["replayedAs"]) == ([old["receipt"]], [new["receipt"]])
    assert new["receivedTime"] > old["receivedTime"]


async def test_a_dry_run_tells_and_writes_nothing(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(Amoni=2.5, Lạ=1))
    await evidence_room.alias("Amoni")
    before = await evidence_room.get("/v1/quarantine")
    report = await evidence_room.post("/v1/quarantine/replay", {})
    assert report["dryRun"] is True
    assert report["counts"] == {"stored": 1, "duplicate": 0, "conflict": 0, "quarantined": 1}
    assert [(entry["symbol"], entry["kept"], entry["newReceipt"]) for entry in report["entries"]] == [
        ("Amoni", True, None),
        ("Lạ", False, None),
    ]
    assert report["entries"][1]["reason"] == "unknown-symbol"
    assert await evidence_room.get("/v1/quarantine") == before
    assert len((await evidence_room.get("/v1/receipts"))["items"]) == 1
    assert await evidence_room.observations() == []


async def test_a_dry_run_foretells_duplicates_and_conflicts(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(COD=5, pH=7))
    await evidence_room.send(evidence_room.packet(Amoni=5))
    await evidence_room.send(evidence_room.packet(Amoni=6))
    await evidence_room.alias("Amoni")
    foretold = await evidence_room.post("/v1/quarantine/replay", {})
    assert foretold["counts"] == {"stored": 0, "duplicate": 1, "conflict": 1, "quarantined": 0}
    real = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert real["counts"] == foretold["counts"]
    (conflict,) = (await evidence_room.get("/v1/conflicts"))["items"]
    assert (conflict["kept"]["result"], conflict["refused"]["result"]) == (5, 6)


async def test_a_dry_run_foretells_repetitions_inside_one_submission(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send([evidence_room.packet(Amoni=value) for value in (5, 5, 6)])
    await evidence_room.alias("Amoni")
    foretold = await evidence_room.post("/v1/quarantine/replay", {})
    assert foretold["counts"] == {"stored": 1, "duplicate": 1, "conflict": 1, "quarantined": 0}
    assert (await evidence_room.post("/v1/quarantine/replay", REAL))["counts"] == foretold["counts"]


async def test_a_replay_that_changes_nothing_leaves_no_receipt(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(Amoni=2.5))
    for _ in range(2):
        report = await evidence_room.post("/v1/quarantine/replay", REAL)
        assert report["counts"]["quarantined"] == 1
    assert len((await evidence_room.get("/v1/receipts"))["items"]) == 1
    assert len((await evidence_room.get("/v1/quarantine", state="all"))["items"]) == 1


async def test_a_replay_cut_off_before_its_entry_was_closed_is_finished_by_the_next(
    evidence_room: EvidenceRoom,
) -> None:
    await evidence_room.send(evidence_room.packet(Amoni=2.5))
    await evidence_room.alias("Amoni")
    await evidence_room.post("/v1/quarantine/replay", REAL)
    await evidence_room.database.execute(
        "UPDATE quarantine SET resolved_time = NULL, resolution = NULL, resolved_receipt_id = NULL"
    )
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert report["counts"] == {"stored": 0, "duplicate": 1, "conflict": 0, "quarantined": 0}
    assert report["remaining"] == 0
    assert await evidence_room.observations() == [("TH-NT-001", "COD", 2.5)]


async def test_two_replays_side_by_side_store_once(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send([evidence_room.packet(minutes=n, Amoni=n) for n in range(20)])
    await evidence_room.alias("Amoni")
    reports = await asyncio.gather(*(evidence_room.post("/v1/quarantine/replay", REAL) for _ in range(4)))
    assert len(await evidence_room.observations()) == 20
    assert sum(report["counts"]["stored"] for report in reports) == 20
    assert (await evidence_room.get("/v1/quarantine"))["items"] == []
    assert (await evidence_room.get("/v1/conflicts"))["items"] == []


async def test_age_is_counted_from_the_time_when_the_bytes_came_first(evidence_room: EvidenceRoom) -> None:
    """A reading that was young enough when it came stays so, however long the catalogue took to be mended."""
    came = instants.now() - timedelta(days=500)
    packet = evidence_room.packet(Amoni=2.5) | {"phenomenonTime": instants.text(came - timedelta(days=300))}
    await evidence_room.send(packet, received=came)
    await evidence_room.alias("Amoni")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert report["counts"]["stored"] == 1


async def test_what_was_too_old_when_it_came_stays_too_old(evidence_room: EvidenceRoom) -> None:
    came = instants.now() - timedelta(days=1)
    await evidence_room.send(evidence_room.packet(COD=2.5) | {"phenomenonTime": "2020-01-01T00:00:00Z"}, received=came)
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert [entry["reason"] for entry in report["entries"]] == ["too-old"]


async def test_a_filter_chooses_what_is_replayed(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(Amoni=1, NH4=2))
    other = await evidence_room.send(evidence_room.packet(minutes=5, Amoni=3))
    await evidence_room.alias("Amoni")
    await evidence_room.alias("NH4", "pH")
    report = await evidence_room.post("/v1/quarantine/replay", REAL | {"symbol": "Amoni", "receipt": other.receipt_id})
    assert [entry["receipt"] for entry in report["entries"]] == [other.receipt_id]
    report = await evidence_room.post("/v1/quarantine/replay", REAL | {"symbol": "NH4", "station": "TH-NT-001"})
    assert await evidence_room.observations() == [("TH-NT-001", "pH", 2), ("TH-NT-001", "COD", 3)]
    report = await evidence_room.post("/v1/quarantine/replay", REAL | {"reason": "too-old"})
    assert (report["receipts"], report["entries"]) == (0, [])
    later = instants.text(instants.now() + timedelta(minutes=1))
    report = await evidence_room.post("/v1/quarantine/replay", REAL | {"from": later})
    assert report["entries"] == []
    report = await evidence_room.post("/v1/quarantine/replay", REAL | {"to": later})
    assert report["counts"]["stored"] == 1


async def test_a_long_replay_goes_on_where_the_call_before_ended(evidence_room: EvidenceRoom) -> None:
    for minutes in range(5):
        await evidence_room.send(evidence_room.packet(minutes=minutes, Amoni=minutes))
    await evidence_room.alias("Amoni")
    remaining, cursor, calls = [], None, 0
    while calls == 0 or cursor is not None:
        report = await evidence_room.post("/v1/quarantine/replay", REAL | {"receipts": 2, "cursor": cursor})
        assert report["receipts"] <= 2
        remaining.append(report["remaining"])
        cursor, calls = report["nextCursor"], calls + 1
    assert remaining == [3, 1, 0]
    assert len(await evidence_room.observations()) == 5


async def test_one_entry_is_replayed_by_hand(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(Amoni=1, NH4=2))
    await evidence_room.alias("Amoni")
    (second, first) = (await evidence_room.get("/v1/quarantine"))["items"]
    assert (await evidence_room.post(f"/v1/quarantine/{first['id']}/replay", {}))["entries"][0]["kept"] is True
    assert await evidence_room.observations() == []
    report = await evidence_room.post(f"/v1/quarantine/{first['id']}/replay", REAL)
    assert report["entries"][0]["outcome"] == "stored"
    problem = await evidence_room.post(f"/v1/quarantine/{first['id']}/replay", REAL, expected=409)
    assert problem["type"] == "urn:quantrac:problem:already-resolved"
    report = await evidence_room.post(f"/v1/quarantine/{second['id']}/replay", REAL)
    assert report["entries"][0]["reason"] == "unknown-symbol"


async def test_a_station_may_not_speak_for_another_in_a_replay_either(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(station="TH-NT-002", COD=1), station="TH-NT-001")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert [entry["reason"] for entry in report["entries"]] == ["wrong-station"]
    assert await evidence_room.observations() == []


async def test_an_unknown_station_of_the_staff_is_replayed_after_it_was_added(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(station="TH-NT-003", COD=4), station=None)
    await evidence_room.mend(
        "WITH added AS (INSERT INTO station (code, kind, organization_id, name_vi, name_en) "
        "SELECT 'TH-NT-003', 'wastewater', id, '3', '3' FROM organization RETURNING id) "
        "INSERT INTO datastream (station_id, observed_property_id, reported_unit) "
        "SELECT added.id, p.id, p.unit FROM added, observed_property p"
    )
    await evidence_room.post("/v1/quarantine/replay", REAL)
    assert await evidence_room.observations() == [("TH-NT-003", "COD", 4)]


async def test_a_submission_that_no_codec_reads_stays_as_a_whole(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(b"{ not json")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    (entry,) = report["entries"]
    assert (entry["index"], entry["kept"], entry["reason"]) == (None, False, "unreadable")
    assert report["counts"]["quarantined"] == 1
    assert report["remaining"] == 1


async def test_a_submission_that_is_readable_today_is_kept_as_a_whole(evidence_room: EvidenceRoom) -> None:
    """A codec of yesterday refused the body altogether; the row is what it left behind."""
    body = json.dumps([evidence_room.packet(COD=1), evidence_room.packet(minutes=5, COD=2, Lạ=3)]).encode()
    outcome = await evidence_room.send(body)
    await evidence_room.database.execute("DELETE FROM observation")
    await evidence_room.database.execute("DELETE FROM quarantine")
    await evidence_room.database.execute(
        "INSERT INTO quarantine (receipt_id, received_time, station_id, reason, field, found, expected) "
        "SELECT id, received_time, station_id, 'unreadable', 'body', 'an array', 'an object' FROM receipt"
    )
    foretold = await evidence_room.post("/v1/quarantine/replay", {})
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert report["counts"] == foretold["counts"] == {"stored": 2, "duplicate": 0, "conflict": 0, "quarantined": 1}
    (entry,) = report["entries"]
    assert (entry["receipt"], entry["index"], entry["kept"]) == (outcome.receipt_id, None, True)
    assert [result for _, _, result in await evidence_room.observations()] == [1, 2]
    (left,) = (await evidence_room.get("/v1/quarantine"))["items"]
    assert (left["receipt"], left["symbol"]) == (entry["newReceipt"], "Lạ")


async def test_a_body_that_was_cut_cannot_be_replayed(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(b"{" + b" " * 100_000)
    (entry,) = (await evidence_room.post("/v1/quarantine/replay", REAL))["entries"]
    assert entry["found"] == "65536 of 100001 bytes"


async def test_a_receipt_that_retention_removed_cannot_be_replayed(evidence_room: EvidenceRoom) -> None:
    await evidence_room.send(evidence_room.packet(Amoni=1))
    await evidence_room.database.execute("DELETE FROM receipt")
    (entry,) = (await evidence_room.post("/v1/quarantine/replay", REAL))["entries"]
    assert (entry["kept"], entry["field"]) == (False, "receipt")


async def test_the_regulators_file_is_replayed_with_its_name(evidence_room: EvidenceRoom) -> None:
    local = (evidence_room.started + timedelta(hours=7)).strftime("%Y%m%d%H%M%S")
    name = f"TH_XYZ_NUO01_{local}.txt"
    body = f"Amoni\t2.5\tmg/l\t{local}\t00\r\n".encode()
    await evidence_room.send(body, content_type="text/plain", file_name=name)
    topic = f"v1/TH-NT-001/observations/{name}"
    await evidence_room.send(body, content_type="text/plain", file_name=name, channel=Channel.MQTT, source=topic)
    await evidence_room.alias("Amoni")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert report["counts"] == {"stored": 1, "duplicate": 1, "conflict": 0, "quarantined": 0}


async def test_the_replayer_stops_after_a_bounded_number_of_receipts(evidence_room: EvidenceRoom) -> None:
    for minutes in range(3):
        await evidence_room.send(evidence_room.packet(minutes=minutes, Amoni=1))
    report = await evidence_room.replayer.replay(store.QuarantineFilter(), by="test", dry_run=True, receipts=2)
    assert (report.receipts, report.remaining) == (2, 3)
    assert report.next_cursor is not None


async def test_a_later_part_of_a_stream_is_replayed_at_the_positions_of_its_own_bytes(
    evidence_room: EvidenceRoom,
) -> None:
    """The sender counts positions through the whole stream, a receipt through the bytes that it keeps."""
    lines = [json.dumps(evidence_room.packet(minutes=n, COD=n, Amoni=100 + n)) for n in range(12)]
    station = evidence_room.catalog.snapshot.stations["TH-NT-001"]
    stream = streaming.Stream(
        evidence_room.intake,
        Speaker("st_aaaaaaaa", station.id, station.code, station.file_code),
        Form("application/x-ndjson"),
        streaming.StreamLimits(line_bytes=10_000, chunk_bytes=len(lines[0]) * 3),
    )

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": "\n".join(lines).encode(), "more_body": False}

    outcomes = [outcome async for outcome in stream.receipts(receive)]
    assert len(outcomes) > 2
    told = [verdict.index for outcome in outcomes for verdict in outcome.verdicts]
    assert told == [2 * n + 1 for n in range(12)]
    await evidence_room.mend("UPDATE observed_property SET symbol = 'Amoni' WHERE symbol = 'pH'")
    report = await evidence_room.post("/v1/quarantine/replay", REAL)
    assert report["counts"] == {"stored": 12, "duplicate": 0, "conflict": 0, "quarantined": 0}
    kept = await evidence_room.observations()
    assert [result for _, symbol, result in kept if symbol == "Amoni"] == [100 + n for n in range(12)]
