"""Puts the seed's rows together: which datastreams, aliases and limits each station has, and whether the rows agree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from telemetry.catalog import seed_files
from telemetry.catalog.coefficients import effective
from telemetry.catalog.seed_files import Entry, Files, Instrument, Station
from telemetry.catalog.snapshot import fold

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Network:
    """Records as the seeding statements take them, in an order in which each refers to earlier ones only."""

    properties: list[Record]
    organizations: list[Record]
    stations: list[Record]
    datastreams: list[Record]
    aliases: list[Record]
    rule_sets: list[Record]
    rule_limits: list[Record]
    limits: list[Record]
    policies: list[Record]


def build(files: Files) -> Network:
    """The whole network. Raises BrokenSeed where rows contradict each other or name what does not exist."""
    faults = [*_repeated(files), *_unknown(files)]
    if faults:
        raise seed_files.BrokenSeed(faults)
    packages: dict[str, dict[str, Instrument]] = {}
    for entry in files.instruments:
        packages.setdefault(entry.row.package, {})[entry.row.symbol] = entry.row
    instruments = {entry.row.code: _instruments(entry.row, packages) for entry in files.stations}
    faults = [*_clashing(files, instruments), *_unordered(files), *_misplaced_permits(files, instruments)]
    if faults:
        raise seed_files.BrokenSeed(faults)
    return Network(
        properties=[entry.row.model_dump() for entry in files.properties],
        organizations=[entry.row.model_dump() for entry in files.organizations],
        stations=[entry.row.model_dump(exclude={"packages"}) for entry in files.stations],
        datastreams=[
            {"station": station, **instrument.model_dump(exclude={"package", "aliases"})}
            for station, package in instruments.items()
            for instrument in package.values()
        ],
        aliases=[
            {"station": station, "symbol": symbol, "alias": alias}
            for station, package in instruments.items()
            for symbol, instrument in package.items()
            for alias in instrument.aliases
        ],
        rule_sets=[entry.row.model_dump(exclude={"limits"}) for entry in files.rule_sets],
        rule_limits=[
            {"rule_set": entry.row.code, **limit.model_dump()}
            for entry in files.rule_sets
            for limit in entry.row.limits
        ],
        limits=[*_applied(files, instruments), *_permitted(files)],
        policies=[entry.row.model_dump() for entry in files.policies],
    )


def _instruments(station: Station, packages: dict[str, dict[str, Instrument]]) -> dict[str, Instrument]:
    """By symbol; a later package replaces the instruments of an earlier one."""
    return {symbol: instrument for package in station.packages for symbol, instrument in packages[package].items()}


def _applied(files: Files, instruments: dict[str, dict[str, Instrument]]) -> Iterator[Record]:
    rule_sets = {entry.row.code: entry.row for entry in files.rule_sets}
    for entry in files.applied:
        applied, rule_set = entry.row, rule_sets[entry.row.rule_set]
        for limit in rule_set.limits:
            if limit.symbol not in instruments[applied.station]:
                continue
            coefficients = applied.coefficients if limit.scaled else {}
            yield {
                "station": applied.station,
                "symbol": limit.symbol,
                "rule_set": rule_set.code,
                "averaging": limit.averaging,
                "base_lower": limit.lower,
                "base_upper": limit.upper,
                "coefficients": coefficients,
                "lower": effective(limit.lower, coefficients),
                "upper": effective(limit.upper, coefficients),
                "oxygen_reference": limit.oxygen_reference,
                "limit_unit": limit.limit_unit,
                "valid_from": applied.valid_from,
                "valid_to": applied.valid_to,
                "legal_source": rule_set.legal_source,
                "confidence": f"{rule_set.confidence} {applied.note}".strip(),
                # What stands in for another rule set is in doubt however well its own numbers are known.
                "verified": rule_set.verified and not applied.note,
            }


def _permitted(files: Files) -> Iterator[Record]:
    for entry in files.permits:
        bounds = {"base_lower": entry.row.lower, "base_upper": entry.row.upper}
        yield {**entry.row.model_dump(), **bounds, "rule_set": None, "coefficients": {}}


def _repeated(files: Files) -> Iterator[str]:
    yield from _twice((entry.where, "symbol", fold(entry.row.symbol)) for entry in files.properties)
    yield from _twice((entry.where, "code", entry.row.code) for entry in files.organizations)
    yield from _twice((entry.where, "code", entry.row.code) for entry in files.stations)
    yield from _twice((entry.where, "file_code", entry.row.file_code) for entry in files.stations)
    yield from _twice((e.where, "symbol", f"{e.row.package} {e.row.symbol}") for e in files.instruments)
    yield from _twice((e.where, "rule_set", f"{e.row.station} {e.row.rule_set}") for e in files.applied)
    yield from _twice(
        (e.where, "averaging", f"{e.row.rule_set or e.row.station_kind or '-'} {e.row.averaging}")
        for e in files.policies
    )
    yield from _twice(
        (entry.where, "limits", f"{entry.row.code} {limit.symbol} {limit.averaging}")
        for entry in files.rule_sets
        for limit in entry.row.limits
    )


def _twice(keys: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    first: dict[str, str] = {}
    for where, field, key in keys:
        if key in first:
            yield f"{where}, {field}: found {key!r} again; it stands in {first[key]} already"
        first.setdefault(key, where)


def _unknown(files: Files) -> Iterator[str]:
    symbols = {entry.row.symbol for entry in files.properties}
    organizations = {entry.row.code for entry in files.organizations}
    stations = {entry.row.code for entry in files.stations}
    packages = {entry.row.package for entry in files.instruments}
    rule_sets = {entry.row.code for entry in files.rule_sets}
    for station in files.stations:
        yield from _not_in(station, "organization", [station.row.organization], organizations, "organizations.csv")
        yield from _not_in(station, "packages", station.row.packages, packages, "instruments.csv")
    for instrument in files.instruments:
        yield from _not_in(instrument, "symbol", [instrument.row.symbol], symbols, "properties.csv")
    for rule_set in files.rule_sets:
        yield from _not_in(
            rule_set, "limits", [limit.symbol for limit in rule_set.row.limits], symbols, "properties.csv"
        )
    for applied in files.applied:
        yield from _not_in(applied, "station", [applied.row.station], stations, "stations.csv")
        yield from _not_in(applied, "rule_set", [applied.row.rule_set], rule_sets, "rule_sets.toml")
    for permit in files.permits:
        yield from _not_in(permit, "station", [permit.row.station], stations, "stations.csv")
    for policy in files.policies:
        named = [] if policy.row.rule_set is None else [policy.row.rule_set]
        yield from _not_in(policy, "rule_set", named, rule_sets, "rule_sets.toml")


def _not_in(entry: Entry[Any], field: str, found: list[str], known: set[str], file: str) -> Iterator[str]:
    for name in found:
        if name not in known:
            yield f"{entry.where}, {field}: found {name!r}; expected one that {file} has"


def _clashing(files: Files, instruments: dict[str, dict[str, Instrument]]) -> Iterator[str]:
    """Spellings that mean two things at one station."""
    for entry in files.stations:
        meaning: dict[str, str] = {}
        for symbol, instrument in instruments[entry.row.code].items():
            for spelling in (symbol, *instrument.aliases):
                other = meaning.setdefault(fold(spelling), symbol)
                if other != symbol:
                    yield f"{entry.where}, packages: {spelling!r} means {other} and {symbol} at {entry.row.code}"


def _unordered(files: Files) -> Iterator[str]:
    for instrument in files.instruments:
        low, high = instrument.row.range_min, instrument.row.range_max
        if low is not None and high is not None and low >= high:
            yield f"{instrument.where}, range_min: found {low:g}; expected less than range_max, {high:g}"
    spans = [(entry.where, entry.row.valid_from, entry.row.valid_to) for entry in files.applied]
    spans += [(entry.where, entry.row.valid_from, entry.row.valid_to) for entry in files.permits]
    for where, begin, end in spans:
        if end is not None and end <= begin:
            yield f"{where}, valid_to: found {end}; expected a time after valid_from"
    for policy in files.policies:
        if policy.row.rule_set is not None and policy.row.station_kind is not None:
            yield f"{policy.where}, station_kind: found {policy.row.station_kind}; expected nothing beside a rule_set"
    bounds = [(entry.where, entry.row.lower, entry.row.upper) for entry in files.permits]
    bounds += [(entry.where, limit.lower, limit.upper) for entry in files.rule_sets for limit in entry.row.limits]
    for where, lower, upper in bounds:
        if lower is None and upper is None:
            yield f"{where}, upper: found nothing; expected a lower or an upper bound"
        elif lower is not None and upper is not None and lower > upper:
            yield f"{where}, lower: found {lower:g}; expected at most upper, {upper:g}"


def _misplaced_permits(files: Files, instruments: dict[str, dict[str, Instrument]]) -> Iterator[str]:
    for permit in files.permits:
        if permit.row.symbol not in instruments[permit.row.station]:
            known = ", ".join(sorted(instruments[permit.row.station]))
            yield f"{permit.where}, symbol: found {permit.row.symbol!r}; expected one that the station has: {known}"
