"""The live stream of a gateway process, over real connections."""

import asyncio
import signal
from datetime import timedelta

import httpx
import pytest

from core import feeds, instants
from telemetry.hooks.stream.cursors import Cursor
from tests.fixtures.catalogs import problem
from tests.fixtures.ledger import STAFF_TOKEN, Centre
from tests.fixtures.streams import Reader, late, raise_alerts, submit

STATION, OTHER = "TH-NT-001", "TH-NT-002"
ALERTS = {"types": "alert"}


async def ask(
    centre: Centre, credential: str = STAFF_TOKEN, last_id: str | None = None, **params: str
) -> httpx.Response:
    """An answer that is a refusal; a stream would not end."""
    headers = {"Authorization": f"Bearer {credential}"} | ({} if last_id is None else {"Last-Event-ID": last_id})
    async with httpx.AsyncClient(timeout=10) as client:
        return await client.get(f"{centre.url}/v1/events", params=params, headers=headers)


async def test_an_alert_is_sent_to_all_who_listen(standing_centre: Centre) -> None:
    async with Reader(standing_centre.url) as one, Reader(standing_centre.url) as two:
        await raise_alerts(standing_centre.database, 11)
        for reader in (one, two):
            event = await reader.event()
            assert (event.type, event.data["type"], event.data["historical"]) == ("alert.raised", "alert.raised", False)
            assert event.data["data"]["alert"]["title"]["vi"] == "TH-NT-001: COD vượt giới hạn"
    assert one.events[0] == two.events[0]
    assert one.retry == 2000


async def test_the_answer_is_one_that_no_proxy_gathers(standing_centre: Centre) -> None:
    async with Reader(standing_centre.url) as reader:
        assert reader.headers["content-type"].startswith("text/event-stream")
        assert reader.headers["cache-control"] == "no-store, no-transform"
        assert reader.headers["x-accel-buffering"] == "no"
        assert "content-length" not in reader.headers
        assert reader.headers["x-request-id"]


async def test_the_newest_readings_of_a_submission_are_sent(standing_centre: Centre) -> None:
    async with Reader(standing_centre.url, params={"types": "observations"}) as reader:
        receipt = await submit(standing_centre, STATION, COD=48.6, pH=7.25)
        event = await reader.event()
    data = event.data
    assert event.type == "observations"
    assert (data["station"], data["receipt"], data["channel"]) == (STATION, receipt["receipt"], "http")
    assert data["stored"] == 2
    assert {symbol: found["result"] for symbol, found in data["results"].items()} == {"COD": 48.6, "pH": 7.25}
    assert data["results"]["COD"]["unit"] == "mg/l"
    assert data["results"]["COD"]["deviceStatus"] == "00"
    assert data["results"]["COD"]["quality"] in {1, 2}


async def test_what_was_stored_before_is_not_sent_again_as_new(standing_centre: Centre) -> None:
    await submit(standing_centre, STATION, 3, COD=40.0)
    async with Reader(standing_centre.url, params={"types": "observations"}) as reader:
        await submit(standing_centre, STATION, 3, COD=40.0)
        await submit(standing_centre, STATION, 2, COD=41.0)
        event = await reader.event()
    assert event.data["results"]["COD"]["result"] == 41.0


async def test_a_backfill_is_told_by_its_newest_hour(standing_centre: Centre) -> None:
    times = [instants.now().replace(microsecond=0) - timedelta(days=2, minutes=minute) for minute in range(300)]
    body = {"station": OTHER, "phenomenonTime": list(map(instants.text, times)), "results": {"COD": [5.0] * 300}}
    headers = {"Authorization": f"Bearer {standing_centre.credentials[OTHER]}"}
    async with Reader(standing_centre.url, params={"types": "observations"}) as reader:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{standing_centre.url}/v1/observations", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        event = await reader.event()
    assert event.data["stored"] == 300
    assert event.data["phenomenonTime"] == instants.text(times[0])
    assert event.data["firstTime"] == instants.text(times[-1])


async def test_a_submission_of_several_stations_is_an_event_for_each(standing_centre: Centre) -> None:
    time = instants.text(instants.now().replace(microsecond=0))
    body = [
        {"station": station, "phenomenonTime": time, "readings": {"COD": value}}
        for station, value in ((STATION, 1.5), (OTHER, 2.5))
    ]
    async with Reader(standing_centre.url, params={"types": "observations"}) as reader:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {STAFF_TOKEN}"}) as client:
            answer = await client.post(f"{standing_centre.url}/v1/observations", json=body)
        assert answer.status_code == 200, answer.text
        await reader.event(2)
    assert {event.data["station"]: event.data["results"]["COD"]["result"] for event in reader.events} == {
        STATION: 1.5,
        OTHER: 2.5,
    }
    # Who was cut off between the two is sent the second, and only that.
    async with Reader(standing_centre.url, params={"types": "observations"}, last_id=reader.events[0].id) as again:
        await again.event()
        await submit(standing_centre, STATION, 1, pH=7.0)
        await again.event(2)
    assert again.events[0] == reader.events[1]
    assert again.events[1].data["results"].keys() == {"pH"}


async def test_who_comes_back_is_sent_what_came_since_once_and_in_order(standing_centre: Centre) -> None:
    async with Reader(standing_centre.url, params=ALERTS) as reader:
        await raise_alerts(standing_centre.database, 1, 2, 3)
        await reader.event(3)
    # In the middle of what one transaction wrote.
    for seen in (1, 2, 3):
        last_id = reader.events[seen - 1].id
        await raise_alerts(standing_centre.database, 10 * seen)
        async with Reader(standing_centre.url, params=ALERTS, last_id=last_id) as again:
            await raise_alerts(standing_centre.database, 10 * seen + 1)
            await again.until(lambda again=again, seen=seen: 10 * seen + 1 in again.alerts())  # type: ignore[misc] # a lambda
        missed = [1, 2, 3][seen:] + [
            number for earlier in range(1, seen) for number in (10 * earlier, 10 * earlier + 1)
        ]
        assert again.alerts() == [*missed, 10 * seen, 10 * seen + 1]


async def test_what_commits_late_is_sent_though_younger_events_went_before(standing_centre: Centre) -> None:
    database = standing_centre.database
    async with Reader(standing_centre.url, params=ALERTS) as reader:
        async with late(database, 100, 101):
            await raise_alerts(database, 102)
            await reader.until(lambda: reader.alerts() == [102])
            between = reader.events[-1].id
            async with Reader(standing_centre.url, params=ALERTS, last_id=between) as resumed:
                await raise_alerts(database, 103)
                await resumed.until(lambda: resumed.alerts() == [103])
        await reader.until(lambda: len(reader.alerts()) == 4)
    assert reader.alerts() == [102, 103, 100, 101]
    # And to who left before it was committed, wherever that was.
    for last_id in (between, resumed.last_id):
        async with Reader(standing_centre.url, params=ALERTS, last_id=last_id) as again:
            await raise_alerts(database, 104)
            await again.until(lambda again=again: 104 in again.alerts())  # type: ignore[misc] # a lambda
        assert [number for number in again.alerts() if number < 103] == [100, 101]


async def test_silence_moves_the_place_to_which_a_client_comes_back(centre: Centre) -> None:
    centre.settings["QUANTRAC_STREAM__BEAT_SECONDS"] = "1"
    await asyncio.to_thread(centre.serve)
    async with Reader(centre.url, params={"types": "verdict"}) as reader:
        first = reader.last_id
        await raise_alerts(centre.database, 1)
        await reader.until(lambda: len(reader.comments) >= 3)
    assert reader.events == []
    assert reader.last_id != first
    async with Reader(centre.url, last_id=reader.last_id) as again:
        await raise_alerts(centre.database, 2)
        await again.event()
    assert again.alerts() == [2]


@pytest.mark.parametrize(
    "text", ["nonsense", "1_2_3", "1_0_5:3:", "2_0_1:1:", "1_0_1:9:4,3", "1_0_1:1:_0_1:1:_x_0_0_0"]
)
async def test_an_id_that_no_event_had_is_refused(standing_centre: Centre, text: str) -> None:
    body = problem(await ask(standing_centre, last_id=text), 422, "event-id-unreadable")
    assert body["errors"][0] == {
        "field": "Last-Event-ID",
        "found": text,
        "expected": "the id of an event of this stream, as it was sent",
    }


async def test_an_id_that_is_too_old_begins_anew_and_says_so(standing_centre: Centre) -> None:
    position = await feeds.now(standing_centre.database)
    old = Cursor(feeds.Position(position.seen, seen_time=instants.now() - timedelta(days=8)))
    await raise_alerts(standing_centre.database, 500)
    async with Reader(standing_centre.url, params=ALERTS, last_id=old.write()) as reader:
        await reader.event()
        await raise_alerts(standing_centre.database, 501)
        await reader.event(2)
    assert (reader.events[0].type, reader.events[0].data["reason"]) == ("reset", "too-old")
    assert reader.alerts() == [501]


async def test_an_id_from_before_a_restore_begins_anew_and_says_so(standing_centre: Centre) -> None:
    ahead = Cursor(feeds.Position("900000000:900000000:", seen_time=instants.now()))
    async with Reader(standing_centre.url, params=ALERTS, last_id=ahead.write()) as reader:
        await reader.event()
        await raise_alerts(standing_centre.database, 601)
        await reader.event(2)
    assert (reader.events[0].type, reader.events[0].data["reason"]) == ("reset", "restored")
    assert reader.alerts() == [601]


async def test_a_station_is_sent_what_is_about_itself_only(standing_centre: Centre) -> None:
    database = standing_centre.database
    ids = {code: await database.fetchval("SELECT id FROM station WHERE code = $1", code) for code in (STATION, OTHER)}
    async with Reader(standing_centre.url, standing_centre.credentials[STATION]) as reader:
        await raise_alerts(database, 1, station_id=ids[OTHER])
        await raise_alerts(database, 2)
        await submit(standing_centre, OTHER, 7, COD=1.0)
        await raise_alerts(database, 3, station_id=ids[STATION])
        await submit(standing_centre, STATION, 7, COD=1.0)
        await reader.event(2)
    assert [event.data.get("station") or event.data["data"]["alert"]["id"] for event in reader.events] == [3, STATION]
    problem(await ask(standing_centre, standing_centre.credentials[STATION], station=OTHER), 403, "forbidden")
    problem(await ask(standing_centre, standing_centre.credentials[STATION], organization="TH-DN-01"), 403, "forbidden")


async def test_filters_take_only_what_has_what_they_name(standing_centre: Centre) -> None:
    database = standing_centre.database
    row = await database.fetchrow(
        "SELECT s.id, o.code FROM station s JOIN organization o ON o.id = s.organization_id WHERE s.code = $1", STATION
    )
    url = standing_centre.url
    async with (
        Reader(url, params={"station": STATION}) as of_station,
        Reader(url, params={"organization": row["code"]}) as of_organization,
        Reader(url, params={"severity": "critical"}) as critical,
        Reader(url, params={"kind": ["frozen-value", "spike"]}) as of_kinds,
        Reader(url, params={"types": "alert.cleared,verdict"}) as of_types,
        Reader(url, params={"types": "alert", "history": "false"}) as live,
        Reader(url) as everything,
    ):
        await raise_alerts(database, 1, historical=True)
        await raise_alerts(database, 2, station_id=row["id"])
        await raise_alerts(database, 3, severity="critical")
        await raise_alerts(database, 4, alert_kind="spike")
        await raise_alerts(database, 5, type_="alert.cleared")
        await submit(standing_centre, STATION, 11, COD=1.0)
        await raise_alerts(
            database, 9, station_id=row["id"], severity="critical", alert_kind="spike", type_="alert.cleared"
        )
        readers = (of_station, of_organization, critical, of_kinds, of_types, live, everything)
        for reader in readers:
            await reader.until(lambda reader=reader: 9 in reader.alerts())  # type: ignore[misc] # a lambda
    assert [reader.alerts() for reader in readers] == [
        [2, 9], [2, 9], [3, 9], [4, 9], [5, 9], [2, 3, 4, 5, 9], [1, 2, 3, 4, 5, 9],
    ]  # fmt: skip
    with_readings = [any(event.type == "observations" for event in reader.events) for reader in readers]
    assert with_readings[:6] == [True, True, False, False, False, False]


async def test_filters_that_name_nothing_known_are_refused(standing_centre: Centre) -> None:
    problem(await ask(standing_centre, types="alerts"), 422, "event-type-unknown")
    problem(await ask(standing_centre, station="TH-XX-999"), 404, "station-not-found")
    problem(await ask(standing_centre, organization="NOBODY"), 404, "organization-not-found")
    problem(await ask(standing_centre, kind="bad-smell"), 422, "invalid-request")
    problem(await ask(standing_centre, severity="deadly"), 422, "invalid-request")
    problem(await ask(standing_centre, stations=STATION), 422, "unknown-parameter")
    problem(await ask(standing_centre, "wrong token"), 401, "unauthorized")


async def test_a_stop_signal_ends_the_streams_and_the_process_at_once(centre: Centre) -> None:
    gateway = await asyncio.to_thread(centre.serve)
    async with Reader(centre.url) as one, Reader(centre.url, centre.credentials[STATION]) as two:
        began = asyncio.get_running_loop().time()
        gateway.send(signal.SIGTERM)
        await asyncio.wait_for(one.ended.wait(), 5)
        await asyncio.wait_for(two.ended.wait(), 5)
        assert await asyncio.to_thread(gateway.wait, 10) in {0, -signal.SIGTERM}
        assert asyncio.get_running_loop().time() - began < 5
    assert "Traceback" not in gateway.log
