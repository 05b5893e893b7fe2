"""Reads the feed of receipts, and the observations that stand in the spans it names, as columns."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from core import feeds, instants, queries
from core.database import Database
from telemetry.catalog.snapshot import Snapshot
from telemetry.readings import Floats, Int64s

_sql = queries.load(__file__, "changes")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as the feed shows it; first_us and last_us are None when nothing was stored."""

    id: int
    received_us: int
    station_id: int | None
    channel: str
    first_us: int | None
    last_us: int | None
    datastream_ids: Sequence[int]
    stored: int
    duplicates: int
    conflicts: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of the feed, and the transaction in which its consequences are to be written."""

    connection: Any
    receipts: Sequence[Receipt]
    more: bool

    def spans(self, snapshot: Snapshot) -> dict[int, tuple[int, int]]:
        """By datastream id the first and the last phenomenon time (µs, both included) between which rows are new.

        A span may hold older rows too, and a datastream of the station may have nothing new in it.
        """
        found: dict[int, tuple[int, int]] = {}
        for receipt in self.receipts:
            if receipt.first_us is None or receipt.last_us is None:
                continue
            for stream in _streams_of(receipt, snapshot):
                first, last = found.get(stream, (receipt.first_us, receipt.last_us))
                found[stream] = (min(first, receipt.first_us), max(last, receipt.last_us))
        return found


def _streams_of(receipt: Receipt, snapshot: Snapshot) -> Iterable[int]:
    if receipt.station_id is None:
        return receipt.datastream_ids
    return [stream.id for stream in snapshot.datastreams.values() if stream.station_id == receipt.station_id]


@dataclass(frozen=True, slots=True)
class Observations:
    """Observations as columns of n, in order of datastream and time."""

    datastream_id: Int64s
    time_us: Int64s
    result: Floats
    status: npt.NDArray[np.int16]
    quality: npt.NDArray[np.int16]
    reasons: npt.NDArray[np.int32]
    receipt_id: Int64s

    def __len__(self) -> int:
        return len(self.datastream_id)


@asynccontextmanager
async def reading(database: Database, reader: str, limit: int) -> AsyncIterator[Changes | None]:
    """The reader's next page; its position moves when the block ends without an error. None: another process reads."""
    async with feeds.reading(database, reader, _sql["changes_page"], limit, timed=True) as found:
        if found is None:
            yield None
            return
        connection, page = found
        yield Changes(connection, [_receipt(row) for row in page.rows], page.more)


async def page(connection: Any, position: feeds.Position, limit: int) -> tuple[list[Receipt], feeds.Page]:
    """As `reading`, for a reader that keeps its position itself. Takes a database or a connection."""
    found = await feeds.page(connection, _sql["changes_page"], position, limit, timed=True)
    return [_receipt(row) for row in found.rows], found


def _receipt(row: Any) -> Receipt:
    return Receipt(
        id=row["id"],
        received_us=instants.to_us(row["received_time"]),
        station_id=row["station_id"],
        channel=row["channel"],
        first_us=_us(row["first_time"]),
        last_us=_us(row["last_time"]),
        datastream_ids=row["datastream_ids"] or (),
        stored=row["stored"],
        duplicates=row["duplicates"],
        conflicts=row["conflicts"],
        quarantined=row["quarantined"],
    )


def _us(instant: datetime | None) -> int | None:
    return None if instant is None else instants.to_us(instant)


async def observations(connection: Any, spans: dict[int, tuple[int, int]]) -> Observations:
    """What stands in the spans (µs, both ends included) by datastream id. Takes a database or a connection."""
    rows = await connection.fetch(
        _sql["changes_observations"],
        list(spans),
        [instants.from_us(first) for first, _ in spans.values()],
        [instants.from_us(last) for _, last in spans.values()],
    )
    count = len(rows)
    return Observations(
        datastream_id=np.fromiter((row[0] for row in rows), np.int64, count),
        time_us=np.fromiter((instants.to_us(row[1]) for row in rows), np.int64, count),
        result=np.fromiter((row[2] for row in rows), np.float64, count),
        status=np.fromiter((row[3] for row in rows), np.int16, count),
        quality=np.fromiter((row[4] for row in rows), np.int16, count),
        reasons=np.fromiter((row[5] for row in rows), np.int32, count),
        receipt_id=np.fromiter((row[6] for row in rows), np.int64, count),
    )
