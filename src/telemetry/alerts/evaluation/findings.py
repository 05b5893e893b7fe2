"""What evaluation found about one kind and subject, ready to be compared with the alerts that stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telemetry.alerts.evaluation.episode_store import Stand
from telemetry.alerts.evaluation.sheets import Sheet
from telemetry.alerts.kinds import Kind, Severity
from telemetry.alerts.rules.book import Book, Rule
from telemetry.catalog.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class World:
    """What is looked for in what: the catalogue, the rules, and the rules as columns by kind."""

    snapshot: Snapshot
    book: Book
    sheets: Mapping[Kind, Sheet]

    def rule(self, kind: Kind, station_id: int | None, datastream_id: int | None = None) -> Rule:
        station = None if station_id is None else self.snapshot.stations_by_id.get(station_id)
        stream = None if datastream_id is None else self.snapshot.datastreams.get(datastream_id)
        return self.book.effective(
            kind,
            None if station is None else station.kind,
            None if stream is None else stream.symbol,
            None if station is None else station.code,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """One episode as its alert is to be: extent in µs, when it was to be raised and seen to be over, and its detail.

    severity: another than the rule's.
    """

    raised_us: int
    last_us: int
    due_us: int
    cleared_us: int | None
    settled_us: int | None
    detail: Mapping[str, Any]
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """All episodes of one kind and subject in a span of time, and all alerts that stand there.

    lasting: the condition is one of the present, so that an open episode is never history. lapsing: an alert that no
    episode shows any more is over now; else it never was.
    """

    kind: Kind
    station_id: int | None
    datastream_id: int | None
    rule: Rule
    standing: Sequence[Stand]
    episodes: Sequence[Found] = field(default_factory=list)
    lasting: bool = False
    lapsing: bool = False
