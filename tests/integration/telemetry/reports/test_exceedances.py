"""The report of exceedances says what the verdicts say, and how much was judged at all."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from core import access, instants
from core.instants import Zone
from telemetry.catalog import loading
from telemetry.reports import schemas, scope, writing
from telemetry.reports.kinds import REPORTS, Kind
from telemetry.reports.scope import Scope
from tests.fixtures.verdicts import DAY, HOUR, Court, times, vietnam

STATION, SYMBOL = "TH-KT-001", "SO2"
BEGIN = vietnam(2026, 10, 6)


async def _report(court: Court, month: str = "2026-10", **named: Any) -> Any:
    snapshot = await loading.read(court.database)
    asked = {"station": None, "organization": None, "kind": None} | named
    chosen = await scope.stations(court.database, snapshot, access.unlimited("an"), **asked)
    span = scope.span(month, None, None, vietnam(2026, 12, 1))
    about = Scope(chosen, span, 0.75, timedelta(minutes=15))
    parts = [part async for part in writing.json(court.database, REPORTS[Kind.EXCEEDANCE], about, Zone.VIETNAM)]
    document = msgspec.json.decode(b"".join(parts))
    schemas.ExceedanceReport.model_validate(document)
    return document


@pytest.fixture
async def judged(court: Court) -> Court:
    """Three hours above a limit of 50 among 48, one of them with too few data."""
    await court.limit(STATION, SYMBOL, "1h", upper=50.0)
    for hour in range(48):
        level = 80.0 if hour in {10, 11, 40} else 20.0
        some = times(BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR)[: 3 if hour == 30 else 12]
        await court.send(STATION, SYMBOL, some, level)
    await court.at(BEGIN + 2 * DAY + HOUR)
    return court


async def test_every_verdict_above_its_limit_is_a_row(judged: Court) -> None:
    report = await _report(judged, station=STATION)
    verdicts = [v for v in await judged.verdicts(STATION) if v.verdict == "exceeded"]
    rows = [row for row in report["items"] if row["symbol"] == SYMBOL and row["averaging"] == "1h"]
    starts = [instants.parse(row["periodStart"]) for row in rows]
    assert starts == [BEGIN + hour * HOUR for hour in (10, 11, 40)]
    assert sorted(row["verdict"] for row in report["items"]) == sorted(verdict.id for verdict in verdicts)
    first = rows[0]
    assert (first["mean"], first["upper"], first["ratio"], first["valid"], first["expected"]) == (80, 50, 1.6, 12, 12)
    assert (first["basis"], first["legalSource"], first["ruleSet"]) == ("permit", "permit", None)
    assert first["periodEnd"] == "2026-10-06T11:00:00+07:00"


async def test_the_total_shows_how_much_was_judged(judged: Court) -> None:
    report = await _report(judged, station=STATION)
    by_verdict: dict[str, int] = {}
    for verdict in await judged.verdicts(STATION):
        if verdict.period_end <= vietnam(2026, 11, 1):
            by_verdict[verdict.verdict] = by_verdict.get(verdict.verdict, 0) + 1
    exceeded, compliant = by_verdict["exceeded"], by_verdict["compliant"]
    assert report["total"] == {
        "rows": exceeded,
        "exceeded": exceeded,
        "judged": exceeded + compliant,
        "insufficientData": by_verdict["insufficient-data"],
        "notJudged": by_verdict.get("cannot-be-judged", 0),
        "exceededPercent": round(100 * exceeded / (exceeded + compliant), 2),
    }
    assert exceeded == 3
    assert by_verdict["insufficient-data"] > 0


async def test_late_data_take_a_row_out_and_the_report_says_how_often_it_was_judged(judged: Court) -> None:
    start = BEGIN + 10 * HOUR
    await judged.send(STATION, SYMBOL, [time + timedelta(seconds=30) for time in times(start, start + HOUR)], 0.0)
    later = BEGIN + 11 * HOUR
    await judged.send(STATION, SYMBOL, [later + timedelta(seconds=30)], 81.0)
    await judged.turns()
    rows = (await _report(judged, station=STATION))["items"]
    assert [instants.parse(row["periodStart"]) for row in rows] == [later, BEGIN + 40 * HOUR]
    former = await judged.former(await _one(judged, later))
    assert rows[0]["formerVerdicts"] == len(former) == 1


async def _one(court: Court, start: Any) -> Any:
    verdict = await court.one(STATION, SYMBOL, "1h", start)
    assert verdict is not None
    return verdict


async def test_other_months_and_other_stations_have_rows_of_their_own(judged: Court) -> None:
    assert (await _report(judged, "2026-09", station=STATION))["total"]["judged"] == 0
    assert (await _report(judged, station="TH-KT-002"))["items"] == []
    assert len((await _report(judged, kind="flue_gas"))["items"]) == 3
    assert (await _report(judged, kind="groundwater"))["total"]["exceededPercent"] is None
