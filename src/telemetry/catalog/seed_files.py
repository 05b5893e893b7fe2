"""Reads the seed's data files into checked rows; every fault names its file, line or entry, and field."""

import csv
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from telemetry.catalog.schemas import fields

FOLDER = Path(__file__).parent / "seed"


class BrokenSeed(ValueError):
    """The data files cannot be used; `faults` has one sentence for each thing that is wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("The seed's data files cannot be used:\n" + "\n".join(faults))
        self.faults = tuple(faults)


def _parts(value: Any) -> Any:
    return [part.strip() for part in value.split("|") if part.strip()] if isinstance(value, str) else value


def _nothing(value: Any) -> Any:
    return None if value == "" else value


Parts = BeforeValidator(_parts)
Empty = BeforeValidator(_nothing)
OptionalNumber = Annotated[float | None, Empty]
OptionalMoment = Annotated[fields.Moment | None, Empty]
OptionalCoefficient = Annotated[Annotated[float, Field(gt=0, le=2)] | None, Empty]


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Property(Row):
    symbol: fields.Symbol
    unit: fields.Unit
    name_vi: fields.Label
    name_en: fields.Label


class Organization(Row):
    code: fields.Code
    kind: fields.OrganizationKind
    demonstration: bool
    name_vi: fields.Label
    name_en: fields.Label


class Station(Row):
    code: fields.Code
    kind: fields.StationKind
    organization: fields.Code
    packages: Annotated[list[str], Parts, Field(min_length=1)]
    name_vi: fields.Label
    name_en: fields.Label
    file_code: fields.FileCode
    latitude: fields.Latitude
    longitude: fields.Longitude
    cadence_seconds: Annotated[int, Field(ge=1, le=86_400)]


class Instrument(Row):
    package: fields.Label
    symbol: fields.Symbol
    reported_unit: fields.Unit
    reported_as: Annotated[fields.Unit | None, Empty]
    factor: Annotated[float, Field(gt=0)]
    range_min: OptionalNumber
    range_max: OptionalNumber
    mandatory: bool
    aliases: Annotated[list[fields.Alias], Parts]


class BaseLimit(Row):
    symbol: fields.Symbol
    averaging: fields.Averaging
    lower: OptionalNumber = None
    upper: OptionalNumber = None
    scaled: bool = True
    oxygen_reference: fields.OxygenReference | None = None
    limit_unit: fields.LimitUnit | None = None


class RuleSet(Row):
    code: fields.RuleSetCode
    name_vi: fields.Label
    name_en: fields.Label
    legal_source: fields.Source
    confidence: fields.Source
    verified: bool
    limits: list[BaseLimit]


class AppliedRuleSet(Row):
    station: fields.Code
    rule_set: fields.RuleSetCode
    valid_from: fields.Moment
    valid_to: OptionalMoment
    Kq: OptionalCoefficient
    Kf: OptionalCoefficient
    Kp: OptionalCoefficient
    Kv: OptionalCoefficient
    note: fields.Note

    @property
    def coefficients(self) -> dict[str, float]:
        given = {"Kq": self.Kq, "Kf": self.Kf, "Kp": self.Kp, "Kv": self.Kv}
        return {name: value for name, value in given.items() if value is not None}


class Permit(Row):
    station: fields.Code
    symbol: fields.Symbol
    averaging: fields.Averaging
    lower: OptionalNumber
    upper: OptionalNumber
    oxygen_reference: Annotated[fields.OxygenReference | None, Empty]
    limit_unit: Annotated[fields.LimitUnit | None, Empty]
    valid_from: fields.Moment
    valid_to: OptionalMoment
    legal_source: fields.Source
    confidence: fields.Source
    verified: bool


class AveragingPolicy(Row):
    rule_set: Annotated[fields.RuleSetCode | None, Empty]
    station_kind: Annotated[fields.StationKind | None, Empty]
    averaging: Literal["1h", "8h", "24h", "year"]
    minimum_share: Annotated[float, Field(gt=0, le=1)]
    label_end: bool
    source: fields.Source
    confidence: fields.Source
    verified: bool


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Entry(Generic[R]):
    """A row and where it stands, such as `stations.csv line 14`."""

    where: str
    row: R


@dataclass(frozen=True, slots=True)
class Files:
    properties: list[Entry[Property]]
    organizations: list[Entry[Organization]]
    stations: list[Entry[Station]]
    instruments: list[Entry[Instrument]]
    rule_sets: list[Entry[RuleSet]]
    applied: list[Entry[AppliedRuleSet]]
    permits: list[Entry[Permit]]
    policies: list[Entry[AveragingPolicy]]


def read(folder: Path = FOLDER) -> Files:
    """All rows of the folder. Raises BrokenSeed with every fault found in any of the files."""
    faults: list[str] = []
    files = Files(
        properties=_table(folder / "properties.csv", Property, faults),
        organizations=_table(folder / "organizations.csv", Organization, faults),
        stations=_table(folder / "stations.csv", Station, faults),
        instruments=_table(folder / "instruments.csv", Instrument, faults),
        rule_sets=_tree(folder / "rule_sets.toml", RuleSet, faults),
        applied=_table(folder / "applied_rule_sets.csv", AppliedRuleSet, faults),
        permits=_table(folder / "permits.csv", Permit, faults),
        policies=_table(folder / "averaging_policies.csv", AveragingPolicy, faults),
    )
    if faults:
        raise BrokenSeed(faults)
    return files


def _text(path: Path, faults: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path.name}: cannot be read as UTF-8 text: {error}")
        return ""


def _table(path: Path, kind: type[R], faults: list[str]) -> list[Entry[R]]:
    lines = csv.reader(_text(path, faults).splitlines(), strict=True)
    header = next(lines, [])
    expected = list(kind.model_fields)
    if sorted(header) != sorted(expected):
        faults.append(f"{path.name} line 1: found the columns {', '.join(header)}; expected {', '.join(expected)}")
        return []
    return list(_checked(_lines(path, lines, header, faults), kind, faults))


def _lines(path: Path, lines: Any, header: list[str], faults: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for cells in lines:
            where = f"{path.name} line {lines.line_num}"
            if len(cells) == len(header):
                yield where, dict(zip(header, cells, strict=True))
            elif cells:
                faults.append(f"{where}: found {len(cells)} cells; expected {len(header)}")
    except csv.Error as error:
        faults.append(f"{path.name} line {lines.line_num}: {error}")


def _tree(path: Path, kind: type[R], faults: list[str]) -> list[Entry[R]]:
    try:
        tree = tomllib.loads(_text(path, faults))
    except tomllib.TOMLDecodeError as error:
        faults.append(f"{path.name}: {error}")
        return []
    found = ((f"{path.name} [{code}]", {"code": code, **_members(value)}) for code, value in tree.items())
    return list(_checked(found, kind, faults))


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {"": value}


def _checked(found: Iterator[tuple[str, Any]], kind: type[R], faults: list[str]) -> Iterator[Entry[R]]:
    for where, members in found:
        try:
            yield Entry(where, kind.model_validate(members))
        except ValidationError as error:
            faults += [
                f"{where}, {'.'.join(str(part) for part in fault['loc'])}: found {fault['input']!r}; {fault['msg']}"
                for fault in error.errors()
            ]
