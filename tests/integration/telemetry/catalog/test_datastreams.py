"""Observed properties and datastreams over HTTP, and how they are spelled."""

import asyncio
import unicodedata
from urllib.parse import quote

import pytest

from telemetry.catalog.loading import LiveCatalog
from tests.fixtures.catalogs import Desk, problem


async def test_a_property_keeps_its_unit_once_it_is_in_use(desk: Desk) -> None:
    assert (await desk.edit("/v1/observed-properties/COD", {"unit": "g/l"}))["unit"] == "g/l"
    await desk.edit("/v1/observed-properties/COD", {"unit": "mg/l", "nameVi": "Nhu cầu oxy"})
    await desk.add_datastream("COD")
    answer = await desk.http.patch("/v1/observed-properties/COD", json={"unit": "g/l"}, headers={"If-Match": "*"})
    assert problem(answer, 409, "observed-property-in-use")["errors"][0]["field"] == "unit"
    now = await desk.edit("/v1/observed-properties/COD", {"nameEn": "Oxygen demand"}, on='"3"')
    assert (now["unit"], now["datastreams"], now["revision"]) == ("mg/l", 1, 4)


@pytest.mark.parametrize("symbol", ["m,p-Xylene", "Vinyl chloride", "PM2,5", "Cr6+", "100%", "Nhiệtđộ"])
async def test_any_symbol_of_the_field_has_an_address(desk: Desk, symbol: str) -> None:
    body = {"symbol": symbol, "unit": "mg/l", "nameVi": symbol, "nameEn": symbol}
    answer = await desk.http.post("/v1/observed-properties", json=body)
    if symbol == "m,p-Xylene":
        assert problem(answer, 409, "already-taken")["errors"][0]["found"] == symbol
    else:
        found = await desk.http.get(answer.headers["Location"])
        assert found.json()["symbol"] == symbol
    assert (await desk.get(f"/v1/observed-properties/{quote(symbol)}"))["symbol"] == symbol


async def test_the_units_decide_the_factor(desk: Desk) -> None:
    plain = await desk.add_datastream("COD")
    assert (plain["reportedUnit"], plain["factor"], plain["unit"]) == ("mg/l", 1.0, "mg/l")
    flow = await desk.add_datastream("Flow", reportedUnit="m3/s")
    assert flow["factor"] == 3600.0


async def test_ammonium_is_kept_as_nitrogen(desk: Desk, live_catalog: LiveCatalog) -> None:
    made = await desk.add_datastream("NH4-N", reportedAs="NH4+", aliases=["Amoni", "NH4"], rangeMin=0, rangeMax=50)
    assert (made["factor"], made["reportedAs"]) == (14.007 / 18.04, "NH4+")
    await live_catalog.refresh()
    assert live_catalog.snapshot.columns.factor[made["id"]] == 14.007 / 18.04


async def test_a_conversion_that_is_not_known_needs_a_factor(desk: Desk) -> None:
    body = {"station": "NT-001", "symbol": "m,p-Xylene", "reportedUnit": "ppb"}
    fault = problem(await desk.http.post("/v1/datastreams", json=body), 422, "conversion-unknown")["errors"][0]
    assert (fault["field"], "ppb" in fault["expected"], "mg/Nm3" in fault["expected"]) == ("factor", True, True)
    made = await desk.add_datastream("m,p-Xylene", reportedUnit="ppb", factor=0.00434)
    assert made["factor"] == 0.00434


@pytest.mark.parametrize("factor", [0, -1, "many"])
async def test_a_factor_is_a_positive_number(desk: Desk, factor: object) -> None:
    answer = await desk.http.post("/v1/datastreams", json={"station": "NT-001", "symbol": "COD", "factor": factor})
    problem(answer, 422, "invalid-request")


async def test_an_edit_of_the_unit_works_the_factor_out_anew(desk: Desk) -> None:
    made = await desk.add_datastream("COD", factor=2.5)
    path = f"/v1/datastreams/{made['id']}"
    assert (await desk.edit(path, {"rangeMax": 500}))["factor"] == 2.5
    assert (await desk.edit(path, {"reportedUnit": "ug/l"}))["factor"] == 0.001
    assert (await desk.edit(path, {"reportedUnit": "ug/l", "factor": 0.002}))["factor"] == 0.002
    answer = await desk.http.patch(path, json={"reportedAs": "BOD"}, headers={"If-Match": "*"})
    problem(answer, 422, "conversion-unknown")
    answer = await desk.http.patch(path, json={"rangeMin": 500}, headers={"If-Match": "*"})
    problem(answer, 422, "invalid-catalog-entry")


async def test_a_station_observes_a_property_once(desk: Desk) -> None:
    await desk.add_datastream("COD")
    answer = await desk.http.post("/v1/datastreams", json={"station": "NT-001", "symbol": "COD"})
    fault = problem(answer, 409, "already-taken")["errors"][0]
    assert (fault["field"], fault["found"]) == ("symbol", "COD")


async def test_station_and_property_must_be_there(desk: Desk) -> None:
    answer = await desk.http.post("/v1/datastreams", json={"station": "nobody", "symbol": "COD"})
    problem(answer, 404, "station-not-found")
    answer = await desk.http.post("/v1/datastreams", json={"station": "NT-001", "symbol": "CODx"})
    problem(answer, 404, "observed-property-not-found")
    problem(await desk.http.get("/v1/datastreams/99999"), 404, "datastream-not-found")
    problem(await desk.http.get("/v1/datastreams/99999999999"), 422, "invalid-request")
    problem(await desk.http.get("/v1/datastreams?station=nobody"), 404, "station-not-found")


async def test_any_unicode_form_of_an_alias_leads_to_the_datastream(desk: Desk, live_catalog: LiveCatalog) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Nhiệtđộ") for form in ("NFC", "NFD"))
    made = await desk.add_datastream("Temp", aliases=[decomposed, composed])
    assert made["aliases"] == [composed]
    await live_catalog.refresh()
    spellings = live_catalog.snapshot.spellings[live_catalog.snapshot.stations["NT-001"].id]
    assert spellings[composed] == spellings[decomposed] == spellings["NHIỆTĐỘ"] == spellings["temp"] == made["id"]


async def test_an_alias_may_have_a_comma_or_a_space(desk: Desk, live_catalog: LiveCatalog) -> None:
    made = await desk.add_datastream("m,p-Xylene", aliases=["m, p Xylene", "Xylene (m,p)"])
    await live_catalog.refresh()
    spellings = live_catalog.snapshot.spellings[live_catalog.snapshot.stations["NT-001"].id]
    assert spellings["m,p-Xylene"] == spellings["xylene (m,p)"] == made["id"]


async def test_a_spelling_leads_to_one_datastream_of_a_station(desk: Desk) -> None:
    await desk.add_station("NT-002")
    cod = await desk.add_datastream("COD", aliases=["Oxy", "COD"])
    assert cod["aliases"] == ["Oxy"]
    for wanted in ({"symbol": "Temp", "aliases": ["oxy"]}, {"symbol": "Temp", "aliases": ["cod"]}):
        answer = await desk.http.post("/v1/datastreams", json={"station": "NT-001"} | wanted)
        fault = problem(answer, 409, "spelling-taken")["errors"][0]
        assert (fault["found"], "COD" in fault["expected"]) == (wanted["aliases"][0], True)
    await desk.add_datastream("Temp", station="NT-002", aliases=["oxy"])
    temp = await desk.add_datastream("Temp")
    answer = await desk.http.patch(
        f"/v1/datastreams/{temp['id']}", json={"aliases": ["OXY"]}, headers={"If-Match": "*"}
    )
    problem(answer, 409, "spelling-taken")


async def test_aliases_are_replaced_as_a_whole(desk: Desk) -> None:
    made = await desk.add_datastream("COD", aliases=["one", "two"])
    path = f"/v1/datastreams/{made['id']}"
    assert (await desk.edit(path, {"aliases": ["two", "three"]}))["aliases"] == ["three", "two"]
    assert (await desk.edit(path, {"mandatory": False}))["aliases"] == ["three", "two"]
    assert (await desk.edit(path, {"aliases": []}))["aliases"] == []


async def test_a_retired_datastream_gives_its_spellings_up(desk: Desk, live_catalog: LiveCatalog) -> None:
    old = await desk.add_datastream("COD", aliases=["probe 1"])
    await desk.edit(f"/v1/datastreams/{old['id']}", {"status": "retired"})
    new = await desk.add_datastream("Temp", aliases=["probe 1"])
    await live_catalog.refresh()
    spellings = live_catalog.snapshot.spellings[live_catalog.snapshot.stations["NT-001"].id]
    assert (spellings["probe 1"], spellings["COD"]) == (new["id"], 0)
    back = await desk.edit(f"/v1/datastreams/{old['id']}", {"status": "active"})
    assert (back["status"], back["aliases"]) == ("active", [])


async def test_two_datastreams_cannot_claim_one_spelling_at_once(desk: Desk) -> None:
    claims = [
        desk.http.post("/v1/datastreams", json={"station": "NT-001", "symbol": symbol, "aliases": ["probe"]})
        for symbol in ("COD", "pH", "Temp", "Flow")
    ]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*claims))
    assert statuses == [201, 409, 409, 409]


async def test_datastreams_are_listed_by_station(desk: Desk) -> None:
    await desk.add_station("NT-002")
    for symbol in ("COD", "pH", "Temp"):
        await desk.add_datastream(symbol)
    await desk.add_datastream("COD", station="NT-002")

    async def listed(**params: object) -> list[tuple[str, str]]:
        page = await desk.get("/v1/datastreams", **params)
        found = [(item["station"], item["symbol"]) for item in page["items"]]
        if page["nextCursor"]:
            found += await listed(**params | {"cursor": page["nextCursor"]})
        return found

    everything = [("NT-001", "COD"), ("NT-001", "pH"), ("NT-001", "Temp"), ("NT-002", "COD")]
    assert await listed() == await listed(limit=1) == everything
    assert await listed(station="NT-002") == [("NT-002", "COD")]
    assert await listed(symbol="COD") == [("NT-001", "COD"), ("NT-002", "COD")]
    assert await listed(status="retired") == []
    answer = await desk.http.get("/v1/datastreams", params={"cursor": "WyJOVC0wMDEiLDk5OTk5OTk5OTk5XQ"})
    problem(answer, 422, "invalid-cursor")


async def test_the_second_of_two_edits_on_one_revision_is_refused(desk: Desk) -> None:
    made = await desk.add_datastream("COD")
    path = f"/v1/datastreams/{made['id']}"
    await desk.edit(path, {"aliases": ["one"]}, on='"1"')
    answer = await desk.http.patch(path, json={"aliases": ["two"]}, headers={"If-Match": '"1"'})
    problem(answer, 412, "revision-moved")
    assert (await desk.get(path))["aliases"] == ["one"]
