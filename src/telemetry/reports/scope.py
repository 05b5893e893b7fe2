"""What a report is about: which stations, which span of time, and what counts as enough data."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import access, errors, instants
from core.database import Database
from core.instants import VIETNAM
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.snapshot import DatastreamEntry, Snapshot, StationEntry
from telemetry.quality import aqi_rules
from telemetry.reports import store
from telemetry.series import errors as series_errors
from telemetry.series import selecting
from telemetry.series.selecting import Selection
from telemetry.series.spans import HOURS, Grid, Resolution, grid_of

MONTH = r"^20\d\d-(0[1-9]|1[0-2])$"
# The longest span of one report.
MOST_DAYS = 400
MINIMUM_PERCENT = round(100 * aqi_rules.rules().completeness.share)
GRACE_MINUTES = 15
# The bounds of what the table of observations takes.
_FIRST_US = instants.to_us(datetime(2000, 1, 1, tzinfo=UTC))
_LAST_US = instants.to_us(datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Span:
    """Whole hours that have ended: [begin_us, end_us), empty where they are the same; now_us is when it was asked."""

    begin_us: int
    end_us: int
    now_us: int

    @property
    def begin(self) -> datetime:
        return instants.from_us(self.begin_us)

    @property
    def end(self) -> datetime:
        return instants.from_us(self.end_us)


@dataclass(frozen=True, slots=True)
class Scope:
    """Stations in order of code, each with its active datastreams.

    minimum_share: of the expected observations of an hour or day, and of the hours of a longer mean.
    """

    selections: Sequence[Selection]
    span: Span
    minimum_share: float
    grace: timedelta

    def streams(self) -> list[tuple[StationEntry, DatastreamEntry]]:
        """The datastreams in order of id, which is the order of the rows of every matrix."""
        found = [(s.station, stream) for s in self.selections for stream in s.streams.values()]
        return sorted(found, key=lambda pair: pair[1].id)


def grid(station: StationEntry) -> Grid:
    return grid_of(Resolution.RAW, station.cadence_seconds)


def span(month: str | None, begin: datetime | None, end: datetime | None, now: datetime) -> Span:
    """The span of a month of UTC+7 (`2026-11`), or from and to; this month where nothing is said.

    It ends with the last whole hour before now. Raises SpanNotValid.
    """
    if month is not None:
        if begin is not None or end is not None:
            fault = errors.Fault("month", month, "either `month`, or `from` and `to`")
            raise series_errors.SpanNotValid("Name a month or a span, not both.", faults=[fault])
        begin, end = _month(month)
    end = end or now
    begin = begin or _month(f"{min(end, now).astimezone(VIETNAM):%Y-%m}")[0]
    if begin >= end:
        raise series_errors.empty_span(begin, end)
    if end - begin > timedelta(days=MOST_DAYS):
        found = f"{instants.text(begin)} to {instants.text(end)}"
        raise series_errors.long_span("to", found, f"a span of at most {MOST_DAYS} days")
    now_us = instants.to_us(now)
    first = HOURS.ceiling(max(_FIRST_US, instants.to_us(begin)))
    last = HOURS.floor(min(_LAST_US, instants.to_us(end), now_us))
    return Span(first, max(first, last), now_us)


def _month(text: str) -> tuple[datetime, datetime]:
    if not re.match(MONTH, text):
        fault = errors.Fault("month", errors.shown(text), "a year and a month such as 2026-11")
        raise series_errors.SpanNotValid("The month cannot be read.", faults=[fault])
    year, month = int(text[:4]), int(text[5:])
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return datetime(year, month, 1, tzinfo=VIETNAM), datetime(*following, 1, tzinfo=VIETNAM)


async def stations(
    database: Database,
    snapshot: Snapshot,
    principal: access.Principal,
    station: str | None,
    organization: str | None,
    kind: str | None,
) -> list[Selection]:
    """The stations that all of these name and the principal may read; every active one where nothing is named."""
    if organization is not None:
        sight.check_organization(principal, organization)
    found = selecting.many(snapshot, principal, station, kind)
    if organization is None:
        return found
    own = await store.stations_of(database, organization)
    if own is None:
        raise catalog_errors.not_found(catalog_errors.OrganizationNotFound, "organization", organization)
    return [selection for selection in found if selection.station.id in set(own)]
