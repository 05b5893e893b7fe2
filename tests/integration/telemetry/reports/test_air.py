"""The air quality index from stored observations: what plain Python makes of every observation in the table."""

import csv
import io
import math
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import instants
from telemetry.quality import aqi_rules
from telemetry.reports import air_schemas
from tests.fixtures.series import Archive, utc
from tests.integration.telemetry.reports import plain

STATION = "TH-KK-01"
RULES = aqi_rules.rules()
# Midnight in Việt Nam.
BEGIN = utc(2025, 10, 29, 17)
# c12 to c1 of the worked example of the decision.
EXAMPLE = [26.9, 24.7, 20.5, 23.5, 19.5, 16.5, 19.0, 16.5, 20.3, 22.4, 19.6, 20.6]


def _stream(archive: Archive, name: str) -> int:
    symbol = RULES.symbols[RULES.names.index(name)]
    return archive.stream(STATION, symbol)


async def _hour(archive: Archive, name: str, begin: datetime, mean: float, valid: int = 12) -> None:
    """One hour of observations with this mean, of which so many are valid."""
    stream = _stream(archive, name)
    for step in range(12):
        swing = 1.0 if step % 2 else -1.0
        good = step < valid
        value = mean + (swing if valid == 12 else 0.0)
        await archive.put(
            stream, begin + step * timedelta(minutes=5), value if good else 999.0, quality=1 if good else 4
        )


async def _aqi(archive: Archive, **query: Any) -> Any:
    found = await archive.get(f"/v1/stations/{STATION}/aqi", **query)
    (air_schemas.HourlyAir if found["resolution"] == "hour" else air_schemas.DailyAir).model_validate(found)
    return found


def _span(begin: datetime, hours: int) -> dict[str, Any]:
    return {"from": begin.isoformat(), "to": (begin + hours * plain.HOUR).isoformat()}


async def test_the_hour_of_the_decision_comes_out_of_stored_observations(archive: Archive) -> None:
    for place, mean in enumerate(EXAMPLE):
        await _hour(archive, "PM2.5", BEGIN + place * plain.HOUR, mean)
    newest = BEGIN + 11 * plain.HOUR
    await _hour(archive, "O3", newest, 136.1)
    await _hour(archive, "NO2", newest, 118.7, valid=9)
    await archive.refresh()
    found = await _aqi(archive, **_span(newest, 1))
    (hour,) = found["items"]
    assert instants.parse(hour["periodEnd"]) == newest + plain.HOUR
    assert (hour["index"], hour["dominant"]) == (59, "NO2-air")
    assert (hour["level"]["code"], hour["level"]["nameVi"], hour["level"]["colour"]) == (
        "moderate", "Trung bình", "#ffff00",
    )  # fmt: skip
    parts = {part["name"]: part for part in hour["components"]}
    assert {name: part["index"] for name, part in parts.items()} == {
        "SO2": None, "CO": None, "NO2": 59, "O3": 43, "PM10": None, "PM2.5": 41,
    }  # fmt: skip
    assert parts["PM2.5"]["value"] == pytest.approx(20.27, abs=0.01)
    assert parts["PM2.5"]["hours"] == 12
    assert found["method"]["code"] == "VN_AQI"
    assert (found["method"]["minimumPercent"], found["method"]["minimumVerified"]) == (75, False)


async def test_an_hour_with_too_few_valid_observations_has_no_mean_until_less_is_asked_for(archive: Archive) -> None:
    for place in range(12):
        await _hour(archive, "PM10", BEGIN + place * plain.HOUR, 50.0, valid=8)
    await archive.refresh()
    span = _span(BEGIN + 11 * plain.HOUR, 1)
    assert (await _aqi(archive, **span))["items"][0]["index"] is None
    assert (await _aqi(archive, minimumPercent=60, **span))["items"][0]["index"] == 50


async def test_the_air_now_is_that_of_the_newest_hour_with_an_index(archive: Archive) -> None:
    hour = instants.now().replace(minute=0, second=0, microsecond=0)
    for back in range(1, 14):
        # The newest hour has not come yet.
        await _hour(archive, "PM2.5", hour - (back + 1) * plain.HOUR, 30.0)
    await archive.refresh()
    found = await archive.get("/v1/aqi")
    air_schemas.Air.model_validate(found)
    assert [item["station"] for item in found["items"]] == ["TH-KK-01", "TH-KK-02", "TH-KK-03"]
    first, second, _ = found["items"]
    # The Nowcast needs two of the newest three hours, so that the hour that has not come has one all the same.
    assert first["hour"]["index"] == 60
    assert instants.parse(first["hour"]["periodEnd"]) == hour
    assert second["hour"]["index"] is None
    assert second["day"]["level"] is None


async def test_a_table_has_one_line_for_each_component(archive: Archive) -> None:
    for place in range(12):
        await _hour(archive, "PM10", BEGIN + place * plain.HOUR, 50.0)
    await archive.refresh()
    answer = await archive.answer(f"/v1/stations/{STATION}/aqi", format="csv", **_span(BEGIN + 11 * plain.HOUR, 1))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["component"] for row in rows] == list(RULES.names)
    assert {(row["index"], row["level"], row["dominant"]) for row in rows} == {("50", "good", "PM10")}
    assert [row["subIndex"] for row in rows] == ["", "", "", "", "50", ""]


async def test_only_ambient_stations_have_an_index_and_spans_are_bounded(archive: Archive) -> None:
    await archive.get("/v1/stations/TH-NT-001/aqi", status=422)
    await archive.get("/v1/stations/TH-XX-001/aqi", status=404)
    await archive.get(f"/v1/stations/{STATION}/aqi", status=422, **_span(BEGIN, 0))
    await archive.get(f"/v1/stations/{STATION}/aqi", status=422, **_span(BEGIN, 24 * 93))
    await archive.get(f"/v1/stations/{STATION}/aqi", resolution="day", **_span(BEGIN, 24 * 93))
    assert (await _aqi(archive, **{"from": "2099-01-01T00:00:00Z", "to": "2099-01-02T00:00:00Z"}))["items"] == []


# Plain Python, hour by hour from every observation.


def _sub_index(value: float, points: list[float]) -> int | None:
    if value > points[-1]:
        return 500 if len(points) == len(RULES.index) else None
    at = max(place for place in range(len(points) - 1) if points[place] <= value)
    low, high = float(RULES.index[at]), float(RULES.index[at + 1])
    return math.floor((high - low) / (points[at + 1] - points[at]) * (value - points[at]) + low + 0.5 + 1e-9)


def _nowcast(newest_first: list[float | None]) -> float | None:
    if sum(mean is not None for mean in newest_first[:3]) < 2:
        return None
    known = [mean for mean in newest_first if mean is not None]
    ratio = min(known) / max(known)
    pairs = [(place, mean) for place, mean in enumerate(newest_first) if mean is not None]
    if ratio <= 0.5:
        return sum(0.5 ** (place + 1) * mean for place, mean in pairs)
    return sum(ratio**place * mean for place, mean in pairs) / sum(ratio**place for place, _ in pairs)


async def _unsteady(archive: Archive, days: int) -> dict[str, dict[datetime, float | None]]:
    """Fills some days at random, with what is missing or calibrating; gives back the mean of each good enough hour."""
    chance = random.Random(5)
    top = {"SO2": 300, "CO": 12_000, "NO2": 150, "O3": 250, "PM10": 180, "PM2.5": 90}
    for name in RULES.names:
        rows = []
        for step in range(-12 * 12, days * 288):
            if chance.random() < 0.1 or (step // 12) % 17 == RULES.names.index(name):
                continue
            quality = 4 if chance.random() < 0.05 else 1
            level = top[name] * (0.6 + 0.4 * math.sin(step / 60))
            rows.append((BEGIN + step * timedelta(minutes=5), level * chance.uniform(0.5, 1), quality))
        await archive.database.execute(
            "INSERT INTO observation (phenomenon_time, result, receipt_id, datastream_id, quality_reasons,"
            " device_status, result_quality) SELECT time, result, 7, $4, 0, 0, quality"
            " FROM unnest($1::timestamptz[], $2::float8[], $3::smallint[]) AS r (time, result, quality)",
            *[list(column) for column in zip(*rows, strict=True)],
            _stream(archive, name),
        )
    await archive.refresh()
    hourly = await plain.by_hour(archive, [_stream(archive, name) for name in RULES.names])
    hours = [BEGIN + place * plain.HOUR for place in range(-12, days * 24)]
    return {name: {hour: hourly[_stream(archive, name)][hour].mean(9) for hour in hours} for name in RULES.names}


async def test_hours_are_what_a_loop_over_the_observations_gives(archive: Archive) -> None:
    means = await _unsteady(archive, 2)
    found = await _aqi(archive, **_span(BEGIN, 48))
    assert len(found["items"]) == 48
    for place, item in enumerate(found["items"]):
        hour = BEGIN + place * plain.HOUR
        indices: dict[str, int | None] = {}
        for component in RULES.hourly:
            name = RULES.names[component.place]
            newest_first = [means[name].get(hour - back * plain.HOUR) for back in range(12)]
            value = _nowcast(newest_first) if RULES.particles[component.place] else newest_first[0]
            indices[name] = None if value is None else _sub_index(value, component.breakpoints.tolist())
        assert {part["name"]: part["index"] for part in item["components"]} == indices
        particles = indices["PM10"] is not None or indices["PM2.5"] is not None
        assert item["index"] == (max(i for i in indices.values() if i is not None) if particles else None)
    assert len({item["dominant"] for item in found["items"]}) > 1


async def test_days_are_what_a_loop_over_the_observations_gives(archive: Archive) -> None:
    means = await _unsteady(archive, 3)
    found = await _aqi(archive, resolution="day", **_span(BEGIN, 72))
    assert [item["date"] for item in found["items"]] == ["2025-10-30", "2025-10-31", "2025-11-01"]
    for place, item in enumerate(found["items"]):
        first = BEGIN + place * plain.DAY
        expected: list[int | None] = []
        for component in RULES.daily:
            own = means[RULES.names[component.place]]
            day = [mean for n in range(24) if (mean := own[first + n * plain.HOUR]) is not None]
            value: float | None = max(day, default=None)
            if component.statistic == "mean-24h":
                value = sum(day) / len(day) if len(day) >= 18 else None
            if component.statistic == "max-8h":
                windows = [[own[first + (n - back) * plain.HOUR] for back in range(8)] for n in range(24)]
                known = [[mean for mean in window if mean is not None] for window in windows]
                value = max((sum(window) / len(window) for window in known if len(window) >= 6), default=None)
            expected.append(None if value is None else _sub_index(value, component.breakpoints.tolist()))
        assert [part["index"] for part in item["components"]] == expected
        assert item["index"] == max(index for index in expected if index is not None)
