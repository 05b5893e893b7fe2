"""Reports over real tables: each says what a plain loop over the observations says."""

import csv
import io
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import instants
from core.instants import Zone
from telemetry.reports import schemas
from tests.fixtures.series import Archive, utc
from tests.integration.telemetry.reports import plain

STATION = "TH-NT-001"
# 30 October 07:00 to 3 November 2025 04:00 in Việt Nam: two months, and days that are cut.
BEGIN, END = utc(2025, 10, 30, 0), utc(2025, 11, 2, 21)
SPAN: dict[str, Any] = {"station": STATION, "from": BEGIN.isoformat(), "to": END.isoformat()}
_INSERT = """
    INSERT INTO observation (phenomenon_time, result, receipt_id, datastream_id, quality_reasons, device_status,
                             result_quality)
    SELECT time, result, 7, id, 0, CASE WHEN quality = 4 THEN 1 ELSE 0 END, quality
    FROM unnest($1::timestamptz[], $2::float8[], $3::integer[], $4::smallint[]) AS r (time, result, id, quality)
    ON CONFLICT DO NOTHING
"""

Rows = list[tuple[datetime, float, int, int]]


async def _store(archive: Archive, rows: Rows) -> None:
    await archive.database.execute(_INSERT, *[list(column) for column in zip(*rows, strict=True)])
    await archive.refresh()


def _unsteady(streams: Sequence[int], begin: datetime, end: datetime, seed: int) -> Rows:
    """Gaps, bursts, times beside the grid, calibrations, and noise around each datastream's own level."""
    chance = random.Random(seed)
    rows: Rows = []
    for stream in streams:
        time = begin
        while time < end:
            fate = chance.random()
            if fate < 0.02:
                time += timedelta(minutes=chance.choice([25, 65, 200]))
            extra = 8 if fate > 0.985 else 1
            for second in range(extra):
                quality = 4 if chance.random() < 0.15 else chance.choice([1, 1, 1, 2, 3])
                rows.append((time + timedelta(seconds=second), round(chance.gauss(stream % 50, 5), 3), stream, quality))
            time += timedelta(minutes=5, seconds=chance.choice([0, 0, 0, 7]))
    return [row for row in rows if row[0] < end]


@pytest.fixture
async def streams(archive: Archive) -> list[int]:
    """Three datastreams of a station with unsteady data, also before and after the span; the others have none."""
    found = archive.streams(STATION)[:3]
    await _store(archive, _unsteady(found, BEGIN - timedelta(hours=9), END + timedelta(hours=5), seed=4))
    return found


def _names(archive: Archive) -> dict[int, str]:
    return {id_: archive.catalog.snapshot.datastreams[id_].symbol for id_ in archive.streams(STATION)}


def _by_key(items: list[Any], *members: str) -> dict[tuple[Any, ...], Any]:
    found = {tuple(item[name] for name in members): item for item in items}
    assert len(found) == len(items)
    return found


@pytest.mark.usefixtures("streams")
async def test_a_day_is_what_a_loop_over_the_observations_gives(archive: Archive) -> None:
    report = await archive.get("/v1/reports/day", **SPAN)
    schemas.DayReport.model_validate(report)
    items = _by_key(report["items"], "date", "symbol")
    hourly = await plain.by_hour(archive, archive.streams(STATION))
    totals = [0, 0, 0]
    for date, hours in plain.days(BEGIN, END):
        for stream, symbol in _names(archive).items():
            own = [hourly[stream][hour] for hour in hours]
            valid = [result for hour in own for result in hour.valid]
            counts = [
                12 * len(hours), sum(min(12, h.received) for h in own), sum(min(12, len(h.valid)) for h in own),
            ]  # fmt: skip
            item = items.pop((date, symbol))
            assert [item["expected"], item["received"], item["valid"]] == counts
            assert item["receivedPercent"] == plain.percent(counts[1], counts[0])
            assert item["complete"] == (len(hours) == 24)
            assert item["sufficient"] == (counts[2] >= 0.75 * counts[0])
            assert item["mean"] == (pytest.approx(sum(valid) / len(valid)) if valid else None)
            assert (item["least"], item["greatest"]) == (min(valid, default=None), max(valid, default=None))
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
    assert items == {}
    assert [report["total"][name] for name in ("expected", "received", "valid")] == totals
    assert 0 < report["total"]["valid"] < report["total"]["received"] < report["total"]["expected"]


async def test_the_highest_hourly_mean_is_what_a_loop_gives(archive: Archive, streams: list[int]) -> None:
    report = await archive.get("/v1/reports/hourly-maximum", minimumPercent=60, **SPAN)
    schemas.HourlyMaximumReport.model_validate(report)
    items = _by_key(report["items"], "date", "symbol")
    hourly = await plain.by_hour(archive, streams)
    for date, hours in plain.days(BEGIN, END):
        for stream in streams:
            means = [(hourly[stream][hour].mean(plain.needed(12, 0.6)), hour) for hour in hours]
            known = [(mean, hour) for mean, hour in means if mean is not None]
            item = items[date, _names(archive)[stream]]
            highest = max(mean for mean, _ in known)
            hour = min(hour for mean, hour in known if mean == pytest.approx(highest, rel=1e-12))
            assert (item["hours"], item["sufficientHours"]) == (len(hours), len(known))
            assert item["maximum"] == pytest.approx(highest)
            # An hour is called by its end.
            assert instants.parse(item["hourEnd"]) == hour + plain.HOUR
    assert report["minimumPercent"] == 60
    assert not report["minimumVerified"]


@pytest.mark.usefixtures("streams")
async def test_a_month_and_a_station_are_what_a_loop_gives(archive: Archive) -> None:
    month = await archive.get("/v1/reports/month", **SPAN)
    station = await archive.get("/v1/reports/availability", **SPAN)
    schemas.MonthReport.model_validate(month)
    schemas.AvailabilityReport.model_validate(station)
    items = _by_key(month["items"], "month", "symbol")
    hourly = await plain.by_hour(archive, archive.streams(STATION))
    for row in station["items"]:
        own = [item for item in month["items"] if item["month"] == row["month"]]
        assert row["datastreams"] == len(own) == len(archive.streams(STATION))
        for name in ("expected", "received", "valid", "hours", "excusedHours", "requiredHours", "availableHours"):
            assert row[name] == sum(item[name] for item in own)
        assert row["availablePercent"] == plain.percent(row["availableHours"], row["requiredHours"])
    assert [row["month"] for row in station["items"]] == ["2025-10", "2025-11"]
    for name in ("2025-10", "2025-11"):
        hours = [hour for date, of in plain.days(BEGIN, END) for hour in of if date.startswith(name)]
        for stream, symbol in _names(archive).items():
            own_hours = [hourly[stream][hour] for hour in hours]
            valid = [result for hour in own_hours for result in hour.valid]
            item = items.pop((name, symbol))
            assert item["expected"] == 12 * len(hours)
            assert item["valid"] == sum(min(12, len(hour.valid)) for hour in own_hours)
            assert item["availableHours"] == sum(len(hour.valid) >= 9 for hour in own_hours)
            assert item["mean"] == (pytest.approx(sum(valid) / len(valid)) if valid else None)
            peaks = [mean for hour in own_hours if (mean := hour.mean(9)) is not None]
            assert item["maximumHourlyMean"] == (pytest.approx(max(peaks)) if peaks else None)
    assert items == {}


_WINDOW = """
    INSERT INTO station_window (kind, station_id, datastream_id, begin_time, end_time, state, requested_by, decided_by)
    VALUES ($1, (SELECT id FROM station WHERE code = $2), $3, $4, $5, $6, 'an', 'binh') RETURNING id
"""


async def test_hours_in_accepted_windows_are_not_asked_for(archive: Archive, streams: list[int]) -> None:
    async def window(kind: str, stream: int | None, first: float, last: float, state: str) -> None:
        times = BEGIN + timedelta(hours=first), BEGIN + timedelta(hours=last)
        await archive.database.execute(_WINDOW, kind, STATION, stream, *times, state)

    before = await archive.get("/v1/reports/month", **SPAN)
    # Half an hour touches two hours; what is asked for and rejected touches none; two windows over one hour are one.
    await window("maintenance", None, 2.75, 3.25, "accepted")
    await window("calibration", streams[0], 3.0, 6.0, "accepted")
    await window("calibration", streams[1], 10.0, 20.0, "requested")
    await window("maintenance", None, 30.0, 40.0, "rejected")
    after = await archive.get("/v1/reports/month", **SPAN)
    hourly = await plain.by_hour(archive, archive.streams(STATION))
    october = _by_key([item for item in after["items"] if item["month"] == "2025-10"], "symbol")
    for stream, symbol in _names(archive).items():
        item = october[symbol,]
        excused = {2, 3, 4, 5} if stream == streams[0] else {2, 3}
        hours = [hour for date, of in plain.days(BEGIN, END) for hour in of if date.startswith("2025-10")]
        good = [hour for n, hour in enumerate(hours) if n not in excused and len(hourly[stream][hour].valid) >= 9]
        assert (item["excusedHours"], item["requiredHours"]) == (len(excused), len(hours) - len(excused))
        assert item["availableHours"] == len(good)
        assert item["availablePercent"] == plain.percent(len(good), len(hours) - len(excused))
    # What was received and valid is not changed by a window.
    assert after["total"]["valid"] == before["total"]["valid"]
    assert after["total"]["expected"] == before["total"]["expected"]


async def test_stations_are_chosen_by_code_kind_and_organization(archive: Archive) -> None:
    async def stations(**query: Any) -> set[str]:
        report = await archive.get("/v1/reports/availability", month="2025-10", **query)
        return {item["station"] for item in report["items"]}

    everyone = await stations()
    assert len(everyone) == 105
    assert {code[:5] for code in await stations(kind="groundwater")} == {"TH-NN"}
    owner = await archive.database.fetchrow(
        "SELECT o.code, array_agg(s.code) AS stations FROM organization o JOIN station s ON s.organization_id = o.id"
        " WHERE o.id = (SELECT organization_id FROM station WHERE code = $1) GROUP BY o.code",
        STATION,
    )
    assert await stations(organization=owner["code"]) == set(owner["stations"])
    assert await stations(organization=owner["code"], station="TH-KK-01") == set()
    await archive.get("/v1/reports/availability", organization="NOBODY", status=404)
    await archive.get("/v1/reports/availability", station="TH-XX-999", status=404)


async def test_nothing_is_expected_of_the_future_and_nothing_of_nothing_is_not_applicable(archive: Archive) -> None:
    for kind in ("day", "month", "availability", "hourly-maximum", "exceedance", "disconnection"):
        report = await archive.get(f"/v1/reports/{kind}", month="2099-01", station=STATION)
        assert report["items"] == []
        percents = {name: value for name, value in report["total"].items() if name.endswith("Percent")}
        assert set(percents.values()) == {None}, percents


@pytest.mark.usefixtures("streams")
async def test_a_table_has_the_rows_of_the_document(archive: Archive) -> None:
    for kind in ("day", "month", "availability", "hourly-maximum", "disconnection"):
        report = await archive.get(f"/v1/reports/{kind}", **SPAN)
        answer = await archive.answer(f"/v1/reports/{kind}", format="csv", **SPAN)
        assert answer.headers["content-type"].startswith("text/csv")
        assert f'filename="{kind}-20251030-20251103.csv"' in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == len(report["items"])
        for row, item in zip(rows, report["items"], strict=True):
            assert list(row) == list(item)
            assert [row[name] for name in item] == [_written(value) for value in item.values()]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


async def test_no_cell_of_a_table_is_a_formula(archive: Archive) -> None:
    property_id = await archive.database.fetchval(
        "INSERT INTO observed_property (symbol, unit, name_vi, name_en) VALUES ('=2+5', '@x', 'x', 'x') RETURNING id"
    )
    await archive.database.execute(
        "INSERT INTO datastream (station_id, observed_property_id, reported_unit)"
        " SELECT id, $2, '' FROM station WHERE code = $1",
        STATION,
        property_id,
    )
    await archive.catalog.refresh()
    answer = await archive.answer("/v1/reports/day", format="csv", **SPAN)
    cells = {(row["symbol"], row["unit"]) for row in csv.DictReader(io.StringIO(answer.text))}
    assert ("'=2+5", "'@x") in cells
    assert not any(cell.startswith(("=", "@")) for pair in cells for cell in pair)


async def test_reports_are_for_the_staff_and_say_what_they_know(archive: Archive) -> None:
    await archive.get("/v1/reports/day", who="own", status=403)
    await archive.get("/v1/aqi", who="own", status=403)
    await archive.get("/v1/reports/yearly", status=422)
    await archive.get("/v1/reports/day", status=422, month="2026-13")
    await archive.get("/v1/reports/day", status=422, month="2025-10", **SPAN)
    await archive.get("/v1/reports/day", status=422, minimumPercent=101)


@pytest.mark.usefixtures("streams")
async def test_days_are_those_of_vietnam_whatever_the_zone_of_the_answer(archive: Archive) -> None:
    here = await archive.get("/v1/reports/hourly-maximum", **SPAN)
    utc_ = await archive.get("/v1/reports/hourly-maximum", zone=Zone.UTC, **SPAN)
    assert [item["date"] for item in here["items"]] == [item["date"] for item in utc_["items"]]
    assert here["from"] == "2025-10-30T07:00:00+07:00"
    assert utc_["from"] == "2025-10-30T00:00:00Z"
    assert {item["hourEnd"][-1] for item in utc_["items"] if item["hourEnd"]} == {"Z"}
