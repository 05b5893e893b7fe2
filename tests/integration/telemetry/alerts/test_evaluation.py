"""What readings that are committed make of alerts."""

import json
from typing import Any

import asyncpg
import pytest

from core import instants
from telemetry.alerts.evaluation import outcomes
from telemetry.readings import Readings
from tests.fixtures.submissions import FIRST, SECOND
from tests.fixtures.watches import MINUTE_US, Watch


async def test_a_value_over_its_limit_raises_one_alert_that_ends_with_the_first_value_below(watch: Watch) -> None:
    await watch.only("over-limit")
    await watch.series("COD", [40, 60, 70, 55, 45, 44])
    await watch.settle()
    assert await watch.found() == [("over-limit", "COD", 5.0, 20.0)]
    [row] = await watch.rows()
    assert row["state"] == "cleared"
    assert '"peak": 70.0' in row["detail"]


async def test_values_at_the_limit_raise_nothing(watch: Watch) -> None:
    await watch.only("over-limit")
    await watch.series("COD", [40, 50, 50, 45])
    await watch.settle()
    assert await watch.found() == []


async def test_an_alert_grows_with_every_reading_and_is_raised_once(watch: Watch) -> None:
    await watch.only("over-limit")
    for minute in range(0, 60, 5):
        watch.now_minute = minute
        await watch.send(minute, COD=60 + minute)
        await watch.settle()
    assert await watch.found() == [("over-limit", "COD", 0.0, None)]
    assert await watch.moves() == ["raise"]
    assert await watch.events() == [("alert.raised", False)]


async def test_a_station_that_falls_silent_is_told_once_and_closed_with_its_duration(watch: Watch) -> None:
    await watch.only("lost-connection")
    watch.now_minute = 0
    await watch.send(0, COD=1)
    await watch.settle()
    watch.now_minute = 20
    await watch.settle()
    assert await watch.found() == []
    for minute in (20.5, 40, 60):
        watch.now_minute = minute
        await watch.settle()
    assert await watch.found() == [("lost-connection", "TH-NT-001", 5.0, None)]
    await watch.send(60, COD=1)
    await watch.settle()
    assert await watch.found() == [("lost-connection", "TH-NT-001", 5.0, 60.0)]
    [row] = await watch.rows()
    assert '"seconds": 3300' in row["detail"]
    events = await watch.works.rows("SELECT payload::text FROM event WHERE type LIKE 'station.%' ORDER BY id")
    lost, back = (json.loads(event["payload"]) for event in events)
    assert (lost["station"], lost["until"], back["seconds"], back["alert"]) == ("TH-NT-001", None, 3300, row["id"])


async def test_readings_that_fill_the_gap_later_show_that_nothing_is_missing(watch: Watch) -> None:
    await watch.only("lost-connection")
    watch.now_minute = 0
    await watch.send(0, COD=1)
    watch.now_minute = 40
    await watch.settle()
    for minute in range(5, 45, 5):
        await watch.send(minute, COD=1)
    await watch.settle()
    assert await watch.found() == []
    assert [row["cleared_reason"] for row in await watch.rows()] == ["withdrawn"]
    assert [type_ for type_, _ in await watch.events()] == [
        "alert.raised",
        "station.disconnected",
        "alert.cleared",
        "station.connected",
    ]


async def test_a_faulty_instrument_is_told_until_it_measures(watch: Watch) -> None:
    await watch.only("instrument-fault")
    for minute, status in ((0, 0), (5, 2), (10, 2), (15, 1), (20, 0)):
        await watch.send(minute, status=[status], COD=1 + minute)
    await watch.settle()
    assert await watch.found() == [("instrument-fault", "COD", 5.0, 15.0)]


async def test_a_value_that_repeats_too_often_is_frozen_from_its_first_repetition(watch: Watch) -> None:
    await watch.only("frozen-value")
    await watch.rule("frozen-value", parameters='{"count": 4}')
    await watch.series("pH", [7.0, 7.1, 7.1, 7.1, 7.2, 7.3, 7.3, 7.3, 7.3, 7.3, 7.4])
    await watch.settle()
    assert await watch.found() == [("frozen-value", "pH", 25.0, 50.0)]


async def test_another_value_for_the_same_time_is_a_conflict(watch: Watch) -> None:
    await watch.only("conflict")
    await watch.rule("conflict", clear_after=1800)
    await watch.series("COD", [40, 41, 42])
    await watch.send(5, COD=41)
    await watch.settle()
    assert await watch.found() == []
    await watch.send(5, COD=43)
    watch.now_minute = 30
    await watch.settle()
    assert await watch.found() == [("conflict", "COD", 5.0, None)]
    watch.now_minute = 36
    await watch.settle()
    assert await watch.found() == [("conflict", "COD", 5.0, 35.0)]


async def test_a_limit_entered_later_for_an_earlier_time_is_judged_by(watch: Watch) -> None:
    await watch.only("over-limit")
    await watch.series("pH", [7.0, 9.5, 9.6, 7.1])
    await watch.settle()
    assert await watch.found() == []
    await watch.works.database.execute(
        "INSERT INTO datastream_limit (datastream_id, basis, averaging, upper, valid_from, legal_source, confidence)"
        " SELECT d.id, 'permit', '24h', 9, now() - interval '1 day', 'permit', ''"
        " FROM datastream d JOIN observed_property p ON p.id = d.observed_property_id WHERE p.symbol = 'pH'"
    )
    await watch.works.catalog.refresh()
    await watch.settle()
    assert await watch.found() == [("over-limit", "pH", 5.0, 15.0)]
    await watch.works.database.execute("DELETE FROM datastream_limit WHERE averaging = '24h'")
    await watch.works.catalog.refresh()
    await watch.settle()
    assert await watch.found() == []
    [row] = await watch.rows()
    assert row["cleared_reason"] == "withdrawn"


async def test_names_that_nobody_declared_are_told_once_while_they_come(watch: Watch) -> None:
    await watch.only("unknown-symbol")
    await watch.rule("unknown-symbol", clear_after=1800)
    for minute in (0, 5, 10):
        watch.now_minute = minute
        await watch.send(minute, COD=40, CODx=3)
        await watch.settle()
    assert await watch.found() == [("unknown-symbol", "TH-NT-001", 0.0, None)]
    [row] = await watch.rows()
    assert '"symbolSent": "CODx"' in row["detail"]
    await watch.send(5, COD=40, CODx=3)
    watch.now_minute = 41
    await watch.settle()
    assert await watch.found() == [("unknown-symbol", "TH-NT-001", 0.0, 40.0)]
    await watch.settle()
    assert await watch.moves() == ["raise", "clear"]


async def test_calibrating_without_a_window_is_a_finding_that_an_acceptance_in_hindsight_takes_back(
    watch: Watch,
) -> None:
    await watch.only("stuck-calibration")
    for minute, status in ((0, 0), (5, 1), (10, 1), (15, 1), (20, 0)):
        await watch.send(minute, status=[status], COD=1 + minute)
    await watch.settle()
    assert await watch.found() == [("stuck-calibration", "COD", 5.0, 20.0)]
    base = watch.works.base_us
    await watch.works.database.execute(
        "INSERT INTO station_window (kind, station_id, begin_time, end_time, state, requested_by, decided_by)"
        " VALUES ('calibration', 1, $1, $2, 'accepted', 'plant', 'staff')",
        instants.from_us(base),
        instants.from_us(base + 12 * MINUTE_US),
    )
    await watch.works.database.execute(
        "INSERT INTO alert_recheck (station_id, begin_time, end_time, cause)"
        " SELECT station_id, begin_time, end_time, 'window' FROM station_window"
    )
    await watch.settle()
    assert await watch.found() == [("stuck-calibration", "COD", 15.0, 20.0)]
    assert await watch.moves() == ["raise", "clear", "update"]


async def test_a_tendency_is_told_when_it_lasts_and_grows_to_a_warning(watch: Watch) -> None:
    await watch.only("tendency")
    await watch.rule("tendency", raise_after=600, clear_after=300, parameters='{"share": 0.8, "shareHigh": 0.9}')
    await watch.series("COD", [30, 41, 42, 30, 30, 41, 41, 42, 30, 30])
    await watch.settle()
    assert await watch.found() == [("tendency", "COD", 25.0, 40.0)]
    await watch.series("COD", [41, 42, 46], begin=55)
    await watch.settle()
    assert [(row["severity"], row["state"]) for row in await watch.rows()] == [
        ("warning", "cleared"),
        ("warning", "raised"),
    ]


async def test_a_spike_and_a_saturated_value_are_told(watch: Watch) -> None:
    await watch.only("spike", "saturated")
    await watch.rule("saturated")
    await watch.series("COD", [10, 300, 10, 10, 250, 500, 490])
    await watch.settle()
    assert await watch.found() == [("spike", "COD", 5.0, 15.0), ("saturated", "COD", 25.0, 30.0)]


async def test_what_was_over_an_hour_ago_is_history_and_calls_nobody(watch: Watch) -> None:
    await watch.only("over-limit")
    await watch.series("COD", [60, 40])
    await watch.settle()
    assert await watch.events() == [("alert.raised", True), ("alert.cleared", True)]
    watch.now_minute = 60
    await watch.series("COD", [60, 40], begin=50)
    await watch.settle()
    assert await watch.events() == [
        ("alert.raised", True),
        ("alert.cleared", True),
        ("alert.raised", False),
        ("alert.cleared", False),
    ]


async def test_history_that_turns_out_to_go_on_calls_people(watch: Watch) -> None:
    await watch.only("over-limit")
    await watch.series("COD", [60, 61])
    await watch.settle()
    await watch.send(110, COD=62)
    await watch.settle()
    assert await watch.events() == [("alert.raised", True), ("alert.raised", False)]
    assert await watch.moves() == ["raise", "surface"]


async def test_a_late_reading_in_between_splits_an_alert_and_one_that_fills_a_gap_joins_two(watch: Watch) -> None:
    await watch.only("over-limit")
    await watch.series("COD", [60, 60, None, 60, 60, 40])
    await watch.settle()
    assert await watch.found() == [("over-limit", "COD", 0.0, 25.0)]
    await watch.send(10, COD=40)
    await watch.settle()
    assert await watch.found() == [("over-limit", "COD", 0.0, 10.0), ("over-limit", "COD", 15.0, 25.0)]
    await watch.rule("over-limit", clear_after=600)
    await watch.send(12, COD=60)
    await watch.settle()
    assert await watch.found() == [("over-limit", "COD", 0.0, None)]
    assert {row["cleared_reason"] for row in await watch.rows()} == {None, "merged"}


async def test_what_a_person_closed_stays_closed_for_an_hour(watch: Watch) -> None:
    await watch.only("over-limit")
    watch.now_minute = 5
    await watch.series("COD", [60, 61])
    await watch.settle()
    await watch.works.database.execute(
        "UPDATE alert SET state = 'cleared', cleared_reason = 'by-hand', cleared_time = last_time, closed_time = $1",
        watch.now(),
    )
    for minute in (10, 60):
        watch.now_minute = minute
        await watch.send(minute, COD=60)
        await watch.settle()
    assert await watch.moves() == ["raise"]
    watch.now_minute = 70
    await watch.send(70, COD=60)
    await watch.settle()
    assert await watch.moves() == ["raise", "reraise"]
    assert await watch.found() == [("over-limit", "COD", 0.0, None)]


async def test_what_the_table_refuses_of_one_station_keeps_no_other_from_its_alerts(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watch.only("instrument-fault")
    keep = outcomes.keep

    async def refusing(connection: Any, findings: Any, now: Any) -> Any:
        if any(finding.station_id == 1 for finding in findings):
            raise asyncpg.UniqueViolationError("alert_episode")
        return await keep(connection, findings, now)

    monkeypatch.setattr(outcomes, "keep", refusing)
    await watch.send(0, FIRST, [2], COD=1)
    await watch.send(0, SECOND, [2], COD=1)
    await watch.settle()
    assert [row["station"] for row in await watch.rows()] == [SECOND]
    assert await watch.works.rows("SELECT * FROM alert_recheck") == []


async def test_a_batch_of_many_stations_is_looked_at_by_station(watch: Watch) -> None:
    await watch.only("instrument-fault")
    base = watch.works.base_us
    await watch.works.submit(
        Readings(FIRST, ("COD",), base, [1.0], status=[2]), Readings(SECOND, ("pH",), base, [7.0], status=[2])
    )
    await watch.settle()
    assert [(row["station"], row["symbol"]) for row in await watch.rows()] == [(FIRST, "COD"), (SECOND, "pH")]


async def test_alerts_survive_new_rounds_on_the_same_database(watch: Watch) -> None:
    await watch.only("over-limit")
    watch.now_minute = 10
    await watch.series("COD", [60, 61, 62])
    await watch.settle()
    watch.restart()
    await watch.send(15, COD=40)
    await watch.settle()
    watch.restart()
    await watch.settle()
    assert await watch.found() == [("over-limit", "COD", 0.0, 15.0)]
    assert await watch.moves() == ["raise", "clear"]
