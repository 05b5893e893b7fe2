"""When stations were silent: what a plain look at the times of their observations says."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import instants
from telemetry.reports import schemas
from tests.fixtures.series import Archive, utc
from tests.integration.telemetry.reports import plain

STATION, OTHER = "TH-NT-001", "TH-NT-002"
BEGIN, END = utc(2025, 10, 30, 0), utc(2025, 11, 2, 21)
SPAN: dict[str, Any] = {"from": BEGIN.isoformat(), "to": END.isoformat()}
MINUTE = timedelta(minutes=1)
CADENCE = 5 * MINUTE


async def _at(archive: Archive, stream: int, *times: datetime) -> None:
    for time in times:
        await archive.put(stream, time, 1.0)


async def _outages(archive: Archive, **query: Any) -> list[Any]:
    report = await archive.get("/v1/reports/disconnection", **{"station": STATION, **SPAN, **query})
    schemas.DisconnectionReport.model_validate(report)
    found: list[Any] = report["items"]
    return found


def _times(item: Any) -> tuple[datetime | None, datetime, datetime | None]:
    last, opened, closed = item["lastTime"], item["openedTime"], item["closedTime"]
    return (
        None if last is None else instants.parse(last),
        instants.parse(opened),
        None if closed is None else instants.parse(closed),
    )


async def test_outages_are_the_gaps_of_all_datastreams_together(archive: Archive) -> None:
    chance = random.Random(11)
    streams = archive.streams(STATION)[:2]
    for stream in streams:
        since = BEGIN - timedelta(hours=2)
        while since < END + timedelta(hours=3):
            until = since + timedelta(minutes=chance.choice([30, 60, 400]))
            await archive.fill([stream], since, until)
            since = until + timedelta(minutes=chance.choice([20, 25, 90, 300]))
    rows = await plain.observations(archive, streams)
    gaps = plain.gaps([row["phenomenon_time"] for row in rows], 20 * MINUTE)
    expected = [(a, a + CADENCE, b) for a, b in gaps if a + CADENCE < END and b > BEGIN]
    items = await _outages(archive)
    assert [_times(item) for item in items] == expected
    assert len(expected) > 3
    for item, (_, opened, closed) in zip(items, expected, strict=True):
        assert item["durationSeconds"] == (closed - opened).total_seconds()
        assert item["secondsInSpan"] == (min(closed, END) - max(opened, BEGIN)).total_seconds()


async def test_an_outage_begins_with_the_first_missing_observation_after_cadence_and_grace(archive: Archive) -> None:
    stream = archive.streams(STATION)[0]
    await archive.fill([stream], BEGIN - plain.HOUR, END + plain.HOUR)
    at = BEGIN + timedelta(hours=10)
    for first, minutes in ((0, 20), (120, 25)):
        begin = at + first * MINUTE
        await archive.database.execute(
            "DELETE FROM observation WHERE phenomenon_time > $1 AND phenomenon_time < $2",
            begin,
            begin + minutes * MINUTE,
        )
    # A silence of exactly cadence and grace is none.
    late = at + 120 * MINUTE
    assert [_times(item) for item in await _outages(archive)] == [(late, late + CADENCE, late + 25 * MINUTE)]
    assert len(await _outages(archive, graceMinutes=10)) == 2
    assert await _outages(archive, graceMinutes=30) == []


async def test_totals_count_every_station_and_show_both_sides(archive: Archive) -> None:
    for station in (STATION, OTHER):
        await archive.fill(archive.streams(station)[:1], BEGIN - plain.HOUR, END + plain.HOUR)
    gone = BEGIN + 2 * plain.HOUR
    await archive.database.execute(
        "DELETE FROM observation WHERE datastream_id = $1 AND phenomenon_time > $2 AND phenomenon_time < $3",
        archive.streams(STATION)[0],
        gone,
        gone + plain.HOUR,
    )
    report = await archive.get("/v1/reports/disconnection", kind="wastewater", **SPAN)
    silent = [item for item in report["items"] if item["station"] not in {STATION, OTHER}]
    seconds = int((END - BEGIN).total_seconds())
    assert {item["secondsInSpan"] for item in silent} == {seconds}
    assert {_times(item) for item in silent} == {(None, BEGIN, None)}
    total = report["total"]
    assert (total["stations"], total["outages"], total["rows"]) == (24, 23, 23)
    assert total["seconds"] == 24 * seconds
    assert total["connectedSeconds"] == 2 * seconds - 55 * 60
    assert total["connectedPercent"] == round(100 * total["connectedSeconds"] / total["seconds"], 2)


async def test_outages_reach_over_the_ends_of_the_span_and_the_last_one_lasts(archive: Archive) -> None:
    stream = archive.streams(STATION)[0]
    await _at(archive, stream, BEGIN - timedelta(days=3), BEGIN + plain.HOUR, END - plain.HOUR)
    items = await _outages(archive)
    assert [_times(item)[0] for item in items] == [BEGIN - timedelta(days=3), BEGIN + plain.HOUR, END - plain.HOUR]
    assert [_times(item)[2] for item in items] == [BEGIN + plain.HOUR, END - plain.HOUR, None]
    assert [item["secondsInSpan"] for item in items] == [
        3600, (END - BEGIN - 2 * plain.HOUR - CADENCE).total_seconds(), 3600 - 300,
    ]  # fmt: skip
    # A following observation closes it, however late it is.
    await _at(archive, stream, END + timedelta(days=9))
    assert _times((await _outages(archive))[-1])[2] == END + timedelta(days=9)


async def test_an_outage_that_has_just_begun_is_told_by_now(archive: Archive) -> None:
    now = instants.now()
    stream = archive.streams(STATION)[0]
    last = now - 40 * MINUTE
    await archive.fill([stream], now - timedelta(hours=30), last)
    newest = (await archive.database.fetchval("SELECT max(phenomenon_time) FROM observation")) + timedelta()
    begin = now - timedelta(hours=26)
    items = await _outages(archive, **{"from": begin.isoformat(), "to": now.isoformat()})
    hour = now.replace(minute=0, second=0, microsecond=0)
    # The span ends with the last whole hour: an outage that begins later is the next report's.
    expected = [(newest, newest + CADENCE, None)] if newest + CADENCE < hour else []
    assert [_times(item) for item in items] == expected


_ALERT = """
    INSERT INTO alert (kind, severity, station_id, state, raised_time, last_time, cleared_time, cleared_reason,
                       detected_time, closed_time)
    SELECT 'lost-connection', 'warning', id, 'cleared', $2, $3, $3, 'condition', $2, $3
    FROM station WHERE code = $1 RETURNING id
"""
_WINDOW = """
    INSERT INTO station_window (kind, station_id, begin_time, end_time, state, requested_by, decided_by)
    SELECT 'maintenance', id, $2, $3, 'accepted', 'an', 'binh' FROM station WHERE code = $1 RETURNING id
"""


async def test_alerts_and_windows_stand_beside_the_outages_they_belong_to(archive: Archive) -> None:
    stream = archive.streams(STATION)[0]
    await archive.fill([stream], BEGIN - plain.HOUR, END + plain.HOUR)
    gone, back = BEGIN + 5 * plain.HOUR, BEGIN + 8 * plain.HOUR
    await archive.database.execute(
        "DELETE FROM observation WHERE phenomenon_time > $1 AND phenomenon_time < $2", gone, back
    )
    alert = await archive.database.fetchval(_ALERT, STATION, gone + CADENCE, back)
    # Of this one everything came later: no gap is left.
    filled = await archive.database.fetchval(_ALERT, STATION, BEGIN + 20 * plain.HOUR, BEGIN + 21 * plain.HOUR)
    await archive.database.fetchval(_ALERT, OTHER, gone, back)
    window = await archive.database.fetchval(_WINDOW, STATION, gone + plain.HOUR, gone + 2 * plain.HOUR)
    items = await _outages(archive)
    assert [(item["basis"], item["alert"], item["window"]) for item in items] == [
        ("gap", alert, window), ("alert", filled, None),
    ]  # fmt: skip
    assert items[1]["secondsInSpan"] == 0
    assert items[1]["durationSeconds"] == 3600


@pytest.mark.parametrize("query", [{"graceMinutes": -1}, {"graceMinutes": "soon"}])
async def test_a_grace_that_is_no_time_is_refused(archive: Archive, query: dict[str, Any]) -> None:
    await archive.get("/v1/reports/disconnection", status=422, **query)
