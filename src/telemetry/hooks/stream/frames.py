"""Writes what happened as server-sent events: once, for all the clients that it is sent to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from core import instants
from telemetry.catalog.snapshot import Snapshot
from telemetry.changes.store import Receipt
from telemetry.events.store import Logged
from telemetry.hooks.stream.cursors import Cursor
from telemetry.readings import status_text
from telemetry.series import naming

OBSERVATIONS = "observations"
RESET = "reset"

_json = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event as bytes, with what filters ask about and the cursor behind it."""

    text: bytes
    cursor: Cursor
    type: str
    station_id: int | None
    organization_id: int | None = None
    alert_kind: str | None = None
    severity: str | None = None
    historical: bool = False


class _Event(msgspec.Struct, rename="camel"):
    type: str
    time: str
    event: int
    historical: bool
    data: msgspec.Raw


class _Result(msgspec.Struct, rename="camel", omit_defaults=True):
    """Results stand there by the thousand: what says nothing is left out."""

    result: float
    unit: str
    quality: int
    device_status: str
    reasons: Sequence[str] = ()
    phenomenon_time: str | None = None


class _Observations(msgspec.Struct, rename="camel"):
    station: str
    receipt: int
    received_time: str
    channel: str
    phenomenon_time: str
    first_time: str
    stored: int
    results: dict[str, _Result]


def written(name: str, identifier: str, data: bytes) -> bytes:
    """A server-sent event; `data` is JSON, which has no line ends outside of its strings and none unescaped in them."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (identifier.encode(), name.encode(), data)


def beat(cursor: Cursor) -> bytes:
    """A sign of life that moves a client's place without an event, so that it comes back to where it was."""
    return b": beat\nid: %b\n\n" % cursor.write().encode()


def reset(cursor: Cursor, reason: str, detail: str) -> bytes:
    """Tells a client that events are missing, and where the stream begins anew."""
    document = {"reason": reason, "detail": detail, "time": instants.text(instants.now())}
    return written(RESET, cursor.write(), _json.encode(document))


def of_event(event: Logged, cursor: Cursor) -> Frame:
    document = _Event(
        type=event.type,
        time=instants.text(event.occurred_time),
        event=event.id,
        historical=event.historical,
        data=msgspec.Raw(event.payload.encode()),
    )
    return Frame(
        text=written(event.type, cursor.write(), _json.encode(document)),
        cursor=cursor,
        type=event.type,
        station_id=event.station_id,
        organization_id=event.organization_id,
        alert_kind=event.alert_kind,
        severity=event.severity,
        historical=event.historical,
    )


def of_observations(
    receipt: Receipt, station_id: int, rows: Sequence[Any], snapshot: Snapshot, cursor: Cursor
) -> Frame:
    """The newest readings that a receipt stored for a station; `rows` has one at least."""
    station = snapshot.stations_by_id[station_id]
    newest = max(row["phenomenon_time"] for row in rows)
    document = _Observations(
        station=station.code,
        receipt=receipt.id,
        received_time=instants.text(instants.from_us(receipt.received_us)),
        channel=receipt.channel,
        phenomenon_time=instants.text(newest),
        first_time=instants.text(instants.from_us(receipt.first_us or 0)),
        stored=receipt.stored,
        results={
            snapshot.datastreams[row["datastream_id"]].symbol: _Result(
                result=row["result"],
                unit=snapshot.datastreams[row["datastream_id"]].unit,
                quality=row["result_quality"],
                device_status=status_text(row["device_status"]),
                reasons=naming.reasons(row["quality_reasons"]),
                phenomenon_time=None if row["phenomenon_time"] == newest else instants.text(row["phenomenon_time"]),
            )
            for row in rows
        },
    )
    text = written(OBSERVATIONS, cursor.write(), _json.encode(document))
    return Frame(text=text, cursor=cursor, type=OBSERVATIONS, station_id=station_id)
