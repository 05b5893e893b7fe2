"""Stations over HTTP."""

import asyncio

import httpx
import pytest

from core.database import Database
from telemetry.catalog import loading, stations
from telemetry.catalog.loading import LiveCatalog
from telemetry.catalog.schemas.stations import StationEdit
from telemetry.catalog.snapshot import Snapshot
from tests.fixtures.catalogs import STATION, Desk, problem, soon


async def test_a_station_is_added_with_its_defaults(desk: Desk) -> None:
    found = await desk.get("/v1/stations/NT-001")
    assert {name: found[name] for name in STATION} == STATION
    assert (found["status"], found["cadenceSeconds"], found["revision"]) == ("active", 300, 1)
    assert found["createdTime"] == found["updatedTime"]


@pytest.mark.parametrize("code", ["a/b", "a+b", "#", "NT 001", "Trạm", "", "x" * 41, "a.b"])
async def test_codes_that_no_topic_can_have_are_refused(desk: Desk, code: str) -> None:
    answer = await desk.http.post("/v1/stations", json=STATION | {"code": code, "fileCode": None})
    assert problem(answer, 422, "invalid-request")["errors"][0]["field"] == "body.code"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("kind", "volcano"),
        ("latitude", 91),
        ("longitude", None),
        ("cadenceSeconds", 0),
        ("nameVi", " "),
        ("nameEn", "a\u0000b"),
        ("status", "asleep"),
        ("fileCode", "TH-X"),
        ("revision", 7),
    ],
)
async def test_members_that_cannot_be_are_refused(desk: Desk, member: str, value: object) -> None:
    answer = await desk.http.post("/v1/stations", json=STATION | {"code": "NT-002", member: value})
    problem(answer, 422, "invalid-request")


async def test_what_is_taken_is_named(desk: Desk) -> None:
    answer = await desk.http.post("/v1/stations", json=STATION | {"fileCode": None})
    assert problem(answer, 409, "already-taken")["errors"][0]["field"] == "code"
    answer = await desk.http.post("/v1/stations", json=STATION | {"code": "NT-002", "fileCode": "th_giay_nuo01"})
    fault = problem(answer, 409, "already-taken")["errors"][0]
    assert (fault["field"], fault["found"]) == ("fileCode", "TH_GIAY_NUO01")
    answer = await desk.http.post("/v1/stations", json=STATION | {"code": "nt-001", "fileCode": None})
    assert problem(answer, 409, "already-taken")["errors"][0]["field"] == "code"
    await desk.add_station("NT-002")
    answer = await desk.http.patch("/v1/stations/NT-002", json={"fileCode": "TH_GIAY_NUO01"}, headers={"If-Match": "*"})
    problem(answer, 409, "already-taken")


async def test_a_station_belongs_to_an_organization_of_the_catalogue(desk: Desk) -> None:
    answer = await desk.http.post("/v1/stations", json=STATION | {"code": "NT-002", "organization": "nobody"})
    assert problem(answer, 404, "organization-not-found")["errors"][0]["found"] == "nobody"


async def test_an_edit_changes_what_it_names_and_nothing_else(desk: Desk) -> None:
    before = await desk.get("/v1/stations/NT-001")
    after = await desk.edit("/v1/stations/NT-001", {"nameVi": "Tên mới", "fileCode": None}, on='"1"')
    assert (after["nameVi"], after["fileCode"], after["revision"]) == ("Tên mới", None, 2)
    changed = {"nameVi", "fileCode", "revision", "updatedTime"}
    assert {name for name in before if before[name] != after[name]} == changed


async def test_the_rules_of_the_whole_hold_after_an_edit(desk: Desk) -> None:
    answer = await desk.http.patch("/v1/stations/NT-001", json={"latitude": None}, headers={"If-Match": "*"})
    body = problem(answer, 422, "invalid-catalog-entry")
    assert "together or not at all" in body["errors"][0]["expected"]
    assert (await desk.get("/v1/stations/NT-001"))["revision"] == 1


async def test_an_edit_without_if_match_is_refused(desk: Desk) -> None:
    answer = await desk.http.patch("/v1/stations/NT-001", json={"nameVi": "X"})
    assert problem(answer, 428, "revision-missing")["errors"][0]["field"] == "If-Match"


@pytest.mark.parametrize("tag", ['"abc"', "", '""', '"1" "2"', "-1", '"99999999999"'])
async def test_an_if_match_that_is_no_etag_is_refused(desk: Desk, tag: str) -> None:
    answer = await desk.http.patch("/v1/stations/NT-001", json={"nameVi": "X"}, headers={"If-Match": tag})
    problem(answer, 422, "revision-unreadable")


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "1", '"7", "1"', "*"])
async def test_an_if_match_may_be_written_in_several_ways(desk: Desk, tag: str) -> None:
    assert (await desk.edit("/v1/stations/NT-001", {"nameVi": "X"}, on=tag))["revision"] == 2


async def test_the_second_of_two_edits_on_one_revision_is_refused(desk: Desk) -> None:
    await desk.edit("/v1/stations/NT-001", {"nameVi": "first"}, on='"1"')
    answer = await desk.http.patch("/v1/stations/NT-001", json={"nameVi": "second"}, headers={"If-Match": '"1"'})
    assert problem(answer, 412, "revision-moved")["revision"] == 2
    assert (await desk.get("/v1/stations/NT-001"))["nameVi"] == "first"


async def test_of_many_edits_at_once_on_one_revision_one_is_made(desk: Desk) -> None:
    edits = [
        desk.http.patch("/v1/stations/NT-001", json={"nameVi": f"edit {n}"}, headers={"If-Match": '"1"'})
        for n in range(5)
    ]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*edits))
    assert statuses == [200, 412, 412, 412, 412]
    assert (await desk.get("/v1/stations/NT-001"))["revision"] == 2


async def test_edits_at_once_on_different_members_lose_nothing(desk: Desk, database: Database) -> None:
    await asyncio.gather(
        stations.edit(database, "NT-001", StationEdit(name_vi="Tên"), None),
        stations.edit(database, "NT-001", StationEdit(cadence_seconds=600), None),
    )
    now = await desk.get("/v1/stations/NT-001")
    assert (now["nameVi"], now["cadenceSeconds"], now["revision"]) == ("Tên", 600, 3)


async def test_a_station_is_retired_and_taken_back(desk: Desk) -> None:
    answer = await desk.http.post("/v1/stations/NT-001/retire", headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["status"]) == (200, "retired")
    problem(await desk.http.post("/v1/stations/NT-001/keys", json={}), 409, "station-retired")
    answer = await desk.http.post("/v1/datastreams", json={"station": "NT-001", "symbol": "COD"})
    problem(answer, 409, "station-retired")
    await desk.edit("/v1/stations/NT-001", {"status": "active"}, on='"2"')
    await desk.add_datastream("COD")


async def test_the_list_is_narrowed(desk: Desk) -> None:
    await desk.add("/v1/organizations", {"code": "DN-02", "nameVi": "Xi măng Bỉm Sơn", "nameEn": "Cement"})
    await desk.add_station("KT-001", kind="flue_gas", organization="DN-02", nameVi="Ống khói số 1")
    await desk.add_station("KT-002", kind="flue_gas", status="maintenance", fileCode="TH_XM_KHI02")

    async def codes(**params: str) -> list[str]:
        return [item["code"] for item in (await desk.get("/v1/stations", **params))["items"]]

    assert await codes() == ["KT-001", "KT-002", "NT-001"]
    assert await codes(kind="flue_gas") == ["KT-001", "KT-002"]
    assert await codes(kind="flue_gas", organization="DN-02") == ["KT-001"]
    assert await codes(status="maintenance") == ["KT-002"]
    assert await codes(q="ong khoi") == ["KT-001"]
    assert await codes(q="bim son") == ["KT-001"]
    assert await codes(q="_xm_") == ["KT-002"]
    assert await codes(q="tram dong son") == []
    assert await codes(q="tram nuoc thai dong son") == ["KT-002", "NT-001"]
    assert await codes(organization="nobody") == []
    problem(await desk.http.get("/v1/stations", params={"kind": "volcano"}), 422, "invalid-request")
    problem(await desk.http.get("/v1/stations", params={"q": "\x00"}), 422, "invalid-request")


@pytest.mark.parametrize(
    ("params", "accept", "expected"),
    [
        ({}, "application/geo+json", "application/geo+json"),
        ({"format": "geojson"}, "*/*", "application/geo+json"),
        ({"format": "json"}, "application/geo+json", "application/json"),
        ({}, "*/*", "application/json"),
    ],
)
async def test_stations_come_as_geojson_on_request(
    desk: Desk, params: dict[str, str], accept: str, expected: str
) -> None:
    for path in ("/v1/stations", "/v1/stations/NT-001"):
        answer = await desk.http.get(path, params=params, headers={"Accept": accept})
        assert (answer.headers["content-type"], answer.headers["vary"]) == (expected, "Accept")


async def test_a_map_gets_features_with_the_longitude_first(desk: Desk) -> None:
    await desk.add_station("KK-01", latitude=None, longitude=None)
    body = await desk.get("/v1/stations", format="geojson", limit=1)
    assert (body["type"], len(body["features"])) == ("FeatureCollection", 1)
    rest = await desk.get("/v1/stations", format="geojson", cursor=body["nextCursor"])
    (nowhere,), (somewhere,) = body["features"], rest["features"]
    assert (nowhere["id"], nowhere["geometry"]) == ("KK-01", None)
    assert somewhere["geometry"] == {"type": "Point", "coordinates": [105.77, 19.8]}
    assert (somewhere["properties"]["nameVi"], rest["nextCursor"]) == (STATION["nameVi"], None)
    alone = await desk.http.get("/v1/stations/NT-001", params={"format": "geojson"})
    assert (alone.json(), alone.headers["ETag"]) == (somewhere, '"1"')


async def test_a_change_is_live_within_five_seconds(desk: Desk, live_catalog: LiveCatalog) -> None:
    """A running gateway's own catalogue, not the one that the change was made through."""
    assert "KK-01" not in live_catalog.snapshot.stations
    await desk.add_station("KK-01", kind="ambient")

    async def seen() -> bool:
        return "KK-01" in live_catalog.snapshot.stations

    async def seen_retired() -> bool:
        return live_catalog.snapshot.stations["KK-01"].status == "retired"

    await soon(seen)
    await desk.http.post("/v1/stations/KK-01/retire", headers={"If-Match": "*"})
    await soon(seen_retired)


async def test_writes_and_lists_are_for_the_staff(
    desk: Desk, anybody: httpx.AsyncClient, live_catalog: LiveCatalog
) -> None:
    await desk.add_station("NT-002")
    stream = await desk.add_datastream("COD")
    other = await desk.add_datastream("COD", station="NT-002")
    key = (await desk.add("/v1/stations/NT-001/keys", {}))["key"]
    await live_catalog.refresh()
    own = {"Authorization": f"Bearer {key}"}
    for path in ("/v1/stations/NT-001", f"/v1/datastreams/{stream['id']}", "/v1/limits", "/v1/datastreams"):
        assert (await anybody.get(path, headers=own)).status_code == 200, path
    listed = (await anybody.get("/v1/datastreams", headers=own)).json()["items"]
    assert [item["station"] for item in listed] == ["NT-001"]
    for path in (
        "/v1/stations",
        "/v1/stations/NT-002",
        "/v1/stations/nobody",
        "/v1/stations/NT-001/keys",
        f"/v1/datastreams/{other['id']}",
        f"/v1/datastreams/{other['id']}/limits",
        "/v1/datastreams?station=NT-002",
        "/v1/limits?station=NT-002",
        "/v1/organizations",
        "/v1/rule-sets",
        "/v1/observed-properties",
    ):
        answer = await anybody.get(path, headers=own)
        # An id is answered as one that nobody has; a code, whether it exists or not, as forbidden.
        problem(answer, *((404, "datastream-not-found") if path.startswith("/v1/datastreams/") else (403, "forbidden")))
    for path in ("/v1/stations", "/v1/datastreams", "/v1/limits", "/v1/stations/NT-001/keys", "/v1/stations/import"):
        problem(await anybody.post(path, json={}, headers=own), 403, "forbidden")


async def test_every_route_asks_who_is_there(anybody: httpx.AsyncClient) -> None:
    asked = 0
    document = anybody._transport.app.openapi()  # type: ignore[attr-defined] # the application behind the client
    for path, operations in document["paths"].items():
        for method in operations:
            concrete = path.replace("{code}", "X").replace("{symbol}", "X").replace("_id}", "}")
            concrete = concrete.replace("{key}", "st_00000000").replace("{datastream}", "1").replace("{limit}", "1")
            answer = await anybody.request(method, concrete, json={})
            assert answer.status_code == 401, (method, concrete, answer.text)
            asked += 1
    assert asked >= 25


async def test_a_refresh_is_never_undone_by_one_that_began_before(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first read is held up until a second refresh, of a newer state, had every chance to pass it."""
    live = LiveCatalog(database)
    genuine = loading.read
    held = asyncio.Event()

    async def slow(opened: Database) -> Snapshot:
        found = await genuine(opened)
        if not held.is_set():
            held.set()
            await asyncio.sleep(0.5)
        return found

    monkeypatch.setattr(loading, "read", slow)
    first = asyncio.create_task(live.refresh())
    await held.wait()
    await desk.add_station("NT-002")
    await live.refresh()
    await first
    assert "NT-002" in live.snapshot.stations
