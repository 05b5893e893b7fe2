"""Mail subscriptions over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from telemetry.catalog import seeding
from telemetry.hooks.mail.router import router
from tests.fixtures.catalogs import Desk, problem
from tests.fixtures.mail_servers import SENDER, Correspondence

PATH = "/v1/mail-subscriptions"
BODY: dict[str, Any] = {"address": "truc@example.vn", "leastSeverity": "warning"}


@pytest.fixture
async def office(catalog_app: FastAPI, desk: Desk) -> Desk:
    """The staff's desk where mail is set up."""
    await seeding.seed(catalog_app.state.database)
    catalog_app.include_router(router)
    catalog_app.state.mail_sender = SENDER
    return desk


async def test_a_subscription_is_added_read_edited_and_deleted(office: Desk) -> None:
    made = await office.add(
        PATH, BODY | {"stations": ["TH-NT-001"], "organizations": ["DN-01"], "quietFrom": "22:00", "quietTo": "06:00"}
    )
    assert made["eventTypes"] == ["alert.raised", "alert.reraised", "alert.escalated", "alert.cleared"]
    assert (made["stations"], made["organizations"], made["revision"]) == (["TH-NT-001"], ["DN-01"], 1)
    address = f"{PATH}/{made['id']}"
    answer = await office.http.get(address)
    assert answer.json() == made
    assert answer.headers["etag"] == '"1"'
    edited = await office.edit(address, {"digestMinutes": 30, "quietFrom": None, "quietTo": None}, '"1"')
    assert (edited["digestMinutes"], edited["quietFrom"], edited["stations"], edited["revision"]) == (
        30, None, ["TH-NT-001"], 2,
    )  # fmt: skip
    problem(
        await office.http.patch(address, json={"language": "en"}, headers={"If-Match": '"1"'}), 412, "revision-moved"
    )
    problem(await office.http.patch(address, json={"language": "en"}), 428, "revision-missing")
    assert (await office.http.delete(address, headers={"If-Match": '"2"'})).status_code == 204
    problem(await office.http.get(address), 404, "mail-subscription-not-found")


async def test_subscriptions_are_listed_in_pages(office: Desk) -> None:
    for number in range(3):
        await office.add(PATH, BODY | {"address": f"a{number}@example.vn"})
    first = await office.get(PATH, limit=2)
    second = await office.get(PATH, limit=2, cursor=first["nextCursor"])
    assert [item["address"] for item in first["items"] + second["items"]] == [f"a{n}@example.vn" for n in range(3)]
    assert second["nextCursor"] is None


@pytest.mark.parametrize(
    ("members", "slug"),
    [
        ({"address": "nobody"}, "invalid-request"),
        ({"address": "a@example.vn\nBcc: b@example.vn"}, "invalid-request"),
        ({"language": "fr"}, "invalid-request"),
        ({"quietFrom": "22:00"}, "invalid-request"),
        ({"quietFrom": "25:00", "quietTo": "06:00"}, "invalid-request"),
        ({"digestMinutes": 0}, "invalid-request"),
        ({"breakThrough": "deadly"}, "invalid-request"),
        ({"alertKinds": ["smell"]}, "invalid-request"),
        ({"stations": ["NOWHERE"]}, "webhook-filter-unknown"),
        ({"colour": "red"}, "invalid-request"),
    ],
)
async def test_what_cannot_be_is_refused(office: Desk, members: dict[str, Any], slug: str) -> None:
    body = problem(await office.http.post(PATH, json=BODY | members), 422, slug)
    assert all(fault.keys() == {"field", "found", "expected"} for fault in body["errors"])


async def test_an_edit_is_held_to_the_same_rules(office: Desk) -> None:
    made = await office.add(PATH, BODY)
    answer = await office.http.patch(f"{PATH}/{made['id']}", json={"quietFrom": "22:00"}, headers={"If-Match": "*"})
    problem(answer, 422, "invalid-catalog-entry")


async def test_without_a_mail_server_nobody_can_subscribe(catalog_app: FastAPI, office: Desk) -> None:
    catalog_app.state.mail_sender = None
    problem(await office.http.post(PATH, json=BODY), 503, "mail-not-set-up")
    assert (await office.get(PATH))["items"] == []


async def test_a_station_sees_nothing_of_it(catalog_app: FastAPI, office: Desk, anybody: Any) -> None:
    from telemetry.catalog import keys  # noqa: PLC0415 - of this test alone

    made = await office.add(PATH, BODY)
    issued = await keys.issue(catalog_app.state.database, "TH-NT-001")
    await catalog_app.state.catalog.refresh()
    headers = {"Authorization": f"Bearer {issued.key}"}
    for path in (PATH, f"{PATH}/{made['id']}", f"{PATH}/{made['id']}/mails"):
        problem(await anybody.get(path, headers=headers), 403, "forbidden")
        problem(await anybody.get(path), 401, "unauthorized")


async def test_a_test_and_a_replay_are_sent_by_the_round(office: Desk, correspondence: Correspondence) -> None:
    await correspondence.turn()
    made = await office.add(PATH, BODY)
    address = f"{PATH}/{made['id']}"
    queued = await office.http.post(f"{address}/test")
    assert queued.status_code == 202
    correspondence.now = datetime.now(UTC)
    correspondence.mailbox.recipient_answers = ["550 no such user"]
    await correspondence.turn()
    (dead,) = (await office.get(f"{address}/mails", state="dead"))["items"]
    assert (dead["id"], dead["test"], dead["lastCode"]) == (queued.json()["mail"], True, 550)
    assert (await office.get(address))["dead"] == 1
    again = await office.http.post(f"{address}/mails/{dead['id']}/replay")
    assert again.json()["state"] == "pending"
    correspondence.now = datetime.now(UTC)
    await correspondence.turn()
    assert correspondence.mailbox.recipients == ["truc@example.vn"]
    assert (await office.http.post(f"{address}/replay", json={"since": "2026-01-01T00:00:00Z"})).json() == {"mails": 0}
    problem(await office.http.post(f"{address}/mails/999/replay"), 404, "mail-not-found")
    await office.edit(address, {"enabled": False})
    problem(await office.http.post(f"{address}/test"), 409, "mail-subscription-disabled")
    problem(await office.http.post(f"{address}/mails/1/replay"), 409, "mail-subscription-disabled")
