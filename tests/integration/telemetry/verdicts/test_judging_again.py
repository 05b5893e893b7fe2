"""Late data and changed limits judge again what they reach, and what was said before is kept with its cause."""

import json

import pytest

from core import feeds
from telemetry.verdicts import store
from telemetry.verdicts.schemas import Verdict
from tests.fixtures.verdicts import DAY, HOUR, MINUTE, Court, times, vietnam

STATION, SYMBOL = "TH-KT-001", "SO2"
WATER = ("TH-NT-001", "COD")
EIGHT = vietnam(2026, 10, 5, 8)
TODAY = vietnam(2026, 10, 5)


async def judged(court: Court, window: str, start: object, station: str = STATION, symbol: str = SYMBOL) -> Verdict:
    found = [v for v in await court.verdicts(station, symbol, window=window) if v.period_start == start]
    assert len(found) == 1
    return found[0]


@pytest.fixture
async def day(court: Court) -> Court:
    """A limit of 100, and a day of 50, of which the fifth hour is missing; judged."""
    await court.limit(STATION, SYMBOL, "1h", upper=100)
    rows = [time for time in times(EIGHT, EIGHT + DAY) if not EIGHT + 4 * HOUR <= time < EIGHT + 5 * HOUR]
    await court.send(STATION, SYMBOL, rows, 50.0)
    await court.at(EIGHT + DAY + 30 * MINUTE)
    return court


async def test_late_data_change_the_verdict_and_keep_the_former_one(day: Court) -> None:
    gap = EIGHT + 4 * HOUR
    receipt = await day.send(STATION, SYMBOL, times(gap, gap + HOUR), 150.0)
    day.now += MINUTE
    await day.turns()
    now = await judged(day, "1h", gap)
    assert (now.verdict, now.mean, now.judged_time) == ("exceeded", 150, day.now)
    (former,) = await day.former(now)
    assert (former.id, former.verdict, former.mean, former.received_n) == (now.id, "insufficient-data", None, 0)
    assert (former.cause, former.cause_receipt, former.replaced_time) == ("late-data", receipt, day.now)
    assert (former.withdrawn, former.judged_time) == (False, EIGHT + DAY + 30 * MINUTE)


async def test_late_data_are_told_with_what_was_said_before(day: Court) -> None:
    gap = EIGHT + 4 * HOUR
    await day.send(STATION, SYMBOL, times(gap, gap + HOUR), 150.0)
    await day.turns()
    (event,) = await day.events()
    payload = json.loads(event["payload"])
    assert (event["type"], event["historical"]) == ("verdict.exceeded", True)
    assert (payload["former"]["verdict"], payload["verdict"]["verdict"]) == ("insufficient-data", "exceeded")
    # Another outcome that is no exceedance.
    await day.send(STATION, SYMBOL, times(gap + MINUTE, gap + HOUR), 0.0)
    await day.turns()
    event = (await day.events())[-1]
    payload = json.loads(event["payload"])
    assert (event["type"], payload["former"]["verdict"]) == ("verdict.changed", "exceeded")


async def test_late_data_change_only_the_periods_that_they_lie_in(day: Court) -> None:
    gap = EIGHT + 4 * HOUR
    await day.send(STATION, SYMBOL, times(gap, gap + HOUR), 50.0)
    await day.turns()
    changed = await day.database.fetch("SELECT period_start, averaging FROM verdict_former")
    assert [(row["period_start"], row["averaging"]) for row in changed] == [(gap, "1h")]


async def test_compliant_periods_change_without_an_event(day: Court) -> None:
    await day.send(STATION, SYMBOL, [EIGHT + MINUTE], 60.0)
    await day.turns()
    now = await judged(day, "1h", EIGHT)
    assert (now.verdict, now.valid_n, len(await day.former(now))) == ("compliant", 13, 1)
    assert await day.events() == []


async def test_a_late_row_that_does_not_count_for_the_mean_is_kept_as_received(day: Court) -> None:
    await day.send(STATION, SYMBOL, [EIGHT + MINUTE], 1e9, status=2, quality=4)
    await day.turns()
    now = await judged(day, "1h", EIGHT)
    assert (now.mean, now.valid_n, now.received_n) == (50, 12, 13)


async def test_a_later_change_keeps_every_state_in_order(day: Court) -> None:
    for minute in (1, 2, 3):
        await day.send(STATION, SYMBOL, [EIGHT + minute * MINUTE], 50.0)
        await day.turns()
    former = await day.former(await judged(day, "1h", EIGHT))
    assert [state.valid_n for state in former] == [12, 13, 14]


async def test_data_for_hours_that_are_not_closed_wait_for_their_closing(day: Court) -> None:
    open_hour = EIGHT + DAY
    await day.send(STATION, SYMBOL, times(open_hour, open_hour + 30 * MINUTE), 50.0)
    await day.turns()
    assert await day.one(STATION, SYMBOL, "1h", open_hour) is None


async def test_a_backlog_from_before_judging_began_is_judged_where_it_has_data(court: Court) -> None:
    old = vietnam(2026, 9, 1, 0)
    await court.send(STATION, SYMBOL, times(old, old + 2 * HOUR), 1.0)
    await court.turns()
    assert [verdict.period_start for verdict in await court.verdicts(STATION, SYMBOL)] == [old, old + HOUR]


async def test_one_submission_with_old_and_new_rows_leaves_what_lies_between(court: Court) -> None:
    """Receipts tell a span; what another receipt of the same page leaves between them is not touched."""
    old = vietnam(2026, 9, 1, 0)
    await court.send(STATION, SYMBOL, [old], 1.0)
    await court.send(STATION, SYMBOL, [EIGHT - HOUR], 1.0)
    await court.turns()
    assert [verdict.period_start for verdict in await court.verdicts(STATION, SYMBOL)] == [old, EIGHT - HOUR]


async def test_late_data_of_a_closed_year_judge_the_year_again(court: Court) -> None:
    court.now = vietnam(2026, 1, 5)
    await court.database.execute("UPDATE station SET cadence_seconds = 86400 WHERE code = 'TH-KK-01'")
    last_year = vietnam(2025, 1, 1)
    await court.send("TH-KK-01", "SO2-air", times(last_year, last_year + 300 * DAY, DAY), 10.0)
    await court.turns()
    found = await court.verdicts("TH-KK-01", "SO2-air", window="year")
    assert [(verdict.period_start, verdict.mean, verdict.valid_n) for verdict in found] == [(last_year, 10, 300)]
    await court.send("TH-KK-01", "SO2-air", [last_year + 300 * DAY], 311.0)
    await court.turns()
    now = await judged(court, "year", last_year, "TH-KK-01", "SO2-air")
    assert (now.mean, now.maximum, now.maximum_time) == (11, 311, last_year + 300 * DAY)
    assert len(await court.former(now)) == 1


# Limits.


async def test_a_limit_entered_later_judges_its_span_again_and_nothing_else(day: Court) -> None:
    since, until = EIGHT + 2 * HOUR, EIGHT + 4 * HOUR
    limit = await day.limit(STATION, SYMBOL, "1h", upper=20, since=since, until=until)
    day.now += MINUTE
    await day.turns()
    exceeded = await day.verdicts(STATION, SYMBOL, verdict="exceeded")
    assert [verdict.period_start for verdict in exceeded] == [since, since + HOUR]
    assert {(verdict.limit.id, verdict.limit.upper) for verdict in exceeded} == {(limit, 20)}
    former = [await day.former(verdict) for verdict in exceeded]
    assert [[(f.verdict, f.cause, f.cause_limit, f.limit.upper) for f in one] for one in former] == [
        [("compliant", "limit-changed", limit, 100)]
    ] * 2
    assert await day.database.fetchval("SELECT count(*) FROM verdict_former") == 2


async def test_an_edited_limit_judges_again_and_the_former_verdict_names_the_old_number(day: Court) -> None:
    limit = (await judged(day, "1h", EIGHT)).limit.id
    await day.database.execute("UPDATE datastream_limit SET upper = 40, revision = revision + 1 WHERE id = $1", limit)
    await day.turns()
    now = await judged(day, "1h", EIGHT)
    (former,) = await day.former(now)
    assert (now.verdict, now.limit.upper, former.verdict, former.limit.upper) == ("exceeded", 40, "compliant", 100)
    assert former.limit.version < now.limit.version


async def test_a_withdrawn_limit_takes_its_verdicts_with_it_and_they_stay_readable(court: Court) -> None:
    flow = ("TH-NT-001", "Flow")
    limit = await court.limit(*flow, "1h", upper=10)
    await court.send(*flow, times(EIGHT, EIGHT + 2 * HOUR), 50.0)
    await court.at(EIGHT + 2 * HOUR + 30 * MINUTE)
    before = await court.verdicts(*flow)
    assert [verdict.verdict for verdict in before] == ["exceeded", "exceeded"]
    await court.database.execute("DELETE FROM datastream_limit WHERE id = $1", limit)
    await court.turns()
    assert await court.verdicts(*flow) == []
    for verdict in before:
        (former,) = await court.former(verdict)
        assert (former.withdrawn, former.cause, former.cause_limit) == (True, "limit-changed", limit)
        assert (former.mean, former.limit.upper) == (50, 10)
        assert await store.former_of(court.database, verdict.id) == [former]
    told = [json.loads(event["payload"]) for event in await court.events()][-2:]
    assert [(payload["verdict"], payload["former"]["verdict"]) for payload in told] == [(None, "exceeded")] * 2


async def test_when_a_permit_is_withdrawn_the_rule_set_holds_again(day: Court) -> None:
    limit = (await judged(day, "1h", EIGHT)).limit.id
    await day.database.execute("DELETE FROM datastream_limit WHERE id = $1", limit)
    await day.turns()
    now = await judged(day, "1h", EIGHT)
    assert (now.limit.basis, now.limit.base_upper) == ("rule_set", 500)
    assert [former.limit.id for former in await day.former(now)] == [limit]


async def test_a_limit_that_ends_earlier_leaves_what_it_judged_before_untouched(day: Court) -> None:
    limit = (await judged(day, "1h", EIGHT)).limit.id
    end = EIGHT + 20 * HOUR
    await day.database.execute("UPDATE datastream_limit SET valid_to = $2 WHERE id = $1", limit, end)
    await day.turns()
    changed = await day.database.fetch("SELECT period_start FROM verdict_former ORDER BY 1")
    assert [row["period_start"] for row in changed] == [end + n * HOUR for n in range(4)]


async def test_what_is_merely_told_about_a_limit_changes_no_verdict(day: Court) -> None:
    limit = (await judged(day, "1h", EIGHT)).limit.id
    await day.database.execute("UPDATE datastream_limit SET verified = true WHERE id = $1", limit)
    assert not await day.judging.turn()
    assert not (await judged(day, "1h", EIGHT)).limit.verified


async def test_a_period_is_judged_by_the_limit_at_its_end_and_says_that_it_is_split(court: Court) -> None:
    noon = TODAY + 12 * HOUR
    await court.limit(*WATER, "24h", upper=30, since=vietnam(2026, 1, 1), until=noon)
    await court.limit(*WATER, "24h", upper=10, since=noon)
    await court.send(*WATER, times(TODAY, TODAY + 2 * DAY), 20.0)
    await court.at(TODAY + 2 * DAY + HOUR)
    first, second = await court.verdicts(*WATER, window="24h")
    assert (first.limit.upper, first.split, first.verdict) == (10, True, "exceeded")
    assert (second.limit.upper, second.split, second.verdict) == (10, False, "exceeded")


async def test_a_limit_that_begins_with_a_period_never_judges_the_one_before(court: Court) -> None:
    midnight = TODAY + DAY
    await court.limit(*WATER, "24h", upper=30, since=vietnam(2026, 1, 1), until=midnight)
    await court.limit(*WATER, "24h", upper=10, since=midnight)
    await court.send(*WATER, times(TODAY, TODAY + 2 * DAY), 20.0)
    await court.at(TODAY + 2 * DAY + HOUR)
    found = await court.verdicts(*WATER, window="24h")
    assert [(v.limit.upper, v.split, v.verdict) for v in found] == [(30, False, "compliant"), (10, False, "exceeded")]


async def test_a_period_at_whose_end_no_limit_holds_is_not_judged(court: Court) -> None:
    flow = ("TH-NT-001", "Flow")
    await court.limit(*flow, "24h", upper=10, until=TODAY + 12 * HOUR)
    await court.send(*flow, times(TODAY, TODAY + DAY), 20.0)
    await court.at(TODAY + DAY + HOUR)
    assert await court.verdicts(*flow, window="24h") == []


async def test_a_permit_goes_before_every_rule_set_while_it_holds(court: Court) -> None:
    """Whatever its window: what the permit says replaces what the rule set says about the property."""
    await court.limit(STATION, SYMBOL, "24h", upper=10, since=EIGHT + HOUR, until=EIGHT + 3 * HOUR)
    await court.at(EIGHT + 4 * HOUR + 10 * MINUTE)
    found = await court.verdicts(STATION, SYMBOL, window="1h")
    assert [verdict.period_start for verdict in found] == [EIGHT, EIGHT + 3 * HOUR]


async def test_a_limit_that_is_entered_for_a_silent_past_judges_from_where_judging_began(court: Court) -> None:
    await court.at(EIGHT + 5 * HOUR + 10 * MINUTE)
    await court.limit("TH-NT-001", "Flow", "1h", upper=10)
    await court.turns()
    found = await court.verdicts("TH-NT-001", "Flow")
    assert [verdict.period_start for verdict in found] == [EIGHT + n * HOUR for n in range(5)]


# Policies.


async def test_a_policy_that_asks_for_more_data_judges_again(day: Court) -> None:
    before = await judged(day, "1h", EIGHT)
    await day.send(STATION, SYMBOL, times(EIGHT + 4 * HOUR, EIGHT + 5 * HOUR)[:10], 50.0)
    await day.turns()
    assert (await judged(day, "1h", EIGHT + 4 * HOUR)).verdict == "compliant"
    policy = await day.database.fetchval(
        "UPDATE averaging_policy SET minimum_share = 0.9, revision = 2 "
        "WHERE station_kind = 'flue_gas' AND averaging = '1h' RETURNING id"
    )
    await day.turns()
    now = await judged(day, "1h", EIGHT + 4 * HOUR)
    assert (now.verdict, now.policy.minimum_share, now.policy.revision) == ("insufficient-data", 0.9, 2)
    assert [(f.cause, f.cause_policy) for f in await day.former(now)][-1] == ("policy-changed", policy)
    assert await judged(day, "1h", EIGHT) == before


# The feed.


async def test_the_feed_shows_each_verdict_in_its_newest_state_and_those_that_went(day: Court) -> None:
    await feeds.open_reader(day.database, "test")
    gap = EIGHT + 4 * HOUR
    await day.send(STATION, SYMBOL, times(gap, gap + HOUR), 150.0)
    await day.turns()
    async with store.reading(day.database, "test", 100) as changes:
        assert changes is not None
        (change,) = changes.verdicts
    assert (change.verdict, change.window, change.period_start, change.withdrawn) == ("exceeded", "1h", gap, False)
    assert (change.upper, change.mean, change.unit) == (100, 150, "mg/Nm3")
    await day.database.execute("DELETE FROM datastream_limit WHERE datastream_id = $1", change.datastream_id)
    await day.turns()
    async with store.reading(day.database, "test", 1_000) as changes:
        assert changes is not None
        assert {seen.withdrawn for seen in changes.verdicts} == {True}
        assert len(changes.verdicts) == 24
    async with store.reading(day.database, "test", 1_000) as changes:
        assert changes is not None
        assert changes.verdicts == []
