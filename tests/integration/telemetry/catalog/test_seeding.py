"""The seed in a real database: complete, resolvable, and harmless when it is entered again."""

import shutil
import time
from pathlib import Path

import pytest

from core.database import Database
from telemetry.catalog import loading, seed_files, seed_network, seeding


async def test_the_whole_network_is_entered_in_little_time(database: Database) -> None:
    begin = time.perf_counter()
    report = await seeding.seed(database)
    assert time.perf_counter() - begin < 2
    assert (report.stations, report.organizations) == (105, 29)
    by_kind = await database.fetch("SELECT kind, count(*) AS n FROM station GROUP BY kind")
    assert {row["kind"]: row["n"] for row in by_kind} == {
        "ambient": 3,
        "wastewater": 24,
        "flue_gas": 64,
        "groundwater": 14,
    }
    network = seed_network.build(seed_files.read())
    assert (report.datastreams, report.aliases, report.limits) == (
        len(network.datastreams),
        len(network.aliases),
        len(network.limits),
    )
    assert await database.fetchval("SELECT count(*) FROM datastream_limit") == report.limits
    assert await database.fetchval("SELECT count(*) FROM station WHERE NOT demonstration") == 0


async def test_seeding_again_changes_nothing(database: Database) -> None:
    await seeding.seed(database)
    revision = await loading.revision(database)
    assert (await seeding.seed(database)).added == 0
    assert await loading.revision(database) == revision


async def test_what_the_staff_changed_stays(database: Database) -> None:
    await seeding.seed(database)
    await database.execute("UPDATE station SET name_vi = 'Trạm của tôi', file_code = NULL WHERE code = 'TH-NT-001'")
    await database.execute("UPDATE datastream_limit SET upper = 1, valid_from = '2020-01-01Z' WHERE basis = 'permit'")
    await database.execute("UPDATE rule_set SET verified = true")
    revision = await loading.revision(database)
    assert (await seeding.seed(database)).added == 0
    assert await loading.revision(database) == revision
    assert await database.fetchval("SELECT name_vi FROM station WHERE code = 'TH-NT-001'") == "Trạm của tôi"
    assert await database.fetchval("SELECT max(upper) FROM datastream_limit WHERE basis = 'permit'") == 1


async def test_what_is_missing_is_added(database: Database) -> None:
    await seeding.seed(database)
    await database.execute(
        "DELETE FROM datastream_limit WHERE datastream_id IN (SELECT d.id FROM datastream d JOIN station s ON "
        "s.id = d.station_id WHERE s.code = 'TH-NN-001')"
    )
    await database.execute("DELETE FROM datastream_alias WHERE alias = 'Amoni'")
    report = await seeding.seed(database)
    expected = sum(limit["station"] == "TH-NN-001" for limit in seed_network.build(seed_files.read()).limits)
    assert (report.limits, report.stations, report.datastreams) == (expected, 0, 0)
    assert report.aliases == report.added - report.limits > 0


async def test_every_spelling_of_the_seed_leads_to_its_datastream(database: Database) -> None:
    await seeding.seed(database)
    snapshot = await loading.read(database)
    network = seed_network.build(seed_files.read())
    spellings = [(d["station"], d["symbol"], d["symbol"]) for d in network.datastreams]
    spellings += [(alias["station"], alias["alias"], alias["symbol"]) for alias in network.aliases]
    for code, spelling, symbol in spellings:
        station = snapshot.stations[code]
        datastream = snapshot.datastreams[snapshot.spellings[station.id][spelling]]
        assert (datastream.station_id, datastream.symbol) == (station.id, symbol), (code, spelling)


async def test_every_station_is_found_by_its_file_code(database: Database) -> None:
    await seeding.seed(database)
    snapshot = await loading.read(database)
    assert {station.code for station in snapshot.stations_by_file_code.values()} == set(snapshot.stations)


async def test_a_permit_goes_before_the_rule_set(database: Database) -> None:
    await seeding.seed(database)
    snapshot = await loading.read(database)
    station = snapshot.stations["TH-NT-004"]
    stream = snapshot.spellings[station.id]["COD"]
    start, count = snapshot.columns.limit_start[stream], snapshot.columns.limit_count[stream]
    uppers = snapshot.columns.limit_upper[start : start + count].tolist()
    assert uppers[0] > 60
    assert uppers[1] == 60


async def test_a_broken_file_leaves_the_database_untouched(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "seed"
    shutil.copytree(seed_files.FOLDER, folder)
    permits = folder / "permits.csv"
    permits.write_text(permits.read_text(encoding="utf-8").replace("TH-NN-001", "TH-NN-999", 1), encoding="utf-8")
    with pytest.raises(seed_files.BrokenSeed, match=r"permits.csv line 2, station"):
        await seeding.seed(database, folder)
    assert await database.fetchval("SELECT count(*) FROM organization") == 0


async def test_a_file_code_that_another_station_has_stops_the_seed_as_a_whole(database: Database) -> None:
    await database.execute("INSERT INTO organization (code, name_vi, name_en) VALUES ('OWN', 'Đơn vị', 'Organization')")
    await database.execute(
        "INSERT INTO station (code, kind, organization_id, name_vi, name_en, file_code) "
        "SELECT 'OWN-1', 'ambient', id, 'Trạm', 'Station', 'TH_SNMT_KHI01' FROM organization"
    )
    with pytest.raises(Exception, match="station_file_code_key"):
        await seeding.seed(database)
    assert await database.fetchval("SELECT count(*) FROM station") == 1
