"""What exceeded its limit on average, from the verdicts, beside how much was judged at all."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from core import instants
from core.database import Database
from core.instants import Zone
from telemetry.reports import store
from telemetry.reports.days import months
from telemetry.reports.parts import Part, Record, Report
from telemetry.reports.scope import Scope

_MEMBERS = (
    "station",
    "kind",
    "symbol",
    "unit",
    "averaging",
    "periodStart",
    "periodEnd",
    "mean",
    "lower",
    "upper",
    "ratio",
    "least",
    "leastTime",
    "greatest",
    "greatestTime",
    "valid",
    "received",
    "expected",
    "ruleSet",
    "basis",
    "legalSource",
    "limitVerified",
    "judgedTime",
    "formerVerdicts",
    "verdict",
)
_SHARES = {"exceededPercent": ("exceeded", "judged")}


def _time(instant: datetime | None, zone: Zone) -> str | None:
    return None if instant is None else instants.text(instant, zone)


def _ratio(row: Any) -> float | None:
    """The mean as a multiple of the upper limit that it is above; None below a lower one."""
    above = row["upper"] is not None and row["upper"] > 0 and row["mean"] > row["upper"]
    return round(row["mean"] / row["upper"], 4) if above else None


def _row(row: Any, head: Record, zone: Zone) -> Record:
    return {
        **head,
        "unit": row["unit"] or head["unit"],
        "averaging": row["averaging"],
        "periodStart": _time(row["period_start"], zone),
        "periodEnd": _time(row["period_end"], zone),
        "mean": row["mean"],
        "lower": row["lower"],
        "upper": row["upper"],
        "ratio": _ratio(row),
        "least": row["minimum"],
        "leastTime": _time(row["minimum_time"], zone),
        "greatest": row["maximum"],
        "greatestTime": _time(row["maximum_time"], zone),
        "valid": row["valid_n"],
        "received": row["received_n"],
        "expected": row["expected_n"],
        "ruleSet": row["rule_set"],
        "basis": row["basis"],
        "legalSource": row["legal_source"],
        "limitVerified": row["verified"],
        "judgedTime": _time(row["judged_time"], zone),
        "formerVerdicts": row["former_n"],
        "verdict": row["id"],
    }


async def _rows(database: Database, scope: Scope, zone: Zone) -> AsyncIterator[Part]:
    """A month at a time, in order of the periods' ends."""
    heads: dict[int, Record] = {
        stream.id: {"station": station.code, "kind": station.kind, "symbol": stream.symbol, "unit": stream.unit}
        for station, stream in scope.streams()
    }
    for begin_us, end_us in months(scope.span.begin_us, scope.span.end_us):
        span = instants.from_us(begin_us), instants.from_us(end_us)
        found = await store.exceedances(database, list(heads), *span)
        verdicts = await store.judged(database, list(heads), *span)
        exceeded = verdicts.get("exceeded", 0)
        counts = {
            "exceeded": exceeded,
            "judged": exceeded + verdicts.get("compliant", 0),
            "insufficientData": verdicts.get("insufficient-data", 0),
            "notJudged": verdicts.get("cannot-be-judged", 0),
        }
        yield Part([_row(row, heads[row["datastream_id"]], zone) for row in found], counts)


EXCEEDANCE = Report("exceedance", _MEMBERS, _rows, ("exceeded", "judged", "insufficientData", "notJudged"), _SHARES)
