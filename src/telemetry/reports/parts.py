"""What every report is: rows with named members that come in parts, and totals with both sides of each fraction."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.database import Database
from core.instants import Zone
from telemetry.reports.scope import Scope
from telemetry.series.completeness import percent

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a report in their order, and counts that no row shows."""

    rows: Sequence[Record]
    counts: Mapping[str, int] = field(default_factory=dict)


Rows = Callable[[Database, Scope, Zone], AsyncIterator[Part]]


@dataclass(frozen=True, slots=True)
class Report:
    """members: of each row, in order. sums: members and counts that are added up.

    shares: percents by name, each with the members that are its numerator and its denominator.
    """

    name: str
    members: tuple[str, ...]
    rows: Rows
    sums: tuple[str, ...]
    shares: Mapping[str, tuple[str, str]]


class Totals:
    """The sums of a report while its parts pass by."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._sums: Counter[str] = Counter()
        self._rows = 0

    def add(self, part: Part) -> None:
        self._rows += len(part.rows)
        for name in self._report.sums:
            self._sums[name] += sum(row[name] for row in part.rows if name in row) + part.counts.get(name, 0)

    def document(self) -> Record:
        sums = {name: self._sums[name] for name in self._report.sums}
        return {"rows": self._rows, **sums, **percents(sums, self._report.shares)}


def percents(members: Mapping[str, Any], shares: Mapping[str, tuple[str, str]]) -> Record:
    """Each share in percent; None, never 100, where the denominator is 0."""
    return {name: percent(members[above], members[below]) for name, (above, below) in shares.items()}
