"""The verdicts that stand after any delivery are those of an oracle in plain Python over the same rows and limits."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest

from core import instants
from telemetry.verdicts import averaging, material
from telemetry.verdicts.schemas import Verdict
from tests.fixtures import oracle
from tests.fixtures.verdicts import CADENCE, DAY, HOUR, MINUTE, Court, times, vietnam

STATION, SYMBOL = "TH-NT-001", "Flow"
# Over the end of a month in Việt Nam, and over that of UTC.
FIRST, LAST = vietnam(2026, 9, 29), vietnam(2026, 10, 3)


@dataclass
class Story:
    """What a station observed, and which limits were entered for it."""

    rows: list[oracle.Row]
    limits: list[tuple[str, float, datetime, datetime | None]]

    @classmethod
    def told(cls, seed: int) -> "Story":
        dice = random.Random(seed)
        rows = []
        silent_until = FIRST
        for time in times(FIRST, LAST):
            if dice.random() < 0.01:
                silent_until = time + dice.randrange(1, 300) * MINUTE
            if time < silent_until:
                continue
            rows.append(oracle.Row(time, round(dice.gauss(100, 30), 3), dice.random() > 0.1))
            if dice.random() < 0.05:
                rows.append(oracle.Row(time + MINUTE, float(dice.randrange(50, 150)), True))
        limits: list[tuple[str, float, datetime, datetime | None]] = [
            (window, 100.0, FIRST - DAY, None) for window in ("1h", "8h", "24h")
        ]
        for _ in range(4):
            since = FIRST + dice.randrange(0, 4 * 24 * 12) * CADENCE
            until = None if dice.random() < 0.3 else since + dice.randrange(1, 36) * HOUR / 2
            limits.append((dice.choice(["1h", "8h", "24h"]), float(dice.randrange(80, 120)), since, until))
        return cls(rows, limits)


async def deliver(court: Court, story: Story, seed: int) -> list[oracle.Rule]:
    """Rows and limits come in any order, late and in parts, while judging goes on."""
    dice = random.Random(seed)
    parts = [("rows", part) for part in range(8)] + [("limit", place) for place in range(len(story.limits))]
    dice.shuffle(parts)
    of_part: dict[int, list[oracle.Row]] = {}
    for row in story.rows:
        of_part.setdefault(dice.randrange(8), []).append(row)
    rules = []
    court.now = FIRST
    for place, (kind, number) in enumerate(parts):
        if kind == "limit":
            window, upper, since, until = story.limits[number]
            limit = await court.limit(STATION, SYMBOL, window, upper=upper, since=since, until=until)
            rules.append(oracle.Rule(limit, window, upper, since, until))
        else:
            for valid in (True, False):
                rows = [row for row in of_part.get(number, []) if row.valid == valid]
                if rows:
                    await court.send(
                        STATION,
                        SYMBOL,
                        [row.time for row in rows],
                        [row.result for row in rows],
                        quality=1 if valid else 4,
                        status=0 if valid else 2,
                    )
        if dice.random() < 0.5:
            court.now = FIRST + (LAST - FIRST) * (place + 1) / len(parts)
            await court.turns()
    await court.at(LAST + HOUR)
    return rules


def said_of(verdict: Verdict) -> oracle.Said:
    return oracle.Said(
        verdict=verdict.verdict,
        mean=verdict.mean,
        minimum=verdict.minimum,
        minimum_time=verdict.minimum_time,
        maximum=verdict.maximum,
        maximum_time=verdict.maximum_time,
        valid_n=verdict.valid_n,
        received_n=verdict.received_n,
        expected_n=verdict.expected_n,
        limit=verdict.limit.id,
        split=verdict.split,
    )


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_any_delivery_gives_what_the_oracle_says(court: Court, seed: int) -> None:
    court = Court(court.database, now=FIRST)
    # The fixture judged at a later time; here judging begins with the story.
    await court.database.execute("DELETE FROM judging_progress")
    story = Story.told(seed)
    rules = await deliver(court, story, seed + 100)
    expected = {
        (window, start): said
        for window in ("1h", "8h", "24h")
        for start in oracle.periods(window, FIRST, LAST)
        if (said := oracle.say(story.rows, rules, window, start, CADENCE, Fraction(3, 4))) is not None
    }
    found = {
        (verdict.window, verdict.period_start): said_of(verdict)
        for verdict in await court.verdicts(STATION, SYMBOL)
        if verdict.period_start >= FIRST and verdict.period_end <= LAST
    }
    assert found.keys() == expected.keys()
    assert {key: (said, expected[key]) for key, said in found.items() if said != expected[key]} == {}
    assert {said.verdict for said in found.values()} == {"compliant", "exceeded", "insufficient-data"}
    assert {said.split for said in found.values()} == {True, False}


_YEAR = (vietnam(2026, 1, 1), vietnam(2027, 1, 1))
_STREAM = (
    "SELECT d.id FROM datastream d JOIN station s ON s.id = d.station_id "
    "JOIN observed_property p ON p.id = d.observed_property_id WHERE s.code = 'TH-KK-01' AND p.symbol = 'SO2-air'"
)
_HURRY = """
    SELECT alter_job(job_id, next_start => now())
    FROM timescaledb_information.jobs
    WHERE proc_name = 'policy_refresh_continuous_aggregate'
"""


@pytest.mark.parametrize("refreshed", [True, False])
async def test_a_year_from_the_hourly_aggregate_is_the_year_from_the_rows(court: Court, refreshed: bool) -> None:
    """Also for rows that came after the aggregate was brought up to date."""
    dice = random.Random(7)
    hours = [time for time in times(vietnam(2026, 1, 1), vietnam(2026, 2, 1), HOUR) if dice.random() > 0.2]
    await court.send("TH-KK-01", "SO2-air", hours, [round(dice.gauss(20, 5), 3) for _ in hours])
    if refreshed:
        await _refresh(court)
    late = [time + 5 * MINUTE for time in hours[100:200:3]]
    await court.send("TH-KK-01", "SO2-air", late, [round(dice.gauss(60, 5), 3) for _ in late])
    await court.send("TH-KK-01", "SO2-air", [hours[150] + 9 * MINUTE], 1e6, quality=4, status=2)
    stream = np.array([await court.database.fetchval(_STREAM)], np.int64)
    start_us, end_us = (np.array([instants.to_us(time)], np.int64) for time in _YEAR)
    async with court.database.transaction() as connection:
        aggregated = await material.hours_of_periods(connection, stream, start_us, end_us)
        rows = averaging.hours(await material.rows(connection, stream, start_us, end_us))
    assert len(rows) == len(hours)
    assert (aggregated.low_us == averaging.UNKNOWN).any() == (refreshed or not await _timescale(court))
    np.testing.assert_array_equal(aggregated.received_n, rows.received_n)
    expected = np.array([12], np.int64)
    one, other = (averaging.periods(found, stream, start_us, end_us, expected) for found in (aggregated, rows))
    for name in averaging.Means.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


async def _timescale(court: Court) -> bool:
    found: bool = await court.database.fetchval(
        "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"
    )
    return found


async def _refresh(court: Court) -> None:
    """Let the aggregate's own job run, where there is one, and come to pass as if it ran some minutes ago."""
    if not await _timescale(court):
        return
    began = instants.now()
    await court.database.execute(_HURRY)
    async with asyncio.timeout(60):
        while (done := await court.database.fetchval(material._sql["judging_refreshed"])) is None or done < began:  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.2)
    await court.database.execute("UPDATE receipt SET received_time = received_time - interval '10 minutes'")


def test_a_story_has_gaps_faults_and_limits_that_change_inside_windows() -> None:
    story = Story.told(1)
    steps = {b.time - a.time for a, b in zip(story.rows, story.rows[1:], strict=False)}
    assert max(steps) > timedelta(minutes=30)
    assert any(not row.valid for row in story.rows)
    assert any(since.minute for _, _, since, _ in story.limits)
