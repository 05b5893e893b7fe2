"""Keys, quotas, enrolments and anomalies of stations out of reach are as if they were not there."""

from typing import Any

from core.rights import Role
from telemetry.admission import keeping
from tests.fixtures.applications import Gateway
from tests.fixtures.narrowing import Border, granted

WATER, FLUE, NOBODYS = "TH-NT-001", "TH-KT-001", "NOBODY-1"


async def test_a_narrowed_steward_manages_the_keys_within_reach_alone(gateway: Gateway, border: Border) -> None:
    steward = border.let_in("an", granted(Role.STEWARD, station_kinds=["wastewater"]))
    for code in (WATER, FLUE):
        key = await gateway.key_of(code)
        body: dict[str, Any] = {
            "station": NOBODYS,
            "phenomenonTime": "2026-11-23T08:00:00+07:00",
            "readings": {"COD": 1.0},
        }
        assert (await gateway.post("/v1/observations", body, key)).status_code == 200
    async with gateway.database.transaction() as connection:
        assert len(await keeping.note(connection, gateway.app.state.sightings.drain())) == 2
    assert {key["station"] for key in (await steward.get("/v1/station-keys")).json()["items"]} == {WATER}
    assert [one["station"] for one in (await steward.get("/v1/station-anomalies")).json()["items"]] == [WATER]
    for code in (FLUE, NOBODYS):
        assert (await steward.get("/v1/station-keys", station=code)).json()["items"] == []
        assert (await steward.get("/v1/station-anomalies", station=code)).json()["items"] == []
    for method, path, edit in (
        ("GET", "keys", None),
        ("POST", "keys", {}),
        ("PATCH", "keys/st_00000000", {}),
        ("POST", "keys/st_00000000/revoke", None),
        ("GET", "quota", None),
        ("PATCH", "quota", {"requests": 1}),
        ("GET", "enrolments", None),
        ("POST", "enrolments", {}),
        ("POST", "enrolments/1/withdraw", None),
    ):
        answers = []
        for code in (FLUE, NOBODYS):
            answer = await steward.send(method, f"/v1/stations/{code}/{path}", edit)
            answers.append((answer.status_code, answer.text.replace(code, "…")))
        assert answers[0] == answers[1], path
        assert answers[0][0] == 404, path
    assert (await steward.send("POST", f"/v1/stations/{WATER}/enrolments", {})).status_code == 201


async def test_who_may_not_manage_keys_sees_none(border: Border) -> None:
    operator = border.let_in("binh", granted(Role.OPERATOR))
    for path in ("/v1/station-keys", f"/v1/stations/{WATER}/keys", f"/v1/stations/{WATER}/enrolments"):
        assert (await operator.get(path)).status_code == 403, path
    assert (await operator.get(f"/v1/stations/{WATER}/quota")).status_code == 200
    assert (await operator.send("PATCH", f"/v1/stations/{WATER}/quota", {"requests": 1})).status_code == 403
