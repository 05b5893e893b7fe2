"""Import of stations from CSV, over HTTP and against the catalogue."""

import pytest

from core.database import Database
from telemetry.catalog import errors, importing
from telemetry.catalog.loading import LiveCatalog
from tests.fixtures.catalogs import Desk, problem

FILE = """\
station,kind,organization,name_vi,name_en,file_code,latitude,longitude,symbol,reported_unit,reported_as,range_max,aliases
NT-101,wastewater,DN-01,Trạm 101,Station 101,TH_GIAY_NUO11,19.8,105.7,COD,ug/l,,500,
NT-101,,,,,,,,NH4-N,mg/l,NH4+,50,Amoni|NH4
NT-101,,,,,,,,Temp,,,,Nhiệtđộ
KT-101,flue_gas,DN-01,Trạm khí 101,,,,,"m,p-Xylene",,,,
"""
COUNTS = {"stationsNew": 2, "stationsUpdated": 0, "datastreams": 4, "aliases": 3, "lines": 4}


async def post(desk: Desk, text: str | bytes, **params: str) -> object:
    answer = await desk.http.post(
        "/v1/stations/import", content=text, params=params, headers={"Content-Type": "text/csv; charset=utf-8"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_stations_come_with_their_datastreams(desk: Desk, live_catalog: LiveCatalog) -> None:
    assert await post(desk, FILE) == COUNTS | {"dryRun": False}
    station = await desk.get("/v1/stations/NT-101")
    assert (station["fileCode"], station["latitude"], station["cadenceSeconds"]) == ("TH_GIAY_NUO11", 19.8, 300)
    streams = {item["symbol"]: item for item in (await desk.get("/v1/datastreams", station="NT-101"))["items"]}
    assert (streams["COD"]["factor"], streams["COD"]["rangeMax"]) == (0.001, 500)
    assert (streams["NH4-N"]["factor"], streams["NH4-N"]["aliases"]) == (14.007 / 18.04, ["Amoni", "NH4"])
    await live_catalog.refresh()
    seen = live_catalog.snapshot
    assert seen.spellings[seen.stations["NT-101"].id]["NHIỆTĐỘ"] == streams["Temp"]["id"]
    assert (await desk.get("/v1/stations/KT-101"))["nameEn"] == "Trạm khí 101"


async def test_a_dry_run_tells_the_same_and_keeps_nothing(desk: Desk, database: Database) -> None:
    before = await database.fetchval("SELECT revision FROM catalog_revision")
    assert await post(desk, FILE, dryRun="true") == COUNTS | {"dryRun": True}
    assert await database.fetchval("SELECT revision FROM catalog_revision") == before
    problem(await desk.http.get("/v1/stations/NT-101"), 404, "station-not-found")


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_one_bad_line_keeps_all_lines_out(desk: Desk, dry_run: str) -> None:
    broken = FILE + "NT-102,volcano,DN-01,X,,,,,CODx,,,,\nNT-001,wastewater,DN-01,X,,,,,,,,,\n"
    answer = await desk.http.post(
        "/v1/stations/import", content=broken, params={"dryRun": dry_run}, headers={"Content-Type": "text/csv"}
    )
    body = problem(answer, 422, "import-refused")
    assert [fault["field"] for fault in body["errors"]] == ["line 6, kind", "line 6, symbol", "line 7, station"]
    assert body["faultCount"] == 3
    assert [item["code"] for item in (await desk.get("/v1/stations"))["items"]] == ["NT-001"]


async def test_the_same_file_again_is_refused_or_updates(desk: Desk) -> None:
    await post(desk, FILE)
    answer = await desk.http.post("/v1/stations/import", content=FILE, headers={"Content-Type": "text/csv"})
    assert len(problem(answer, 422, "import-refused")["errors"]) == 2
    await desk.add_datastream("pH", station="NT-101", aliases=["acid"])
    changed = FILE.replace("Trạm 101", "Tên mới").replace("Amoni|NH4", "Amoni|NH4 tổng")
    report = await post(desk, changed, update="true")
    assert report == COUNTS | {"dryRun": False, "stationsNew": 0, "stationsUpdated": 2}
    station = await desk.get("/v1/stations/NT-101")
    assert (station["nameVi"], station["revision"]) == ("Tên mới", 2)
    streams = {item["symbol"]: item for item in (await desk.get("/v1/datastreams", station="NT-101"))["items"]}
    assert streams["NH4-N"]["aliases"] == ["Amoni", "NH4 tổng"]
    assert streams["pH"]["aliases"] == ["acid"]


async def test_an_update_may_not_take_a_spelling_from_a_datastream_it_does_not_name(desk: Desk) -> None:
    await desk.add_datastream("pH", aliases=["probe"])
    text = "station,kind,organization,name_vi,symbol,aliases\nNT-001,wastewater,DN-01,X,COD,PROBE\n"
    answer = await desk.http.post(
        "/v1/stations/import", content=text, params={"update": "true"}, headers={"Content-Type": "text/csv"}
    )
    fault = problem(answer, 422, "import-refused")["errors"][0]
    assert (fault["field"], "pH" in fault["expected"]) == ("line 2, aliases", True)


async def test_spellings_may_change_places_in_one_update(desk: Desk) -> None:
    header = "station,kind,organization,name_vi,symbol,aliases\n"
    await post(desk, header + "NT-201,ambient,DN-01,X,COD,one\nNT-201,,,,pH,two\n")
    await post(desk, header + "NT-201,ambient,DN-01,X,COD,two\nNT-201,,,,pH,one\n", update="true")
    streams = {
        item["symbol"]: item["aliases"] for item in (await desk.get("/v1/datastreams", station="NT-201"))["items"]
    }
    assert streams == {"COD": ["two"], "pH": ["one"]}


async def test_an_update_takes_a_spelling_from_a_retired_datastream(desk: Desk) -> None:
    old = await desk.add_datastream("pH", aliases=["probe"])
    await desk.edit(f"/v1/datastreams/{old['id']}", {"status": "retired"})
    text = "station,kind,organization,name_vi,symbol,aliases\nNT-001,wastewater,DN-01,X,COD,probe\n"
    await post(desk, text, update="true")
    streams = {item["symbol"]: item["aliases"] for item in (await desk.get("/v1/datastreams"))["items"]}
    assert streams == {"pH": [], "COD": ["probe"]}


async def test_a_network_is_imported_with_progress(desk: Desk, database: Database) -> None:
    rows = ["station,kind,organization,name_vi,symbol"]
    for number in range(700):
        rows += [f"S-{number:04},ambient,DN-01,Trạm {number},COD", f"S-{number:04},,,,pH"]
    heard: list[tuple[int, int]] = []
    report = await importing.import_stations(
        database, "\r\n".join(rows).encode(), progress=lambda done, total: heard.append((done, total))
    )
    assert (report.stations_new, report.datastreams) == (700, 1400)
    assert heard == [(done, 2100) for done in (0, 500, 700, 1200, 1700, 2100)]
    assert len((await desk.get("/v1/stations", limit=2000))["items"]) == 701


async def test_what_is_no_csv_is_refused(desk: Desk, database: Database) -> None:
    answer = await desk.http.post("/v1/stations/import", json={})
    problem(answer, 415, "unsupported-media-type")
    with pytest.raises(errors.ImportRefused):
        await importing.import_stations(database, b"")
    too_long = b"x" * (8 * 2**20 + 1)
    answer = await desk.http.post("/v1/stations/import", content=too_long, headers={"Content-Type": "text/csv"})
    problem(answer, 413, "too-large")
