"""Where and when keys are used, and what is odd about it, as the whole gateway sees it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from core import instants
from core.database import Database
from telemetry.admission import announcing, keeping
from telemetry.catalog import keys
from telemetry.readings import Channel
from tests.fixtures.applications import TOKEN, Gateway

OWN, OTHER = "TH-NT-001", "TH-NT-002"
HOME, CAFE = "192.0.2.7", "198.51.100.9"


class Caller:
    """Asks the gateway from an address."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._gateway, self._key = gateway, key

    async def read(self, address: str, path: str = "/v1/latest") -> httpx.Response:
        async with self._gateway.at(address) as client:
            return await client.get(path, headers={"Authorization": f"Bearer {self._key}"})

    async def report(self, address: str, **members: Any) -> httpx.Response:
        time = instants.text(instants.now().replace(microsecond=0))
        body = {"phenomenonTime": time, "readings": {"COD": 48.6}} | members
        async with self._gateway.at(address) as client:
            headers = {"Authorization": f"Bearer {self._key}"}
            return await client.post("/v1/observations", json=body, headers=headers)


async def written(gateway: Gateway) -> None:
    """What was collected so far is in the database."""
    async with gateway.database.transaction() as connection:
        await keeping.note(connection, gateway.app.state.sightings.drain())


async def anomalies(gateway: Gateway, **params: Any) -> list[dict[str, Any]]:
    answer = await gateway.get("/v1/station-anomalies", **params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def told(database: Database) -> list[tuple[str, str]]:
    rows = await database.fetch("SELECT type, payload->'anomaly'->>'kind' AS kind FROM event ORDER BY id")
    return [(row["type"], row["kind"]) for row in rows if row["type"].startswith("station.")]


async def test_last_use_of_a_key_is_shown_with_where_and_how(gateway: Gateway) -> None:
    key = await gateway.key_of(OWN)
    fresh = (await gateway.get(f"/v1/stations/{OWN}/keys")).json()["items"][0]
    assert (fresh["lastUsedTime"], fresh["lastUsedAddress"], fresh["lastUsedChannel"]) == (None, None, None)
    before = instants.now()
    assert (await Caller(gateway, key).report(HOME)).status_code == 200
    await written(gateway)
    used = (await gateway.get(f"/v1/stations/{OWN}/keys")).json()["items"][0]
    assert before <= instants.parse(used["lastUsedTime"]) <= instants.now()
    assert (used["lastUsedAddress"], used["lastUsedChannel"]) == (HOME, "http")


async def test_use_of_a_key_costs_no_statement_and_does_not_move_the_catalogue(gateway: Gateway) -> None:
    key = await gateway.key_of(OWN)
    revision = gateway.app.state.catalog.snapshot.revision
    for _ in range(5):
        await Caller(gateway, key).read(HOME)
    assert await gateway.database.fetchval("SELECT count(*) FROM station_key_use") == 0
    await written(gateway)
    assert await gateway.database.fetchval("SELECT sum(uses) FROM station_key_use") == 5
    await gateway.app.state.catalog.refresh()
    assert gateway.app.state.catalog.snapshot.revision == revision


async def test_a_stolen_key_used_elsewhere_is_told_once_and_opens_its_own_station_only(gateway: Gateway) -> None:
    key = await gateway.key_of(OWN)
    caller = Caller(gateway, key)
    await caller.report(HOME)
    await written(gateway)
    assert await anomalies(gateway) == []
    for _ in range(3):
        assert (await caller.read(CAFE)).status_code == 200
        await caller.read(HOME)
        await written(gateway)
    found = {one["kind"]: one for one in await anomalies(gateway)}
    assert set(found) == {"new-network", "two-places"}
    assert (found["new-network"]["station"], found["new-network"]["address"]) == (OWN, CAFE)
    assert found["new-network"]["key"] == key.partition(".")[0]
    assert found["two-places"]["times"] == 3
    assert sorted(await told(gateway.database)) == [
        ("station.anomaly", "new-network"),
        ("station.anomaly", "two-places"),
    ]
    assert (await caller.read(CAFE, f"/v1/stations/{OTHER}")).status_code in {403, 404}


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ("UPDATE station_key SET revoked_time = now()", "revoked-key"),
        ("UPDATE station_key SET expires_time = now() - interval '1 second'", "expired-key"),
    ],
)
async def test_use_of_a_key_that_was_ended_is_told(gateway: Gateway, end: str, kind: str) -> None:
    key = await gateway.key_of(OWN)
    await gateway.database.execute(end)
    await gateway.app.state.catalog.refresh()
    for _ in range(3):
        assert (await Caller(gateway, key).report(CAFE)).status_code == 401
    # Whoever knows the public half alone cannot raise an alarm.
    assert (await Caller(gateway, key[:-1] + ("A" if key[-1] != "A" else "B")).report(CAFE)).status_code == 401
    await written(gateway)
    [one] = await anomalies(gateway)
    assert (one["kind"], one["times"], one["address"], one["key"]) == (kind, 3, CAFE, key.partition(".")[0])
    assert await told(gateway.database) == [("station.anomaly", kind)]


async def test_readings_in_the_name_of_another_station_are_told_alike_whether_it_exists(gateway: Gateway) -> None:
    caller = Caller(gateway, await gateway.key_of(OWN))
    answers = [await caller.report(HOME, station=code) for code in (OTHER, "NOBODY-1")]
    verdicts = [answer.json()["readings"][0] for answer in answers]
    assert [verdict.pop("found") for verdict in verdicts] == [OTHER, "NOBODY-1"]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["reason"] == "wrong-station"
    assert await gateway.database.fetchval("SELECT count(*) FROM observation") == 0
    await written(gateway)
    [one] = await anomalies(gateway)
    assert (one["kind"], one["times"], one["detail"]) == ("wrong-station", 2, "NOBODY-1")


async def test_a_station_sees_its_own_anomalies_only(gateway: Gateway) -> None:
    mine, other = await gateway.key_of(OWN), await gateway.key_of(OTHER)
    for key in (mine, other):
        await Caller(gateway, key).report(HOME, station="NOBODY-1")
    await written(gateway)
    assert len(await anomalies(gateway)) == 2
    assert [one["station"] for one in await anomalies(gateway, station=OTHER)] == [OTHER]
    seen = await Caller(gateway, mine).read(HOME, "/v1/station-anomalies")
    assert [one["station"] for one in seen.json()["items"]] == [OWN]
    refused = [
        await Caller(gateway, mine).read(HOME, f"/v1/station-anomalies?station={code}") for code in (OTHER, "NOBODY-1")
    ]
    assert [answer.status_code for answer in refused] == [403, 403]


async def test_anomalies_are_listed_in_pages_newest_first(gateway: Gateway) -> None:
    for code in (OWN, OTHER, "TH-NT-003"):
        await Caller(gateway, await gateway.key_of(code)).report(HOME, station="NOBODY-1")
    await written(gateway)
    first = (await gateway.get("/v1/station-anomalies", limit=2)).json()
    rest = (await gateway.get("/v1/station-anomalies", limit=2, cursor=first["nextCursor"])).json()
    times = [one["lastTime"] for one in first["items"] + rest["items"]]
    assert (len(first["items"]), len(rest["items"]), rest["nextCursor"]) == (2, 1, None)
    assert times == sorted(times, reverse=True)
    assert await anomalies(gateway, kind="two-places") == []


async def test_a_key_that_expires_soon_is_told_once_for_each_time_of_expiry(gateway: Gateway) -> None:
    round_ = announcing.KeyExpiry(gateway.database, 30)
    soon, later = instants.now() + timedelta(days=10), instants.now() + timedelta(days=40)
    issued = [await keys.issue(gateway.database, OWN, "", soon), await keys.issue(gateway.database, OTHER, "", later)]
    for _ in range(2):
        assert not await round_.turn()
    rows = await gateway.database.fetch("SELECT type, payload->>'key' AS key FROM event ORDER BY id")
    assert [tuple(row) for row in rows] == [("station.key-expiring", issued[0].id)]
    path = f"/v1/stations/{OTHER}/keys/{issued[1].id}"
    edit = await gateway.client.patch(
        path, json={"expiresTime": instants.text(soon)}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert instants.parse(edit.json()["expiresTime"]) == soon
    await round_.turn()
    assert await gateway.database.fetchval("SELECT count(*) FROM event") == 2
    listed = (await gateway.get("/v1/station-keys", expiresWithinDays=30)).json()["items"]
    assert {key["id"] for key in listed} == {key.id for key in issued}
    assert (await gateway.get("/v1/station-keys", expiresWithinDays=5)).json()["items"] == []


async def test_a_key_that_expired_may_open_again_and_one_that_was_revoked_never(gateway: Gateway) -> None:
    key = await gateway.key_of(OWN)
    path = f"/v1/stations/{OWN}/keys/{key.partition('.')[0]}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    await gateway.database.execute("UPDATE station_key SET expires_time = now() - interval '1 day'")
    again = await gateway.client.patch(path, json={"expiresTime": None, "label": "attic"}, headers=headers)
    assert (again.status_code, again.json()["state"], again.json()["label"]) == (200, "live", "attic")
    past = await gateway.client.patch(path, json={"expiresTime": "2020-01-01T00:00:00Z"}, headers=headers)
    assert past.status_code == 422
    await gateway.post(f"{path}/revoke", {})
    refused = await gateway.client.patch(path, json={"expiresTime": None}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:quantrac:problem:station-key-revoked")


async def test_unused_keys_are_found(gateway: Gateway) -> None:
    used, idle = await gateway.key_of(OWN), await gateway.key_of(OTHER)
    await Caller(gateway, used).read(HOME)
    await written(gateway)
    found = (await gateway.get("/v1/station-keys", unusedForDays=1, limit=1)).json()
    assert [key["id"] for key in found["items"]] == [idle.partition(".")[0]]
    assert found["nextCursor"] is None


async def test_what_cannot_be_written_now_is_written_later(gateway: Gateway, database: Database) -> None:
    key = await gateway.key_of(OWN)
    async with keeping.Keeper(database, seconds=3600) as keeper:
        keeper.sightings.used(key.partition(".")[0], Channel.HTTP, HOME, instants.now_us())
        async with database.transaction() as connection:
            await connection.execute("LOCK TABLE station_key_use")
            await connection.execute("SET LOCAL lock_timeout = 0")
            # The statement gives up its wait for the lock, as it would for a database that is away.
            await keeper.flush()
        assert await database.fetchval("SELECT count(*) FROM station_key_use") == 0
        await keeper.flush()
        assert await database.fetchval("SELECT count(*) FROM station_key_use") == 1
