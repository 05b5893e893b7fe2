"""The latest value of every datastream, in one call."""

import csv
import io
from datetime import timedelta

import pytest

from core import instants
from telemetry.quality.checking import Window
from telemetry.quality.flags import Reason
from telemetry.series import latest, schemas
from tests.fixtures.series import Archive


async def test_the_whole_network_is_one_answer(archive: Archive) -> None:
    body = await archive.get("/v1/latest")
    schemas.Latest.model_validate(body)
    active = [stream for stream in archive.catalog.snapshot.datastreams.values() if stream.status == "active"]
    assert len(body["items"]) == len(active) > 800
    keys = [(item["station"], item["symbol"]) for item in body["items"]]
    assert keys == sorted(keys)
    assert all(item["overdue"] and item["result"] is None and item["limit"] is None for item in body["items"])


async def test_the_newest_observation_is_told_with_age_quality_and_limit(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    now = instants.now().replace(microsecond=0)
    await archive.put(
        stream, now - timedelta(minutes=3), 500.0, reasons=int(Reason.ABOVE_LIMIT | Reason.LIMIT_UNVERIFIED)
    )
    # Later in arrival, older in time: it does not replace the latest.
    await archive.put(stream, now - timedelta(minutes=8), 1.0)
    items = (await archive.get("/v1/latest", station="TH-NT-001", zone="Asia/Ho_Chi_Minh"))["items"]
    (item,) = [item for item in items if item["symbol"] == "COD"]
    assert 180 <= item.pop("ageSeconds") <= 240
    upper = item["limit"].pop("upper")
    assert upper > 100
    assert item == {
        "station": "TH-NT-001",
        "kind": "wastewater",
        "datastream": stream,
        "symbol": "COD",
        "unit": "mg/l",
        "phenomenonTime": instants.text(now - timedelta(minutes=3), instants.Zone.VIETNAM),
        "overdue": False,
        "result": 500.0,
        "quality": 1,
        "reasons": ["above-limit", "limit-unverified"],
        "deviceStatus": "00",
        "limit": {"lower": None, "verified": False, "state": "above"},
        "receipt": 7,
    }


async def test_what_a_wider_intake_takes_is_not_hidden(archive: Archive) -> None:
    """The archive's intake takes readings of 800 days."""
    now = instants.now()
    await archive.put(archive.stream("TH-NT-001", "COD"), now - timedelta(days=790), 1)
    await archive.put(archive.stream("TH-NT-001", "TSS"), now - timedelta(days=810), 1)
    items = {item["symbol"]: item for item in (await archive.get("/v1/latest", station="TH-NT-001"))["items"]}
    assert (items["COD"]["result"], items["TSS"]["result"]) == (1, None)


@pytest.mark.parametrize(
    ("taken", "looked_for"), [(timedelta(days=800), timedelta(days=800)), (timedelta(days=30), timedelta(days=400))]
)
def test_a_narrower_intake_does_not_hide_what_is_there(taken: timedelta, looked_for: timedelta) -> None:
    microsecond = timedelta(microseconds=1)
    assert latest.reach_us(Window(oldest_us=taken // microsecond)) == looked_for // microsecond


async def test_a_station_is_overdue_after_one_cadence_and_fifteen_minutes(archive: Archive) -> None:
    now = instants.now()
    await archive.put(archive.stream("TH-NT-001", "COD"), now - timedelta(minutes=19), 1)
    await archive.put(archive.stream("TH-NT-001", "TSS"), now - timedelta(minutes=21), 1)
    items = {item["symbol"]: item for item in (await archive.get("/v1/latest", station="TH-NT-001"))["items"]}
    assert (items["COD"]["overdue"], items["TSS"]["overdue"], items["pH"]["overdue"]) == (False, True, True)


async def test_what_a_broken_device_shows_is_compared_with_no_limit(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.put(stream, instants.now(), 1, quality=4, reasons=int(Reason.DEVICE_FAULT), status=2)
    items = (await archive.get("/v1/latest", station="TH-NT-001"))["items"]
    (item,) = [item for item in items if item["symbol"] == "COD"]
    assert (item["limit"], item["deviceStatus"], item["reasons"]) == (None, "02", ["device-fault"])


async def test_kind_and_station_narrow_the_answer(archive: Archive) -> None:
    wells = (await archive.get("/v1/latest", kind="groundwater"))["items"]
    assert {item["kind"] for item in wells} == {"groundwater"}
    assert len({item["station"] for item in wells}) == 14
    assert (await archive.get("/v1/latest", kind="ambient", station="TH-NN-001"))["items"] == []
    assert (await archive.get("/v1/latest", station="TH-XX-001", status=404))["type"].endswith("station-not-found")


async def test_retired_stations_are_left_out_unless_named(archive: Archive) -> None:
    await archive.database.execute("UPDATE station SET status = 'retired' WHERE code = 'TH-NN-001'")
    await archive.catalog.refresh()
    stations = {item["station"] for item in (await archive.get("/v1/latest"))["items"]}
    assert len(stations) == 104
    assert (await archive.get("/v1/latest", station="TH-NN-001"))["items"]


async def test_a_station_sees_its_own_latest_values_only(archive: Archive) -> None:
    items = (await archive.get("/v1/latest", who="own"))["items"]
    assert {item["station"] for item in items} == {"TH-NT-001"}
    await archive.get("/v1/latest", who="own", station="TH-NT-002", status=403)


async def test_the_latest_values_as_csv(archive: Archive) -> None:
    await archive.put(archive.stream("TH-NT-001", "COD"), instants.now(), -1.5, reasons=int(Reason.LATE))
    answer = await archive.answer("/v1/latest", station="TH-NT-001", format="csv")
    rows = {row["symbol"]: row for row in csv.DictReader(io.StringIO(answer.text, newline=""))}
    assert rows["COD"]["result"] == "-1.5"
    assert (rows["COD"]["reasons"], rows["COD"]["limitState"], rows["COD"]["overdue"]) == ("late", "within", "false")
    assert (rows["pH"]["result"], rows["pH"]["overdue"]) == ("", "true")


async def test_the_legend_explains_every_number(archive: Archive) -> None:
    legend = await archive.get("/v1/quality-flags", who="own")
    assert [flag["value"] for flag in legend["qualities"]] == [1, 2, 3, 4]
    assert [reason["bit"] for reason in legend["reasons"]] == [2**n for n in range(9)]
    assert [state["code"] for state in legend["deviceStatuses"]] == ["00", "01", "02"]
