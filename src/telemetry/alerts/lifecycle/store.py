"""Rows of alerts and of their moves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec

from core import queries
from telemetry.alerts.lifecycle.documents import Subject
from telemetry.alerts.lifecycle.lives import Alert, Step
from telemetry.alerts.lifecycle.workflow import State

_sql = queries.load(__file__, "alerts")
_json = msgspec.json.Encoder()
_COLUMNS = tuple(field.name for field in fields(Alert))
_NAMES = tuple(field.name for field in fields(Subject))


@dataclass(frozen=True, slots=True)
class Known:
    """An alert with the names of what it is about."""

    alert: Alert
    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list of alerts is narrowed to; None does not restrict."""

    states: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    stations: Sequence[str] | None = None
    organization: str | None = None
    symbol: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    historical: bool | None = None
    muted: bool | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class KeptMove:
    """A row of `alert_move`."""

    id: int
    time: datetime
    action: str
    from_state: str | None
    to_state: str
    actor: str
    reason: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """Open alerts that have all of this in common; no kind of station: about the network as a whole."""

    kind: str
    severity: str
    state: str
    station_kind: str | None
    count: int
    muted: int


def read(row: Any) -> Alert:
    """The alert in a row that has all columns of the table."""
    members = {name: row[name] for name in _COLUMNS}
    former = row["shelved_from"]
    return Alert(
        **members
        | {
            "state": State(row["state"]),
            "shelved_from": None if former is None else State(former),
            "detail": json.loads(row["detail"]),
        }
    )


def _known(row: Any) -> Known:
    return Known(read(row), Subject(**{name: row[name] for name in _NAMES}))


async def chosen(database: Any, ids: Sequence[int]) -> dict[int, Known]:
    """By id. Takes a database or a connection."""
    return {row["id"]: _known(row) for row in await database.fetch(_sql["alerts_chosen"], list(ids))}


async def lock(connection: Any, ids: Sequence[int]) -> dict[int, Known]:
    """By id, each held until the transaction ends."""
    return {row["id"]: _known(row) for row in await connection.fetch(_sql["alerts_lock"], list(ids))}


async def page(database: Any, wanted: Filter, after: tuple[datetime | None, int | None], rows: int) -> list[Known]:
    """Newest first, behind the time and id of `after`."""
    found = await database.fetch(
        _sql["alerts_page"],
        wanted.states,
        wanted.kinds,
        wanted.severities,
        wanted.stations,
        wanted.organization,
        wanted.symbol,
        wanted.begin,
        wanted.end,
        wanted.historical,
        wanted.muted,
        wanted.assignee,
        *after,
        rows,
    )
    return [_known(row) for row in found]


async def numbers(connection: Any, count: int) -> list[int]:
    """New ids."""
    return [row["id"] for row in await connection.fetch(_sql["alerts_numbers"], count)]


async def insert(connection: Any, alerts: Sequence[Alert]) -> None:
    if alerts:
        await connection.execute(_sql["alerts_insert"], _json.encode(alerts).decode())


async def update(connection: Any, alerts: Sequence[Alert]) -> None:
    """Write alerts that this transaction holds."""
    if alerts:
        await connection.execute(_sql["alerts_update"], _json.encode(alerts).decode())


async def progress(connection: Any, alerts: Sequence[Alert]) -> None:
    """Write when the condition was last seen, and the detail, which go on without a move and without an event."""
    if alerts:
        await connection.execute(
            _sql["alerts_progress"],
            [alert.id for alert in alerts],
            [alert.last_time for alert in alerts],
            [_json.encode(alert.detail).decode() for alert in alerts],
        )


async def insert_moves(connection: Any, steps: Sequence[Step]) -> None:
    """In the order given."""
    if not steps:
        return
    await connection.execute(
        _sql["alert_moves_insert"],
        [step.after.id for step in steps],
        [step.time for step in steps],
        [step.action.value for step in steps],
        [None if step.from_state is None else step.from_state.value for step in steps],
        [step.after.state.value for step in steps],
        [step.actor for step in steps],
        [step.reason for step in steps],
        [_json.encode(step.facts).decode() for step in steps],
    )


async def moves(database: Any, alert_id: int, after: int, rows: int) -> list[KeptMove]:
    """The timeline of an alert, oldest first, behind the id of a move."""
    found = await database.fetch(_sql["alert_moves"], alert_id, after, rows)
    return [
        KeptMove(
            id=row["id"],
            time=row["moved_time"],
            action=row["action"],
            from_state=row["from_state"],
            to_state=row["to_state"],
            actor=row["actor"],
            reason=row["reason"],
            facts=json.loads(row["detail"]),
        )
        for row in found
    ]


async def tally(database: Any, organization: str | None, stations: Sequence[str] | None) -> list[OpenGroup]:
    rows = await database.fetch(_sql["alerts_tally"], organization, stations)
    return [
        OpenGroup(row["kind"], row["severity"], row["state"], row["station_kind"], row["n"], row["muted_n"])
        for row in rows
    ]


async def station_states(
    database: Any, organization: str | None, stations: Sequence[str] | None, fresh_seconds: int, now: datetime
) -> dict[str, dict[str, int]]:
    """How many stations are in each state, by kind of station."""
    found: dict[str, dict[str, int]] = {}
    for row in await database.fetch(_sql["alerts_stations"], organization, fresh_seconds, now, stations):
        found.setdefault(row["state"], {})[row["kind"]] = row["n"]
    return found


async def shelved_too_long(connection: Any, now: datetime, most: int) -> list[Known]:
    """Held until the transaction ends; what another process holds is left to it."""
    return [_known(row) for row in await connection.fetch(_sql["alerts_shelved_too_long"], now, most)]


async def unacknowledged(connection: Any, now: datetime, most: int) -> list[Known]:
    """Those that are due to escalate; held as in `shelved_too_long`."""
    return [_known(row) for row in await connection.fetch(_sql["alerts_unacknowledged"], now, most)]


async def muted_no_longer(connection: Any, now: datetime, most: int) -> list[Known]:
    """Open ones whose window is over; held as in `shelved_too_long`."""
    return [_known(row) for row in await connection.fetch(_sql["alerts_muted_no_longer"], now, most)]


async def to_mute(connection: Any, now: datetime, most: int, calibrating: Sequence[str]) -> list[tuple[Known, int]]:
    """Open ones with the window that covers them; held as in `shelved_too_long`."""
    rows = await connection.fetch(_sql["alerts_to_mute"], now, most, list(calibrating))
    return [(_known(row), row["window_id"]) for row in rows]


async def ended_within(connection: Any, window_id: int, calibrating: Sequence[str]) -> list[Known]:
    """Cleared ones that a window covers and none mutes; held until the transaction ends."""
    return [_known(row) for row in await connection.fetch(_sql["alerts_ended_within"], window_id, list(calibrating))]


async def muted_by(connection: Any, window_id: int) -> list[Known]:
    """Cleared ones that the window mutes; held until the transaction ends."""
    return [_known(row) for row in await connection.fetch(_sql["alerts_muted_by"], window_id)]
