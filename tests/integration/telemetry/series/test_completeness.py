"""Received and valid shares, with both sides of the fraction."""

import csv
import io
from datetime import timedelta
from typing import Any

from core import instants
from telemetry.quality.flags import Reason
from telemetry.series import schemas
from tests.fixtures.series import Archive, utc

_BEGIN = utc(2026, 10, 5)
_DAY: dict[str, Any] = {"from_": _BEGIN.isoformat(), "to": (_BEGIN + timedelta(days=1)).isoformat()}


async def test_a_day_expects_288_observations_of_each_datastream(archive: Archive) -> None:
    stream = archive.stream("TH-NN-001", "Flow")
    await archive.fill([stream], _BEGIN, _BEGIN + timedelta(hours=12))
    await archive.database.execute(
        "UPDATE observation SET result_quality = 4, device_status = 1, quality_reasons = $1 WHERE phenomenon_time < $2",
        int(Reason.CALIBRATING),
        _BEGIN + timedelta(hours=1),
    )
    body = await archive.get("/v1/completeness", station="TH-NN-001", **_DAY)
    schemas.Completeness.model_validate(body)
    (station,) = body["stations"]
    shares = {share["symbol"]: share for share in station["datastreams"]}
    flow = {"expected": 288, "received": 144, "valid": 132, "receivedPercent": 50.0, "validPercent": 45.83}
    assert shares["Flow"] == {"datastream": stream, "symbol": "Flow", **flow}
    assert (shares["Level"]["received"], shares["Level"]["receivedPercent"]) == (0, 0.0)
    count = len(shares)
    assert (station["expected"], station["received"], station["valid"]) == (288 * count, 144, 132)
    assert body["total"] == {name: station[name] for name in body["total"]}


async def test_the_whole_network_is_counted(archive: Archive) -> None:
    body = await archive.get("/v1/completeness", **_DAY)
    assert len(body["stations"]) == 105
    assert body["total"]["expected"] == 288 * len(archive.catalog.snapshot.datastreams)
    assert body["total"]["receivedPercent"] == 0.0


async def test_where_nothing_is_expected_there_is_no_percentage(archive: Archive) -> None:
    now = instants.now()
    for begin, end in ((now + timedelta(days=1), now + timedelta(days=2)), (_BEGIN, _BEGIN + timedelta(minutes=4))):
        body = await archive.get("/v1/completeness", station="TH-NT-001", from_=begin.isoformat(), to=end.isoformat())
        assert body["total"] == {
            "expected": 0,
            "received": 0,
            "valid": 0,
            "receivedPercent": None,
            "validPercent": None,
        }


async def test_the_future_is_not_expected(archive: Archive) -> None:
    now = instants.now()
    body = await archive.get(
        "/v1/completeness",
        station="TH-NN-001",
        from_=(now - timedelta(hours=1)).isoformat(),
        to=(now + timedelta(days=30)).isoformat(),
    )
    assert {share["expected"] for share in body["stations"][0]["datastreams"]} <= {11, 12}
    assert abs(instants.parse(body["to"]) - now) < timedelta(seconds=30)


async def test_a_span_in_the_future_is_empty(archive: Archive) -> None:
    begin, end = instants.now() + timedelta(days=1), instants.now() + timedelta(days=2)
    body = await archive.get("/v1/completeness", from_=begin.isoformat(), to=end.isoformat())
    assert (body["total"]["expected"], body["total"]["receivedPercent"]) == (0, None)
    assert body["from"] == body["to"]


async def test_steps_that_the_span_cuts_are_left_out_on_both_sides(archive: Archive) -> None:
    stream = archive.stream("TH-NN-001", "Flow")
    await archive.fill([stream], _BEGIN, _BEGIN + timedelta(hours=1), timedelta(minutes=1))
    body = await archive.get(
        "/v1/completeness",
        station="TH-NN-001",
        from_=(_BEGIN + timedelta(minutes=3)).isoformat(),
        to=(_BEGIN + timedelta(minutes=17)).isoformat(),
    )
    shares = {share["symbol"]: share for share in body["stations"][0]["datastreams"]}
    # 00:05 to 00:15: two steps, five observations in each.
    assert (shares["Flow"]["expected"], shares["Flow"]["received"], shares["Flow"]["receivedPercent"]) == (2, 2, 100.0)


async def test_a_burst_fills_one_step_and_hides_no_gap(archive: Archive) -> None:
    stream = archive.stream("TH-NN-001", "Flow")
    burst = _BEGIN + timedelta(minutes=12)
    await archive.fill([stream], burst, burst + timedelta(seconds=20), timedelta(seconds=1))
    body = await archive.get(
        "/v1/completeness",
        station="TH-NN-001",
        from_=_BEGIN.isoformat(),
        to=(_BEGIN + timedelta(minutes=50)).isoformat(),
    )
    flow = next(share for share in body["stations"][0]["datastreams"] if share["symbol"] == "Flow")
    assert (flow["expected"], flow["received"], flow["receivedPercent"]) == (10, 1, 10.0)


async def test_one_valid_reading_makes_a_step_valid(archive: Archive) -> None:
    stream = archive.stream("TH-NN-001", "Flow")
    calibrating = {"quality": 4, "reasons": int(Reason.CALIBRATING), "status": 1}
    await archive.put(stream, _BEGIN, 1.0, **calibrating)
    await archive.put(stream, _BEGIN + timedelta(minutes=1), 2.0)
    await archive.put(stream, _BEGIN + timedelta(minutes=2), 3.0, **calibrating)
    await archive.put(stream, _BEGIN + timedelta(minutes=5), 4.0, **calibrating)
    body = await archive.get(
        "/v1/completeness",
        station="TH-NN-001",
        from_=_BEGIN.isoformat(),
        to=(_BEGIN + timedelta(minutes=15)).isoformat(),
    )
    flow = next(share for share in body["stations"][0]["datastreams"] if share["symbol"] == "Flow")
    assert (flow["expected"], flow["received"], flow["valid"]) == (3, 2, 1)


async def test_steps_are_those_of_the_station_s_own_cadence(archive: Archive) -> None:
    await archive.database.execute("UPDATE station SET cadence_seconds = 420 WHERE code = 'TH-NN-001'")
    await archive.catalog.refresh()
    stream = archive.stream("TH-NN-001", "Flow")
    await archive.fill([stream], _BEGIN, _BEGIN + timedelta(days=1))
    body = await archive.get("/v1/completeness", station="TH-NN-001", **_DAY)
    flow = next(share for share in body["stations"][0]["datastreams"] if share["symbol"] == "Flow")
    assert flow["received"] == flow["expected"] in {205, 206}
    assert flow["receivedPercent"] == 100.0


async def test_one_that_is_missing_is_never_rounded_away(archive: Archive) -> None:
    stream = archive.stream("TH-NN-001", "Flow")
    end = _BEGIN + timedelta(days=80)
    await archive.fill([stream], _BEGIN - timedelta(days=40), end - timedelta(days=40))
    await archive.database.execute("DELETE FROM observation WHERE phenomenon_time = $1", _BEGIN)
    body = await archive.get(
        "/v1/completeness",
        station="TH-NN-001",
        from_=(_BEGIN - timedelta(days=40)).isoformat(),
        to=(end - timedelta(days=40)).isoformat(),
    )
    shares = {share["symbol"]: share for share in body["stations"][0]["datastreams"]}
    assert (shares["Flow"]["expected"] - shares["Flow"]["received"], shares["Flow"]["receivedPercent"]) == (1, 99.99)


async def test_a_span_that_would_count_too_much_is_refused(archive: Archive) -> None:
    problem = await archive.get("/v1/completeness", from_="2020-01-01T00:00:00Z", status=422)
    assert problem["type"].endswith("span-not-valid")
    assert "15000000" in problem["errors"][0]["expected"]


async def test_a_station_sees_its_own_share_only(archive: Archive) -> None:
    body = await archive.get("/v1/completeness", who="own", **_DAY)
    assert [station["station"] for station in body["stations"]] == ["TH-NT-001"]
    await archive.get("/v1/completeness", who="own", station="TH-NT-002", status=403)


async def test_shares_as_csv(archive: Archive) -> None:
    answer = await archive.answer("/v1/completeness", station="TH-NN-001", format="csv", **_DAY)
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert {row["symbol"] for row in rows} >= {"Flow", "Level"}
    assert rows[0]["expected"] == "288"
