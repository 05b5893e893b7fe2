"""Set-based reads and writes of an import of stations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import queries
from telemetry.catalog.schemas.stations import NewStation
from telemetry.catalog.store.datastreams import DatastreamRow

_sql = queries.load(__file__, "imports")


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue has that a file may refer to or clash with."""

    organizations: frozenset[str]
    units: dict[str, str]
    stations: frozenset[str]
    file_codes: dict[str, str]


@dataclass(frozen=True, slots=True)
class PlannedDatastream:
    station: str
    symbol: str
    row: DatastreamRow
    aliases: tuple[str, ...]


async def lock(connection: Any) -> None:
    await connection.execute(_sql["import_lock"])


async def known(connection: Any) -> Known:
    organizations = await connection.fetch(_sql["import_organizations"])
    properties = await connection.fetch(_sql["import_properties"])
    stations = await connection.fetch(_sql["import_stations"])
    return Known(
        organizations=frozenset(row["code"] for row in organizations),
        units={row["symbol"]: row["unit"] for row in properties},
        stations=frozenset(row["code"] for row in stations),
        file_codes={row["file_code"].upper(): row["code"] for row in stations if row["file_code"]},
    )


async def spellings(connection: Any, stations: Sequence[str]) -> list[tuple[str, str, str]]:
    """(station, symbol, spelling) of every active datastream of the stations."""
    found = await connection.fetch(_sql["import_spellings"], list(stations))
    return [(row["station"], row["symbol"], row["spelling"]) for row in found]


async def write_stations(connection: Any, stations: Sequence[NewStation]) -> None:
    await connection.execute(
        _sql["import_station_rows"],
        [station.code for station in stations],
        [station.kind for station in stations],
        [station.organization for station in stations],
        [station.name_vi for station in stations],
        [station.name_en for station in stations],
        [station.file_code for station in stations],
        [station.latitude for station in stations],
        [station.longitude for station in stations],
        [station.status for station in stations],
        [station.cadence_seconds for station in stations],
        [station.demonstration for station in stations],
        [station.district for station in stations],
    )


async def write_datastreams(connection: Any, planned: Sequence[PlannedDatastream]) -> None:
    """Datastreams first, then their aliases, which replace those that they had."""
    stations = [plan.station for plan in planned]
    symbols = [plan.symbol for plan in planned]
    await connection.execute(
        _sql["import_datastream_rows"],
        stations,
        symbols,
        [plan.row.reported_unit for plan in planned],
        [plan.row.reported_as for plan in planned],
        [plan.row.factor for plan in planned],
        [plan.row.range_min for plan in planned],
        [plan.row.range_max for plan in planned],
        [plan.row.mandatory for plan in planned],
    )
    wanted = [(plan.station, plan.symbol, alias) for plan in planned for alias in plan.aliases]
    owners, names, aliases = [w[0] for w in wanted], [w[1] for w in wanted], [w[2] for w in wanted]
    await connection.execute(_sql["import_aliases_drop"], stations, symbols, owners, aliases)
    await connection.execute(_sql["import_alias_rows"], owners, names, aliases)
