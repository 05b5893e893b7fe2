"""Reads what judging works on: the catalogue's part of it, and observations as columns."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core import instants, queries
from telemetry.catalog.snapshot import OPEN_END_US
from telemetry.readings import Int64s
from telemetry.verdicts import averaging, holding, planning, windows
from telemetry.verdicts.averaging import UNKNOWN, Hours, Rows
from telemetry.verdicts.book import OXYGEN, Book, Policy, Stream, by_place

_sql = queries.load(__file__, "material")

# PostgreSQL counts from the year 2000.
_EPOCH_US = windows.FIRST_US
_HEADER, _TRAILER = 19, 2
# A row in binary COPY: the number of its fields, then for each its length and its value.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("length_0", ">i4"),
        ("datastream_id", ">i4"),
        ("length_1", ">i4"),
        ("time", ">i8"),
        ("length_2", ">i4"),
        ("result", ">f8"),
        ("length_3", ">i4"),
        ("quality", ">i2"),
        ("length_4", ">i4"),
        ("receipt_id", ">i8"),
    ]
)
# Observations below this quality are valid; see quality.flags.
_FAIL = 4
# The refresh policy of the hourly aggregate reaches back so far, and a day more.
_REFRESHED_DAYS = timedelta(days=400)
# How long after its receipt was dated a row may have been committed.
_COMMITTING = timedelta(minutes=2)


async def book(connection: Any, known: Book | None) -> Book:
    """The newest picture of the catalogue; the known one while nothing changed. Takes a connection."""
    revision: int = await connection.fetchval(_sql["judging_catalog_revision"])
    if known is not None and known.revision == revision:
        return known
    limits = [
        holding.Limit(
            **{name: row[name] for name in set(row.keys()) - {"valid_from", "valid_to"}},
            from_us=instants.to_us(row["valid_from"]),
            to_us=OPEN_END_US if row["valid_to"] is None else instants.to_us(row["valid_to"]),
        )
        for row in await connection.fetch(_sql["judging_limits"])
    ]
    streams = [_stream(row) for row in await connection.fetch(_sql["judging_streams"], OXYGEN)]
    policies = [Policy(**row) for row in await connection.fetch(_sql["judging_policies"])]
    return Book(
        revision=revision,
        streams={stream.id: stream for stream in streams},
        limits=limits,
        courses=holding.courses(limits),
        policies=by_place(policies),
    )


def _stream(row: Any) -> Stream:
    members = dict(row)
    return Stream(cadence_us=members.pop("cadence_seconds") * 10**6, **members)


async def rows(connection: Any, datastream_id: Int64s, begin_us: Int64s, end_us: Int64s) -> Rows:
    """What was observed in half-open spans of datastreams, in order of datastream and time."""
    if not len(datastream_id):
        return _unpacked(b"")
    streams, begins, ends = datastream_id.tolist(), _instants(begin_us), _instants(end_us)
    if len(set(begins)) == len(set(ends)) == 1:
        copied = await _copied(connection, _sql["judging_rows_together"], streams, begins[0], ends[0])
    else:
        copied = await _copied(connection, _sql["judging_rows"], streams, begins, ends)
    return _ordered(_unpacked(copied))


async def _copied(connection: Any, query: str, *wanted: object) -> bytes:
    """What a query finds, in binary."""
    parts: list[bytes] = []

    async def take(part: bytes) -> None:
        parts.append(part)

    # Inside of COPY a query has no end of its own.
    await connection.copy_from_query(query.rstrip(";"), *wanted, output=take, format="binary")
    return b"".join(parts)


def _instants(time_us: Int64s) -> list[datetime]:
    return [instants.from_us(us) for us in time_us.tolist()]


def _unpacked(copied: bytes) -> Rows:
    count = max(0, len(copied) - _HEADER - _TRAILER) // _ROW.itemsize
    table = np.frombuffer(copied, _ROW, count, _HEADER if count else 0)
    return Rows(
        datastream_id=table["datastream_id"].astype(np.int64),
        time_us=table["time"].astype(np.int64) + _EPOCH_US,
        result=table["result"].astype(np.float64),
        valid=table["quality"] < _FAIL,
        receipt_id=table["receipt_id"].astype(np.int64),
    )


def _ordered(found: Rows) -> Rows:
    stream, time_us = found.datastream_id, found.time_us
    rising = (stream[1:] > stream[:-1]) | ((stream[1:] == stream[:-1]) & (time_us[1:] > time_us[:-1]))
    if rising.all():
        return found
    order = np.lexsort((time_us, stream))
    return Rows(stream[order], time_us[order], found.result[order], found.valid[order], found.receipt_id[order])


async def hours_of_periods(connection: Any, datastream_id: Int64s, start_us: Int64s, end_us: Int64s) -> Hours:
    """The hours of long periods: from the hourly aggregate where it is exact, from the observations elsewhere.

    Those that hold an extreme, the first or the last row of a period are from the observations in any case: an
    aggregate knows neither times nor receipts.
    """
    parts: list[Hours] = []
    for stream, begin, end in zip(*planning.extents(datastream_id, start_us, end_us), strict=True):
        parts += await _aggregated(connection, int(stream), int(begin), int(end))
    found = averaging.joined(parts)
    keys = averaging.telling(found, datastream_id, start_us, end_us)
    streams, begin_us = averaging.hour_of(keys)
    exact = await rows(connection, *planning.extents(streams, begin_us, begin_us + windows.HOUR_US))
    return averaging.joined([found, averaging.hours(exact)])


async def _aggregated(connection: Any, stream: int, begin_us: int, end_us: int) -> list[Hours]:
    """Hours of the aggregate, and behind them the ones that have to be read from the observations."""
    stale = await _stale(connection, stream, begin_us, end_us)
    exact = averaging.hours(await rows(connection, *_spans_of(stream, stale)))
    if len(stale) and stale[0] == (begin_us, end_us):
        return [exact]
    found = await connection.fetch(_sql["judging_hours"], stream, instants.from_us(begin_us), instants.from_us(end_us))
    return [_hours(stream, found), exact]


def _spans_of(stream: int, spans: list[tuple[int, int]]) -> tuple[Int64s, Int64s, Int64s]:
    begin_us = np.array([begin for begin, _ in spans], np.int64)
    end_us = np.array([end for _, end in spans], np.int64)
    return planning.extents(np.full(len(spans), stream, np.int64), begin_us, end_us)


async def _stale(connection: Any, stream: int, begin_us: int, end_us: int) -> list[tuple[int, int]]:
    """Spans of full hours in which the hourly aggregate may lie behind the observations.

    On plain PostgreSQL it is a view and never does. TimescaleDB brings hours that changed up to date by and by: exact
    is what its newest refresh reached and no receipt came into since.
    """
    if not await connection.fetchval(_sql["judging_aggregated"]):
        return []
    refreshed: datetime | None = await connection.fetchval(_sql["judging_refreshed"])
    if refreshed is None or refreshed.year < 2000:
        return [(begin_us, end_us)]
    lately = await connection.fetch(_sql["judging_lately_stored"], stream, refreshed - _COMMITTING)
    spans = [(instants.to_us(row["first_time"]), instants.to_us(row["last_time"]) + 1) for row in lately]
    spans.append((begin_us, instants.to_us(refreshed - _REFRESHED_DAYS)))
    hour = windows.HOUR_US
    wide = [(begin // hour * hour, -(-end // hour) * hour) for begin, end in spans]
    cut = [(max(begin, begin_us), min(end, end_us)) for begin, end in wide]
    return [(begin, end) for begin, end in cut if begin < end]


def _hours(stream: int, found: list[Any]) -> Hours:
    count = len(found)
    valid_n = np.fromiter((row["valid_n"] for row in found), np.int64, count)
    nothing = valid_n == 0
    mean, low, high = (
        np.fromiter((0.0 if row[name] is None else row[name] for row in found), np.float64, count)
        for name in ("result_mean", "result_min", "result_max")
    )
    start_us = np.fromiter((instants.to_us(row["bucket"]) for row in found), np.int64, count)
    unknown = np.full(count, UNKNOWN, np.int64)
    return Hours(
        key=averaging.key_of(np.full(count, stream, np.int64), start_us),
        received_n=np.fromiter((row["received_n"] for row in found), np.int64, count),
        valid_n=valid_n,
        total=mean * valid_n,
        low=np.where(nothing, np.inf, low),
        low_us=unknown,
        high=np.where(nothing, -np.inf, high),
        high_us=unknown,
        first_receipt=unknown,
        last_receipt=unknown,
    )
