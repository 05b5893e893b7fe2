"""A station sees itself only: every readable address of the whole application, asked with another station's key."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core import access, instants
from tests.fixtures.applications import TOKEN, Gateway

OWN, OTHER = "TH-NT-001", "TH-NT-002"
# What anybody may read, and what is the same for everybody.
NOT_OF_A_STATION = {"/livez", "/readyz", "/v1/quality-flags"}
# What a station sends for itself: readings, and its windows of maintenance and calibration.
OF_A_STATION = {
    "/v1/observations",
    "/v1/windows",
    *(f"/v1/windows/{{window_id}}{move}" for move in ("", "/request", "/cancel")),
}
# What does not end cannot be read to its end; what a station hears of it is tried beside it.
ENDLESS = {"/v1/events"}
# Of what is the staff's alone a station finds out nothing about any number of them.
_PLACE = re.compile(r"{(\w+)}")


@dataclass
class House:
    """The whole application with something of everything from two stations; `ids` are those of the other one."""

    client: httpx.AsyncClient
    document: dict[str, Any]
    own_key: str
    ids: Mapping[str, Any]

    async def get(self, path: str, credential: str | None = None, **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {credential or self.own_key}"}
        return await self.client.get(path, params=params, headers=headers)

    async def ids_of(self, code: str) -> dict[str, Any]:
        """Numbers of what a station has, as the staff reads them."""
        places = {name: 1 for path in self.document["paths"] for name in _PLACE.findall(path)}
        found: dict[str, Any] = {**places, "code": code, "symbol": "COD", "report": "month"}
        for name, member, path, params in (
            ("receipt_id", "receipt", "/v1/receipts", {"station": code}),
            ("entry_id", "id", "/v1/quarantine", {"station": code}),
            ("datastream_id", "id", "/v1/datastreams", {"station": code}),
            ("limit_id", "id", "/v1/limits", {"station": code}),
            ("conflict", "id", "/v1/conflicts", {"station": code}),
        ):
            items = (await self.get(path, TOKEN, **params)).json()["items"]
            assert items, f"{path} has nothing of {code}: the test would say nothing"
            found[name] = items[0][member]
        return found


async def _report(gateway: Gateway, key: str) -> None:
    """One value, another one for the same moment, and a symbol that nobody knows."""
    time = instants.text(instants.now().replace(microsecond=0))
    for results in ({"COD": 48.6, "pH": 7.2}, {"COD": 50.0, "CODx": 1.0}):
        answer = await gateway.post("/v1/observations", {"phenomenonTime": time, "readings": results}, key)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def house(gateway: Gateway) -> House:
    own, other = await gateway.key_of(OWN), await gateway.key_of(OTHER)
    await _report(gateway, own)
    await _report(gateway, other)
    house = House(gateway.client, gateway.app.openapi(), own, {})
    house.ids = await house.ids_of(OTHER)
    return house


def _readable(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        if "get" in item and path not in NOT_OF_A_STATION | ENDLESS:
            yield path, item["get"]


def _parameters(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", [])}


async def test_no_address_of_another_station_opens(house: House) -> None:
    tried = []
    for path, _ in _readable(house.document):
        if "{" in path:
            answer = await house.get(path.format(**house.ids))
            assert answer.status_code in {403, 404}, f"{path}: {answer.text}"
            assert OTHER not in answer.text.replace(answer.json()["instance"], ""), path
            tried.append(path)
    assert len(tried) > 8, tried


async def test_no_list_can_be_asked_for_another_station(house: House) -> None:
    tried = []
    for path, operation in _readable(house.document):
        for name, value in (("station", OTHER), ("datastream", house.ids["datastream_id"])):
            if name in _parameters(operation):
                answer = await house.get(path, **{name: value})
                assert answer.status_code == 403, f"{path}: {answer.text}"
                tried.append(path)
    assert {"/v1/latest", "/v1/observations", "/v1/receipts", "/v1/quarantine", "/v1/conflicts"} <= set(tried)
    assert {"/v1/limits", "/v1/datastreams", "/v1/completeness"} <= set(tried)


async def test_no_list_holds_anything_of_another_station(house: House) -> None:
    seen = []
    for path, _ in _readable(house.document):
        if "{" in path:
            continue
        answer = await house.get(path)
        assert answer.status_code in {200, 403}, f"{path}: {answer.text}"
        assert OTHER not in answer.text, path
        if answer.status_code == 200 and OWN in answer.text:
            seen.append(path)
    assert {"/v1/latest", "/v1/observations", "/v1/receipts", "/v1/quarantine", "/v1/conflicts"} <= set(seen)
    assert {"/v1/limits", "/v1/datastreams", "/v1/completeness"} <= set(seen)


async def test_what_another_station_has_is_as_hidden_as_what_nobody_has(house: House) -> None:
    nobodys = {"receipt_id": 2**40, "entry_id": 2**40, "datastream_id": 2**30, "limit_id": 2**30, "code": "NOBODY-1"}
    tried = []
    for path, _ in _readable(house.document):
        if "{" in path:
            there = await house.get(path.format(**house.ids))
            nowhere = await house.get(path.format(**{**house.ids, **nobodys}))
            assert (there.status_code, there.json()["type"]) == (nowhere.status_code, nowhere.json()["type"]), path
            tried.append(path)
    assert len(tried) > 8, tried


async def test_a_station_writes_for_itself_only(house: House) -> None:
    body = {
        "station": OTHER,
        "phenomenonTime": instants.text(instants.now()),
        "readings": {"TSS": 11.0},
    }
    headers = {"Authorization": f"Bearer {house.own_key}"}
    answer = await house.client.post("/v1/observations", json=body, headers=headers)
    assert [reading["reason"] for reading in answer.json()["readings"]] == ["wrong-station"]
    latest = (await house.get("/v1/latest", TOKEN, station=OTHER)).json()["items"]
    assert [item["result"] for item in latest if item["symbol"] == "TSS"] == [None]


async def test_nothing_is_read_or_written_without_a_credential(house: House) -> None:
    for path, item in house.document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method in item.keys() & {"get", "post", "patch", "put", "delete"}:
            if (method.upper(), path) in access.OPEN_ROUTES:
                continue
            own = {**house.ids, "key_id": "st_aaaaaaaa"}
            answer = await house.client.request(method, path.format(**own), json={})
            assert answer.status_code == 401, f"{method} {path}: {answer.text}"
            assert json.loads(answer.text)["type"].endswith(":unauthorized")


async def test_every_change_but_what_a_station_sends_is_for_the_staff(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.own_key}", "If-Match": "*"}
    for path, item in house.document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method in item.keys() & {"post", "patch", "put", "delete"}:
            if path in OF_A_STATION or (method.upper(), path) in access.OPEN_ROUTES:
                continue
            own = dict(house.ids) | {"code": OWN, "key_id": "st_aaaaaaaa"}
            answer = await house.client.request(method, path.format(**own), json={}, headers=headers)
            assert answer.status_code == 403, f"{method} {path}: {answer.text}"
