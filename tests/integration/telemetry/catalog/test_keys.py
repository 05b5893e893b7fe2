"""Station keys over HTTP, and what they open."""

import asyncio
from datetime import timedelta

import httpx

from core import instants
from core.database import Database
from telemetry.catalog.loading import LiveCatalog
from tests.fixtures.catalogs import Desk, problem, soon

KEYS = "/v1/stations/NT-001/keys"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_is_shown_once_and_kept_as_hashes(desk: Desk, database: Database) -> None:
    answer = await desk.http.post(KEYS, json={"label": "logger, 2026"})
    issued = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert issued["key"].startswith(issued["id"] + ".")
    listed = await desk.get(KEYS)
    assert listed["items"] == [{name: value for name, value in issued.items() if name != "key"}]
    row = await database.fetchrow("SELECT * FROM station_key")
    secret = issued["key"].partition(".")[2]
    assert not any(secret in str(value) or secret.encode() in bytes(str(value), "utf-8") for value in row.values())


async def test_a_key_opens_the_interface_for_its_station(
    desk: Desk, anybody: httpx.AsyncClient, live_catalog: LiveCatalog
) -> None:
    issued = await desk.add(KEYS, {})
    await live_catalog.refresh()
    assert (await anybody.get("/v1/stations/NT-001", headers=bearer(issued["key"]))).status_code == 200
    answer = await anybody.get("/v1/stations/NT-001", headers=bearer(issued["key"][:-1]))
    problem(answer, 401, "unauthorized")


async def test_a_revoked_key_opens_nothing_within_five_seconds(desk: Desk, anybody: httpx.AsyncClient) -> None:
    issued = await desk.add(KEYS, {})

    async def opens() -> bool:
        return (await anybody.get("/v1/stations/NT-001", headers=bearer(issued["key"]))).is_success

    async def closed() -> bool:
        return not await opens()

    await soon(opens)
    first = await desk.http.post(f"{KEYS}/{issued['id']}/revoke")
    await soon(closed)
    again = await desk.http.post(f"{KEYS}/{issued['id']}/revoke")
    assert (first.json()["state"], first.json()) == ("revoked", again.json())


async def test_a_station_has_two_live_keys_at_most(desk: Desk) -> None:
    first, second = await desk.add(KEYS, {}), await desk.add(KEYS, {})
    body = problem(await desk.http.post(KEYS, json={}), 409, "too-many-keys")
    assert {first["id"], second["id"]} == set(body["errors"][0]["found"].split(", "))
    await desk.http.post(f"{KEYS}/{first['id']}/revoke")
    await desk.add(KEYS, {})
    assert [key["state"] for key in (await desk.get(KEYS))["items"]] == ["live", "live", "revoked"]


async def test_keys_asked_for_at_once_are_two_at_most(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.http.post(KEYS, json={}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]


async def test_an_expired_key_makes_room_and_opens_nothing(
    desk: Desk, anybody: httpx.AsyncClient, live_catalog: LiveCatalog, database: Database
) -> None:
    soon = (instants.now() + timedelta(hours=1)).isoformat()
    keys = [await desk.add(KEYS, {"expiresTime": soon}) for _ in range(2)]
    await live_catalog.refresh()
    assert (await anybody.get("/v1/stations/NT-001", headers=bearer(keys[0]["key"]))).status_code == 200
    await database.execute("UPDATE station_key SET expires_time = now() - interval '1 second'")
    await live_catalog.refresh()
    problem(await anybody.get("/v1/stations/NT-001", headers=bearer(keys[0]["key"])), 401, "unauthorized")
    await desk.add(KEYS, {})
    assert [key["state"] for key in (await desk.get(KEYS))["items"]] == ["live", "expired", "expired"]


async def test_a_key_cannot_be_issued_into_the_past(desk: Desk) -> None:
    answer = await desk.http.post(KEYS, json={"expiresTime": "2020-01-01T00:00:00Z"})
    assert problem(answer, 422, "invalid-catalog-entry")["errors"][0]["field"] == "expiresTime"


async def test_keys_are_found_at_their_own_station_only(desk: Desk) -> None:
    await desk.add_station("NT-002")
    issued = await desk.add(KEYS, {})
    answer = await desk.http.post(f"/v1/stations/NT-002/keys/{issued['id']}/revoke")
    problem(answer, 404, "station-key-not-found")
    problem(await desk.http.post(f"{KEYS}/st_00000000/revoke"), 404, "station-key-not-found")
    problem(await desk.http.post(f"{KEYS}/nonsense/revoke"), 422, "invalid-request")
    problem(await desk.http.get("/v1/stations/nobody/keys"), 404, "station-not-found")
    problem(await desk.http.post("/v1/stations/nobody/keys", json={}), 404, "station-not-found")
    assert (await desk.get(KEYS))["items"][0]["state"] == "live"
