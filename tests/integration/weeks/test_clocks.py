"""The service's own clock jumps and drifts: nothing is lost, nothing is told twice, and what waits goes on.

The rounds and the intake ask one clock, which the test moves; the database keeps its own.
"""

from collections import Counter
from collections.abc import AsyncIterator

import numpy as np
import pytest

from core import instants
from telemetry.alerts.evaluation.deadlines import Deadlines
from telemetry.alerts.evaluation.evaluating import Alerts
from telemetry.verdicts.rounds import Judging
from tests.fixtures import weeks
from tests.fixtures.databases import cloned
from tests.fixtures.watched import Watched, watched
from tests.fixtures.weeks import CADENCE_US, HOUR_US, MINUTE_US, SECOND_US, Course, Sending

_STATIONS = ("TH-KT-001", "TH-NN-003")
_ALERTS = """
    SELECT a.kind, a.state, a.cleared_reason, a.historical, s.code AS station, a.raised_time, a.cleared_time
    FROM alert a JOIN station s ON s.id = a.station_id ORDER BY a.id
"""


@pytest.fixture
async def centre(server_dsn: str, template: str) -> AsyncIterator[Watched]:
    begin_us = weeks.newest_begin(2, instants.now_us())
    async with cloned(server_dsn, template) as dsn, watched(dsn, begin_us, _STATIONS) as made:
        made.rounds = [
            await Judging(made.database, clock=made.clock).prepare(),
            Alerts(made.database, made.catalog, clock=made.clock),
            Deadlines(made.database, made.catalog, clock=made.clock),
        ]
        await made.watch()
        yield made


async def courses(made: Watched) -> list[Course]:
    begin_us = made.clock.now_us
    found = [weeks.calm(station, begin_us, 1, 3) for station in await made.stations(begin_us, begin_us + 24 * HOUR_US)]
    for course in found:
        # One instrument is over its limit for half an hour, an hour and a half after the begin.
        stream = next(s for s in course.station.streams if s.single is not None and s.single.upper is not None)
        assert stream.single is not None
        assert stream.single.upper is not None
        course.show(stream.symbol, 18, stream.single.upper * np.linspace(1.05, 1.06, 6))
    return found


async def live_by(made: Watched, found: list[Course], error_us: list[int]) -> int:
    """Send cycle by cycle while our clock is off by as much as is given for each; how many readings were answered."""
    answered = 0
    for cycle, off_us in enumerate(error_us):
        true_us = int(found[0].time_us[cycle]) + 20 * SECOND_US
        for course in found:
            sending = Sending(true_us, course.station.code, (course.packet(cycle),))
            (outcome,) = await made.send([sending], received_us=true_us + off_us)
            assert outcome.count == len(course.station.streams)
            answered += outcome.stored
        await made.watch(true_us + off_us + SECOND_US)
    return answered


def _over_limit(rows: list[dict[str, object]]) -> Counter[object]:
    return Counter(row["station"] for row in rows if row["kind"] == "over-limit")


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_jumps_and_comes_back_loses_nothing_and_tells_nothing_twice(
    centre: Watched, hours: int
) -> None:
    found = await courses(centre)
    streams = sum(len(course.station.streams) for course in found)
    # Right for two hours and a half, off for an hour, right again for two hours.
    error_us = [0] * 30 + [hours * HOUR_US] * 12 + [0] * 24
    answered = await live_by(centre, found, error_us)
    kept = await centre.database.fetchval("SELECT count(*) FROM observation")
    refused = await centre.rows("SELECT DISTINCT reason FROM quarantine")
    in_quarantine = await centre.database.fetchval("SELECT count(*) FROM quarantine")
    # All that was answered is kept. A clock that is behind takes readings for ones of the future, and keeps those too.
    assert kept == answered
    assert kept + in_quarantine == len(error_us) * streams
    assert {row["reason"] for row in refused} <= ({"in-future"} if hours < 0 else set())
    rows = await centre.rows(_ALERTS)
    assert _over_limit(rows) == Counter(_STATIONS)
    assert {row["state"] for row in rows if row["kind"] in {"over-limit", "lost-connection"}} == {"cleared"}
    subjects = Counter((row["kind"], row["station"]) for row in rows)
    assert {subject: count for subject, count in subjects.items() if count > 1} == {}
    told = await centre.rows(
        "SELECT payload -> 'alert' ->> 'id' AS id, count(*) AS n FROM event "
        "WHERE type = 'alert.raised' GROUP BY 1 HAVING count(*) > 1"
    )
    assert told == []


async def test_a_clock_that_drifts_changes_nothing_of_what_is_told_of_readings(centre: Watched) -> None:
    """A second in every minute: more than a minute ahead at the end."""
    found = await courses(centre)
    streams = sum(len(course.station.streams) for course in found)
    error_us = [cycle * SECOND_US for cycle in range(90)]
    assert await live_by(centre, found, error_us) == 90 * streams
    rows = await centre.rows(_ALERTS)
    assert _over_limit(rows) == Counter(_STATIONS)
    assert {row["kind"] for row in rows} == {"over-limit"}
    for row in rows:
        assert (instants.to_us(row["raised_time"]) - int(found[0].time_us[0])) == 18 * CADENCE_US
        assert (instants.to_us(row["cleared_time"]) - int(found[0].time_us[0])) == 24 * CADENCE_US
        assert not row["historical"]


async def test_verdicts_that_closed_by_a_clock_that_was_ahead_are_judged_again(centre: Watched) -> None:
    found = await courses(centre)
    error_us = [0] * 6 + [2 * HOUR_US] * 3 + [0] * 40
    await live_by(centre, found, error_us)
    await centre.watch(int(found[0].time_us[0]) + 49 * CADENCE_US + 15 * MINUTE_US)
    judged = await centre.rows(
        "SELECT verdict, valid_n FROM verdict WHERE averaging = '1h' AND period_start >= $1 AND period_end <= $2",
        instants.from_us(int(found[0].time_us[0])),
        instants.from_us(int(found[0].time_us[0]) + 4 * HOUR_US),
    )
    # Hours that were closed while they had hardly begun were closed without data.
    assert {row["valid_n"] for row in judged} == {12}
    assert await centre.database.fetchval("SELECT count(*) FROM verdict_former") > 0
