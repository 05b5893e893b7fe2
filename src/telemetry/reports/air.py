"""VN_AQI of ambient stations from the hourly figures: hours, days, and how the air is now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core import instants
from core.database import Database
from core.instants import VIETNAM, Zone
from telemetry.catalog.snapshot import DatastreamEntry, Snapshot, StationEntry
from telemetry.quality import aqi, aqi_rules
from telemetry.quality.aqi import DAILY_LEAD, DAY_HOURS, HOURLY_LEAD, Indices
from telemetry.quality.aqi_rules import Rules
from telemetry.quality.reference import factor
from telemetry.readings import Floats
from telemetry.reports import hours
from telemetry.reports.hours import HOUR_US
from telemetry.reports.parts import Record
from telemetry.reports.scope import grid
from telemetry.series.selecting import RETIRED
from telemetry.series.spans import DAYS, HOURS

AMBIENT = "ambient"
UNIT = "µg/m3"
# Readings of an hour may come a little after it: the newest of so many hours that has an index is the one of now.
_NEWEST_HOURS = 3

MEMBERS = (
    "station",
    "periodStart",
    "periodEnd",
    "index",
    "level",
    "levelVi",
    "levelEn",
    "colour",
    "dominant",
    "component",
    "statistic",
    "value",
    "unit",
    "hours",
    "subIndex",
)


@dataclass(frozen=True, slots=True)
class _Pollutant:
    """One datastream, where it stands among the stations and pollutants, and its factor to µg/m3."""

    stream: int
    station: int
    place: int
    factor: float


def method(rules: Rules, share: float) -> Record:
    """How the index is made: its legal source, and the share of data, which is a policy of ours."""
    policy = rules.completeness
    return {
        "code": rules.code,
        "legalSource": rules.legal_source,
        "verified": rules.verified,
        "minimumPercent": round(100 * share, 2),
        "minimumVerified": policy.verified and share == policy.share,
        "minimumSource": policy.source,
    }


def ambient(snapshot: Snapshot) -> list[StationEntry]:
    """Stations of ambient air that are not retired, in order of code."""
    found = [s for s in snapshot.stations.values() if s.kind == AMBIENT and s.status != RETIRED]
    return sorted(found, key=lambda station: station.code)


def _pollutants(snapshot: Snapshot, stations: Sequence[StationEntry], rules: Rules) -> list[_Pollutant]:
    """In order of datastream. What is kept in a unit that cannot be brought to µg/m3 is left out."""
    at = {station.id: place for place, station in enumerate(stations)}
    of = {symbol: place for place, symbol in enumerate(rules.symbols)}
    found = [
        _Pollutant(stream.id, at[stream.station_id], of[stream.symbol], known)
        for stream in snapshot.datastreams.values()
        if stream.station_id in at and stream.symbol in of and (known := _factor(stream)) is not None
    ]
    return sorted(found, key=lambda pollutant: pollutant.stream)


def _factor(stream: DatastreamEntry) -> float | None:
    return factor(stream.symbol, stream.unit, UNIT)


async def means(
    database: Database,
    snapshot: Snapshot,
    stations: Sequence[StationEntry],
    begin_us: int,
    end_us: int,
    share: float,
) -> Floats:
    """(stations, pollutants, hours) in µg/m3; NaN where less than the share of an hour's observations is valid."""
    rules = aqi_rules.rules()
    found = np.full((len(stations), len(rules.symbols), (end_us - begin_us) // HOUR_US), np.nan)
    pollutants = _pollutants(snapshot, stations, rules)
    if not pollutants or not found.shape[-1]:
        return found
    grids = [grid(stations[pollutant.station]) for pollutant in pollutants]
    expected = np.maximum(1, hours.expected(grids, begin_us, end_us))
    read = await hours.read(database, [pollutant.stream for pollutant in pollutants], begin_us, end_us)
    enough = aqi.sufficient(read.mean, read.valid, expected, share)
    for row, pollutant in enumerate(pollutants):
        found[pollutant.station, pollutant.place] = enough[row] * pollutant.factor
    return found


async def hourly(
    database: Database,
    snapshot: Snapshot,
    stations: Sequence[StationEntry],
    begin_us: int,
    end_us: int,
    share: float,
) -> Indices:
    """The index of every hour from begin to end, both starts of hours."""
    lead = HOURLY_LEAD * HOUR_US
    return aqi.hourly(await means(database, snapshot, stations, begin_us - lead, end_us, share), aqi_rules.rules())


async def daily(
    database: Database,
    snapshot: Snapshot,
    stations: Sequence[StationEntry],
    begin_us: int,
    end_us: int,
    share: float,
) -> Indices:
    """The index of every day from begin to end, both starts of days of UTC+7."""
    lead = DAILY_LEAD * HOUR_US
    found = await means(database, snapshot, stations, begin_us - lead, end_us, share)
    return aqi.daily(found, aqi_rules.rules(), share)


def hour_span(begin_us: int, end_us: int, now_us: int) -> tuple[int, int]:
    """The hours that begin in the span and have ended."""
    begin = HOURS.ceiling(begin_us)
    return begin, max(begin, min(HOURS.ceiling(end_us), HOURS.floor(now_us)))


def day_span(begin_us: int, end_us: int, now_us: int) -> tuple[int, int]:
    """The days of UTC+7 that begin in the span and have ended."""
    begin = DAYS.ceiling(begin_us)
    return begin, max(begin, min(DAYS.ceiling(end_us), DAYS.floor(now_us)))


def hour_records(found: Indices, station: int, begin_us: int, zone: Zone) -> list[Record]:
    rules = aqi_rules.rules()
    return [
        _record(found, station, column, rules, rules.hourly, begin_us + column * HOUR_US, HOUR_US, zone)
        for column in range(found.total.shape[-1])
    ]


def day_records(found: Indices, station: int, begin_us: int, zone: Zone) -> list[Record]:
    rules, length = aqi_rules.rules(), DAY_HOURS * HOUR_US
    return [
        {
            "date": f"{instants.from_us(begin_us + column * length).astimezone(VIETNAM):%Y-%m-%d}",
            **_record(found, station, column, rules, rules.daily, begin_us + column * length, length, zone),
        }
        for column in range(found.total.shape[-1])
    ]


def _record(
    found: Indices,
    station: int,
    column: int,
    rules: Rules,
    components: Sequence[aqi_rules.Component],
    begin_us: int,
    length_us: int,
    zone: Zone,
) -> Record:
    dominant = int(found.dominant[station, column])
    return {
        "periodStart": instants.text(instants.from_us(begin_us), zone),
        "periodEnd": instants.text(instants.from_us(begin_us + length_us), zone),
        **_level(found.total[station, column], rules),
        "dominant": rules.symbols[components[dominant].place] if dominant >= 0 else None,
        "components": [
            {
                "symbol": rules.symbols[component.place],
                "name": rules.names[component.place],
                "statistic": component.statistic,
                "value": _number(found.value[station, at, column]),
                "unit": UNIT,
                "hours": int(found.hours[station, at, column]),
                "index": _whole(found.index[station, at, column]),
            }
            for at, component in enumerate(components)
        ],
    }


def _level(total: float, rules: Rules) -> Record:
    index = _whole(total)
    if index is None:
        return {"index": None, "level": None}
    level = rules.level(index)
    return {
        "index": index,
        "level": {
            "code": level.code,
            "nameVi": level.name_vi,
            "nameEn": level.name_en,
            "colour": level.hexadecimal,
            "healthVi": level.health_vi,
            "healthEn": level.health_en,
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)


def _whole(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


async def now(
    database: Database, snapshot: Snapshot, stations: Sequence[StationEntry], now_us: int, share: float, zone: Zone
) -> list[Record]:
    """The newest hour with an index and the last whole day of each station.

    Where none of the newest three hours has an index, the last of them is told without.
    """
    end_us = HOURS.floor(now_us)
    begin_us = end_us - _NEWEST_HOURS * HOUR_US
    today_us = DAYS.floor(now_us)
    by_hour = await hourly(database, snapshot, stations, begin_us, end_us, share)
    by_day = await daily(database, snapshot, stations, today_us - DAYS.step_us, today_us, share)
    found = []
    for place, station in enumerate(stations):
        known = np.flatnonzero(~np.isnan(by_hour.total[place]))
        newest = int(known[-1]) if len(known) else _NEWEST_HOURS - 1
        hour = hour_records(by_hour, place, begin_us, zone)[newest]
        day = day_records(by_day, place, today_us - DAYS.step_us, zone)[0]
        found.append({"station": station.code, "hour": hour, "day": day})
    return found


def flattened(station: str, records: Sequence[Record]) -> list[list[Any]]:
    """Rows of a table with the columns MEMBERS, one for each component of each hour or day."""
    rows = []
    for record in records:
        level = record["level"] or {}
        names = (level.get("code"), level.get("nameVi"), level.get("nameEn"), level.get("colour"))
        period = (station, record["periodStart"], record["periodEnd"], record["index"], *names, record["dominant"])
        rows += [
            [*period, *(part[name] for name in ("name", "statistic", "value", "unit", "hours", "index"))]
            for part in record["components"]
        ]
    return rows
