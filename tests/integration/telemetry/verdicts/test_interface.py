"""Verdicts and averaging policies over HTTP, as the staff and as others see them."""

from typing import Any

import pytest

from core import problems
from tests.fixtures.applications import Gateway
from tests.fixtures.verdicts import HOUR, MINUTE, Court, times, vietnam

STATION, SYMBOL = "TH-KT-001", "SO2"
EIGHT = vietnam(2026, 10, 5, 8)


@pytest.fixture
async def court(gateway: Gateway) -> Court:
    """Three hours: within the limit, over it, and silent."""
    opened = Court(gateway.database)
    await opened.open()
    await opened.limit(STATION, SYMBOL, "1h", upper=100)
    await opened.send(STATION, SYMBOL, times(EIGHT, EIGHT + 2 * HOUR), [50.0] * 12 + [150.0] * 12)
    await opened.at(EIGHT + 3 * HOUR + 10 * MINUTE)
    return opened


async def got(gateway: Gateway, path: str, **params: Any) -> Any:
    answer = await gateway.get(path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("court")
async def test_verdicts_are_listed_newest_first_and_by_page(gateway: Gateway) -> None:
    first = await got(gateway, "/v1/verdicts", station=STATION, symbol=SYMBOL, limit=2)
    assert [item["verdict"] for item in first["items"]] == ["insufficient-data", "exceeded"]
    rest = await got(gateway, "/v1/verdicts", station=STATION, symbol=SYMBOL, limit=2, cursor=first["nextCursor"])
    assert [item["verdict"] for item in rest["items"]] == ["compliant"]
    assert rest["nextCursor"] is None
    exceeded = first["items"][1]
    assert (exceeded["mean"], exceeded["limit"]["upper"], exceeded["periodStart"]) == (150, 100, "2026-10-05T02:00:00Z")


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"verdict": "exceeded"}, 1),
        ({"window": "1h", "symbol": SYMBOL, "station": STATION}, 3),
        ({"window": "24h", "station": STATION}, 0),
        ({"station": STATION, "symbol": SYMBOL, "from": "2026-10-05T09:00:00+07:00"}, 2),
        ({"station": STATION, "symbol": SYMBOL, "to": "2026-10-05T09:00:00+07:00"}, 1),
    ],
)
@pytest.mark.usefixtures("court")
async def test_the_list_is_narrowed(gateway: Gateway, asked: dict[str, str], count: int) -> None:
    assert len((await got(gateway, "/v1/verdicts", **asked))["items"]) == count


@pytest.mark.usefixtures("court")
async def test_verdicts_come_as_csv(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/verdicts", station=STATION, symbol=SYMBOL, format="csv", limit=2)
    header, first, second, _ = answer.text.split("\r\n")
    assert header.startswith("id,station,symbol,window,periodStart")
    assert ",insufficient-data," in first
    assert ",exceeded,,mg/Nm3,150.0,,100.0," in second
    assert answer.headers["x-next-cursor"]


async def test_a_verdict_is_read_with_its_past_and_the_data_behind_it(gateway: Gateway, court: Court) -> None:
    (found,) = (await got(gateway, "/v1/verdicts", verdict="insufficient-data", station=STATION, symbol=SYMBOL))[
        "items"
    ]
    receipt = await court.send(STATION, SYMBOL, times(EIGHT + 2 * HOUR, EIGHT + 3 * HOUR), 120.0)
    await court.turns()
    detail = await got(gateway, f"/v1/verdicts/{found['id']}")
    assert (detail["verdict"]["id"], detail["verdict"]["verdict"]) == (found["id"], "exceeded")
    (former,) = detail["former"]
    assert (former["verdict"], former["cause"], former["causeReceipt"]) == ("insufficient-data", "late-data", receipt)
    assert [(row["result"], row["judgedAs"], row["receipt"]) for row in detail["observations"]] == [
        (120, 120, receipt)
    ] * 12
    assert ([row["receipt"] for row in detail["receipts"]], detail["moreObservations"]) == ([receipt], False)


async def test_a_withdrawn_verdict_is_still_answered(gateway: Gateway, court: Court) -> None:
    (found,) = (await got(gateway, "/v1/verdicts", verdict="exceeded"))["items"]
    await court.database.execute("DELETE FROM datastream_limit WHERE datastream_id = $1", found["datastream"])
    await court.turns()
    detail = await got(gateway, f"/v1/verdicts/{found['id']}")
    assert detail["verdict"] is None
    assert [(former["id"], former["withdrawn"]) for former in detail["former"]] == [(found["id"], True)]
    assert len(detail["observations"]) == 12


async def test_an_unknown_verdict_is_not_found(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/verdicts/999999")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("verdict-not-found")


async def test_a_station_sees_no_verdicts(gateway: Gateway) -> None:
    key = await gateway.key_of(STATION)
    assert (await gateway.get("/v1/verdicts", key)).status_code == 403


async def test_what_is_asked_for_is_judged_again(gateway: Gateway, court: Court) -> None:
    # A row that no receipt tells of, as after a repair by hand.
    await court.database.execute(
        "INSERT INTO observation SELECT phenomenon_time + interval '1 minute', 950, receipt_id, datastream_id, 0, 0, 1 "
        "FROM observation WHERE phenomenon_time = $1",
        EIGHT,
    )
    body = {
        "station": STATION,
        "symbol": SYMBOL,
        "from": "2026-10-05T08:00:00+07:00",
        "to": "2026-10-05T08:30:00+07:00",
    }
    answer = await gateway.post("/v1/verdicts/judge", body)
    assert (answer.status_code, answer.json()) == (202, {"datastreams": 1})
    await court.turns()
    now = await court.one(STATION, SYMBOL, "1h", EIGHT)
    assert now is not None
    (former,) = await court.former(now)
    assert (now.verdict, former.cause, former.cause_person) == ("exceeded", "asked", "staff")


@pytest.mark.parametrize(
    ("changes", "status", "slug"),
    [
        ({"station": "TH-XX-999"}, 404, "station-not-found"),
        ({"symbol": "Nothing"}, 422, "nothing-to-judge"),
        ({"to": "2026-10-05T08:00:00+07:00"}, 422, "invalid-request"),
    ],
)
async def test_what_cannot_be_judged_again_is_told(
    gateway: Gateway, changes: dict[str, str], status: int, slug: str
) -> None:
    body = {"station": STATION, "from": "2026-10-05T08:00:00+07:00", "to": "2026-10-05T09:00:00+07:00"} | changes
    answer = await gateway.post("/v1/verdicts/judge", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"{problems.TYPE_PREFIX}{slug}")


async def test_the_year_under_way_is_judged_on_request_and_not_kept(gateway: Gateway) -> None:
    court = Court(gateway.database)
    await court.send("TH-KK-01", "SO2-air", times(vietnam(2026, 11, 1), vietnam(2026, 11, 2)), 60.0)
    (found,) = await got(gateway, "/v1/verdicts/provisional", station="TH-KK-01", symbol="SO2-air")
    assert (found["window"], found["mean"], found["validN"]) == ("year", 60, 288)
    assert found["verdict"] == "insufficient-data"
    assert 288 < found["expectedN"] <= 105_120
    assert await court.verdicts() == []


async def test_every_verdict_has_a_meaning(gateway: Gateway) -> None:
    names = {item["name"] for item in await got(gateway, "/v1/verdicts/legend")}
    assert {"compliant", "exceeded", "insufficient-data", "cannot-be-judged", "oxygen-undefined"} <= names


# Policies.

TERMS = {"minimumShare": 0.9, "labelEnd": True, "source": "Quyết định", "confidence": "read", "verified": True}


async def test_a_policy_is_read_and_changed_on_the_revision_that_was_read(gateway: Gateway) -> None:
    policy = next(item for item in await got(gateway, "/v1/averaging-policies") if item["ruleSet"] == "QCVN-05-2023")
    assert (policy["minimumShare"], policy["verified"], policy["labelEnd"]) == (0.75, False, True)
    path = f"/v1/averaging-policies/{policy['id']}"
    headers = {"Authorization": "Bearer a token of the staff"}
    assert (await gateway.client.put(path, json=TERMS, headers=headers)).status_code == 428
    changed = await gateway.client.put(path, json=TERMS, headers=headers | {"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["minimumShare"]) == (200, '"2"', 0.9)
    again = await gateway.client.put(path, json=TERMS, headers=headers | {"If-Match": '"1"'})
    assert again.status_code == 412
    assert (await got(gateway, path))["revision"] == 2


async def test_a_policy_is_added_once(gateway: Gateway) -> None:
    body = TERMS | {"ruleSet": "QCVN-19-2009-B", "window": "1h"}
    made = await gateway.post("/v1/averaging-policies", body)
    assert (made.status_code, made.json()["ruleSet"]) == (201, "QCVN-19-2009-B")
    assert (await gateway.post("/v1/averaging-policies", body)).status_code == 409
    unknown = await gateway.post("/v1/averaging-policies", body | {"ruleSet": "QCVN-0"})
    assert unknown.status_code == 404
    neither = await gateway.post("/v1/averaging-policies", TERMS | {"window": "1h"})
    assert neither.status_code == 422
