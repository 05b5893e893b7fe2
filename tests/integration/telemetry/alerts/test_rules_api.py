"""Alert rules over HTTP: who may be told what, and which rule holds."""

from typing import Any

import pytest

from telemetry.alerts.kinds import Kind
from tests.fixtures.alerts import Office, problem

_PATH = "/v1/alert-rules"
_RULE: dict[str, Any] = {
    "kind": "tendency",
    "station": "TH-NT-001",
    "symbol": "COD",
    "severity": "warning",
    "raiseAfterSeconds": 600,
    "escalateAfterSeconds": 3600,
    "parameters": {"share": 0.85},
}


async def _effective(office: Office, **params: Any) -> dict[str, Any]:
    answer = await office.gateway.get(f"{_PATH}/effective", **params)
    assert answer.status_code == 200, answer.text
    return {item["kind"]: item for item in answer.json()["items"]}


async def test_a_rule_is_added_edited_replaced_and_withdrawn(office: Office) -> None:
    before = (await _effective(office, station="TH-NT-001", symbol="COD"))["tendency"]
    made = await office.send("POST", _PATH, _RULE)
    assert made.status_code == 201, made.text
    rule = made.json()
    assert (rule["origin"], rule["revision"], made.headers["ETag"]) == ("kept", 1, '"1"')
    path = made.headers["Location"]
    assert (await office.send("GET", path)).json() == rule
    held = (await _effective(office, station="TH-NT-001", symbol="COD"))["tendency"]
    assert (held["id"], held["parameters"]["share"], held["severity"]) == (rule["id"], 0.85, "warning")
    # What it leaves out comes from the wider rule.
    assert held["parameters"]["shareHigh"] == before["parameters"]["shareHigh"]
    assert (await _effective(office, station="TH-NT-002", symbol="COD"))["tendency"]["id"] != rule["id"]
    edited = await office.send("PATCH", path, {"enabled": False, "parameters": {"share": 0.7}}, revision=1)
    assert edited.json() == rule | {"enabled": False, "parameters": {"share": 0.7}, "revision": 2}
    stale = await office.send("PATCH", path, {"enabled": True}, revision=1)
    assert (stale.status_code, problem(stale)) == (412, "revision-moved")
    replaced = (await office.send("PUT", path, {"severity": "critical"}, revision=2)).json()
    assert (replaced["severity"], replaced["enabled"], replaced["parameters"]) == ("critical", True, {})
    assert (replaced["escalateAfterSeconds"], replaced["station"], replaced["kind"]) == (None, "TH-NT-001", "tendency")
    assert (await office.send("DELETE", path, revision=2)).status_code == 412
    assert (await office.send("DELETE", path, revision=3)).status_code == 204
    assert (await office.send("GET", path)).status_code == 404
    assert (await _effective(office, station="TH-NT-001", symbol="COD"))["tendency"] == before


async def test_a_subject_has_one_rule_of_a_kind(office: Office) -> None:
    assert (await office.send("POST", _PATH, _RULE)).status_code == 201
    again = await office.send("POST", _PATH, _RULE)
    assert (again.status_code, problem(again)) == (409, "alert-rule-taken")
    elsewhere = await office.send("POST", _PATH, _RULE | {"station": "TH-NT-002"})
    assert elsewhere.status_code == 201


async def test_the_rule_that_names_the_most_holds(office: Office) -> None:
    for members in ({"stationKind": "wastewater"}, {"symbol": "TSS"}, {"station": "TH-NT-001"}):
        new = {"kind": "spike", "severity": "notice", "source": str(members)} | members
        assert (await office.send("POST", _PATH, new)).status_code == 201
    held = {
        (station, symbol): (await _effective(office, station=station, symbol=symbol))["spike"]["source"]
        for station, symbol in (("TH-NT-001", "TSS"), ("TH-NT-002", "TSS"), ("TH-NT-002", "COD"))
    }
    assert held == {
        ("TH-NT-001", "TSS"): "{'station': 'TH-NT-001'}",
        ("TH-NT-002", "TSS"): "{'symbol': 'TSS'}",
        ("TH-NT-002", "COD"): "{'stationKind': 'wastewater'}",
    }


async def test_rules_of_a_station_and_of_a_datastream_are_of_their_kinds(office: Office) -> None:
    of_station = set(await _effective(office, station="TH-NT-001"))
    of_stream = set(await _effective(office, station="TH-NT-001", symbol="COD"))
    assert "lost-connection" in of_station
    assert "over-limit" in of_stream
    assert of_station & of_stream == set()
    assert of_station | of_stream == {kind.value for kind in Kind} - {"job-stuck"}
    assert set(await _effective(office, station="TH-NT-001", symbol="COD", kind="spike")) == {"spike"}


async def test_the_rules_of_the_service_are_listed_until_others_take_their_place(office: Office) -> None:
    listed = (await office.gateway.get(_PATH)).json()["items"]
    assert {item["kind"] for item in listed} == {kind.value for kind in Kind}
    saturated = (await office.gateway.get(_PATH, kind="saturated")).json()["items"]
    wide = next(item for item in saturated if not (item["stationKind"] or item["symbol"] or item["station"]))
    new = {"kind": "saturated", "severity": "critical"}
    made = await office.send("POST", _PATH, new)
    if wide["origin"] == "packaged":
        assert made.status_code == 201
        after = (await office.gateway.get(_PATH, kind="saturated")).json()["items"]
        assert [item["origin"] for item in after].count("kept") == 1
        assert len(after) == len(saturated)
    else:
        assert problem(made) == "alert-rule-taken"


@pytest.mark.parametrize(
    ("changed", "field", "expected"),
    [
        ({"kind": "flood"}, "body.kind", "over-limit"),
        ({"severity": "loud"}, "body.severity", "notice"),
        ({"parameters": {"share": 2}}, "parameters.share", "a number from 0.1 to 1"),
        ({"parameters": {"count": 3}}, "parameters.count", "one of share"),
        ({"parameters": {"share": True}}, "body.parameters.share", "a number is expected"),
        ({"kind": "saturated"}, "parameters.share", "nothing: saturated has no parameters"),
        ({"kind": "lost-connection", "parameters": {}}, "symbol", "nothing: lost-connection is about a station"),
        ({"raiseAfterSeconds": -1}, "body.raiseAfterSeconds", "greater than or equal to 0"),
        ({"escalateAfterSeconds": 10**12}, "body.escalateAfterSeconds", "less than or equal"),
        ({"hysteresis": 1}, "body.hysteresis", "less than 1"),
        ({"stationKind": "flue_gas"}, "stationKind", "wastewater, as TH-NT-001 is, or null"),
        ({"colour": "red"}, "body.colour", "Extra inputs"),
    ],
)
async def test_a_rule_that_cannot_be_is_told_by_member(
    office: Office, changed: dict[str, Any], field: str, expected: str
) -> None:
    answer = await office.send("POST", _PATH, _RULE | changed)
    assert answer.status_code == 422, answer.text
    faults = {fault["field"]: fault["expected"] for fault in answer.json()["errors"]}
    assert expected in faults[field]
    assert (await office.database.fetchval("SELECT count(*) FROM alert_rule WHERE station_id IS NOT NULL")) == 0


async def test_rules_about_what_is_not_there_are_not_found(office: Office) -> None:
    for changed in ({"station": "NOBODY"}, {"symbol": "XYZ"}):
        assert (await office.send("POST", _PATH, _RULE | changed)).status_code == 404
    for path in ("/999999", "/effective?station=NOBODY", "/effective?station=TH-NT-001&symbol=XYZ"):
        assert (await office.send("GET", _PATH + path)).status_code == 404
    assert (await office.send("GET", f"{_PATH}/2147483648")).status_code == 422


async def test_rules_are_for_the_staff(office: Office) -> None:
    key = await office.gateway.key_of("TH-NT-001")
    for path in ("", "/effective?station=TH-NT-001"):
        assert (await office.send("GET", _PATH + path, credential=key)).status_code == 403
    assert (await office.send("POST", _PATH, _RULE, credential=key)).status_code == 403


async def test_a_rule_moves_the_catalogue_so_that_the_evaluation_sees_it(office: Office) -> None:
    before = await office.database.fetchval("SELECT revision FROM catalog_revision")
    await office.send("POST", _PATH, _RULE)
    assert await office.database.fetchval("SELECT revision FROM catalog_revision") > before
