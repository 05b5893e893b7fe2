"""A station's key is answered alike for what is another station's and for what nobody has, on every route."""

import random
import re
import secrets
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from core.throttling import Throttle
from tests.fixtures.applications import TOKEN, Gateway
from tests.integration.gateway.test_station_scope import OTHER, OWN, House, house

__all__ = ["house"]

# Of what a station has; every other number in an address is of something that is the staff's alone.
NOBODYS = {
    "code": "NOBODY-1",
    "receipt_id": 2**40,
    "entry_id": 2**40,
    "datastream_id": 2**30,
    "limit_id": 2**30,
    "window_id": 2**30,
    "alert_id": 2**30,
    "verdict_id": 2**30,
    "key_id": "st_00000000",
}
# Told anew with each answer.
FLEETING = {"x-request-id", "date"}
QUERIES = ("station", "code", "datastream")


def _routes(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in sorted(item.keys() & {"get", "post", "patch", "put", "delete"}):
            yield method, path, item[method]


async def _ask(house: House, method: str, path: str, params: dict[str, Any] | None = None) -> tuple[Any, ...]:
    """Status, headers and body of the answer, without the address that was asked for."""
    headers = {"Authorization": f"Bearer {house.own_key}", "If-Match": "*"}
    answer = await house.client.request(
        method, path, params=params, json=None if method == "get" else {}, headers=headers
    )
    kept = {name: text for name, text in answer.headers.items() if name not in FLEETING | {"content-length"}}
    return answer.status_code, kept, answer.text


def _alike(answer: tuple[Any, ...], *echoed: Any) -> tuple[Any, ...]:
    status, headers, text = answer
    for word in echoed:
        text = re.sub(rf"(?<![\w-]){re.escape(str(word))}(?![\w-])", "…", text)
    return status, headers, text


async def test_no_route_tells_what_is_anothers_from_what_is_nobodys(house: House) -> None:
    theirs = {**house.ids, "key_id": house.ids["other_key_id"]}
    tried = []
    for method, path, _ in _routes(house.document):
        names = re.findall(r"{(\w+)}", path)
        if not set(names) & NOBODYS.keys():
            continue
        known = {name: theirs.get(name, 1) for name in names}
        there = path.format(**known)
        nowhere = path.format(**known | {name: NOBODYS[name] for name in names if name in NOBODYS})
        answers = [
            _alike(await _ask(house, method, there), *known.values()),
            _alike(await _ask(house, method, nowhere), *known.values(), *NOBODYS.values()),
        ]
        assert answers[0] == answers[1], f"{method} {path}"
        assert answers[0][0] in {401, 403, 404, 422, 429}, f"{method} {path}: {answers[0]}"
        tried.append(path)
    assert len(tried) > 20, tried


async def test_no_query_tells_a_station_of_another_from_none(house: House) -> None:
    tried = []
    for method, path, operation in _routes(house.document):
        names = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
        if method != "get" or "{" in path or path == "/v1/events":
            continue
        for name in names & set(QUERIES):
            values = (house.ids["datastream_id"], 2**30) if name == "datastream" else (OTHER, "NOBODY-1")
            there, nowhere = [_alike(await _ask(house, method, path, {name: value}), value) for value in values]
            assert there == nowhere, f"{path}?{name}"
            tried.append(path)
    assert len(tried) > 6, tried


@pytest.fixture(autouse=True)
async def _other_key(house: House, gateway: Gateway) -> None:
    """A key of the other station, whose id is as public as its code."""
    answer = await gateway.get(f"/v1/stations/{OTHER}/keys", TOKEN)
    house.ids = {**house.ids, "other_key_id": answer.json()["items"][0]["id"]}
    assert OWN != OTHER


async def test_over_http_a_guess_takes_as_long_whether_its_public_half_exists(gateway: Gateway) -> None:
    """Beside the noise between two groups of the same kind; how it is in the process alone, a unit test asks."""
    gateway.app.state.throttle = Throttle(0, 0, 0)
    known = (await gateway.key_of(OWN)).partition(".")[0]
    ids = {"known": known, "control": known, "unknown": "st_00000000"}
    times: dict[str, list[int]] = {kind: [] for kind in ids}
    answers = set()
    for _ in range(400):
        for kind in random.sample(list(ids), len(ids)):
            headers = {"Authorization": f"Bearer {ids[kind]}.{secrets.token_urlsafe(32)}"}
            began = time.perf_counter_ns()
            answer = await gateway.client.get("/v1/latest", headers=headers)
            times[kind].append(time.perf_counter_ns() - began)
            kept = tuple(sorted((k, v) for k, v in answer.headers.items() if k not in FLEETING))
            answers.add((answer.status_code, answer.text, kept))
    assert len(answers) == 1
    medians = {kind: statistics.median(found) for kind, found in times.items()}
    spread = statistics.stdev(times["known"]) / len(times["known"]) ** 0.5
    noise = max(abs(medians["known"] - medians["control"]), spread)
    assert abs(medians["known"] - medians["unknown"]) < 4.5 * noise, medians
