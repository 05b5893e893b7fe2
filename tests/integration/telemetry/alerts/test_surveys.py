"""What only our own clock tells: station clocks, a growing quarantine, jobs and readers that stand still."""

import json
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from telemetry.alerts.evaluation import survey_store, surveys
from telemetry.alerts.evaluation.evaluating import Worlds
from telemetry.alerts.evaluation.survey_store import Job
from telemetry.readings import Readings
from tests.fixtures.submissions import FIRST
from tests.fixtures.watches import MINUTE_US, Watch


async def _sent(watch: Watch, received: float, ahead: float, result: float = 40.0) -> None:
    """A packet that the station sends at a minute of our clock, with its own clock ahead by minutes."""
    base = watch.works.base_us
    await watch.works.submit(
        Readings(FIRST, ("COD",), base + round((received + ahead) * MINUTE_US), [result]),
        received_us=base + round(received * MINUTE_US),
        station_id=1,
        station=FIRST,
    )


async def _look(watch: Watch, minute: float, *, readers: bool = False) -> None:
    watch.now_minute = minute
    world = await Worlds(watch.works.database, watch.works.catalog).newest()
    await surveys.survey(watch.works.database, world, watch.now(), readers=readers)


async def _details(watch: Watch) -> list[tuple[str, str, Any]]:
    return [(row["kind"], row["state"], row["detail"]) for row in await watch.rows()]


async def test_a_clock_seven_minutes_ahead_is_told_once_and_cleared_when_it_is_right(watch: Watch) -> None:
    await watch.only("clock-skew")
    for minute in range(0, 25, 5):
        await _sent(watch, minute, 7)
        await _look(watch, minute + 1)
    assert await watch.found() == [("clock-skew", FIRST, 0.0, None)]
    assert '"direction": "ahead"' in (await watch.rows())[0]["detail"]
    assert '"seconds": 420' in (await watch.rows())[0]["detail"]
    for minute in range(25, 50, 5):
        await _sent(watch, minute, -0.05)
        await _look(watch, minute + 1)
    assert await watch.found() == [("clock-skew", FIRST, 0.0, 36.0)]
    assert await watch.moves() == ["raise", "clear"]


async def test_a_clock_behind_is_told_and_late_data_are_not(watch: Watch) -> None:
    await watch.only("clock-skew")
    for minute in range(0, 25, 5):
        await _sent(watch, minute, -0.1)
        await _sent(watch, minute + 0.5, -600 + minute)
        await _look(watch, minute + 1)
    assert await watch.found() == []
    for minute in range(25, 50, 5):
        await _sent(watch, minute, -3)
    await _look(watch, 51)
    assert await watch.found() == [("clock-skew", FIRST, 25.0, None)]


async def test_a_clock_that_is_off_by_less_than_two_minutes_is_right(watch: Watch) -> None:
    await watch.only("clock-skew")
    for minute in range(0, 30, 5):
        await _sent(watch, minute, 1.9)
    await _look(watch, 31)
    assert await watch.found() == []


async def test_a_clock_three_days_ahead_is_told_though_nothing_is_stored(watch: Watch) -> None:
    await watch.only("clock-skew", "quarantine-growing")
    await watch.rule("quarantine-growing", parameters='{"count": 5, "countNetwork": 1000}')
    for minute in range(0, 25, 5):
        await _sent(watch, minute, 3 * 1440)
    await _look(watch, 21)
    assert await watch.found() == [
        ("clock-skew", FIRST, 0.0, None),
        ("quarantine-growing", FIRST, 21.0, None),
    ]


async def test_a_clock_that_stands_still_is_told(watch: Watch) -> None:
    await watch.only("clock-skew")
    for index, minute in enumerate(range(0, 30, 5)):
        await _sent(watch, minute, -minute, result=40.0 + index)
    await _look(watch, 31)
    assert await watch.found() == [("clock-skew", FIRST, 5.0, None)]


async def test_a_growing_quarantine_is_told_for_the_station_and_the_network_until_it_is_emptied(watch: Watch) -> None:
    await watch.only("quarantine-growing")
    await watch.rule("quarantine-growing", parameters='{"count": 3, "countNetwork": 4}')
    for minute in (0, 1):
        await watch.send(minute, CODx=1)
    await _look(watch, 118)
    assert await watch.found() == []
    for minute in (2, 3):
        await watch.send(minute, CODx=1)
    await _look(watch, 119)
    assert [(row["station"], row["state"]) for row in await watch.rows()] == [(FIRST, "raised"), (None, "raised")]
    await watch.works.database.execute("UPDATE quarantine SET resolved_time = now(), resolution = 'dismissed'")
    await _look(watch, 120)
    assert [row["state"] for row in await watch.rows()] == ["cleared", "cleared"]
    await watch.works.database.execute("UPDATE quarantine SET resolved_time = NULL, resolution = NULL")
    await _look(watch, 121)
    assert [row["state"] for row in await watch.rows()] == ["cleared", "cleared", "raised", "raised"]


async def test_a_reader_that_stands_still_is_told_and_cleared_when_it_moves(watch: Watch) -> None:
    await watch.only("job-stuck")
    await watch.works.database.execute(
        "UPDATE feed_position SET moved_time = $1", watch.now() + timedelta(minutes=5, seconds=-100)
    )
    await _look(watch, watch.now_minute + 5, readers=True)
    assert await watch.found() == []
    await watch.works.database.execute(
        "UPDATE feed_position SET moved_time = $1 WHERE reader = 'alerts'", watch.now() - timedelta(minutes=3)
    )
    await _look(watch, watch.now_minute, readers=True)
    [row] = await watch.rows()
    assert (row["kind"], row["state"], row["station_id"]) == ("job-stuck", "raised", None)
    assert '"job": "reader alerts"' in row["detail"]
    await watch.works.database.execute("UPDATE feed_position SET moved_time = $1", instants.now() + timedelta(hours=1))
    await _look(watch, watch.now_minute + 1, readers=True)
    assert [row["state"] for row in await watch.rows()] == ["cleared"]


async def _reads(watch: Watch) -> list[Any]:
    return [json.loads(row["detail"]) for row in await watch.rows()]


@pytest.mark.timescale
async def test_a_background_job_without_success_for_two_of_its_intervals_is_told(watch: Watch) -> None:
    if not await watch.works.database.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("needs TimescaleDB")
    await watch.only("job-stuck")
    jobs = await survey_store.jobs(watch.works.database)
    assert {"policy_refresh_continuous_aggregate", "policy_compression"} <= {job.name.split()[0] for job in jobs}
    await watch.works.database.execute(
        "CREATE PROCEDURE never (job_id int, config jsonb) LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
    )
    await watch.works.database.execute("SELECT add_job('never', INTERVAL '1 minute', initial_start => now())")
    watch.now_minute = 240
    await _look(watch, 240)
    [detail] = await _reads(watch)
    assert any(job["job"].startswith("never") for job in detail["jobs"])


def test_a_job_is_late_after_so_many_intervals_since_its_last_success() -> None:
    now = instants.now()
    hour = timedelta(hours=1)
    jobs = [
        Job("in time", 3600, now - 2 * hour, now, 0),
        Job("late", 3600, now - 2 * hour - timedelta(seconds=1), now, 0),
        Job("waits for its first run", 3600, None, now + hour, 0),
        Job("never began", 3600, None, now - 2 * hour, 0),
        Job("fails again and again", 3600, None, now + hour, 3),
        Job("is not planned", 3600, None, None, 0),
    ]
    assert [name for name, _ in surveys._late_jobs(jobs, 2, now)] == ["late", "never began", "fails again and again"]
