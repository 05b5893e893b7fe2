"""Turns the lines of an import into stations and datastreams, and finds everything that is wrong with them. Pure.

One line is one datastream of a station; what describes the station stands on its first line and may be left blank on
the others. A line without a symbol is a station alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from core.errors import Fault, shown
from telemetry.catalog import datastreams, errors
from telemetry.catalog.csv_lines import Line
from telemetry.catalog.schemas.datastreams import NewDatastream
from telemetry.catalog.schemas.stations import NewStation
from telemetry.catalog.snapshot import fold
from telemetry.catalog.store.imports import Known, PlannedDatastream

STATION_COLUMNS = (
    "station",
    "kind",
    "organization",
    "name_vi",
    "name_en",
    "file_code",
    "latitude",
    "longitude",
    "status",
    "cadence_seconds",
    "demonstration",
    "district",
)
DATASTREAM_COLUMNS = (
    "symbol",
    "reported_unit",
    "reported_as",
    "factor",
    "range_min",
    "range_max",
    "mandatory",
    "aliases",
)
COLUMNS = STATION_COLUMNS + DATASTREAM_COLUMNS
REQUIRED = ("station", "kind", "organization", "name_vi")
DECIMALS = ("latitude", "longitude", "factor", "range_min", "range_max")
ALIAS_SEPARATOR = "|"


@dataclass(slots=True)
class Plan:
    """What an import would write, and what is wrong with it; only a plan without faults is carried out."""

    stations: list[NewStation] = field(default_factory=list)
    datastreams: list[PlannedDatastream] = field(default_factory=list)
    existing: set[str] = field(default_factory=set)
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def fault(self, line: Line, column: str, found: str, expected: str) -> None:
        self.faults.append((line.number, Fault(f"line {line.number}, {column}", shown(found), expected)))

    def in_order(self) -> list[Fault]:
        return [fault for _, fault in sorted(self.faults, key=lambda entry: entry[0])]


def make(lines: Sequence[Line], known: Known, spellings: Iterable[tuple[str, str, str]], *, update: bool) -> Plan:
    """The plan for all lines. `spellings` are the (station, symbol, spelling) of datastreams that are there already."""
    plan = Plan()
    by_station: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_station[line.cells.get("station", "")].append(line)
    file_codes = dict(known.file_codes)
    there: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for station, symbol, spelling in spellings:
        there[station].append((symbol, spelling))
    for code, own in by_station.items():
        _plan_station(plan, own, known, file_codes, update=update)
        _plan_datastreams(plan, own, known, there[code])
    return plan


def _plan_station(plan: Plan, lines: list[Line], known: Known, file_codes: dict[str, str], *, update: bool) -> None:
    first = lines[0]
    _check_repeated(plan, first, lines[1:])
    given = {name: first.cells[name] for name in STATION_COLUMNS if first.cells.get(name)}
    given["code"] = given.pop("station", "")
    # Where the Vietnamese name is missing too, that is the one fault to tell.
    given.setdefault("name_en", given.get("name_vi", "-"))
    try:
        station = NewStation.model_validate(given)
    except ValidationError as failure:
        _take_over(plan, first, failure)
        return
    if station.organization not in known.organizations:
        plan.fault(first, "organization", station.organization, "the code of an organization of the catalogue")
    if station.code in known.stations:
        plan.existing.add(station.code)
        if not update:
            plan.fault(first, "station", station.code, "a code that no station has, or an import that updates")
    if station.file_code and file_codes.setdefault(station.file_code, station.code) != station.code:
        plan.fault(
            first, "file_code", station.file_code, f"a file code other than the one of {file_codes[station.file_code]}"
        )
    plan.stations.append(station)


def _check_repeated(plan: Plan, first: Line, others: list[Line]) -> None:
    """What later lines say about the station must be what its first line says."""
    for line in others:
        for name in STATION_COLUMNS:
            said = line.cells.get(name, "")
            if said and said != first.cells.get(name, ""):
                plan.fault(line, name, said, f"nothing, or {first.cells.get(name, '')!r} as in line {first.number}")


def _plan_datastreams(plan: Plan, lines: list[Line], known: Known, there: list[tuple[str, str]]) -> None:
    planned = []
    for line in lines:
        datastream = _datastream(plan, line, known)
        if datastream is not None:
            planned.append((line, datastream))
    symbols = {datastream.symbol for _, datastream in planned}
    taken = {fold(spelling): symbol for symbol, spelling in there if symbol not in symbols}
    seen: dict[str, int] = {}
    for line, datastream in planned:
        if datastream.symbol in seen:
            plan.fault(
                line, "symbol", datastream.symbol, f"each property once; it is in line {seen[datastream.symbol]}"
            )
            continue
        seen[datastream.symbol] = line.number
        for spelling in (datastream.symbol, *datastream.aliases):
            owner = taken.setdefault(fold(spelling), datastream.symbol)
            if owner != datastream.symbol:
                column = "symbol" if spelling == datastream.symbol else "aliases"
                plan.fault(line, column, spelling, f"a spelling that is not already one of {owner}")
        plan.datastreams.append(datastream)


def _datastream(plan: Plan, line: Line, known: Known) -> PlannedDatastream | None:
    given: dict[str, object] = {name: line.cells[name] for name in DATASTREAM_COLUMNS if line.cells.get(name)}
    if not given:
        return None
    aliases = [alias for alias in line.cells.get("aliases", "").split(ALIAS_SEPARATOR) if alias.strip()]
    # The station's code is judged with the station; here any will do.
    given |= {"station": "checked-already", "aliases": aliases}
    try:
        new = NewDatastream.model_validate(given)
        unit = known.units.get(new.symbol)
        if unit is None:
            plan.fault(line, "symbol", new.symbol, "the symbol of an observed property of the catalogue")
            return None
        row = datastreams.settled(new, unit)
    except ValidationError as failure:
        _take_over(plan, line, failure)
        return None
    except errors.ConversionUnknown as failure:
        for fault in failure.faults:
            plan.fault(line, fault.field, fault.found, fault.expected)
        return None
    return PlannedDatastream(
        line.cells.get("station", ""), new.symbol, row, datastreams.needed(new.aliases, new.symbol)
    )


def _take_over(plan: Plan, line: Line, failure: ValidationError) -> None:
    """Pydantic's findings as faults of the line; what it says about several members goes to the first one's column."""
    for fault in errors.faults_of(failure):
        name = fault.field.partition(",")[0].partition(".")[0]
        column = "station" if name == "code" else to_snake(name)
        found = line.cells.get(column, "") if column != "aliases" else fault.found
        plan.fault(line, column, found, fault.expected)
