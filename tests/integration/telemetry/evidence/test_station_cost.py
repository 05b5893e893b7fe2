"""What a station's own quarantine and conflicts cost does not depend on how much the others have."""

from datetime import timedelta

import pytest

from core import instants
from telemetry.evidence import schemas, store
from tests.fixtures.evidence import EvidenceRoom

_NETWORK = """
    INSERT INTO station (code, kind, organization_id, name_vi, name_en)
        SELECT 'S-' || n, 'wastewater', organization.id, 'S', 'S' FROM organization, generate_series(1, 40) n;
    INSERT INTO datastream (station_id, observed_property_id, reported_unit, range_min, range_max)
        SELECT s.id, p.id, p.unit, 0, 500 FROM station s, observed_property p WHERE s.code LIKE 'S-%';
    INSERT INTO quarantine (receipt_id, received_time, station_id, reason, field, found, expected)
        SELECT n, now() - n * interval '1 s', 3 + n % 40, 'unknown-symbol', 'symbol', 'x', 'y'
        FROM generate_series(1, 40000) n;
    INSERT INTO reading_conflict
            (datastream_id, phenomenon_time, result, device_status, receipt_id, reading_index, received_time)
        SELECT 5 + n % 80, now() - n * interval '1 s', 1, 0, n, 0, now() - n * interval '1 s'
        FROM generate_series(1, 40000) n;
    INSERT INTO receipt (id, station_id, received_time, channel, format, source, sender, sha256, raw, raw_encoding,
                         raw_length, stored, duplicates, conflicts, quarantined)
        SELECT -n, 3 + n % 40, now() - n * interval '1 s', 'http', 'json', '', 's', decode(repeat('00', 32), 'hex'), '',
               'identity', 0, 1, 0, 0, 0
        FROM generate_series(1, 40000) n;
    ANALYZE station, datastream, quarantine, reading_conflict, receipt;
"""


@pytest.fixture
async def crowded(evidence_room: EvidenceRoom) -> EvidenceRoom:
    await evidence_room.database.execute(_NETWORK)
    return evidence_room


async def _plan(room: EvidenceRoom, query: str, *filters: object) -> str:
    """The plan that is kept for a statement that was asked for often, as a server does it all day."""
    async with room.database.connection() as connection:
        kept = await connection.prepare(query)
        for _ in range(8):
            await kept.fetch(*filters)
        rows = await connection.fetch("EXPLAIN " + query, *filters)
    return "\n".join(row[0] for row in rows)


async def test_a_station_s_quarantine_is_found_by_its_index(crowded: EvidenceRoom) -> None:
    filters = (*[None] * 8, 100, ["TH-NT-001", "S-7"])
    plan = await _plan(crowded, store._quarantine["quarantine_page_of_stations"], *filters)
    assert "quarantine_station" in plan, plan
    assert "Seq Scan on quarantine" not in plan, plan


async def test_the_receipts_of_some_stations_are_found_by_their_index(crowded: EvidenceRoom) -> None:
    filters = (*[None] * 6, 100, ["TH-NT-001", "S-7"])
    plan = await _plan(crowded, store._receipts["receipt_page_of_stations"], *filters)
    assert "receipt_station" in plan, plan
    assert "Seq Scan on receipt" not in plan, plan


async def test_the_newest_receipts_and_entries_of_all_are_found_by_time(crowded: EvidenceRoom) -> None:
    plan = await _plan(crowded, store._receipts["receipt_page"], *[None] * 6, 100)
    assert "receipt_time" in plan, plan
    plan = await _plan(crowded, store._quarantine["quarantine_page"], *[None] * 8, 100)
    assert "quarantine_time" in plan, plan


async def test_a_station_s_conflicts_are_found_by_its_datastreams(crowded: EvidenceRoom) -> None:
    filters = (*[None] * 6, 100, ["TH-NT-001", "S-7"])
    plan = await _plan(crowded, store._conflicts["conflict_page_of_stations"], *filters)
    assert "reading_conflict_datastream" in plan, plan
    assert "Seq Scan on reading_conflict" not in plan, plan


async def test_the_newest_conflicts_of_all_are_found_by_time(crowded: EvidenceRoom) -> None:
    plan = await _plan(crowded, store._conflicts["conflict_page"], *[None] * 6, 100)
    assert "reading_conflict_time" in plan, plan
    assert "Seq Scan on reading_conflict" not in plan, plan


async def test_conflicts_of_a_station_page_as_those_of_all(crowded: EvidenceRoom) -> None:
    own = await crowded.get("/v1/conflicts", station="S-7", limit=700)
    rest = await crowded.get("/v1/conflicts", station="S-7", limit=700, cursor=own["nextCursor"])
    every = await crowded.get("/v1/conflicts", limit=10_000)
    newest = [item["id"] for item in every["items"] if item["station"] == "S-7"]
    found = [item["id"] for item in own["items"] + rest["items"]]
    assert len(found) == len(set(found)) == 1000
    assert found[: len(newest)] == newest
    assert rest["nextCursor"] is None


@pytest.mark.parametrize(
    "codes",
    [("S-1", "S-7"), tuple(f"S-{n}" for n in range(1, 31)), ("S-7", *(f"NO-{n}" for n in range(20)))],
    ids=["a few", "many", "one that sends"],
)
async def test_a_page_of_some_stations_is_what_they_have_in_the_page_of_all(
    crowded: EvidenceRoom, codes: tuple[str, ...]
) -> None:
    """A few, many, and one beside many that never sent anything; on the first page and on one behind it."""
    room, stations = crowded.database, list(codes)
    for after in (store.BEGINNING, (instants.now() - timedelta(hours=1), 0)):
        every = await store.receipts(room, store.ReceiptFilter(), after, 40_000)
        own = await store.receipts(room, store.ReceiptFilter(stations), after, 300)
        assert [item.receipt for item in own] == [item.receipt for item in every if item.station in codes][:300]
        entries = await store.quarantine(room, store.QuarantineFilter(), schemas.State.ALL, after, 40_000)
        mine = await store.quarantine(room, store.QuarantineFilter(stations), schemas.State.ALL, after, 300)
        assert [item.id for item in mine] == [item.id for item in entries if item.station in codes][:300]
        assert mine
        assert own
