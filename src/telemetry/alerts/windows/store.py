"""Rows of maintenance and calibration windows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.windows.moves import WindowKind, WindowState

_sql = queries.load(__file__, "windows")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWindow:
    """A row of `station_window`; its detail has `standards`, `tolerance` and `moves`."""

    id: int = 0
    kind: WindowKind
    station_id: int
    station: str
    datastream_id: int | None
    symbol: str | None
    begin_time: datetime
    end_time: datetime
    state: WindowState
    reason: str
    detail: Mapping[str, Any]
    requested_by: str
    requested_time: datetime
    decided_by: str | None = None
    decided_time: datetime | None = None
    decision_reason: str = ""
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFilter:
    """What a list of windows is narrowed to; None does not restrict."""

    stations: Sequence[str] | None = None
    kind: str | None = None
    state: str | None = None
    begin: datetime | None = None
    end: datetime | None = None


def _kept(row: Any) -> KeptWindow:
    members = {name: row[name] for name in KeptWindow.__dataclass_fields__}
    read = {
        "kind": WindowKind(row["kind"]),
        "state": WindowState(row["state"]),
        "detail": json.loads(row["detail"]),
    }
    return KeptWindow(**members | read)


async def page(
    database: Any, wanted: WindowFilter, after: tuple[datetime | None, int | None], rows: int
) -> list[KeptWindow]:
    """The latest first, behind the beginning and id of `after`."""
    found = await database.fetch(
        _sql["windows_page"], wanted.stations, wanted.kind, wanted.state, wanted.begin, wanted.end, *after, rows
    )
    return [_kept(row) for row in found]


async def find(database: Any, window_id: int) -> KeptWindow | None:
    row = await database.fetchrow(_sql["window_by_id"], window_id)
    return None if row is None else _kept(row)


async def serialize(connection: Any, station_id: int) -> None:
    """Until the transaction ends nobody else asks for, moves or accepts a window of the station."""
    await connection.execute(_sql["windows_serialize"], station_id)


async def overlapping(connection: Any, window: KeptWindow) -> list[int]:
    """Ids of others of its kind that were asked for or accepted and share time and subject with it."""
    rows = await connection.fetch(
        _sql["windows_overlapping"],
        window.kind,
        window.station_id,
        window.datastream_id,
        window.begin_time,
        window.end_time,
        window.id,
    )
    return [row["id"] for row in rows]


async def datastream_of(connection: Any, station_id: int, symbol: str) -> int | None:
    number: int | None = await connection.fetchval(_sql["windows_datastream"], station_id, symbol)
    return number


async def insert(connection: Any, window: KeptWindow) -> int:
    number: int = await connection.fetchval(
        _sql["window_insert"],
        window.kind,
        window.station_id,
        window.datastream_id,
        window.begin_time,
        window.end_time,
        window.state,
        window.reason,
        json.dumps(window.detail),
        window.requested_by,
        window.requested_time,
    )
    return number


async def update(connection: Any, window: KeptWindow) -> None:
    await connection.execute(
        _sql["window_update"],
        window.id,
        window.datastream_id,
        window.begin_time,
        window.end_time,
        window.state,
        window.reason,
        json.dumps(window.detail),
        window.decided_by,
        window.decided_time,
        window.decision_reason,
    )


async def covering(
    connection: Any, alerts: Sequence[Alert], now: datetime, calibrating: Sequence[str]
) -> dict[int, int]:
    """By place among the alerts, the accepted window that mutes it; `calibrating`: kinds that calibrations mute."""
    rows = await connection.fetch(
        _sql["windows_covering"],
        [alert.kind for alert in alerts],
        [alert.station_id for alert in alerts],
        [alert.datastream_id for alert in alerts],
        [alert.raised_time for alert in alerts],
        [alert.cleared_time for alert in alerts],
        now,
        list(calibrating),
    )
    return {row["place"]: row["id"] for row in rows}
