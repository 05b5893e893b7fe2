"""Rows of verdicts: what stands, what is written, what stood before, and the feed that alerts follow."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from pydantic.alias_generators import to_camel

from core import feeds, instants, queries
from core.database import Database
from telemetry.readings import Int64s
from telemetry.verdicts import judging, schemas, windows
from telemetry.verdicts.agenda import Cause
from telemetry.verdicts.averaging import UNKNOWN
from telemetry.verdicts.book import Book
from telemetry.verdicts.planning import Periods
from telemetry.verdicts.reconciling import Derived, Standing, floats

_sql = queries.load(__file__, "verdicts")

# No receipt is older than what it brought by more than this: further ahead of the clock nothing is stored.
CLOCK_AHEAD = timedelta(days=1)

# Columns whose names are those of the members.
_LIMIT = schemas.JudgedBy.model_fields.keys() - {"id", "version", "coefficients"}
_VERDICT = schemas.Verdict.model_fields.keys() - {
    "datastream",
    "window",
    "label",
    "limit",
    "policy",
    "first_receipt",
    "last_receipt",
}
_CAMEL = {
    name: to_camel(name)
    for kind in (schemas.Verdict, schemas.JudgedBy, schemas.PolicyUsed)
    for name in kind.model_fields
}
_FORMER = ("replaced_time", "cause", "cause_person", "withdrawn")


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that came to be, changed, or went (`withdrawn`), as the feed shows it; times are phenomenon times."""

    verdict_id: int
    datastream_id: int
    window: str
    period_start: datetime
    period_end: datetime
    verdict: str
    reason: str | None
    limit_id: int
    lower: float | None
    upper: float | None
    unit: str
    mean: float | None
    maximum: float | None
    maximum_time: datetime | None
    minimum: float | None
    minimum_time: datetime | None
    valid_n: int
    expected_n: int
    judged_time: datetime
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of the feed, and the transaction in which its consequences are to be written."""

    connection: Any
    verdicts: Sequence[Change]
    more: bool


@asynccontextmanager
async def reading(database: Database, reader: str, limit: int) -> AsyncIterator[Changes | None]:
    """The reader's next page of verdicts; its position moves when the block ends without an error.

    A verdict is there in its newest state, once for all its changes since the reader last saw it. None: another process
    reads. The reader begins with `feeds.open_reader`.
    """
    async with feeds.reading(database, reader, _sql["verdicts_feed"], limit) as found:
        if found is None:
            yield None
            return
        connection, page = found
        yield Changes(connection, [_change(row) for row in page.rows], page.more)


def _change(row: Any) -> Change:
    members = dict(row)
    del members["transaction_id"]
    return Change(verdict_id=members.pop("id"), window=members.pop("averaging"), **members)


async def standing(connection: Any, periods: Periods) -> Standing:
    """The verdicts on the periods, and maybe on some between them."""
    spans = _spans(periods)
    found = await connection.fetch(
        _sql["verdicts_standing"],
        [stream for stream, _, _, _ in spans],
        [windows.WINDOWS[window] for _, window, _, _ in spans],
        [instants.from_us(first) for _, _, first, _ in spans],
        [instants.from_us(last) for _, _, _, last in spans],
    )
    return _standing(found)


def _spans(periods: Periods) -> list[tuple[int, int, int, int]]:
    """The first and the last begin of the periods of each datastream and window."""
    if not len(periods):
        return []
    order = np.lexsort((periods.start_us, periods.window, periods.datastream_id))
    stream, window, start_us = (c[order] for c in (periods.datastream_id, periods.window, periods.start_us))
    begins = np.flatnonzero(np.append([True], (stream[1:] != stream[:-1]) | (window[1:] != window[:-1])))
    last = np.append(begins[1:], len(order)) - 1
    return list(
        zip(
            stream[begins].tolist(),
            window[begins].tolist(),
            start_us[begins].tolist(),
            start_us[last].tolist(),
            strict=True,
        )
    )


def _standing(found: Sequence[Any]) -> Standing:
    def column(name: str) -> list[Any]:
        return [row[name] for row in found]

    def whole(values: Sequence[int]) -> Int64s:
        return np.array(values, np.int64)

    return Standing(
        id=whole(column("id")),
        datastream_id=whole(column("datastream_id")),
        window=whole([windows.WINDOWS.index(name) for name in column("averaging")]),
        start_us=whole([instants.to_us(time) for time in column("period_start")]),
        verdict=whole([judging.VERDICTS.index(name) for name in column("verdict")]),
        reason=whole([judging.REASONS.index(name) for name in column("reason")]),
        limit_id=whole(column("limit_id")),
        unit=np.array(column("unit"), np.object_),
        oxygen_reference=floats(column("oxygen_reference")),
        lower=floats(column("lower")),
        upper=floats(column("upper")),
        split=np.array(column("split"), np.bool_),
        mean=floats(column("mean")),
        low=floats(column("minimum")),
        low_us=whole([_us(time) for time in column("minimum_time")]),
        high=floats(column("maximum")),
        high_us=whole([_us(time) for time in column("maximum_time")]),
        valid_n=whole(column("valid_n")),
        received_n=whole(column("received_n")),
        expected_n=whole(column("expected_n")),
    )


def _us(instant: datetime | None) -> int:
    return UNKNOWN if instant is None else instants.to_us(instant)


async def insert(connection: Any, book: Book, derived: Derived, which: Int64s, now: datetime) -> None:
    if len(which):
        await connection.execute(_sql["verdicts_insert"], *_columns(book, derived, which), now)


async def update(connection: Any, book: Book, derived: Derived, which: Int64s, now: datetime) -> None:
    if len(which):
        await connection.execute(_sql["verdicts_update"], *_columns(book, derived, which), now)


def _columns(book: Book, derived: Derived, which: Int64s) -> list[list[Any]]:
    periods, means = derived.periods.picked(which), derived.means
    limits = [book.limits[place] for place in periods.limit.tolist()]
    policies = [derived.policies[place] for place in which.tolist()]
    return [
        periods.datastream_id.tolist(),
        [windows.WINDOWS[window] for window in periods.window.tolist()],
        _times(periods.start_us),
        _times(periods.end_us),
        [judging.VERDICTS[code] for code in derived.verdict[which].tolist()],
        [judging.REASONS[code] for code in derived.reason[which].tolist()],
        [limit.id for limit in limits],
        [limit.version for limit in limits],
        periods.split.tolist(),
        [policy.id for policy in policies],
        [policy.revision for policy in policies],
        [policy.minimum_share for policy in policies],
        _numbers(means.mean[which]),
        _numbers(means.low[which]),
        _times(means.low_us[which]),
        _numbers(means.high[which]),
        _times(means.high_us[which]),
        means.valid_n[which].tolist(),
        means.received_n[which].tolist(),
        derived.expected_n[which].tolist(),
        means.covered_n[which].tolist(),
        _known(means.first_receipt[which]),
        _known(means.last_receipt[which]),
    ]


def _numbers(values: Any) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN is not itself


def _known(values: Int64s) -> list[int | None]:
    return [None if value == UNKNOWN else value for value in values.tolist()]


def _times(values: Int64s) -> list[datetime | None]:
    return [None if value == UNKNOWN else instants.from_us(value) for value in values.tolist()]


async def keep_former(
    connection: Any, ids: Sequence[int], causes: Sequence[Cause], now: datetime, *, withdrawn: bool
) -> None:
    """Keep verdicts as they are, each with the cause of its change."""
    if not ids:
        return
    await connection.execute(
        _sql["verdicts_keep_former"],
        list(ids),
        [cause.kind for cause in causes],
        [cause.receipt_id for cause in causes],
        [cause.limit_id for cause in causes],
        [cause.policy_id for cause in causes],
        [cause.person for cause in causes],
        now,
        withdrawn,
    )


async def withdraw(connection: Any, ids: Sequence[int]) -> None:
    if ids:
        await connection.execute(_sql["verdicts_withdraw"], list(ids))


async def by_ids(database: Database, ids: Sequence[int]) -> list[schemas.Verdict]:
    return [schemas.Verdict(**_members(row)) for row in await database.fetch(_sql["verdicts_by_ids"], list(ids))]


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict as events tell it: the document is what `schemas.Verdict` would write."""

    id: int
    station_id: int
    period_end: datetime
    verdict: str
    document: dict[str, Any]


async def told_by_ids(connection: Any, ids: Sequence[int]) -> list[Told]:
    return [_told(row) for row in await connection.fetch(_sql["verdicts_by_ids"], list(ids))] if ids else []


async def told_of_periods(connection: Any, periods: Periods) -> list[Told]:
    """The verdicts on the periods."""
    if not len(periods):
        return []
    names = [windows.WINDOWS[window] for window in periods.window.tolist()]
    found = await connection.fetch(
        _sql["verdicts_of_periods"], periods.datastream_id.tolist(), names, _times(periods.start_us)
    )
    return [_told(row) for row in found]


def _told(row: Any) -> Told:
    members = _members(row)
    document = {_CAMEL[name]: value for name, value in members.items()}
    for part in ("limit", "policy"):
        document[part] = {_CAMEL[name]: value for name, value in members[part].items()}
    return Told(row["id"], row["station_id"], row["period_end"], row["verdict"], document)


async def prefer_indexes(connection: Any) -> None:
    """Of a table of many millions a turn wants some thousands of rows, whatever the statistics say by now."""
    await connection.execute(_sql["verdicts_prefer_indexes"])


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of verdicts is narrowed to, by stations' codes; None does not restrict."""

    stations: Sequence[str] | None = None
    symbol: str | None = None
    window: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(
    database: Database, asked: Filter, after: tuple[datetime | None, int | None], rows: int
) -> list[schemas.Verdict]:
    """Newest period first."""
    async with database.transaction() as connection:
        # A plan that fits every filter would sort all verdicts for each page.
        await connection.execute(_sql["verdicts_plan_anew"])
        found = await connection.fetch(
            _sql["verdicts_page"],
            asked.stations,
            asked.symbol,
            asked.window,
            asked.verdict,
            asked.since,
            asked.until,
            *after,
            rows,
        )
    return [schemas.Verdict(**_members(row)) for row in found]


async def former_of(database: Any, verdict_id: int) -> list[schemas.FormerVerdict]:
    """What the verdict with this id was before."""
    return [_former(row) for row in await database.fetch(_sql["verdicts_former"], verdict_id)]


async def former_of_period(
    database: Any, datastream_id: int, window: str, start: datetime
) -> list[schemas.FormerVerdict]:
    """What was said of the period before, also under other ids."""
    found = await database.fetch(_sql["verdicts_former_of_period"], datastream_id, window, start)
    return [_former(row) for row in found]


def _members(row: Any) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _VERDICT},
        "datastream": row["datastream_id"],
        "window": row["averaging"],
        "label": row["period_end"] if row["label_end"] else row["period_start"],
        "limit": {
            "id": row["limit_id"],
            "version": row["limit_version_id"],
            "coefficients": json.loads(row["coefficients"]),
            **{name: row[name] for name in _LIMIT},
        },
        "policy": {
            "id": row["policy_id"],
            "revision": row["policy_revision"],
            "minimum_share": row["minimum_share"],
            "verified": row["policy_verified"],
        },
        "first_receipt": row["first_receipt_id"],
        "last_receipt": row["last_receipt_id"],
    }


def _former(row: Any) -> schemas.FormerVerdict:
    return schemas.FormerVerdict(
        **_members(row),
        **{name: row[name] for name in _FORMER},
        cause_receipt=row["cause_receipt_id"],
        cause_limit=row["cause_limit_id"],
        cause_policy=row["cause_policy_id"],
    )


async def observations(database: Database, datastream_id: int, start: datetime, end: datetime, most: int) -> list[Any]:
    return await database.fetch(_sql["verdicts_observations"], datastream_id, start, end, most)


async def receipts(database: Database, ids: Sequence[int], since: datetime) -> list[schemas.ReceiptBehind]:
    found = await database.fetch(_sql["verdicts_receipts"], list(ids), since)
    return [
        schemas.ReceiptBehind(receipt=row["id"], **{name: row[name] for name in set(row.keys()) - {"id"}})
        for row in found
    ]


async def beside(database: Database, datastream_id: int, symbol: str, start: datetime, end: datetime) -> list[Any]:
    """What the station of the datastream observed of another property."""
    return await database.fetch(_sql["verdicts_beside"], datastream_id, symbol, start, end)


async def streams_of(database: Any, station: str, symbol: str | None) -> list[int]:
    """Numbers of the station's datastreams. Takes a database or a connection."""
    return [row["id"] for row in await database.fetch(_sql["verdicts_streams"], station, symbol)]
