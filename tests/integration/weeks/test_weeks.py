"""A week of which it is known what happened: its verdicts and alerts, however the week's data came.

What differs by nature: when something was found, whether it was history by then, what is told of the way that data took
(clocks, quarantine), and which of two contradicting values stays, which is the first that comes. With
QUANTRAC_TEST_WEEK=all it is the week of all 105 stations.
"""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from core import instants
from telemetry.alerts.evaluation.deadlines import Deadlines
from telemetry.alerts.evaluation.evaluating import Alerts
from telemetry.verdicts.rounds import Judging
from tests.fixtures import averages, happenings, weeks
from tests.fixtures.averages import Key, Verdict
from tests.fixtures.databases import cloned
from tests.fixtures.watched import Round, Watched, codes_in_use, watched
from tests.fixtures.weeks import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Alert, Tells, Week

_DAYS = 7
_ALERTS = """
    SELECT a.*, s.code AS station, p.symbol
    FROM alert a
    LEFT JOIN station s ON s.id = a.station_id
    LEFT JOIN datastream d ON d.id = a.datastream_id
    LEFT JOIN observed_property p ON p.id = d.observed_property_id
    ORDER BY a.id
"""
_TABLES = ("alert", "alert_move", "verdict", "verdict_former", "event")
_FAR_US = 2**61
# What is found by looking at the clock, not by reading what was measured.
_TELLS = {"clock-skew": Tells.CLOCKS, "quarantine-growing": Tells.ARRIVAL}
# Later data showed that these never were, or were part of another.
_GONE = {"withdrawn", "merged"}


@dataclass
class Scene:
    """The network at the begin of its week, watched up to there."""

    watched: Watched
    week: Week

    async def end(self) -> None:
        """When the last day is judged, and before the last readings are missed."""
        await self.watched.watch(self.week.end_us + 14 * MINUTE_US)

    async def alerts(self) -> list[dict[str, Any]]:
        return await self.watched.rows(_ALERTS)

    async def verdicts(self) -> dict[Key, Verdict]:
        rows = await self.watched.rows("SELECT * FROM verdict WHERE averaging <> 'year'")
        return {
            (row["datastream_id"], row["averaging"], instants.to_us(row["period_start"])): Verdict(
                row["verdict"], row["mean"], row["valid_n"], row["received_n"], row["expected_n"]
            )
            for row in rows
        }

    async def count(self, table: str) -> int:
        counted: int = await self.watched.database.fetchval(f"SELECT count(*) FROM {table}")
        return counted


async def rounds_of(made: Watched) -> list[Round]:
    """What a process that watches does."""
    return [
        await Judging(made.database, clock=made.clock).prepare(),
        Alerts(made.database, made.catalog, clock=made.clock),
        Deadlines(made.database, made.catalog, clock=made.clock),
    ]


@pytest.fixture
async def scene(server_dsn: str, template: str) -> AsyncIterator[Scene]:
    begin_us = weeks.newest_begin(_DAYS, instants.now_us())
    async with cloned(server_dsn, template) as dsn, watched(dsn, begin_us, codes_in_use()) as made:
        week = await happenings.eventful(made.database, begin_us, _DAYS)
        await made.agree_on(week.windows)
        made.rounds = await rounds_of(made)
        await made.watch()
        yield Scene(made, week)


def _standing(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["cleared_reason"] not in _GONE]


def _span(row: dict[str, Any]) -> tuple[int, int]:
    """Begin and end of an alert; what goes on ends far away."""
    return instants.to_us(row["raised_time"]), _FAR_US if row["cleared_time"] is None else instants.to_us(
        row["cleared_time"]
    )


def _told(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    """What the alerts that stand say, readable where they differ."""
    return Counter(
        str(Alert(row["kind"], row["station"], row["symbol"], *_span(row), _TELLS.get(row["kind"], Tells.READINGS)))
        for row in _standing(rows)
    )


def _expected(week: Week, *, live: bool) -> Counter[str]:
    return Counter(str(alert) for alert in week.alerts if live or alert.tells is not Tells.CLOCKS)


async def assert_the_alerts_are_right(scene: Scene, *, live: bool) -> None:
    """Every event has its alert with the right times, and nothing else has one."""
    mine, truth = _told(await scene.alerts()), _expected(scene.week, live=live)
    assert {"missing": truth - mine, "surplus": mine - truth} == {"missing": Counter(), "surplus": Counter()}
    assert len(truth) > 25


async def assert_the_verdicts_are_right(scene: Scene) -> None:
    """Every closed period is judged as plain Python judges it."""
    truth: dict[Key, Verdict] = {}
    for row in await scene.watched.rows("SELECT * FROM judging_progress WHERE averaging <> 'year'"):
        span = instants.to_us(row["judged_from"]), instants.to_us(row["judged_until"])
        assert span[1] >= scene.week.end_us
        found = averages.verdicts(scene.week, *span)
        truth |= {key: verdict for key, verdict in found.items() if key[1] == row["averaging"]}
    mine = await scene.verdicts()
    assert mine.keys() == truth.keys()
    assert {key: (mine[key], truth[key]) for key in mine if not mine[key].like(truth[key])} == {}
    counts = Counter(verdict.verdict for verdict in truth.values())
    assert counts["exceeded"] == sum(alert.kind == "average-exceeded" for alert in scene.week.alerts) > 1
    assert counts["insufficient-data"] > 0
    assert counts["compliant"] > 20 * counts["exceeded"]


def assert_it_was_found_in_time(week: Week, row: dict[str, Any]) -> None:
    """It was looked at every hour; a mean is known ten minutes after its period, which may be a day."""
    raised_us, _ = _span(row)
    detected_us = instants.to_us(row["detected_time"])
    assert raised_us <= detected_us <= raised_us + (26 if row["kind"] == "average-exceeded" else 2) * HOUR_US, row
    if row["kind"] in _TELLS:
        # Its times are those of looks; they lie where the thing happened.
        same = [alert for alert in week.alerts if (alert.kind, alert.station) == (row["kind"], row["station"])]
        assert any(alert.raised_us <= raised_us <= alert.cleared_us + HOUR_US for alert in same), row


async def raisings(scene: Scene) -> list[dict[str, Any]]:
    return await scene.watched.rows("SELECT * FROM event WHERE type = 'alert.raised' ORDER BY id")


async def assert_a_repetition_changes_nothing(scene: Scene) -> None:
    """All of the week again at its end; but not what nobody could read: that is as unreadable a second time."""
    kept = await scene.alerts()
    verdicts = await scene.watched.rows("SELECT * FROM verdict ORDER BY id")
    counts = [await scene.count(table) for table in _TABLES]
    again = [sending for sending in scene.week.sendings() if not sending.flaws]
    outcomes = await scene.watched.send(again, received_us=scene.week.end_us + 14 * MINUTE_US)
    assert sum(outcome.stored for outcome in outcomes) == 0
    assert sum(outcome.duplicates for outcome in outcomes) > 50_000
    await scene.end()
    assert [row for row in await scene.alerts() if row not in kept] == []
    assert await scene.watched.rows("SELECT * FROM verdict ORDER BY id") == verdicts
    assert counts == [await scene.count(table) for table in _TABLES]


async def test_every_event_of_a_live_week_has_its_alert_and_nothing_else_has_one_and_twice_is_once(
    scene: Scene,
) -> None:
    await scene.watched.live(scene.week)
    await scene.end()
    await assert_the_alerts_are_right(scene, live=True)
    await assert_the_verdicts_are_right(scene)
    rows = await scene.alerts()
    # Nothing was raised that had to be taken back, and nothing that happened just now was called history.
    assert [row["kind"] for row in rows if row["cleared_reason"] in _GONE or row["historical"]] == []
    assert Counter(json.loads(event["payload"])["alert"]["id"] for event in await raisings(scene)) == {
        row["id"]: 1 for row in rows
    }
    for row in rows:
        assert_it_was_found_in_time(scene.week, row)
    # What came in time was judged once; only what was sent again later was news.
    assert await scene.count("verdict_former") < await scene.count("verdict") / 100
    await assert_a_repetition_changes_nothing(scene)


async def test_a_week_that_comes_at_its_end_gives_the_same(scene: Scene) -> None:
    """Nothing came all week, and every day was judged without it. Two processes watch side by side."""
    scene.watched.others = [await rounds_of(scene.watched)]
    for day in range(1, _DAYS + 1):
        await scene.watched.watch(scene.week.begin_us + day * DAY_US)
    before = await scene.count("event")
    await scene.watched.send(scene.week.sendings(), received_us=scene.week.end_us + 5 * MINUTE_US)
    await scene.watched.watch(scene.week.end_us + 6 * MINUTE_US)
    await scene.end()
    await assert_the_alerts_are_right(scene, live=False)
    await assert_the_verdicts_are_right(scene)
    # The verdicts that the silence had are kept with their cause.
    formerly = await scene.watched.rows("SELECT DISTINCT cause, verdict FROM verdict_former")
    assert formerly == [{"cause": "late-data", "verdict": "insufficient-data"}]
    # What readings tell is history by now, shown and told to nobody; but a mean is over when the next one is known.
    lately = scene.week.end_us - DAY_US
    present = [row for row in _standing(await scene.alerts()) if not row["historical"] and row["kind"] not in _TELLS]
    assert [(row["kind"], _span(row)[1] >= lately) for row in present] == [("average-exceeded", True)] * len(present)
    events = await scene.watched.rows(
        "SELECT alert_kind FROM event WHERE id > $1 AND type = 'alert.raised' AND NOT historical", before
    )
    assert len(events) <= len(present) + sum(alert.kind in _TELLS for alert in scene.week.alerts)


async def test_a_week_that_comes_in_any_order_gives_the_same(scene: Scene) -> None:
    """In pieces of which each has something of every day: most of what is found is found again otherwise."""
    sendings = scene.week.sendings()
    shuffled = [sending for sending in sendings if not sending.second]
    random.Random(20).shuffle(shuffled)
    shuffled += [sending for sending in sendings if sending.second]
    for piece in range(3):
        time_us = scene.week.end_us + (piece + 1) * MINUTE_US
        await scene.watched.send(shuffled[piece::3], received_us=time_us)
        await scene.watched.watch(time_us + SECOND_US)
    await scene.end()
    await assert_the_alerts_are_right(scene, live=False)
    await assert_the_verdicts_are_right(scene)
