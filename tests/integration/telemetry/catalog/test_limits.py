"""Rule sets, permits, and which limit holds when."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from core import instants
from telemetry.catalog.loading import LiveCatalog
from tests.fixtures.catalogs import Desk, problem

RULE_SET = {
    "code": "QCVN-40-2011-B",
    "nameVi": "Nước thải công nghiệp, cột B",
    "nameEn": "Industrial wastewater, column B",
    "legalSource": "QCVN 40:2011/BTNMT",
    "confidence": "95 %, from memory",
    "limits": [
        {"symbol": "COD", "averaging": "24h", "upper": 100},
        {"symbol": "pH", "averaging": "instant", "lower": 5.5, "upper": 9, "scaled": False},
        {"symbol": "Temp", "averaging": "instant", "upper": 40, "scaled": False},
    ],
}
PERMIT = {
    "station": "NT-001",
    "symbol": "COD",
    "averaging": "24h",
    "upper": 60,
    "legalSource": "Giấy phép số 1",
    "confidence": "read from the permit",
    "verified": True,
}


def day(text: str) -> str:
    return f"{text}T00:00:00+07:00"


def us(text: str) -> int:
    return instants.to_us(datetime.fromisoformat(day(text)))


async def apply(desk: Desk, valid_from: str, **members: Any) -> Any:
    body = {"ruleSet": RULE_SET["code"], "validFrom": day(valid_from)} | members
    return await desk.add("/v1/stations/NT-001/limits", body)


async def permit(desk: Desk, valid_from: str, valid_to: str | None = None, **members: Any) -> Any:
    span = {"validFrom": day(valid_from), "validTo": valid_to and day(valid_to)}
    return await desk.add("/v1/limits", PERMIT | span | members)


@pytest.fixture
async def cod(desk: Desk) -> int:
    """A station with COD, pH and Flow, and a rule set that limits COD, pH and temperature."""
    await desk.add("/v1/rule-sets", RULE_SET)
    made = [await desk.add_datastream(symbol) for symbol in ("COD", "pH", "Flow")]
    number: int = made[0]["id"]
    return number


async def judged(live: LiveCatalog, datastream: int) -> list[tuple[str, str | None, float]]:
    """The spans by which single readings are judged: from, to (local days), upper."""
    await live.refresh()
    columns = live.snapshot.columns
    start, count = columns.limit_start[datastream], columns.limit_count[datastream]

    def local(moment_us: int) -> str | None:
        return (
            None
            if moment_us > us("2199-01-01")
            else instants.from_us(moment_us).astimezone(instants.VIETNAM).strftime("%F")
        )

    return [
        (
            local(int(columns.limit_from_us[at])) or "",
            local(int(columns.limit_to_us[at])),
            float(columns.limit_upper[at]),
        )
        for at in range(start, start + count)
    ]


async def test_a_rule_set_has_base_limits_in_kept_units(desk: Desk, cod: int) -> None:
    assert cod
    found = await desk.get("/v1/rule-sets/QCVN-40-2011-B")
    assert [(limit["symbol"], limit["unit"], limit["upper"]) for limit in found["limits"]] == [
        ("COD", "mg/l", 100),
        ("Temp", "oC", 40),
        ("pH", "", 9),
    ]
    assert found["verified"] is False
    listed = await desk.get("/v1/rule-sets")
    assert [("limits" in item, item["code"]) for item in listed["items"]] == [(False, "QCVN-40-2011-B")]


async def test_base_limits_are_replaced_as_a_whole_on_a_known_revision(desk: Desk, cod: int) -> None:
    assert cod
    path = "/v1/rule-sets/QCVN-40-2011-B"
    one = [{"symbol": "COD", "averaging": "24h", "upper": 75}]
    now = await desk.edit(path, {"limits": one, "verified": True}, on='"1"')
    assert ([limit["upper"] for limit in now["limits"]], now["verified"], now["revision"]) == ([75], True, 2)
    assert len((await desk.edit(path, {"nameEn": "Other"}))["limits"]) == 1
    answer = await desk.http.patch(path, json={"limits": []}, headers={"If-Match": '"1"'})
    problem(answer, 412, "revision-moved")


async def test_base_limits_name_what_is_wrong_with_them(desk: Desk, cod: int) -> None:
    assert cod
    limits = [
        {"symbol": "CODx", "averaging": "24h", "upper": 1},
        {"symbol": "COD", "averaging": "24h", "upper": 1},
        {"symbol": "COD", "averaging": "24h", "upper": 2},
    ]
    answer = await desk.http.post("/v1/rule-sets", json=RULE_SET | {"code": "X", "limits": limits})
    found = [fault["found"] for fault in problem(answer, 422, "invalid-catalog-entry")["errors"]]
    assert found == ["CODx", "COD (24h) 2 times"]
    problem(await desk.http.get("/v1/rule-sets/X"), 404, "rule-set-not-found")
    problem(await desk.http.post("/v1/rule-sets", json=RULE_SET), 409, "already-taken")


async def test_applying_a_rule_set_keeps_every_input(desk: Desk, cod: int) -> None:
    made = await apply(desk, "2026-01-01", coefficients={"Kq": 0.9, "Kf": 1.1})
    assert (made["withoutLimit"], made["withoutDatastream"], made["ended"]) == (["Flow"], ["Temp"], 0)
    scaled, acidity = made["limits"]
    assert (scaled["datastream"], scaled["baseUpper"], scaled["upper"], scaled["lower"]) == (cod, 100, 99, None)
    assert scaled["coefficients"] == {"Kq": 0.9, "Kf": 1.1}
    assert (acidity["coefficients"], acidity["lower"], acidity["upper"]) == ({}, 5.5, 9)
    assert (scaled["basis"], scaled["ruleSet"], scaled["legalSource"]) == (
        "rule_set",
        RULE_SET["code"],
        RULE_SET["legalSource"],
    )
    assert (scaled["verified"], scaled["confidence"]) == (False, RULE_SET["confidence"])
    assert scaled["validFrom"] == "2025-12-31T17:00:00Z"


async def test_a_later_change_of_the_rule_set_leaves_applied_limits_alone(desk: Desk, cod: int) -> None:
    await apply(desk, "2026-01-01")
    await desk.edit("/v1/rule-sets/QCVN-40-2011-B", {"limits": [{"symbol": "COD", "averaging": "24h", "upper": 5}]})
    kept = await desk.get(f"/v1/datastreams/{cod}/limits")
    assert [limit["upper"] for limit in kept["items"]] == [100]


async def test_a_limit_is_not_applied_twice_from_one_moment(desk: Desk, cod: int) -> None:
    await apply(desk, "2026-01-01", coefficients={"Kq": 0.9})
    body = {"ruleSet": RULE_SET["code"], "validFrom": day("2026-01-01"), "coefficients": {"Kq": 1.2}}
    answer = await desk.http.post("/v1/stations/NT-001/limits", json=body)
    assert len(problem(answer, 409, "limit-exists")["errors"]) == 2
    assert len((await desk.get(f"/v1/datastreams/{cod}/limits"))["items"]) == 1
    await apply(desk, "2026-01-01", coefficients={"Kq": 1.2}, replace=True)
    assert [limit["upper"] for limit in (await desk.get(f"/v1/datastreams/{cod}/limits"))["items"]] == [120]


async def test_a_rule_set_that_limits_nothing_of_the_station_is_refused(desk: Desk, cod: int) -> None:
    assert cod
    await desk.add("/v1/rule-sets", RULE_SET | {"code": "X", "limits": []})
    answer = await desk.http.post("/v1/stations/NT-001/limits", json={"ruleSet": "X", "validFrom": day("2026-01-01")})
    problem(answer, 422, "invalid-catalog-entry")
    answer = await desk.http.post("/v1/stations/NT-001/limits", json={"ruleSet": "Y", "validFrom": day("2026-01-01")})
    problem(answer, 404, "rule-set-not-found")
    answer = await desk.http.post("/v1/stations/nobody/limits", json={"ruleSet": "X", "validFrom": day("2026-01-01")})
    problem(answer, 404, "station-not-found")


async def test_coefficients_of_two_regulations_are_refused(desk: Desk, cod: int) -> None:
    assert cod
    body = {"ruleSet": RULE_SET["code"], "validFrom": day("2026-01-01"), "coefficients": {"Kq": 0.9, "Kv": 1}}
    problem(await desk.http.post("/v1/stations/NT-001/limits", json=body), 422, "invalid-request")


async def test_a_permit_goes_before_a_rule_set_while_it_holds(desk: Desk, cod: int, live_catalog: LiveCatalog) -> None:
    await apply(desk, "2026-01-01")
    await permit(desk, "2026-03-01", "2026-06-01")
    assert await judged(live_catalog, cod) == [
        ("2026-01-01", "2026-03-01", 100.0),
        ("2026-03-01", "2026-06-01", 60.0),
        ("2026-06-01", None, 100.0),
    ]


async def test_a_permit_of_a_longer_window_still_goes_before_a_rule_set(
    desk: Desk, cod: int, live_catalog: LiveCatalog
) -> None:
    await apply(desk, "2026-01-01")
    await permit(desk, "2025-01-01", averaging="year", upper=30)
    assert await judged(live_catalog, cod) == [("2025-01-01", "2026-01-01", 30.0), ("2026-01-01", None, 30.0)]


async def test_the_shortest_window_goes_first(desk: Desk, cod: int, live_catalog: LiveCatalog) -> None:
    await permit(desk, "2026-01-01", averaging="24h", upper=60)
    await permit(desk, "2026-01-01", averaging="1h", upper=80)
    await permit(desk, "2026-02-01", averaging="year", upper=20)
    assert [upper for _, _, upper in await judged(live_catalog, cod)] == [80.0, 80.0]


async def test_the_newest_beginning_goes_first_and_the_older_comes_back(
    desk: Desk, cod: int, live_catalog: LiveCatalog
) -> None:
    await permit(desk, "2026-01-01", upper=60)
    await permit(desk, "2026-02-01", "2026-03-01", upper=40)
    assert await judged(live_catalog, cod) == [
        ("2026-01-01", "2026-02-01", 60.0),
        ("2026-02-01", "2026-03-01", 40.0),
        ("2026-03-01", None, 60.0),
    ]


async def test_between_two_limits_nothing_holds(desk: Desk, cod: int, live_catalog: LiveCatalog) -> None:
    await permit(desk, "2026-01-01", "2026-02-01", upper=60)
    await permit(desk, "2026-03-01", upper=40)
    assert await judged(live_catalog, cod) == [("2026-01-01", "2026-02-01", 60.0), ("2026-03-01", None, 40.0)]
    assert (await desk.get("/v1/limits", at=day("2026-02-10")))["items"] == []


async def test_a_new_rule_set_may_end_the_others(desk: Desk, cod: int, live_catalog: LiveCatalog) -> None:
    await apply(desk, "2026-01-01")
    only_acidity = [{"symbol": "pH", "averaging": "instant", "lower": 6, "upper": 9}]
    await desk.add("/v1/rule-sets", RULE_SET | {"code": "NEW", "limits": only_acidity})
    made = await apply(desk, "2026-07-01", ruleSet="NEW", endOthers=True)
    assert made["ended"] == 2
    assert await judged(live_catalog, cod) == [("2026-01-01", "2026-07-01", 100.0)]


async def test_limits_in_force_are_told_with_their_source(desk: Desk, cod: int) -> None:
    await apply(desk, "2026-01-01", coefficients={"Kq": 0.9})
    await permit(desk, "2026-03-01", "2026-06-01")
    early = (await desk.get("/v1/limits", station="NT-001", at=day("2026-02-01")))["items"]
    assert [(limit["symbol"], limit["upper"], limit["decisive"]) for limit in early] == [
        ("COD", 90, True),
        ("pH", 9, True),
    ]
    both = (await desk.get("/v1/limits", symbol="COD", at=day("2026-03-01")))["items"]
    assert [(limit["basis"], limit["decisive"], limit["verified"]) for limit in both] == [
        ("permit", True, True),
        ("rule_set", False, False),
    ]
    assert both[0]["legalSource"] == PERMIT["legalSource"]
    # The end does not belong to the span; the same moment may be written in any offset.
    after = (await desk.get("/v1/limits", symbol="COD", at="2026-05-31T17:00:00Z"))["items"]
    assert [limit["basis"] for limit in after] == ["rule_set"]
    assert (await desk.get("/v1/limits", at=day("2025-01-01")))["items"] == []
    assert {limit["datastream"] for limit in both} == {cod}


async def test_limits_are_paged_without_loss(desk: Desk, cod: int) -> None:
    assert cod
    await apply(desk, "2026-01-01")
    await permit(desk, "2026-01-01")
    await permit(desk, "2026-01-01", averaging="1h")
    whole = (await desk.get("/v1/limits", at=day("2026-02-01")))["items"]
    found, cursor = [], ""
    while cursor is not None:
        page = await desk.get("/v1/limits", at=day("2026-02-01"), limit=1, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["nextCursor"]
    assert (found, len(whole)) == (whole, 4)


@pytest.mark.parametrize("at", ["2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+07:00", "now"])
async def test_a_moment_needs_an_offset(desk: Desk, at: str) -> None:
    problem(await desk.http.get("/v1/limits", params={"at": at}), 422, "invalid-request")


async def test_a_permit_limits_what_the_station_observes(desk: Desk, cod: int) -> None:
    assert cod
    answer = await desk.http.post("/v1/limits", json=PERMIT | {"symbol": "Temp", "validFrom": day("2026-01-01")})
    problem(answer, 404, "datastream-not-found")
    await permit(desk, "2026-01-01")
    answer = await desk.http.post("/v1/limits", json=PERMIT | {"validFrom": day("2026-01-01")})
    assert "limit" in problem(answer, 409, "limit-exists")["errors"][0]["expected"]
    answer = await desk.http.post(
        "/v1/limits", json=PERMIT | {"validFrom": day("2026-02-01"), "validTo": day("2026-01-01")}
    )
    problem(answer, 422, "invalid-request")


async def test_a_permits_limit_is_corrected_and_ended(desk: Desk, cod: int, live_catalog: LiveCatalog) -> None:
    made = await permit(desk, "2026-01-01", upper=6)
    path = f"/v1/limits/{made['id']}"
    now = await desk.edit(path, {"upper": 60, "validTo": day("2026-04-01")}, on='"1"')
    assert (now["upper"], now["baseUpper"], now["revision"]) == (60, 60, 2)
    assert await judged(live_catalog, cod) == [("2026-01-01", "2026-04-01", 60.0)]
    problem(await desk.http.patch(path, json={"upper": 7}, headers={"If-Match": '"1"'}), 412, "revision-moved")
    problem(await desk.http.patch(path, json={"upper": None}, headers={"If-Match": "*"}), 422, "invalid-catalog-entry")
    early = {"validTo": day("2025-01-01")}
    problem(await desk.http.patch(path, json=early, headers={"If-Match": "*"}), 422, "invalid-catalog-entry")


async def test_a_limit_at_a_reference_oxygen_is_nothing_that_single_readings_are_compared_with(
    desk: Desk, cod: int, live_catalog: LiveCatalog
) -> None:
    made = await permit(desk, "2026-01-01", upper=60, oxygenReference=7, limitUnit="g/m3")
    assert (made["oxygenReference"], made["limitUnit"], made["unit"]) == (7, "g/m3", "mg/l")
    await live_catalog.refresh()
    columns = live_catalog.snapshot.columns
    spans = slice(columns.limit_start[cod], columns.limit_start[cod] + columns.limit_count[cod])
    assert np.isnan(columns.limit_upper[spans]).all()
    now = await desk.edit(f"/v1/limits/{made['id']}", {"oxygenReference": None, "limitUnit": None})
    assert (now["oxygenReference"], now["limitUnit"]) == (None, None)
    assert await judged(live_catalog, cod) == [("2026-01-01", None, 60.0)]
    air = {"oxygenReference": 20.9}
    problem(
        await desk.http.patch(f"/v1/limits/{made['id']}", json=air, headers={"If-Match": "*"}), 422, "invalid-request"
    )


async def test_a_rule_set_hands_its_reference_oxygen_on(desk: Desk, cod: int) -> None:
    base = {"symbol": "COD", "averaging": "1h", "upper": 130, "scaled": False, "oxygenReference": 7}
    made = await desk.add(
        "/v1/rule-sets",
        {"code": "R-O2", "nameVi": "R", "nameEn": "R", "legalSource": "R", "confidence": "R", "limits": [base]},
    )
    assert (made["limits"][0]["oxygenReference"], made["limits"][0]["limitUnit"]) == (7, None)
    applied = await desk.add("/v1/stations/NT-001/limits", {"ruleSet": "R-O2", "validFrom": day("2026-01-01")})
    assert [(limit["datastream"], limit["oxygenReference"]) for limit in applied["limits"]] == [(cod, 7)]
    body = {"oxygenReference": 8}
    answer = await desk.http.patch(f"/v1/limits/{applied['limits'][0]['id']}", json=body, headers={"If-Match": "*"})
    assert problem(answer, 409, "limit-computed")["errors"][0]["field"] == "oxygenReference"


async def test_members_that_disagree_after_an_edit_are_named(desk: Desk, cod: int) -> None:
    assert cod
    made = await permit(desk, "2026-01-01", upper=60)
    path = f"/v1/limits/{made['id']}"
    for body, field, found in (
        ({"lower": 70}, "lower, upper", "lower 70.0, upper 60.0"),
        ({"upper": None}, "lower, upper", "lower null, upper null"),
        (
            {"validTo": day("2025-01-01")},
            "validFrom, validTo",
            "validFrom 2025-12-31T17:00:00Z, validTo 2024-12-31T17:00:00Z",
        ),
    ):
        answer = await desk.http.patch(path, json=body, headers={"If-Match": "*"})
        (fault,) = problem(answer, 422, "invalid-catalog-entry")["errors"]
        assert (fault["field"], fault["found"]) == (field, found)
        assert "expected" in fault["expected"]


async def test_the_bounds_of_a_rule_sets_limit_are_computed(desk: Desk, cod: int) -> None:
    assert cod
    made = (await apply(desk, "2026-01-01"))["limits"][0]
    path = f"/v1/limits/{made['id']}"
    answer = await desk.http.patch(path, json={"upper": 1}, headers={"If-Match": "*"})
    assert problem(answer, 409, "limit-computed")["errors"][0]["field"] == "upper"
    now = await desk.edit(path, {"validTo": day("2026-04-01"), "verified": True})
    assert (now["validTo"], now["verified"], now["upper"]) == ("2026-03-31T17:00:00Z", True, 100)
    early = {"validTo": day("2026-01-01")}
    problem(await desk.http.patch(path, json=early, headers={"If-Match": "*"}), 422, "invalid-catalog-entry")


async def test_a_limit_entered_by_mistake_is_withdrawn(desk: Desk, cod: int, live_catalog: LiveCatalog) -> None:
    made = await permit(desk, "2026-01-01")
    path = f"/v1/limits/{made['id']}"
    problem(await desk.http.delete(path), 428, "revision-missing")
    problem(await desk.http.delete(path, headers={"If-Match": '"9"'}), 412, "revision-moved")
    assert (await desk.http.delete(path, headers={"If-Match": '"1"'})).status_code == 204
    problem(await desk.http.get(path), 404, "limit-not-found")
    assert await judged(live_catalog, cod) == []
