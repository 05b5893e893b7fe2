"""What closes gets a verdict from everybody who has a limit, also the silent, also after the judge was away."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from telemetry.verdicts import agenda
from telemetry.verdicts.schemas import Verdict
from tests.fixtures.verdicts import CADENCE, DAY, HOUR, MINUTE, Court, times, vietnam

STATION, SYMBOL = "TH-KT-001", "SO2"
EIGHT = vietnam(2026, 10, 5, 8)


async def judged(court: Court, window: str, start: datetime, symbol: str = SYMBOL, station: str = STATION) -> Verdict:
    found = await court.one(station, symbol, window, start)
    assert found is not None
    return found


async def test_an_hour_gets_its_verdict_when_it_closes_and_not_before(court: Court) -> None:
    receipt = await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + HOUR), range(12))
    await court.at(EIGHT + HOUR + 9 * MINUTE)
    assert await court.one(STATION, SYMBOL, "1h", EIGHT) is None
    await court.at(EIGHT + HOUR + 10 * MINUTE)
    found = await judged(court, "1h", EIGHT)
    assert (found.verdict, found.mean, found.valid_n, found.received_n, found.expected_n) == (
        "compliant",
        5.5,
        12,
        12,
        12,
    )
    assert (found.minimum, found.minimum_time) == (0, EIGHT)
    assert (found.maximum, found.maximum_time) == (11, EIGHT + 55 * MINUTE)
    assert (found.first_receipt, found.last_receipt) == (receipt, receipt)
    assert (found.period_end, found.label) == (EIGHT + HOUR, EIGHT)
    assert found.judged_time == EIGHT + HOUR + 10 * MINUTE


async def test_a_verdict_says_by_which_limit_and_policy_it_was_reached(court: Court) -> None:
    await court.at(EIGHT + HOUR + 10 * MINUTE)
    found = await judged(court, "1h", EIGHT)
    limit = await court.database.fetchrow("SELECT * FROM datastream_limit WHERE id = $1", found.limit.id)
    assert (found.limit.upper, found.limit.base_upper, found.limit.rule_set) == (limit["upper"], 500, "QCVN-19-2009-B")
    assert found.limit.coefficients == json.loads(limit["coefficients"])
    assert (found.limit.legal_source, found.limit.verified) == ("QCVN 19:2009/BTNMT, cột B", False)
    assert (found.policy.minimum_share, found.policy.verified, found.unit) == (0.75, False, "mg/Nm3")


async def test_a_silent_datastream_gets_a_verdict_too(court: Court) -> None:
    await court.at(EIGHT + HOUR + 10 * MINUTE)
    found = await judged(court, "1h", EIGHT)
    assert (found.verdict, found.mean, found.valid_n, found.received_n, found.expected_n) == (
        "insufficient-data",
        None,
        0,
        0,
        12,
    )
    assert (found.first_receipt, found.minimum_time, found.reason) == (None, None, None)


@pytest.mark.parametrize(("rows", "verdict"), [(8, "insufficient-data"), (9, "compliant")])
async def test_three_quarters_of_the_expected_rows_are_enough(court: Court, rows: int, verdict: str) -> None:
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + HOUR)[:rows], 1.0)
    await court.at(EIGHT + 2 * HOUR)
    assert (await judged(court, "1h", EIGHT)).verdict == verdict


@pytest.mark.parametrize(("above", "verdict"), [(0.0, "compliant"), (0.001, "exceeded")])
async def test_a_mean_at_its_limit_is_within_it(court: Court, above: float, verdict: str) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=100)
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + HOUR), 100 + above)
    await court.at(EIGHT + 2 * HOUR)
    assert (await judged(court, "1h", EIGHT)).verdict == verdict


async def test_a_mean_below_a_lower_limit_exceeds_it(court: Court) -> None:
    day = vietnam(2026, 10, 5)
    await court.send("TH-NT-001", "pH", times(day, day + DAY), 4.0)
    await court.at(day + DAY + HOUR)
    found = await judged(court, "24h", day, "pH", "TH-NT-001")
    assert (found.verdict, found.limit.lower, found.mean) == ("exceeded", 5.5, 4.0)


async def test_calibrating_and_faulty_rows_are_received_and_never_averaged(court: Court) -> None:
    hour = times(EIGHT, EIGHT + HOUR)
    await court.send(STATION, SYMBOL, hour[:9], 10.0)
    await court.send(STATION, SYMBOL, hour[9:11], 9_999.0, status=1, quality=4)
    await court.send(STATION, SYMBOL, hour[11:], 0.0, status=2, quality=4)
    await court.at(EIGHT + 2 * HOUR)
    found = await judged(court, "1h", EIGHT)
    assert (found.verdict, found.mean, found.maximum, found.minimum) == ("compliant", 10, 10, 10)
    assert (found.valid_n, found.received_n) == (9, 12)


async def test_a_burst_in_one_hour_does_not_make_up_for_a_silent_day(court: Court) -> None:
    day = vietnam(2026, 10, 5)
    await court.send("TH-NT-001", "COD", times(day, day + HOUR, timedelta(seconds=10)), 1.0)
    await court.at(day + DAY + HOUR)
    found = await judged(court, "24h", day, "COD", "TH-NT-001")
    assert (found.verdict, found.valid_n, found.covered_n, found.expected_n) == ("insufficient-data", 360, 12, 288)


async def test_a_day_is_one_of_vietnam(court: Court) -> None:
    day = vietnam(2026, 10, 5)
    await court.send("TH-NT-001", "COD", [day - CADENCE, day + DAY], 1e6)
    await court.send("TH-NT-001", "COD", times(day, day + DAY), 2.0)
    await court.at(day + DAY + HOUR)
    found = await judged(court, "24h", day, "COD", "TH-NT-001")
    assert (found.mean, found.received_n, found.period_end) == (2, 288, vietnam(2026, 10, 6))


async def test_a_mean_of_eight_hours_ends_with_each_hour(court: Court) -> None:
    await court.send("TH-KK-01", "O3", times(EIGHT - 7 * HOUR, EIGHT + 3 * HOUR), [0.0] * 96 + [80.0] * 24)
    await court.at(EIGHT + 3 * HOUR + 10 * MINUTE)
    found = (await court.verdicts("TH-KK-01", "O3", window="8h"))[-3:]
    assert [verdict.period_end for verdict in found] == [EIGHT + n * HOUR for n in (1, 2, 3)]
    assert [verdict.mean for verdict in found] == [0, 10, 20]
    assert {verdict.expected_n for verdict in found} == {96}
    assert [verdict.label for verdict in found] == [verdict.period_end for verdict in found]


async def test_a_year_is_judged_when_it_ends(court: Court) -> None:
    court.now = vietnam(2026, 12, 31, 23)
    await court.turns()
    for month in range(1, 13):
        first = vietnam(2026, month, 1)
        await court.send("TH-KK-01", "SO2-air", times(first, first + 27 * DAY, HOUR), float(month))
    await court.database.execute("UPDATE station SET cadence_seconds = 3600 WHERE code = 'TH-KK-01'")
    await court.at(vietnam(2027, 1, 1, 0, 9))
    assert await court.verdicts("TH-KK-01", "SO2-air", window="year") == []
    await court.at(vietnam(2027, 1, 1, 0, 10))
    (found,) = await court.verdicts("TH-KK-01", "SO2-air", window="year")
    assert (found.period_start, found.period_end) == (vietnam(2026, 1, 1), vietnam(2027, 1, 1))
    assert (found.verdict, found.mean, found.valid_n, found.expected_n) == ("compliant", 6.5, 12 * 27 * 24, 8760)
    assert (found.maximum, found.maximum_time) == (12, vietnam(2026, 12, 1))
    assert (found.minimum, found.minimum_time) == (1, vietnam(2026, 1, 1))
    assert found.first_receipt is not None


async def test_what_closed_while_the_judge_was_away_is_judged_when_it_is_back(court: Court) -> None:
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + 3 * DAY), 10.0)
    await court.at(EIGHT + 3 * DAY + 30 * MINUTE)
    found = await court.verdicts(STATION, SYMBOL, window="1h")
    assert [verdict.period_start for verdict in found] == [EIGHT + n * HOUR for n in range(72)]
    assert {verdict.verdict for verdict in found} == {"compliant"}


async def test_a_turn_judges_no_more_than_it_is_told_to(court: Court) -> None:
    court.now = EIGHT + 2 * DAY
    small = court.judge(hours=1)
    await small.prepare()
    assert await small.turn()
    most = await court.database.fetchval("SELECT count(DISTINCT period_start) FROM verdict WHERE averaging = '1h'")
    assert most == 1
    await court.turns(small)
    hours = await court.database.fetchval("SELECT count(DISTINCT period_start) FROM verdict WHERE averaging = '1h'")
    assert hours == 47


async def test_judging_again_changes_nothing(court: Court) -> None:
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + HOUR), 10.0)
    await court.at(EIGHT + HOUR + 30 * MINUTE)
    before = await court.database.fetch("SELECT id, transaction_id::text FROM verdict ORDER BY id")
    streams = await court.database.fetch("SELECT id FROM datastream")
    begin, end = (int(time.timestamp()) * 10**6 for time in (EIGHT - DAY, EIGHT + DAY))
    await agenda.ask(court.database, [row["id"] for row in streams], begin, end, "an.nguyen")
    await court.turns()
    assert await court.database.fetch("SELECT id, transaction_id::text FROM verdict ORDER BY id") == before
    assert await court.database.fetchval("SELECT count(*) FROM verdict_former") == 0
    assert await agenda.waiting(court.database) == 0


async def test_judges_side_by_side_judge_each_period_once(court: Court) -> None:
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + DAY), 10.0)
    court.now = EIGHT + DAY
    judges = [court.judge(hours=500) for _ in range(4)]

    async def run(place: int) -> None:
        for _ in range(40):
            await judges[place].turn()

    await asyncio.gather(*(run(place) for place in range(len(judges))))
    await court.turns()
    assert await court.database.fetchval("SELECT count(*) FROM verdict_former") == 0
    assert len(await court.verdicts(STATION, SYMBOL, window="1h")) == 23


async def test_a_retired_station_is_judged_no_more(court: Court) -> None:
    await court.at(EIGHT + HOUR + 30 * MINUTE)
    await court.database.execute("UPDATE station SET status = 'retired' WHERE code = $1", STATION)
    await court.at(EIGHT + 2 * HOUR + 30 * MINUTE)
    assert len(await court.verdicts(STATION, SYMBOL)) == 1


async def test_only_an_exceedance_is_told(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=100)
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + HOUR), 150.0)
    await court.send("TH-KT-002", SYMBOL, times(EIGHT, EIGHT + HOUR), 1.0)
    await court.at(EIGHT + HOUR + 10 * MINUTE)
    (event,) = await court.events()
    payload = json.loads(event["payload"])
    assert (event["type"], event["historical"], payload["former"]) == ("verdict.exceeded", False, None)
    assert (payload["verdict"]["station"], payload["verdict"]["mean"]) == (STATION, 150)
    assert payload["verdict"]["limit"]["upper"] == 100
    # What is told is what the interface answers.
    assert Verdict.model_validate(payload["verdict"]).model_dump(mode="json") == payload["verdict"]


async def test_what_ended_long_before_it_was_judged_is_told_as_history(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=100)
    await court.send(STATION, SYMBOL, times(EIGHT, EIGHT + 4 * HOUR), 150.0)
    await court.at(EIGHT + 4 * HOUR + 10 * MINUTE)
    assert [event["historical"] for event in await court.events()] == [True, True, False, False]
