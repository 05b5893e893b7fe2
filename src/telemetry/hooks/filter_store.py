"""Filters as columns: codes are kept as ids, and no name twice."""

from collections.abc import Sequence
from typing import Any

from core import queries
from telemetry.hooks.errors import FilterUnknown
from telemetry.hooks.filters import NewFilters

_sql = queries.load(__file__, "filters")


async def columns(connection: Any, whole: NewFilters) -> tuple[Any, ...]:
    """What is kept, in the order that the tables have it. Raises FilterUnknown."""
    return (
        _distinct(whole.event_types),
        _distinct(whole.alert_kinds),
        whole.least_severity,
        await _ids(connection, _sql["filter_stations"], "stations", whole.stations),
        _distinct(whole.station_kinds),
        await _ids(connection, _sql["filter_organizations"], "organizations", whole.organizations),
        whole.history,
    )


def _distinct(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(dict.fromkeys(names))


async def _ids(connection: Any, query: str, field: str, codes: Sequence[str] | None) -> list[int] | None:
    if codes is None:
        return None
    found = {row["code"]: row["id"] for row in await connection.fetch(query, list(codes))}
    if unknown := [code for code in codes if code not in found]:
        raise FilterUnknown.of(field, unknown)
    return sorted(found.values())
