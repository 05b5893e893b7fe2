"""The seeded network keeps the rules that edits are held to."""

import pytest

from core.database import Database
from telemetry.catalog import seeding
from telemetry.catalog.loading import LiveCatalog
from tests.fixtures.catalogs import Desk


@pytest.fixture
async def seeded(database: Database, desk: Desk) -> Desk:
    await seeding.seed(database)
    return desk


async def test_every_seeded_entry_can_be_edited(seeded: Desk) -> None:
    """An edit that changes nothing checks the whole entry anew."""
    addresses = {
        "/v1/organizations": "code",
        "/v1/observed-properties": "symbol",
        "/v1/rule-sets": "code",
    }
    for path, name in addresses.items():
        entries = (await seeded.get(path))["items"]
        assert len(entries) > 1
        for entry in entries:
            now = await seeded.edit(f"{path}/{entry[name]}", {})
            assert {member for member in entry if now[member] != entry[member]} == {"revision"}
    for station in (await seeded.get("/v1/stations", kind="wastewater"))["items"]:
        now = await seeded.edit(f"/v1/stations/{station['code']}", {})
        assert {name for name in now if now[name] != station[name]} == {"revision", "updatedTime"}


async def test_every_kind_of_seeded_datastream_can_be_edited(seeded: Desk, live_catalog: LiveCatalog) -> None:
    for code in ("TH-KK-01", "TH-NT-001", "TH-KT-001", "TH-NN-001"):
        streams = (await seeded.get("/v1/datastreams", station=code))["items"]
        assert streams
        for stream in streams:
            now = await seeded.edit(f"/v1/datastreams/{stream['id']}", {})
            assert now == stream | {"revision": 2}
    await live_catalog.refresh()
    assert len(live_catalog.snapshot.stations) == 106


async def test_seeded_limits_say_that_they_are_not_verified(seeded: Desk) -> None:
    found = (await seeded.get("/v1/limits", station="TH-NT-001"))["items"]
    decisive = [limit for limit in found if limit["decisive"]]
    assert {limit["symbol"] for limit in decisive} >= {"COD", "pH", "TSS"}
    assert all(limit["legalSource"] and limit["confidence"] for limit in found)
    assert not any(limit["verified"] for limit in found if limit["basis"] == "rule_set")


async def test_a_seeded_network_fits_on_one_page_of_a_map(seeded: Desk) -> None:
    body = await seeded.get("/v1/stations", format="geojson")
    assert (len(body["features"]), body["nextCursor"]) == (106, None)
