"""Verdicts as rows of a table, for CSV and for the command line."""

from collections.abc import Iterable, Sequence
from typing import Any

from core import instants
from core.instants import Zone
from telemetry.verdicts.schemas import Verdict

HEADER: Sequence[str] = (
    "id",
    "station",
    "symbol",
    "window",
    "periodStart",
    "periodEnd",
    "verdict",
    "reason",
    "unit",
    "mean",
    "lower",
    "upper",
    "minimum",
    "minimumTime",
    "maximum",
    "maximumTime",
    "validN",
    "receivedN",
    "expectedN",
    "coveredN",
    "minimumShare",
    "split",
    "limit",
    "basis",
    "ruleSet",
    "legalSource",
    "limitVerified",
    "policyVerified",
    "firstReceipt",
    "lastReceipt",
    "judgedTime",
)


def rows(verdicts: Iterable[Verdict], zone: Zone) -> list[list[Any]]:
    return [_row(verdict, zone) for verdict in verdicts]


def _row(verdict: Verdict, zone: Zone) -> list[Any]:
    def time(at: Any) -> str | None:
        return None if at is None else instants.text(at, zone)

    limit, policy = verdict.limit, verdict.policy
    return [
        verdict.id,
        verdict.station,
        verdict.symbol,
        verdict.window,
        time(verdict.period_start),
        time(verdict.period_end),
        verdict.verdict,
        verdict.reason,
        verdict.unit,
        verdict.mean,
        limit.lower,
        limit.upper,
        verdict.minimum,
        time(verdict.minimum_time),
        verdict.maximum,
        time(verdict.maximum_time),
        verdict.valid_n,
        verdict.received_n,
        verdict.expected_n,
        verdict.covered_n,
        policy.minimum_share,
        verdict.split,
        limit.id,
        limit.basis,
        limit.rule_set,
        limit.legal_source,
        limit.verified,
        policy.verified,
        verdict.first_receipt,
        verdict.last_receipt,
        time(verdict.judged_time),
    ]
