"""Rows of datastreams' limits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.limits import Limit, LimitInForce

_sql = queries.load(__file__, "limits")


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit as it is written, with the inputs that it was computed from."""

    datastream_id: int
    averaging: str
    base_lower: float | None
    base_upper: float | None
    coefficients: Mapping[str, float]
    lower: float | None
    upper: float | None
    oxygen_reference: float | None = None
    limit_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the limits that are entered together have in common; a permit has no rule set."""

    rule_set: str | None
    valid_from: datetime
    valid_to: datetime | None
    legal_source: str
    confidence: str
    verified: bool


async def in_force(
    database: Database,
    stations: list[str] | None,
    symbol: str | None,
    at: datetime,
    after: tuple[str | None, int | None, int | None],
    rows: int,
) -> list[tuple[LimitInForce, int]]:
    """Each limit with its rank among those of its datastream, 1 for the decisive one."""
    found = await database.fetch(_sql["limits_in_force"], stations, symbol, at, *after, rows)
    return [(_in_force(row), row["rank"]) for row in found]


async def of_datastream(database: Database, datastream_id: int) -> list[Limit]:
    """Past, present and future ones, by when they begin."""
    return [Limit(**_members(row)) for row in await database.fetch(_sql["limits_chosen"], None, datastream_id)]


async def by_ids(database: Any, ids: Sequence[int]) -> list[Limit]:
    """By symbol."""
    return [Limit(**_members(row)) for row in await database.fetch(_sql["limits_chosen"], list(ids), None)]


async def find(database: Any, limit_id: int) -> Limit | None:
    found = await by_ids(database, [limit_id])
    return found[0] if found else None


async def lock(connection: Any, limit_id: int) -> int | None:
    number: int | None = await connection.fetchval(_sql["limit_lock"], limit_id)
    return number


async def datastream_of(connection: Any, station_id: int, symbol: str) -> int | None:
    number: int | None = await connection.fetchval(_sql["limit_datastream"], station_id, symbol)
    return number


async def beginning(
    connection: Any, rows: Sequence[LimitRow], basis: str, valid_from: datetime
) -> list[tuple[int, str]]:
    """Number and name of the limits that would begin at the same moment as the given ones."""
    found = await connection.fetch(
        _sql["limits_beginning"],
        [row.datastream_id for row in rows],
        [row.averaging for row in rows],
        basis,
        valid_from,
    )
    return [(row["id"], f"{row['symbol']} ({row['averaging']})") for row in found]


async def drop(connection: Any, ids: Sequence[int]) -> None:
    await connection.execute(_sql["limits_drop"], list(ids))


async def end_rule_sets(connection: Any, station_id: int, at: datetime) -> int:
    """How many limits from rule sets now end at the moment."""
    return len(await connection.fetch(_sql["limits_end"], station_id, at))


async def insert(connection: Any, rows: Sequence[LimitRow], common: Provenance) -> list[int]:
    found = await connection.fetch(
        _sql["limits_insert"],
        [row.datastream_id for row in rows],
        [row.averaging for row in rows],
        [row.base_lower for row in rows],
        [row.base_upper for row in rows],
        [json.dumps(dict(row.coefficients)) for row in rows],
        [row.lower for row in rows],
        [row.upper for row in rows],
        common.rule_set,
        common.valid_from,
        common.valid_to,
        common.legal_source,
        common.confidence,
        common.verified,
        [row.oxygen_reference for row in rows],
        [row.limit_unit for row in rows],
    )
    return [row["id"] for row in found]


async def update(connection: Any, now: Limit) -> None:
    await connection.execute(
        _sql["limit_update"],
        now.id,
        now.lower,
        now.upper,
        now.base_lower,
        now.base_upper,
        now.valid_to,
        now.legal_source,
        now.confidence,
        now.verified,
        now.oxygen_reference,
        now.limit_unit,
    )


def _members(row: Any) -> dict[str, Any]:
    """The members of a limit; the driver gives jsonb as text."""
    return {**row, "coefficients": json.loads(row["coefficients"])}


def _in_force(row: Any) -> LimitInForce:
    members = _members(row)
    decisive = members.pop("rank") == 1
    return LimitInForce(**members, decisive=decisive)
