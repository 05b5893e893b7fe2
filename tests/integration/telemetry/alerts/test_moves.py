"""What people do with alerts over HTTP: every move on a revision, with who, when and why."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from telemetry.alerts.lifecycle import store
from telemetry.alerts.lifecycle.workflow import Action, State
from tests.fixtures.alerts import Office, problem, tomorrow


async def test_an_alert_is_acknowledged_with_who_when_and_why(office: Office) -> None:
    alert = await office.raise_one(escalate_time=instants.now() + timedelta(hours=1))
    answer = await office.ask(alert.id, "acknowledge", {"comment": "Đã gọi nhà máy"}, revision=1)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["state"], document["revision"], answer.headers["ETag"]) == ("acknowledged", 2, '"2"')
    assert document["acknowledgedBy"] == "staff"
    assert document["acknowledgedTime"] is not None
    assert document["escalateTime"] is None
    raised, acknowledged = await office.moves(alert.id)
    assert (raised.action, raised.from_state, raised.to_state, raised.actor) == ("raise", None, "raised", "quantrac")
    assert (acknowledged.action, acknowledged.from_state, acknowledged.to_state) == (
        "acknowledge",
        "raised",
        "acknowledged",
    )
    assert (acknowledged.actor, acknowledged.reason) == ("staff", "Đã gọi nhà máy")


async def test_an_acknowledgement_needs_no_body(office: Office) -> None:
    alert = await office.raise_one()
    assert (await office.ask(alert.id, "acknowledge")).status_code == 200


async def test_every_move_is_an_event_with_the_alert_after_it(office: Office) -> None:
    alert = await office.raise_one()
    await office.ask(alert.id, "acknowledge", {"comment": "seen"})
    await office.ask(alert.id, "comments", {"text": "two\nlines"})
    await office.ask(alert.id, "assignee", {"assignee": "Lan"})
    await office.ask(alert.id, "shelve", {"reason": "a part", "until": tomorrow()})
    await office.ask(alert.id, "unshelve", {"reason": "the part is there"})
    await office.ask(alert.id, "clear", {"reason": "checked on site"})
    events = await office.events()
    assert [event["type"] for event in events] == [
        "alert.raised",
        "alert.acknowledged",
        "alert.commented",
        "alert.assigned",
        "alert.shelved",
        "alert.unshelved",
        "alert.cleared",
    ]
    payloads = [json.loads(event["payload"]) for event in events]
    assert [payload["alert"]["revision"] for payload in payloads] == [1, 2, 3, 4, 5, 6, 7]
    assert [payload["change"]["from"] for payload in payloads[:3]] == [None, "raised", "acknowledged"]
    assert payloads[3]["alert"]["assignee"] == "Lan"
    assert payloads[4]["alert"]["shelvedReason"] == "a part"
    assert payloads[5]["alert"]["state"] == "acknowledged"
    assert payloads[6]["change"] | {"time": ""} == {
        "action": "clear-by-hand",
        "from": "acknowledged",
        "to": "cleared",
        "actor": "staff",
        "reason": "checked on site",
        "time": "",
        "facts": {},
    }
    # What an event shows is what the interface gives.
    assert payloads[6]["alert"] == (await office.send("GET", "/v1/alerts")).json()["items"][0]


async def test_an_edit_on_an_old_revision_is_refused_and_changes_nothing(office: Office) -> None:
    alert = await office.raise_one()
    assert (await office.ask(alert.id, "assignee", {"assignee": "Lan"}, revision=1)).status_code == 200
    answer = await office.ask(alert.id, "acknowledge", revision=1)
    assert (answer.status_code, problem(answer), answer.json()["revision"]) == (412, "revision-moved", 2)
    assert (await office.alert(alert.id)).state is State.RAISED
    assert len(await office.moves(alert.id)) == 2


async def test_a_move_without_a_revision_is_refused(office: Office) -> None:
    alert = await office.raise_one()
    for move, body in (("acknowledge", None), ("clear", {"reason": "x"}), ("assignee", {"assignee": None})):
        answer = await office.ask(alert.id, move, body, revision=None)
        assert (answer.status_code, problem(answer)) == (428, "revision-missing")
    assert len(await office.moves(alert.id)) == 1


async def test_a_comment_needs_no_revision_and_stands_in_any_state(office: Office) -> None:
    alert = await office.raise_one()
    await office.by_data(alert.id, Action.CLEAR, cleared_time=instants.now())
    answer = await office.ask(alert.id, "comments", {"text": "It was the pump."}, revision=None)
    assert (answer.status_code, answer.json()["state"]) == (200, "cleared")
    assert (await office.moves(alert.id))[-1].reason == "It was the pump."


@pytest.mark.parametrize(
    ("move", "body"),
    [
        ("acknowledge", None),
        ("assignee", {"assignee": "Lan"}),
        ("shelve", {"reason": "x", "until": "2026-11-24T00:00:00Z"}),
        ("unshelve", None),
        ("clear", {"reason": "x"}),
    ],
)
async def test_what_is_over_is_moved_no_more(office: Office, move: str, body: Any) -> None:
    if move == "shelve":
        body = {"reason": "x", "until": tomorrow()}
    alert = await office.raise_one()
    await office.by_data(alert.id, Action.CLEAR, cleared_time=instants.now())
    before = await office.alert(alert.id)
    answer = await office.ask(alert.id, move, body)
    assert (answer.status_code, problem(answer)) == (409, "alert-move-refused")
    document = answer.json()
    assert (document["state"], document["possible"]) == ("cleared", ["comment", "reraise"])
    assert document["errors"][0]["field"] == "state"
    assert await office.alert(alert.id) == before


async def test_an_alert_is_shelved_again_for_another_time(office: Office) -> None:
    alert = await office.raise_one()
    await office.ask(alert.id, "shelve", {"reason": "one", "until": tomorrow()})
    later = instants.text((instants.now() + timedelta(days=3)).replace(microsecond=0))
    answer = await office.ask(alert.id, "shelve", {"reason": "two", "until": later})
    assert (answer.json()["shelvedUntil"], answer.json()["shelvedReason"]) == (later, "two")
    back = await office.ask(alert.id, "unshelve")
    assert back.json()["state"] == "raised"


@pytest.mark.parametrize("days", [-1, 31])
async def test_shelving_is_bounded(office: Office, days: int) -> None:
    alert = await office.raise_one()
    until = instants.text(instants.now() + timedelta(days=days))
    answer = await office.ask(alert.id, "shelve", {"reason": "x", "until": until})
    assert (answer.status_code, problem(answer)) == (422, "shelving-not-suitable")
    (fault,) = answer.json()["errors"]
    assert (fault["field"], fault["found"]) == ("until", until)
    assert (await office.alert(alert.id)).state is State.RAISED


@pytest.mark.parametrize(
    ("move", "body", "field"),
    [
        ("shelve", {"until": "2026-12-01T00:00:00Z"}, "body.reason"),
        ("shelve", {"reason": "x"}, "body.until"),
        ("shelve", {"reason": "  ", "until": "2026-12-01T00:00:00Z"}, "body.reason"),
        ("clear", {}, "body.reason"),
        ("clear", {"reason": ""}, "body.reason"),
        ("comments", {"text": "   "}, "body.text"),
        ("comments", {"text": "a\u0000b"}, "body.text"),
        ("assignee", {}, "body.assignee"),
        ("assignee", {"assignee": "a\nb"}, "body.assignee"),
        ("acknowledge", {"comment": "x", "state": "cleared"}, "body.state"),
    ],
)
async def test_a_body_that_is_wrong_is_told_by_member(office: Office, move: str, body: Any, field: str) -> None:
    alert = await office.raise_one()
    answer = await office.ask(alert.id, move, body)
    assert answer.status_code == 422, answer.text
    assert field in {fault["field"] for fault in answer.json()["errors"]}
    assert len(await office.moves(alert.id)) == 1


@pytest.mark.parametrize("number", ["0", "-1", "999999", "9223372036854775807", "9223372036854775808", "x", "1.0"])
async def test_an_alert_that_is_not_there_is_not_found(office: Office, number: str) -> None:
    for method, path, body in (("GET", "", None), ("POST", "/acknowledge", None), ("POST", "/comments", {"text": "x"})):
        answer = await office.send(method, f"/v1/alerts/{number}{path}", body, revision="*")
        assert answer.status_code in {404, 422}, answer.text


async def test_a_person_reopens_what_a_person_closed(office: Office) -> None:
    alert = await office.raise_one()
    await office.ask(alert.id, "clear", {"reason": "looks fine"})
    answer = await office.ask(alert.id, "reraise", {"reason": "it is not fine"})
    document = answer.json()
    assert (document["state"], document["reraised"], document["clearedReason"]) == ("raised", 1, None)
    assert document["escalateTime"] is not None
    asked = await office.database.fetch("SELECT * FROM alert_recheck")
    assert [(row["station_id"], row["datastream_id"], row["begin_time"]) for row in asked] == [
        (alert.station_id, alert.datastream_id, alert.raised_time)
    ]


async def test_what_the_data_closed_the_data_reopen(office: Office) -> None:
    alert = await office.raise_one()
    await office.by_data(alert.id, Action.CLEAR, cleared_time=instants.now())
    answer = await office.ask(alert.id, "reraise", {"reason": "no"})
    assert (answer.status_code, problem(answer)) == (409, "alert-move-refused")
    assert answer.json()["errors"] == [{"field": "clearedReason", "found": "condition", "expected": "by-hand"}]
    assert (await office.alert(alert.id)).state is State.CLEARED


async def test_a_subject_has_one_open_alert_of_a_kind(office: Office) -> None:
    first = await office.raise_one()
    await office.ask(first.id, "clear", {"reason": "x"})
    await office.raise_one(raised_time=instants.now() - timedelta(minutes=6))
    answer = await office.ask(first.id, "reraise", {"reason": "again"})
    assert (answer.status_code, problem(answer)) == (409, "alert-goes-on")
    assert (await office.alert(first.id)).state is State.CLEARED
    assert len(await office.moves(first.id)) == 2


async def test_what_was_cleared_by_hand_says_when_it_was_last_seen(office: Office) -> None:
    alert = await office.raise_one()
    document = (await office.ask(alert.id, "clear", {"reason": "checked"})).json()
    assert (document["clearedReason"], document["clearedTime"]) == ("by-hand", document["lastTime"])
    assert document["closedTime"] > document["lastTime"]


async def test_an_alert_that_advances_keeps_its_revision(office: Office) -> None:
    alert = await office.raise_one()
    grown = replace(alert, last_time=instants.now(), detail={**alert.detail, "peak": 200.0})
    async with office.database.transaction() as connection:
        await store.progress(connection, [grown])
    assert (await office.alert(alert.id)).detail["peak"] == 200.0
    assert (await office.ask(alert.id, "acknowledge", revision=1)).status_code == 200
    assert len(await office.events()) == 2
