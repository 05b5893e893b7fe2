"""Stations under their quotas, as the whole gateway keeps them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core import instants
from telemetry.admission import keeping
from tests.fixtures.applications import TOKEN, Gateway
from tests.fixtures.catalogs import soon

FLOOD, *NEIGHBOURS = "TH-NT-001", "TH-NT-002", "TH-NT-003"
STAFF = {"Authorization": f"Bearer {TOKEN}", "If-Match": "*"}


def packet(number: int) -> dict[str, Any]:
    time = instants.now().replace(microsecond=0) - timedelta(seconds=number)
    return {"phenomenonTime": instants.text(time), "readings": {"COD": 48.6, "pH": 7.2}}


async def limit(gateway: Gateway, code: str, **own: int | None) -> dict[str, Any]:
    answer = await gateway.client.patch(f"/v1/stations/{code}/quota", json=own, headers=STAFF)
    assert answer.status_code == 200, answer.text
    await gateway.app.state.catalog.refresh()
    found: dict[str, Any] = answer.json()
    return found


async def post(gateway: Gateway, key: str, number: int) -> httpx.Response:
    return await gateway.post("/v1/observations", packet(number), key)


async def test_a_station_at_fifty_times_its_quota_waits_and_its_neighbours_do_not(gateway: Gateway) -> None:
    """Four minutes' allowance of 5 requests a minute, and 50 times that at once."""
    await limit(gateway, FLOOD, requests=5)
    keys = {code: await gateway.key_of(code) for code in (FLOOD, *NEIGHBOURS)}
    senders = [FLOOD if at % 50 else NEIGHBOURS[at // 50 % 2] for at in range(1_000)]
    answers = await asyncio.gather(*(post(gateway, keys[code], number) for number, code in enumerate(senders)))
    statuses = [answer.status_code for answer in answers]
    assert statuses[::50] == [200] * 20
    flood = [answer for at, answer in enumerate(answers) if at % 50]
    stored = [answer for answer in flood if answer.status_code == 200]
    refused = [answer for answer in flood if answer.status_code == 429]
    # A second or two of the test bring a little back.
    assert 20 <= len(stored) <= 23
    assert len(stored) + len(refused) == len(flood)
    for answer in refused:
        assert answer.json()["type"].endswith(":quota-exceeded")
        assert 1 <= int(answer.headers["Retry-After"]) <= 900
    assert await gateway.database.fetchval("SELECT count(*) FROM observation") == 2 * (len(stored) + 20)
    async with gateway.database.transaction() as connection:
        [told] = await keeping.note(connection, gateway.app.state.sightings.drain())
    assert (told.anomaly.kind, told.anomaly.station, told.anomaly.times) == ("over-quota", FLOOD, len(refused))


async def test_nothing_of_the_body_is_read_from_who_has_to_wait(gateway: Gateway) -> None:
    await limit(gateway, FLOOD, readings=1)
    key = await gateway.key_of(FLOOD)
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"{}"

    for number in range(3):
        assert (await post(gateway, key, number)).status_code == 200
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    answer = await gateway.client.post("/v1/observations", content=body(), headers=headers)
    assert (answer.status_code, read) == (429, [])
    assert 1 <= int(answer.headers["Retry-After"]) <= 120


async def test_a_stream_is_slowed_and_never_broken_off(gateway: Gateway) -> None:
    """Its first chunk overdraws the allowance; the rest is taken when the staff gives the station more."""
    await limit(gateway, FLOOD, readings=100)
    key = await gateway.key_of(FLOOD)
    lines = "".join(_line(number) for number in range(20_000)).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    sending = asyncio.create_task(gateway.client.post("/v1/observations", content=lines, headers=headers))

    async def begun() -> bool:
        return bool(await gateway.database.fetchval("SELECT count(*) FROM observation"))

    await soon(begun, seconds=20)
    assert not sending.done()
    assert await gateway.database.fetchval("SELECT count(*) FROM observation") < 40_000
    await limit(gateway, FLOOD, readings=2**31 - 1)
    answer = await asyncio.wait_for(sending, 20)
    assert answer.text.splitlines()[-1].startswith('{"complete":true')
    assert await gateway.database.fetchval("SELECT count(*) FROM observation") == 40_000


def _line(number: int) -> str:
    time = instants.text(instants.from_us(1_795_000_000_000_000 - number * 60_000_000))
    return f'{{"phenomenonTime":"{time}","readings":{{"COD":48.6,"pH":7.2}}}}\n'


async def test_a_stream_under_a_key_that_is_revoked_meanwhile_ends(gateway: Gateway) -> None:
    key = await gateway.key_of(FLOOD)
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield "".join(_line(number) for number in range(6_000)).encode()
        begun.set()
        await ended.wait()
        yield "".join(_line(number) for number in range(6_000, 24_000)).encode()

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    sending = asyncio.create_task(gateway.client.post("/v1/observations", content=body(), headers=headers))
    await begun.wait()
    await gateway.post(f"/v1/stations/{FLOOD}/keys/{key.partition('.')[0]}/revoke", {})

    async def known() -> bool:
        return not gateway.app.state.catalog.snapshot.is_live(key.partition(".")[0], instants.now_us())

    await soon(known)
    ended.set()
    answer = await asyncio.wait_for(sending, 20)
    last = answer.json() if answer.status_code == 401 else httpx.Response(200, text=answer.text.splitlines()[-1]).json()
    assert last.get("complete") in {False, None}
    assert "unauthorized" in str(last)
    assert await gateway.database.fetchval("SELECT count(*) FROM observation") < 40_000


async def test_a_quota_is_shown_changed_and_given_back(gateway: Gateway) -> None:
    path = f"/v1/stations/{FLOOD}/quota"
    first = await gateway.get(path)
    assert (first.headers["ETag"], first.json()["own"]["readings"]) == ('"0"', None)
    assert first.json()["inForce"] == {"requests": 6_000, "readings": 60_000, "bytes": 33_554_432}
    now = await limit(gateway, FLOOD, readings=120_000, requests=7)
    assert (now["inForce"]["readings"], now["inForce"]["requests"], now["revision"]) == (120_000, 7, 1)
    now = await limit(gateway, FLOOD, readings=None)
    assert (now["own"], now["revision"]) == ({"requests": 7, "readings": None, "bytes": None}, 2)
    moved = await gateway.client.patch(path, json={"bytes": 5}, headers=STAFF | {"If-Match": '"1"'})
    assert moved.status_code == 412
    assert (await gateway.client.patch(path, json={"bytes": 0}, headers=STAFF)).status_code == 422
    assert (await gateway.get("/v1/stations/NOBODY-1/quota")).status_code == 404
    own = await gateway.get(path, await gateway.key_of(FLOOD))
    assert own.json()["inForce"]["requests"] == 7


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_station_neither_sees_nor_moves_the_quota_of_another(gateway: Gateway, method: str) -> None:
    headers = {"Authorization": f"Bearer {await gateway.key_of(FLOOD)}", "If-Match": "*"}
    there, nowhere = [
        await gateway.client.request(method, f"/v1/stations/{code}/quota", json={"requests": 1}, headers=headers)
        for code in (NEIGHBOURS[0], "NOBODY-1")
    ]
    assert there.status_code == nowhere.status_code
    assert there.status_code in {403, 404}
