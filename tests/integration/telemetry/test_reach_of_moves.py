"""Whose grants are narrowed moves alerts, windows, rules and policies of the stations that the right reaches."""

from typing import Any

from core.rights import Role
from tests.fixtures.alerts import problem, tomorrow
from tests.fixtures.narrowing import everywhere, granted
from tests.fixtures.reach import AIR, FLUE, HAI_BINH, OTHER, WATER, World, rule, window

MOVES: dict[str, Any] = {
    "acknowledge": {},
    "comments": {"text": "Đã gọi nhà máy"},
    "assignee": {"assignee": "an"},
    "shelve": {"reason": "Chờ phụ tùng", "until": tomorrow()},
    "unshelve": {},
    "clear": {"reason": "Đã xử lý"},
    "reraise": {"reason": "Nhầm"},
}


async def test_an_alert_is_moved_where_it_may_be_handled(standing_world: World) -> None:
    reads_all = standing_world.border.let_in(
        "em", everywhere(Role.VIEWER), granted(Role.OPERATOR, station_kinds=["wastewater"])
    )
    narrowed = standing_world.border.let_in("giang", granted(Role.OPERATOR, station_kinds=["wastewater"]))
    viewer = standing_world.border.let_in("ha", everywhere(Role.VIEWER))
    for move, body in MOVES.items():
        seen, unseen, missing = (
            f"/v1/alerts/{n}/{move}" for n in (standing_world.alerts[OTHER], standing_world.alerts[FLUE], 10**8)
        )
        # It may be read and not handled: refused; it may not even be read: as if it were not there.
        assert (await reads_all.send("POST", unseen, body)).status_code == 403, move
        answers = [await narrowed.send("POST", path, body) for path in (unseen, missing)]
        assert [(answer.status_code, problem(answer)) for answer in answers] == [(404, "alert-not-found")] * 2, move
        assert (await viewer.send("POST", seen, body)).status_code == 403, move
        assert (await reads_all.send("POST", f"/v1/alerts/{standing_world.network}/{move}", body)).status_code == 403, (
            move
        )
        assert (await narrowed.send("POST", seen, body)).status_code in {200, 409}, move
    kept = await standing_world.office.alert(standing_world.alerts[FLUE])
    assert kept.revision == 1


async def test_windows_are_asked_for_and_decided_where_alerts_may_be_handled(standing_world: World) -> None:
    both = standing_world.border.let_in(
        "em", granted(Role.VIEWER, organizations=[HAI_BINH]), granted(Role.OPERATOR, station_kinds=["wastewater"])
    )
    for station, status in {AIR: 404, "TH-NT-999": 404, FLUE: 403}.items():
        assert (await both.send("POST", "/v1/windows", window(station))).status_code == status
    moves: dict[str, Any] = {"accept": {}, "cancel": {}, "reject": {"reason": "Không"}, "request": None}
    for move, body in moves.items():
        for station, status in {AIR: 404, FLUE: 403}.items():
            path = f"/v1/windows/{standing_world.windows[station]}/{move}"
            assert (await both.send("POST", path, body)).status_code == status, (move, station)
    for station, status in {AIR: 404, FLUE: 403}.items():
        path = f"/v1/windows/{standing_world.windows[station]}"
        assert (await both.send("PATCH", path, {"reason": "Khác"})).status_code == status
    accepted = await both.send("POST", f"/v1/windows/{standing_world.windows[WATER]}/accept", {})
    assert (accepted.status_code, accepted.json()["decidedBy"]) == (200, "em")
    viewer = standing_world.border.viewer("an", organizations=[HAI_BINH])
    assert (await viewer.send("POST", "/v1/windows", window(WATER))).status_code == 403


async def test_a_rule_is_changed_by_who_reaches_all_that_it_can_hold_for(standing_world: World) -> None:
    steward = standing_world.border.let_in("khanh", granted(Role.STEWARD, station_kinds=["wastewater"]))
    of_one = standing_world.border.let_in(
        "lan", everywhere(Role.VIEWER), granted(Role.STEWARD, organizations=[HAI_BINH])
    )
    asked = [
        (steward, rule(stationKind="wastewater"), 201),
        (steward, rule(stationKind="flue_gas"), 403),
        (steward, {**rule(), "severity": "notice"}, 403),
        (steward, rule(station="TH-NT-003"), 201),
        (steward, rule(station="TH-KT-002"), 404),
        (of_one, rule(station="TH-NT-004"), 403),
        (of_one, rule(stationKind="ambient"), 403),
        (of_one, rule(station="TH-KT-002"), 201),
    ]
    for who, body, status in asked:
        answer = await who.send("POST", "/v1/alert-rules", body)
        assert answer.status_code == status, (body, answer.text)
    for method, values in (("PATCH", {"severity": "notice"}), ("PUT", {"severity": "notice"}), ("DELETE", None)):
        for station, status in {FLUE: 404, WATER: 200}.items():
            answer = await steward.send(method, f"/v1/alert-rules/{standing_world.rules[station]}", values)
            assert answer.status_code == (204 if (status, method) == (200, "DELETE") else status), (method, station)
        answer = await of_one.send(method, f"/v1/alert-rules/{standing_world.rules[OTHER]}", values)
        assert answer.status_code == 403
    operator = standing_world.border.let_in("minh", everywhere(Role.OPERATOR))
    assert (await operator.send("POST", "/v1/alert-rules", rule(station=WATER))).status_code == 403


async def test_judging_again_and_policies_need_a_steward_of_the_stations(standing_world: World) -> None:
    steward = standing_world.border.let_in("khanh", granted(Role.STEWARD, station_kinds=["wastewater"]))
    reads_all = standing_world.border.let_in(
        "lan", everywhere(Role.VIEWER), granted(Role.STEWARD, station_kinds=["wastewater"])
    )
    span = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
    asked = [(steward, WATER, 202), (steward, FLUE, 404), (steward, "TH-NT-999", 404), (reads_all, FLUE, 403)]
    for who, station, status in asked:
        answer = await who.send("POST", "/v1/verdicts/judge", {"station": station, **span})
        assert answer.status_code == status, (station, answer.text)
    policies = (await steward.get("/v1/averaging-policies")).json()
    terms = {"minimumShare": 0.8, "labelEnd": False, "source": "Thử", "confidence": "thấp", "verified": False}
    for policy in policies:
        answer = await steward.send("PUT", f"/v1/averaging-policies/{policy['id']}", terms)
        assert answer.status_code == (200 if policy["stationKind"] == "wastewater" else 403), (policy, answer.text)
