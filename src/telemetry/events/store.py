"""Writes and reads the log of events."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from core import feeds, instants, queries
from core.database import Database

_sql = queries.load(__file__, "events")
_json = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `payload` is the document that receivers are given, camelCase."""

    type: str
    payload: dict[str, Any]
    station_id: int | None = None
    organization_id: int | None = None
    alert_kind: str | None = None
    severity: str | None = None
    historical: bool = False
    occurred_time: datetime = field(default_factory=instants.now)


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as it stands in the log; `payload` is JSON text."""

    id: int
    occurred_time: datetime
    type: str
    station_id: int | None
    organization_id: int | None
    alert_kind: str | None
    severity: str | None
    historical: bool
    payload: str


async def append(connection: Any, events: Sequence[Event]) -> None:
    """Write events in the transaction of what they tell."""
    if not events:
        return
    await connection.execute(
        _sql["events_append"],
        [event.type for event in events],
        [event.occurred_time for event in events],
        [event.station_id for event in events],
        [event.organization_id for event in events],
        [event.alert_kind for event in events],
        [event.severity for event in events],
        [event.historical for event in events],
        [_json.encode(event.payload).decode() for event in events],
    )


@asynccontextmanager
async def reading(
    database: Database, reader: str, limit: int
) -> AsyncIterator[tuple[Any, Sequence[Logged], bool] | None]:
    """The transaction, the reader's next events and whether there are more; None when another process reads."""
    async with feeds.reading(database, reader, _sql["events_page"], limit) as found:
        if found is None:
            yield None
            return
        connection, page = found
        yield connection, [_logged(row) for row in page.rows], page.more


async def page(connection: Any, position: feeds.Position, limit: int) -> tuple[list[Logged], feeds.Page]:
    """As `reading`, for a reader that keeps its position itself. Takes a database or a connection."""
    found = await feeds.page(connection, _sql["events_page"], position, limit)
    return [_logged(row) for row in found.rows], found


def _logged(row: Any) -> Logged:
    return Logged(
        id=row["id"],
        occurred_time=row["occurred_time"],
        type=row["type"],
        station_id=row["station_id"],
        organization_id=row["organization_id"],
        alert_kind=row["alert_kind"],
        severity=row["severity"],
        historical=row["historical"],
        payload=row["payload"],
    )


async def forget(database: Database, before: datetime) -> int:
    """Take out what occurred before and every reader has seen; how many events that were."""
    gone: int = await database.fetchval(_sql["events_forget"], before)
    return gone
