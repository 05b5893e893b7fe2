"""Queries over receipts, quarantine and conflicts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from telemetry.evidence import schemas
from telemetry.readings import status_text

_receipts = queries.load(__file__, "receipts")
_quarantine = queries.load(__file__, "quarantine")
_conflicts = queries.load(__file__, "conflicts")

# Where the page before ended: received time and id of its last item; empty before the first page.
Position = tuple[datetime, int] | tuple[None, None]
BEGINNING: Position = (None, None)


@dataclass(frozen=True, slots=True)
class ReceiptFilter:
    """stations: codes of those alone; None: all, and what belongs to no station."""

    stations: list[str] | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """stations: as of receipts."""

    stations: list[str] | None = None
    reason: str | None = None
    symbol: str | None = None
    receipt: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """stations: as of receipts."""

    stations: list[str] | None = None
    symbol: str | None = None
    receipt: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """A receipt's bytes and what is needed to read them again."""

    id: int
    received_time: datetime
    station_id: int | None
    station: str | None
    channel: str
    format: str
    source: str
    sha256: bytes
    raw: bytes
    raw_encoding: str
    raw_length: int

    @property
    def complete(self) -> bool:
        return len(self.raw) == self.raw_length


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An open entry of quarantine, as a replay needs it."""

    id: int
    reading_index: int | None
    symbol: str | None
    reason: str
    field: str
    found: str
    expected: str


def _receipt_members(row: Any) -> dict[str, Any]:
    counts = schemas.Counts(
        stored=row["stored"], duplicate=row["duplicates"], conflict=row["conflicts"], quarantined=row["quarantined"]
    )
    return {
        "receipt": row["id"],
        "station": row["station"],
        "received_time": row["received_time"],
        "channel": row["channel"],
        "format": row["format"],
        "source": row["source"],
        "sender": row["sender"],
        "sha256": row["sha256"].hex(),
        "encoding": row["raw_encoding"],
        "length": row["raw_length"],
        "counts": counts,
    }


async def receipts(database: Database, asked: ReceiptFilter, after: Position, limit: int) -> list[schemas.Receipt]:
    """Newest first."""
    filters = (asked.channel, asked.since, asked.until, asked.outcome, *after, limit)
    if asked.stations is None:
        rows = await database.fetch(_receipts["receipt_page"], *filters)
    else:
        rows = await database.fetch(_receipts["receipt_page_of_stations"], *filters, asked.stations)
    return [schemas.Receipt(**_receipt_members(row)) for row in rows]


async def receipt(database: Database, receipt_id: int, most_readings: int) -> schemas.ReceiptDetail | None:
    """The receipt with the first `most_readings` of the readings that were not simply stored."""
    row = await database.fetchrow(_receipts["receipt_one"], receipt_id)
    if row is None:
        return None
    verdicts = await database.fetch(_receipts["receipt_verdicts"], receipt_id, most_readings + 1)
    replays = await database.fetch(_receipts["receipt_replays"], receipt_id)
    originals = await database.fetch(_receipts["receipt_replayed"], receipt_id)
    return schemas.ReceiptDetail(
        **_receipt_members(row),
        complete=row["kept_length"] == row["raw_length"],
        readings=[_verdict(verdict) for verdict in verdicts[:most_readings]],
        more_readings=len(verdicts) > most_readings,
        replayed_as=[replay["id"] for replay in replays],
        replay_of=[original["id"] for original in originals],
    )


def _verdict(row: Any) -> schemas.ReceiptVerdict:
    return schemas.ReceiptVerdict(
        index=row["reading_index"],
        symbol=row["symbol"],
        outcome=row["outcome"],
        reason=row["reason"],
        field=row["field"],
        found=row["found"],
        expected=row["expected"],
        quarantine=row["quarantine_id"],
        conflict=row["conflict_id"],
        resolution=row["resolution"],
    )


async def original(database: Database, receipt_id: int) -> Original | None:
    row = await database.fetchrow(_receipts["receipt_raw"], receipt_id)
    return None if row is None else Original(**row)


def _quarantined(row: Any) -> schemas.Quarantined:
    return schemas.Quarantined(
        id=row["id"],
        receipt=row["receipt_id"],
        received_time=row["received_time"],
        station=row["station"],
        index=row["reading_index"],
        symbol=row["symbol"],
        value=row["value"],
        unit=row["unit"],
        phenomenon_time=row["phenomenon_time"],
        device_status=row["device_status"],
        reason=row["reason"],
        field=row["field"],
        found=row["found"],
        expected=row["expected"],
        resolution=row["resolution"],
        resolved_time=row["resolved_time"],
        resolved_receipt=row["resolved_receipt_id"],
        note=row["resolved_note"],
    )


async def quarantine(
    database: Database, asked: QuarantineFilter, state: schemas.State, after: Position, limit: int
) -> list[schemas.Quarantined]:
    """Newest first."""
    wanted = None if state is schemas.State.ALL else state
    filters = (asked.reason, asked.symbol, asked.receipt, asked.since, asked.until, wanted, *after, limit)
    if asked.stations is None:
        rows = await database.fetch(_quarantine["quarantine_page"], *filters)
    else:
        rows = await database.fetch(_quarantine["quarantine_page_of_stations"], *filters, asked.stations)
    return [_quarantined(row) for row in rows]


async def quarantine_entry(database: Database, quarantine_id: int) -> schemas.Quarantined | None:
    row = await database.fetchrow(_quarantine["quarantine_one"], quarantine_id)
    return None if row is None else _quarantined(row)


async def dismiss(database: Database, quarantine_id: int, note: str) -> bool:
    """Whether the entry was open and is dismissed now."""
    return await database.fetchval(_quarantine["quarantine_dismiss"], quarantine_id, note) is not None


async def resolve(database: Database, quarantine_ids: list[int], receipt_id: int, note: str) -> None:
    """Close entries that a replay kept; those that are closed already stay as they are."""
    await database.execute(_quarantine["quarantine_resolve"], quarantine_ids, receipt_id, note)


async def open_receipts(
    database: Database, asked: QuarantineFilter, after_receipt: int, limit: int
) -> list[tuple[int, list[int]]]:
    """Receipts with open entries that match, by number, each with the ids of those entries."""
    rows = await database.fetch(_quarantine["quarantine_receipts"], *_replay_filter(asked), after_receipt, limit)
    return [(row["receipt_id"], row["ids"]) for row in rows]


async def open_count(database: Database, asked: QuarantineFilter) -> int:
    found: int = await database.fetchval(_quarantine["quarantine_open_count"], *_replay_filter(asked))
    return found


def _replay_filter(asked: QuarantineFilter) -> tuple[object, ...]:
    return asked.stations, asked.reason, asked.symbol, asked.receipt, asked.since, asked.until, asked.entry


async def open_entries(database: Database, quarantine_ids: list[int]) -> list[OpenEntry]:
    """Those of the entries that are open, the submission as a whole first, then by position."""
    rows = await database.fetch(_quarantine["quarantine_open_of_receipt"], quarantine_ids)
    return [OpenEntry(**row) for row in rows]


async def observations_at(
    database: Database, datastream_ids: list[int], times: list[datetime]
) -> dict[int, tuple[float, int]]:
    """Result and device status of what stands at each of the keys already, by position in the lists."""
    rows = await database.fetch(_quarantine["quarantine_observations"], datastream_ids, times)
    return {row["position"] - 1: (row["result"], row["device_status"]) for row in rows}


async def conflicts(database: Database, asked: ConflictFilter, after: Position, limit: int) -> list[schemas.Conflict]:
    """Newest first."""
    filters = (asked.symbol, asked.receipt, asked.since, asked.until, *after, limit)
    if asked.stations is None:
        rows = await database.fetch(_conflicts["conflict_page"], *filters)
    else:
        rows = await database.fetch(_conflicts["conflict_page_of_stations"], *filters, asked.stations)
    return [_conflict(row) for row in rows]


def _conflict(row: Any) -> schemas.Conflict:
    return schemas.Conflict(
        id=row["id"],
        received_time=row["received_time"],
        station=row["station"],
        symbol=row["symbol"],
        unit=row["unit"],
        phenomenon_time=row["phenomenon_time"],
        index=row["reading_index"],
        kept=_side(row["kept_result"], row["kept_device_status"], row["kept_receipt_id"]),
        refused=_side(row["result"], row["device_status"], row["receipt_id"]),
    )


def _side(result: float | None, status: int | None, receipt_id: int | None) -> schemas.Side | None:
    if result is None or status is None or receipt_id is None:
        return None
    return schemas.Side(result=result, device_status=status_text(status), receipt=receipt_id)
