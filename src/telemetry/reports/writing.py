"""Reports as JSON and CSV, written part by part: what was written is forgotten."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from core import instants
from core.database import Database
from core.instants import Zone
from telemetry.quality import aqi_rules
from telemetry.reports.parts import Part, Record, Report, Totals
from telemetry.reports.scope import MINIMUM_PERCENT, Scope
from telemetry.series import export


def head(report: Report, scope: Scope, zone: Zone) -> Record:
    """What a report says of itself: its span, and the policy that it was made by."""
    policy = aqi_rules.rules().completeness
    percent = round(100 * scope.minimum_share, 2)
    default = percent == MINIMUM_PERCENT
    return {
        "report": report.name,
        "from": instants.text(scope.span.begin, zone),
        "to": instants.text(scope.span.end, zone),
        "minimumPercent": percent,
        "minimumVerified": policy.verified and default,
        "graceSeconds": int(scope.grace.total_seconds()),
    }


async def json(database: Database, report: Report, scope: Scope, zone: Zone) -> AsyncIterator[bytes]:
    """One object: the head, `items`, and `total` behind them."""
    totals = Totals(report)
    begun = msgspec.json.encode(head(report, scope, zone))[:-1] + b',"items":['
    first = True
    async for part in report.rows(database, scope, zone):
        totals.add(part)
        if part.rows:
            yield begun + (b"" if first else b",") + _inner(part, report)
            begun, first = b"", False
    yield begun + b'],"total":' + msgspec.json.encode(totals.document()) + b"}"


def _inner(part: Part, report: Report) -> bytes:
    """The items of the part without the brackets around them, their members in the report's order."""
    rows: list[Any] = [{name: row[name] for name in report.members} for row in part.rows]
    return msgspec.json.encode(rows)[1:-1]


async def csv(database: Database, report: Report, scope: Scope, zone: Zone) -> AsyncIterator[str]:
    """The header with the first rows, then the others; totals are for who adds up."""
    header = export.table(report.members, ())
    async for part in report.rows(database, scope, zone):
        if part.rows:
            yield header + export.table((), ([row[name] for name in report.members] for row in part.rows))
            header = ""
    if header:
        yield header
