"""Alerts as they are listed, counted and read one by one."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from telemetry.alerts import kinds
from telemetry.alerts.lifecycle.workflow import Action
from tests.fixtures.alerts import Office, problem

_NOW = instants.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def _present_of_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite runs for long: a time that was taken when the module was read is past."""
    monkeypatch.setitem(globals(), "_NOW", instants.now().replace(microsecond=0))


async def _ids(office: Office, **params: Any) -> list[int]:
    answer = await office.gateway.get("/v1/alerts", **params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_alerts_are_listed_newest_first_and_narrowed(office: Office) -> None:
    old = await office.raise_one(
        raised_time=_NOW - timedelta(days=40), last_time=_NOW - timedelta(days=39), historical=True
    )
    await office.by_data(old.id, Action.CLEAR, cleared_time=_NOW - timedelta(days=39))
    cod = await office.raise_one(raised_time=_NOW - timedelta(hours=3))
    lost = await office.raise_one(
        "TH-KT-001", None, kind="lost-connection", severity="critical", raised_time=_NOW - timedelta(hours=2)
    )
    network = await office.raise_one(
        station_id=None, datastream_id=None, kind="job-stuck", severity="notice", raised_time=_NOW - timedelta(hours=1)
    )
    await office.ask(cod.id, "assignee", {"assignee": "Lan"})
    assert await _ids(office) == [network.id, lost.id, cod.id, old.id]
    assert await _ids(office, state=["raised"]) == [network.id, lost.id, cod.id]
    assert await _ids(office, state=["cleared", "shelved"]) == [old.id]
    assert await _ids(office, kind=["lost-connection", "job-stuck"]) == [network.id, lost.id]
    assert await _ids(office, severity="critical") == [lost.id]
    assert await _ids(office, station="TH-NT-001") == [cod.id, old.id]
    assert await _ids(office, symbol="COD", historical="false") == [cod.id]
    assert await _ids(office, historical="true") == [old.id]
    assert await _ids(office, assignee="Lan") == [cod.id]
    assert await _ids(office, muted="true") == []
    # What goes on lasts until now; what is over lasts until it was cleared.
    assert await _ids(office, **{"from": instants.text(_NOW - timedelta(days=38))}) == [network.id, lost.id, cod.id]
    assert await _ids(office, to=instants.text(_NOW - timedelta(days=38))) == [old.id]
    owner = (await office.gateway.get("/v1/stations/TH-KT-001")).json()["organization"]
    assert lost.id in await _ids(office, organization=owner)
    for params, status in (
        ({"state": "open"}, 422),
        ({"kind": "flood"}, 422),
        ({"station": "NOBODY"}, 404),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 422),
        ({"cursor": "x"}, 422),
        ({"stat": "raised"}, 422),
    ):
        assert (await office.gateway.get("/v1/alerts", **params)).status_code == status, params


async def test_pages_follow_one_another_and_csv_is_all_of_it(office: Office) -> None:
    raised = [
        await office.raise_one(f"TH-NT-{n:03d}", raised_time=_NOW - timedelta(hours=2 + n % 2), detail={"unit": "=1+1"})
        for n in range(1, 8)
    ]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await office.gateway.get("/v1/alerts", **params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    expected = sorted(raised, key=lambda alert: (alert.raised_time, alert.id), reverse=True)
    assert seen == [alert.id for alert in expected]
    answer = await office.gateway.get("/v1/alerts", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(row["id"]) for row in rows] == seen
    assert {row["unit"] for row in rows} == {"'=1+1"}, "a spreadsheet would take it for a formula"
    assert rows[0]["titleVi"].startswith("TH-NT-")


async def test_a_station_reads_the_alerts_of_its_own_and_moves_none(office: Office) -> None:
    own = await office.raise_one("TH-NT-002")
    other = await office.raise_one("TH-NT-001")
    network = await office.raise_one(station_id=None, datastream_id=None, kind="job-stuck")
    key = await office.gateway.key_of("TH-NT-002")
    listed = (await office.send("GET", "/v1/alerts", credential=key)).json()["items"]
    assert [item["id"] for item in listed] == [own.id]
    assert (await office.send("GET", "/v1/alerts?station=TH-NT-001", credential=key)).status_code == 403
    assert (await office.send("GET", f"/v1/alerts/{own.id}", credential=key)).status_code == 200
    for hidden in (other.id, network.id, 999_999):
        answer = await office.send("GET", f"/v1/alerts/{hidden}", credential=key)
        assert (answer.status_code, problem(answer)) == (404, "alert-not-found")
    for path in (f"{own.id}/acknowledge", f"{own.id}/comments", f"{own.id}/clear"):
        answer = await office.send("POST", f"/v1/alerts/{path}", {"text": "x"}, revision="*", credential=key)
        assert answer.status_code == 403
    assert (await office.send("GET", "/v1/alerts/counts", credential=key)).status_code == 403
    assert (await office.send("GET", "/v1/alerts", credential="nobody")).status_code == 401


async def test_one_alert_has_its_timeline_its_data_and_the_limits_that_held(office: Office) -> None:
    key = await office.gateway.key_of("TH-NT-001")
    begin = _NOW - timedelta(hours=1)
    for minutes, value in ((0, 60.0), (5, 182.4), (10, 171.0)):
        await office.gateway.post(
            "/v1/observations",
            {"phenomenonTime": instants.text(begin + timedelta(minutes=minutes)), "readings": {"COD": value}},
            key,
        )
    alert = await office.raise_one(raised_time=begin + timedelta(minutes=5), last_time=begin + timedelta(minutes=10))
    await office.ask(alert.id, "comments", {"text": "Hm."})
    answer = await office.send("GET", f"/v1/alerts/{alert.id}")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert answer.headers["ETag"] == '"2"'
    assert [(move["action"], move["actor"]) for move in document["moves"]] == [
        ("raise", "quantrac"),
        ("comment", "staff"),
    ]
    assert document["possible"] == ["acknowledge", "comment", "assign", "shelve", "clear-by-hand"]
    window = document["window"]
    assert window["result"] == [60.0, 182.4, 171.0]
    assert window["deviceStatus"] == ["00", "00", "00"]
    assert len(window["phenomenonTime"]) == len(window["quality"]) == 3
    assert window["truncated"] is False
    assert [limit["upper"] for limit in window["limits"]] != []
    assert document["links"]["self"] == f"/v1/alerts/{alert.id}"
    for name in ("observations", "rule", "station"):
        assert (await office.send("GET", document["links"][name])).status_code == 200, name


async def test_an_alert_about_a_station_has_no_data_window(office: Office) -> None:
    alert = await office.raise_one(symbol=None, kind="lost-connection")
    document = (await office.send("GET", f"/v1/alerts/{alert.id}")).json()
    assert (document["window"], document["symbol"], document["datastream"]) == (None, None, None)


async def test_the_wall_shows_open_alerts_and_every_station_once(office: Office) -> None:
    await office.raise_one("TH-NT-001", severity="warning")
    await office.raise_one("TH-NT-001", None, kind="lost-connection", severity="critical")
    await office.raise_one("TH-NT-002", kind="tendency", severity="notice")
    shelved = await office.raise_one("TH-KT-001", "SO2", severity="warning")
    await office.ask(shelved.id, "acknowledge")
    fault = await office.raise_one("TH-KT-002", "SO2", kind="instrument-fault")
    over = await office.raise_one("TH-NT-003")
    await office.by_data(over.id, Action.CLEAR, cleared_time=_NOW)
    key = await office.gateway.key_of("TH-NT-004")
    time = instants.text(instants.now().replace(microsecond=0))
    await office.gateway.post(
        "/v1/observations",
        {"phenomenonTime": time, "readings": [{"symbol": "COD", "result": 1.0, "status": "01"}]},
        key,
    )
    found = (await office.gateway.get("/v1/alerts/counts")).json()
    assert found["total"] == {"open": 5, "unacknowledged": 4}
    assert found["byState"] == {"raised": 4, "acknowledged": 1, "shelved": 0}
    assert found["bySeverity"]["critical"] == {"open": 1, "unacknowledged": 1}
    assert found["byKind"]["over-limit"] == {"open": 2, "unacknowledged": 1}
    assert found["byStationKind"]["flue_gas"] == {"open": 2, "unacknowledged": 1}
    assert found["muted"] == 0
    states = {state["state"]: state for state in found["stations"]}
    assert list(states) == ["lost", "over-limit", "faulty", "calibrating", "tendency", "good"]
    assert {name: state["stations"] for name, state in states.items()} == {
        "lost": 1,
        "over-limit": 1,
        "faulty": 1,
        "calibrating": 1,
        "tendency": 1,
        "good": 100,
    }
    assert states["lost"]["byKind"] == {"wastewater": 1}
    assert (states["lost"]["labelVi"], states["over-limit"]["colour"]) == ("Mất kết nối", "#EA3223")
    owner = (await office.gateway.get("/v1/stations/TH-KT-002")).json()["organization"]
    narrowed = (await office.gateway.get("/v1/alerts/counts", organization=owner)).json()
    assert narrowed["total"]["open"] < 5
    assert fault.kind in narrowed["byKind"]


async def test_every_kind_can_be_listed_and_read(office: Office) -> None:
    for place, kind in enumerate(kinds.Kind):
        await office.raise_one(kind=kind.value, raised_time=_NOW - timedelta(minutes=40 + place), detail={})
    items = (await office.gateway.get("/v1/alerts")).json()["items"]
    assert [item["kind"] for item in items] == [kind.value for kind in kinds.Kind]
    assert all(item["title"]["vi"].startswith("TH-NT-001: ") for item in items)
