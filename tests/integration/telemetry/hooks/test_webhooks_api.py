"""Webhooks over HTTP: added, edited, disabled, rotated, tested, replayed; what is shown, and to whom."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from core import problems
from core.database import Database
from gateway.identity import Identity
from telemetry.catalog import keys, seeding
from telemetry.catalog.loading import LiveCatalog
from telemetry.hooks.webhooks.managing import Desk
from telemetry.hooks.webhooks.router import router
from telemetry.hooks.webhooks.sealing import Seal
from tests.fixtures.catalogs import STAFF_TOKEN, problem
from tests.fixtures.receivers import answering, local_policy, receiving
from tests.fixtures.webhooks import PostOffice

HOOKS = "/v1/webhooks"
NEW = {"url": "https://alarms.example.vn/quantrac"}


@pytest.fixture
async def hooks_app(post_office: PostOffice, live_catalog: LiveCatalog) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    problems.install(app)
    app.state.database = post_office.database
    app.state.identify = Identity(live_catalog, STAFF_TOKEN)
    app.state.webhooks = Desk(post_office.policy, post_office.seal)
    return app


@pytest.fixture
async def http(hooks_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {STAFF_TOKEN}"}
    transport = httpx.ASGITransport(app=hooks_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


async def _added(http: httpx.AsyncClient, **members: Any) -> dict[str, Any]:
    answer = await http.post(HOOKS, json=NEW | members)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_webhook_is_added_and_its_secret_shown_once(http: httpx.AsyncClient, database: Database) -> None:
    with capture_logs() as logs:
        answer = await http.post(HOOKS, json=NEW | {"description": "Phòng điều hành"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"{HOOKS}/{made['webhook']['id']}"
    assert made["secret"].startswith("whsec_")
    read = await http.get(answer.headers["location"])
    assert read.json() == made["webhook"]
    assert "whsec_" not in read.text + (await http.get(HOOKS)).text
    sealed = await database.fetchval("SELECT sealed FROM webhook_secret")
    assert made["secret"].encode() not in sealed
    (line,) = logs
    assert (line["event"], line["by"], line["webhook"]) == ("webhook.added", "staff", made["webhook"]["id"])
    assert "whsec_" not in str(logs)
    assert "alarms.example.vn" not in str(logs), "some receivers' addresses are secrets themselves"


async def test_without_a_key_nothing_is_added_and_the_answer_says_what_to_set(
    http: httpx.AsyncClient, hooks_app: FastAPI, post_office: PostOffice
) -> None:
    hooks_app.state.webhooks = Desk(post_office.policy, Seal(None))
    refusal = problem(await http.post(HOOKS, json=NEW), 503, "webhook-key-missing")
    assert "QUANTRAC_HOOKS__SECRET_KEY_FILE" in refusal["detail"]
    assert (await http.get(HOOKS)).json()["items"] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://alarms.example.vn/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
        "https://user@example.vn/",
        "https://example.vn:22/",
        "https://localhost/",
    ],
)
async def test_a_receiver_that_may_not_be_written_to_is_refused(http: httpx.AsyncClient, url: str) -> None:
    refusal = problem(await http.post(HOOKS, json={"url": url}), 422, "receiver-refused")
    assert refusal["errors"][0]["found"] == url
    made = await _added(http)
    where = f"{HOOKS}/{made['webhook']['id']}"
    problem(await http.patch(where, json={"url": url}, headers={"If-Match": "*"}), 422, "receiver-refused")


@pytest.mark.parametrize(
    "members",
    [
        {"eventTypes": ["alert.risen"]},
        {"eventTypes": []},
        {"alertKinds": ["overlimit"]},
        {"leastSeverity": "info"},
        {"stationKinds": ["water"]},
        {"stations": ["a/b"]},
        {"history": 1},
        {"secret": "whsec_x"},
        {"url": ""},
        {"url": "https://e.vn/" + "x" * 2000},
    ],
)
async def test_what_is_no_webhook_is_refused(http: httpx.AsyncClient, members: dict[str, Any]) -> None:
    problem(await http.post(HOOKS, json=NEW | members), 422, "invalid-request")


@pytest.mark.parametrize("field", ["stations", "organizations"])
async def test_a_filter_by_what_is_not_in_the_catalogue_is_refused(http: httpx.AsyncClient, field: str) -> None:
    refusal = problem(await http.post(HOOKS, json=NEW | {field: ["NOBODY"]}), 422, "webhook-filter-unknown")
    assert (refusal["errors"][0]["field"], refusal["errors"][0]["found"]) == (field, "NOBODY")
    assert (await http.get(HOOKS)).json()["items"] == []


async def test_an_edit_changes_what_is_sent_on_a_known_revision(http: httpx.AsyncClient, database: Database) -> None:
    await seeding.seed(database)
    filters = {"stations": ["TH-NT-002", "TH-NT-001"], "leastSeverity": "critical", "eventTypes": ["alert.*"]}
    where = f"{HOOKS}/{(await _added(http, **filters))['webhook']['id']}"
    problem(await http.patch(where, json={"history": True}), 428, "revision-missing")
    answer = await http.patch(where, json={"history": True, "leastSeverity": None}, headers={"If-Match": '"1"'})
    now = answer.json()
    assert (now["stations"], now["leastSeverity"], now["history"], now["revision"]) == (
        ["TH-NT-001", "TH-NT-002"],
        None,
        True,
        2,
    )
    assert answer.headers["etag"] == '"2"'
    problem(await http.patch(where, json={"history": False}, headers={"If-Match": '"1"'}), 412, "revision-moved")
    problem(await http.patch(where, json={"enabled": False}, headers={"If-Match": "*"}), 422, "invalid-request")
    problem(await http.delete(where, headers={"If-Match": '"1"'}), 412, "revision-moved")
    assert (await http.delete(where, headers={"If-Match": '"2"'})).status_code == 204
    problem(await http.get(where), 404, "webhook-not-found")


async def test_what_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", "/9"),
        ("PATCH", "/9"),
        ("DELETE", "/9"),
        ("POST", "/9/enable"),
        ("POST", "/9/disable"),
        ("POST", "/9/rotate"),
        ("POST", "/9/test"),
        ("GET", "/9/deliveries"),
        ("GET", "/9/deliveries/1"),
        ("POST", "/9/deliveries/1/replay"),
        ("POST", "/9/replay"),
    ):
        body = {"since": "2026-11-23T00:00:00Z"} if path == "/9/replay" else {}
        answer = await http.request(method, HOOKS + path, json=body, headers={"If-Match": "*"})
        problem(answer, 404, "webhook-not-found")
    number = (await _added(http))["webhook"]["id"]
    problem(await http.get(f"{HOOKS}/{number}/deliveries/1"), 404, "webhook-delivery-not-found")
    problem(await http.post(f"{HOOKS}/{number}/deliveries/1/replay"), 404, "webhook-delivery-not-found")


async def test_a_disabled_webhook_is_neither_tested_nor_replayed_until_it_is_enabled(http: httpx.AsyncClient) -> None:
    where = f"{HOOKS}/{(await _added(http))['webhook']['id']}"
    assert (await http.post(f"{where}/test")).status_code == 202
    for _ in range(2):
        off = (await http.post(f"{where}/disable")).json()
        assert (off["enabled"], off["disabledReason"], off["dead"], off["revision"]) == (False, "by-hand", 1, 2)
    problem(await http.post(f"{where}/test"), 409, "webhook-disabled")
    problem(await http.post(f"{where}/replay", json={"since": "2026-01-01T00:00:00Z"}), 409, "webhook-disabled")
    problem(await http.post(f"{where}/deliveries/1/replay"), 409, "webhook-disabled")
    on = (await http.post(f"{where}/enable")).json()
    assert (on["enabled"], on["disabledReason"], on["disabledTime"], on["revision"]) == (True, None, None, 3)
    assert (await http.post(f"{where}/replay", json={"since": "2026-01-01T00:00:00Z"})).json() == {"deliveries": 1}


async def test_a_rotation_shows_the_new_secret_and_how_long_the_former_one_lives(http: httpx.AsyncClient) -> None:
    made = await _added(http)
    where = f"{HOOKS}/{made['webhook']['id']}/rotate"
    first = (await http.post(where, json={})).json()
    assert first["secret"] not in {made["secret"], ""}
    assert (first["webhook"]["secrets"], first["webhook"]["revision"]) == (2, 2)
    assert first["webhook"]["formerSecretUntil"] is not None
    at_once = (await http.post(where, json={"overlapHours": 0})).json()
    assert (at_once["webhook"]["secrets"], at_once["webhook"]["formerSecretUntil"]) == (1, None)
    problem(await http.post(where, json={"overlapHours": 169}), 422, "invalid-request")


async def test_the_log_tells_of_every_attempt(
    http: httpx.AsyncClient, hooks_app: FastAPI, post_office: PostOffice
) -> None:
    async with receiving(answering(500, body=b"out of order")) as receiver:
        hooks_app.state.webhooks = Desk(local_policy(receiver), post_office.seal)
        post_office.receivers.append(receiver)
        where = f"{HOOKS}/{(await _added(http, url=receiver.url))['webhook']['id']}/deliveries"
        await post_office.happen(n=3)
        await post_office.tell()
        receiver.behave = answering(204)
        post_office.later(seconds=10)
        await post_office.deliver()
    page = (await http.get(where, params={"limit": 2})).json()
    assert [item["eventId"] for item in page["items"]] == [3, 2]
    rest = (await http.get(where, params={"limit": 2, "cursor": page["nextCursor"]})).json()
    assert ([item["eventId"] for item in rest["items"]], rest["nextCursor"]) == ([1], None)
    assert len((await http.get(where, params={"state": "delivered"})).json()["items"]) == 3
    assert (await http.get(where, params={"state": "dead"})).json()["items"] == []
    found = (await http.get(f"{where}/{page['items'][0]['id']}")).json()
    assert [(a["status"], a["error"], a["answer"]) for a in found["attempts"]] == [
        (500, "answered 500", "out of order"),
        (204, "", ""),
    ]
    assert found["body"].startswith('{"type":"alert.raised","timestamp":')
    again = (await http.post(f"{where}/{page['items'][0]['id']}/replay")).json()
    assert (again["delivery"]["state"], again["delivery"]["attempts"]) == ("pending", 0)


async def test_webhooks_come_in_pages(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        await _added(http)
    page = (await http.get(HOOKS, params={"limit": 2})).json()
    rest = (await http.get(HOOKS, params={"limit": 2, "cursor": page["nextCursor"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [1, 2, 3]
    problem(await http.get(HOOKS, params={"cursor": "nonsense"}), 422, "invalid-cursor")


async def test_webhooks_are_for_the_staff(hooks_app: FastAPI, database: Database, live_catalog: LiveCatalog) -> None:
    await seeding.seed(database)
    key = (await keys.issue(database, "TH-NT-001")).key
    await live_catalog.refresh()
    transport = httpx.ASGITransport(app=hooks_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for route in router.routes:
            path = route.path.replace("{number}", "1").replace("{delivery}", "1")  # type: ignore[attr-defined]
            for method in route.methods:  # type: ignore[attr-defined]
                body = {"since": "2026-01-01T00:00:00Z"} if path.endswith("1/replay") else NEW
                anybody = await client.request(method, path, json=body)
                problem(anybody, 401, "unauthorized")
                station = await client.request(method, path, json=body, headers={"Authorization": f"Bearer {key}"})
                problem(station, 403, "forbidden")
