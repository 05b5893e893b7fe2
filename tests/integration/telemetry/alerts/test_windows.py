"""Maintenance and calibration windows: asked for, decided on, and what they keep quiet."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import instants
from telemetry.alerts.handling.escalating import Escalation
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.lifecycle.workflow import Action, State
from tests.fixtures.alerts import Office, problem

_PATH = "/v1/windows"
_NOW = instants.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def _present_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite runs for long: a time that was taken when the module was read is past."""
    monkeypatch.setitem(globals(), "_NOW", instants.now().replace(microsecond=0))


def _window(begin_minutes: float, end_minutes: float, **members: Any) -> dict[str, Any]:
    """A maintenance window of TH-NT-001, its bounds in minutes from now."""
    return {
        "kind": "maintenance",
        "station": "TH-NT-001",
        "from": instants.text(_NOW + timedelta(minutes=begin_minutes)),
        "to": instants.text(_NOW + timedelta(minutes=end_minutes)),
        "reason": "Bảo trì bơm",
    } | members


async def _accepted(office: Office, begin_minutes: float, end_minutes: float, **members: Any) -> dict[str, Any]:
    made = await office.send("POST", _PATH, _window(begin_minutes, end_minutes, **members))
    assert made.status_code == 201, made.text
    answer = await office.send("POST", f"{made.headers['Location']}/accept", revision=1)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_station_asks_and_the_staff_decide(office: Office) -> None:
    key = await office.gateway.key_of("TH-NT-001")
    body = _window(60, 180, kind="calibration", symbol="COD", standards=[75, 150], tolerance=5)
    del body["station"]
    made = await office.send("POST", _PATH, body, credential=key)
    assert made.status_code == 201, made.text
    window = made.json()
    assert (window["station"], window["state"], window["symbol"]) == ("TH-NT-001", "requested", "COD")
    assert window["requestedBy"] == key.partition(".")[0]
    assert (window["standards"], window["tolerance"], window["hindsight"]) == ([75.0, 150.0], 5.0, False)
    path = made.headers["Location"]
    for move in ("accept", "reject"):
        answer = await office.send("POST", f"{path}/{move}", {"reason": "x"}, revision=1, credential=key)
        assert answer.status_code == 403
    assert (await office.send("POST", f"{path}/accept")).status_code == 428
    accepted = (await office.send("POST", f"{path}/accept", {"reason": "ok"}, revision=1)).json()
    assert (accepted["state"], accepted["decidedBy"], accepted["decisionReason"]) == ("accepted", "staff", "ok")
    assert [(move["action"], move["actor"]) for move in accepted["moves"]] == [
        ("request", window["requestedBy"]),
        ("accept", "staff"),
    ]
    stale = await office.send("POST", f"{path}/cancel", revision=1)
    assert (stale.status_code, problem(stale)) == (412, "revision-moved")
    # What is decided the station does not take back.
    assert (await office.send("POST", f"{path}/cancel", revision=2, credential=key)).status_code == 403
    again = await office.send("POST", f"{path}/accept", revision=2)
    assert (again.status_code, problem(again), again.json()["possible"]) == (409, "window-move-refused", ["cancel"])
    rechecks = await office.database.fetch("SELECT * FROM alert_recheck")
    assert [(row["begin_time"], row["end_time"], row["cause"]) for row in rechecks] == [
        (_NOW + timedelta(minutes=60), _NOW + timedelta(minutes=180), f"window {window['id']}: accept")
    ]


async def test_a_draft_is_edited_and_handed_in_by_its_station_alone(office: Office) -> None:
    key, stranger = await office.gateway.key_of("TH-NT-001"), await office.gateway.key_of("TH-NT-002")
    made = await office.send("POST", _PATH, _window(60, 120, draft=True), credential=key)
    path = made.headers["Location"]
    for method, rest, body in (("GET", "", None), ("PATCH", "", {"reason": "x"}), ("POST", "/cancel", None)):
        answer = await office.send(method, path + rest, body, revision="*", credential=stranger)
        assert (answer.status_code, problem(answer)) == (404, "window-not-found")
    longer = instants.text(_NOW + timedelta(minutes=200))
    edited = await office.send("PATCH", path, {"to": longer, "symbol": "COD"}, revision=1, credential=key)
    assert (edited.json()["to"], edited.json()["symbol"], edited.json()["revision"]) == (longer, "COD", 2)
    wrong = await office.send("PATCH", path, {"to": instants.text(_NOW)}, revision=2, credential=key)
    assert wrong.status_code == 422
    assert problem(wrong) == "window-not-suitable"
    handed = await office.send("POST", f"{path}/request", revision=2, credential=key)
    assert handed.json()["state"] == "requested"
    late = await office.send("PATCH", path, {"reason": "x"}, revision=3, credential=key)
    assert (late.status_code, problem(late)) == (409, "window-move-refused")
    taken_back = await office.send("POST", f"{path}/cancel", {"reason": "rain"}, revision=3, credential=key)
    assert (taken_back.json()["state"], taken_back.json()["moves"][-1]["reason"]) == ("cancelled", "rain")
    listed = (await office.send("GET", _PATH, credential=stranger)).json()["items"]
    assert listed == []
    assert (await office.send("GET", f"{_PATH}?station=TH-NT-001", credential=stranger)).status_code == 403


async def test_windows_of_a_kind_do_not_overlap(office: Office) -> None:
    first = (await office.send("POST", _PATH, _window(60, 120))).json()
    refused = await office.send("POST", _PATH, _window(100, 160, symbol="COD"))
    assert (refused.status_code, problem(refused)) == (409, "window-overlaps")
    assert refused.json()["windows"] == [first["id"]]
    # They may touch, be of another kind, another station, or another property.
    for body in (
        _window(120, 160),
        _window(60, 120, kind="calibration", symbol="COD"),
        _window(60, 120, kind="calibration", symbol="TSS"),
        _window(60, 120, station="TH-NT-002"),
    ):
        assert (await office.send("POST", _PATH, body)).status_code == 201
    draft = await office.send("POST", _PATH, _window(60, 120, draft=True))
    handed = await office.send("POST", f"{draft.headers['Location']}/request", revision=1)
    assert problem(handed) == "window-overlaps"
    rejected = await office.send("POST", f"{_PATH}/{first['id']}/reject", {"reason": "no"}, revision=1)
    assert rejected.json()["decisionReason"] == "no"
    assert (await office.send("POST", f"{draft.headers['Location']}/request", revision=1)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (_window(60, 60), 422, "to"),
        (_window(0, 61 * 24 * 60), 422, "to"),
        (_window(0, 60, station="NOBODY"), 404, "station"),
        (_window(0, 60, symbol="XYZ"), 404, "symbol"),
        (_window(0, 60, kind="holiday"), 422, "body.kind"),
        (_window(0, 60, tolerance=1), 422, "tolerance"),
        (_window(0, 60, reason=""), 422, "body.reason"),
        (_window(0, 60, station=None), 422, "station"),
        ({"kind": "maintenance"}, 422, "body.from"),
    ],
)
async def test_a_window_that_cannot_be_is_told_by_member(
    office: Office, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await office.send("POST", _PATH, body)
    assert answer.status_code == status, answer.text
    assert any(field in fault["field"] for fault in answer.json()["errors"]), answer.text


async def test_windows_are_listed_latest_first_and_narrowed(office: Office) -> None:
    made = [(await office.send("POST", _PATH, _window(60 * n, 60 * n + 30))).json()["id"] for n in range(1, 5)]
    await office.send("POST", f"{_PATH}/{made[0]}/accept", revision=1)

    async def ids(**params: Any) -> list[int]:
        return [item["id"] for item in (await office.gateway.get(_PATH, **params)).json()["items"]]

    assert await ids() == made[::-1]
    assert await ids(state="accepted") == [made[0]]
    assert await ids(kind="calibration") == []
    assert await ids(station="TH-NT-001", to=instants.text(_NOW + timedelta(minutes=120))) == [made[0]]
    page = (await office.gateway.get(_PATH, limit=3)).json()
    rest = (await office.gateway.get(_PATH, limit=3, cursor=page["nextCursor"])).json()
    assert [item["id"] for item in (*page["items"], *rest["items"])] == made[::-1]
    assert rest["nextCursor"] is None


async def test_what_begins_in_an_accepted_window_is_shown_and_calls_nobody(office: Office) -> None:
    window = await _accepted(office, -60, 60)
    assert window["hindsight"] is True
    alert = await office.raise_one(escalate_time=_NOW - timedelta(minutes=1))
    assert (alert.muted_by, alert.escalate_time) == (window["id"], None)
    document = (await office.send("GET", f"/v1/alerts/{alert.id}")).json()
    assert (document["muted"], document["mutedBy"], document["historical"]) == (True, window["id"], False)
    raised = (await office.events())[-1]
    assert (raised["type"], raised["historical"]) == ("alert.raised", True)
    assert (await office.gateway.get("/v1/alerts/counts")).json()["muted"] == 1
    elsewhere = await office.raise_one("TH-NT-002", escalate_time=_NOW)
    assert elsewhere.muted_by is None
    assert (await office.events())[-1]["historical"] is False


async def test_a_window_mutes_its_own_subject_kinds_and_time_only(office: Office) -> None:
    window = await _accepted(office, -60, 60, kind="calibration", symbol="COD")
    muted = await office.raise_one(kind="spike")
    assert muted.muted_by == window["id"]
    assert (await office.raise_one(symbol="TSS")).muted_by is None, "another property"
    assert (await office.raise_one(symbol=None, kind="lost-connection")).muted_by is None, "no matter of calibration"
    before = await office.raise_one(raised_time=_NOW - timedelta(minutes=61))
    assert before.muted_by is None, "it began before"
    over = await _accepted(office, -600, -300)
    outlived = await office.raise_one(
        kind="frozen-value", symbol="TSS", raised_time=_NOW - timedelta(minutes=400), last_time=_NOW
    )
    assert outlived.muted_by is None, "it outlived the window"
    assert over["state"] == "accepted"


async def test_acceptance_in_hindsight_mutes_what_is_over_and_what_goes_on(office: Office) -> None:
    over = await office.raise_one(kind="spike", last_time=_NOW - timedelta(minutes=20))
    await office.by_data(over.id, Action.CLEAR, cleared_time=_NOW - timedelta(minutes=20))
    open_one = await office.raise_one(escalate_time=_NOW - timedelta(minutes=1))
    window = await _accepted(office, -60, 60)
    assert (await office.alert(over.id)).muted_by == window["id"]
    await Escalation(office.database).turn()
    now = await office.alert(open_one.id)
    assert (now.muted_by, now.escalate_time, now.escalation_level, now.state) == (window["id"], None, 0, State.RAISED)
    move = (await office.moves(over.id))[-1]
    assert (move.action, move.actor, move.facts) == ("update", "staff", {"muted": True, "window": window["id"]})
    await office.send("POST", f"{_PATH}/{window['id']}/cancel", {"reason": "it was no maintenance"}, revision=2)
    await Escalation(office.database).turn()
    assert (await office.alert(over.id)).muted_by is None
    back = await office.alert(open_one.id)
    assert back.muted_by is None
    assert back.escalate_time is not None
    # People hear of what still goes on as if it were raised now.
    raised = [event for event in await office.events() if event["type"] == "alert.raised"]
    assert raised[-1]["historical"] is False
    assert (await office.moves(open_one.id))[-1].action == "surface"


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = field(default_factory=instants.now)

    def __call__(self) -> datetime:
        return self.now


async def _muted(office: Office) -> Alert:
    await _accepted(office, -60, 60)
    return await office.raise_one()


async def test_an_alert_that_outlives_its_window_calls_people(office: Office) -> None:
    alert = await _muted(office)
    clock = Clock()
    await Escalation(office.database, clock=clock).turn()
    assert (await office.alert(alert.id)).muted_by is not None
    clock.now = _NOW + timedelta(minutes=61)
    await Escalation(office.database, clock=clock).turn()
    now = await office.alert(alert.id)
    assert now.muted_by is None
    assert now.escalate_time is not None
    assert now.escalate_time > clock.now
    count = len(await office.moves(alert.id))
    await Escalation(office.database, clock=clock).turn()
    assert len(await office.moves(alert.id)) == count, "a second look changes nothing"
