"""A station fetches its key with a code that was read out to it."""

import asyncio
from typing import Any

import httpx
import pytest

from core import instants
from telemetry.admission import codes, keeping
from tests.fixtures.applications import Gateway

STATION = "TH-NT-001"
BEGIN = f"/v1/stations/{STATION}/enrolments"


async def begun(gateway: Gateway, **members: Any) -> dict[str, Any]:
    answer = await gateway.post(BEGIN, members)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store"), answer.text
    made: dict[str, Any] = answer.json()
    return made


async def fetch(gateway: Gateway, code: str, address: str = "192.0.2.7") -> httpx.Response:
    async with gateway.at(address) as client:
        return await client.post("/v1/enrolments", json={"code": code})


async def test_a_code_fetches_one_key_that_opens_the_interface(gateway: Gateway) -> None:
    made = await begun(gateway, label="attic")
    assert made["state"] == "open"
    answer = await fetch(gateway, made["code"].lower().replace("-", " "))
    issued = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (issued["station"], issued["label"]) == (STATION, "attic")
    await gateway.app.state.catalog.refresh()
    assert (await gateway.report(issued["key"], COD=48.6))["station"] == STATION
    [listed] = (await gateway.get(BEGIN)).json()["items"]
    assert (listed["state"], listed["key"], listed["usedAddress"]) == ("used", issued["id"], "192.0.2.7")
    assert "code" not in listed
    event = await gateway.database.fetchrow("SELECT type, payload::text AS payload FROM event")
    assert event["type"] == "station.enrolled"
    assert issued["id"] in event["payload"]
    assert issued["key"].partition(".")[2] not in event["payload"]
    trail = "SELECT DISTINCT actor, address FROM audit_entry WHERE relation = 'station_key'"
    assert [tuple(row) for row in await gateway.database.fetch(trail)] == [("enrolment", "192.0.2.7")]


async def test_a_code_is_nowhere_but_in_the_answer_that_made_it(gateway: Gateway) -> None:
    made = await begun(gateway)
    row = str(dict(await gateway.database.fetchrow("SELECT * FROM station_enrolment")))
    assert made["code"] not in row
    assert made["code"].replace("-", "") not in row


async def test_of_two_that_show_a_code_at_once_one_gets_the_key(gateway: Gateway) -> None:
    made = await begun(gateway)
    answers = await asyncio.gather(*(fetch(gateway, made["code"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404, 404]
    assert await gateway.database.fetchval("SELECT count(*) FROM station_key") == 1


async def _used(gateway: Gateway) -> str:
    made = await begun(gateway)
    assert (await fetch(gateway, made["code"])).status_code == 201
    return str(made["code"])


async def _withdrawn(gateway: Gateway) -> str:
    made = await begun(gateway)
    assert (await gateway.post(f"{BEGIN}/{made['id']}/withdraw", {})).json()["state"] == "withdrawn"
    return str(made["code"])


async def _expired(gateway: Gateway) -> str:
    made = await begun(gateway)
    await gateway.database.execute("UPDATE station_enrolment SET expires_time = now() - interval '1 second'")
    return str(made["code"])


async def test_every_code_that_opens_nothing_is_answered_alike(gateway: Gateway) -> None:
    given = [await _used(gateway), await _withdrawn(gateway), await _expired(gateway), codes.generate(), "x", ""]
    answers = [await fetch(gateway, code, f"192.0.2.{at}") for at, code in enumerate(given)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert answers[0].json()["type"].endswith(":code-refused")
    assert await gateway.database.fetchval("SELECT count(*) FROM station_key") == 1


async def test_a_used_code_that_is_tried_again_is_told_to_the_staff(gateway: Gateway) -> None:
    code = await _used(gateway)
    await fetch(gateway, code, "198.51.100.9")
    async with gateway.database.transaction() as connection:
        [told] = await keeping.note(connection, gateway.app.state.sightings.drain())
    assert (told.anomaly.kind, told.anomaly.station) == ("spent-code", STATION)
    assert told.anomaly.address == "198.51.100.9"


async def test_who_tries_many_codes_has_to_wait_and_others_do_not(gateway: Gateway) -> None:
    made = await begun(gateway)
    statuses = [(await fetch(gateway, codes.generate(), "198.51.100.9")).status_code for _ in range(80)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert (await fetch(gateway, made["code"], "198.51.100.9")).status_code == 429
    assert (await fetch(gateway, made["code"], "192.0.2.7")).status_code == 201


async def test_a_code_stays_good_where_two_keys_are_live(gateway: Gateway) -> None:
    old = [await gateway.key_of(STATION) for _ in range(2)]
    made = await begun(gateway)
    assert (await fetch(gateway, made["code"])).status_code == 409
    await gateway.post(f"/v1/stations/{STATION}/keys/{old[0].partition('.')[0]}/revoke", {})
    assert (await fetch(gateway, made["code"])).status_code == 201


async def test_an_enrolment_has_bounds_of_time_and_an_end(gateway: Gateway) -> None:
    made = await begun(gateway, validHours=1, keyExpiresTime="2027-01-01T00:00:00Z")
    left = (instants.parse(made["expiresTime"]) - instants.parse(made["createdTime"])).total_seconds()
    assert left == 3600
    issued = (await fetch(gateway, made["code"])).json()
    assert issued["expiresTime"] == "2027-01-01T00:00:00Z"
    assert (await gateway.post(f"{BEGIN}/{made['id']}/withdraw", {})).status_code == 409
    assert (await gateway.post(f"{BEGIN}/99/withdraw", {})).status_code == 404
    assert (await gateway.post(BEGIN, {"validHours": 0})).status_code == 422
    assert (await gateway.post(BEGIN, {"keyExpiresTime": "2020-01-01T00:00:00Z"})).status_code == 422
    assert (await gateway.post("/v1/stations/NOBODY-1/enrolments", {})).status_code == 404


@pytest.mark.parametrize("path", [BEGIN, f"{BEGIN}/1/withdraw"])
async def test_a_station_begins_no_enrolment(gateway: Gateway, path: str) -> None:
    key = await gateway.key_of(STATION)
    assert (await gateway.post(path, {}, key)).status_code == 403
