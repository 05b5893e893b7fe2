"""What a station's own quarantine and conflicts cost does not depend on how much the others have."""

import pytest

from telemetry.evidence import store
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
    ANALYZE station, datastream, quarantine, reading_conflict;
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
