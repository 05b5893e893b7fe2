"""What is looked for, where and how strictly: rules of which the one that names the most holds."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from telemetry.alerts import kinds
from telemetry.alerts.kinds import Kind, Severity
from telemetry.catalog.schemas import fields

FOLDER = Path(__file__).parent / "seed"

_SECOND_US = 1_000_000

# The kind, and for whom the rule holds: kind of station, symbol of the property, code of the station; None is for all.
Key = tuple[Kind, str | None, str | None, str | None]


class Rule(BaseModel):
    """One rule, as the data file and the table have it. Parameters that it does not name come from wider rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Kind
    station_kind: fields.StationKind | None = None
    symbol: fields.Symbol | None = None
    station: fields.Code | None = None
    enabled: bool = True
    severity: Severity
    raise_after_seconds: Annotated[int, Field(ge=0)] = 0
    clear_after_seconds: Annotated[int, Field(ge=0)] = 0
    hysteresis: Annotated[float, Field(ge=0, lt=1)] = 0.0
    escalate_after_seconds: Annotated[int, Field(gt=0)] | None = None
    parameters: dict[str, float] = {}
    source: str = ""
    verified: bool = False

    @model_validator(mode="after")
    def _known_parameters(self) -> Self:
        for fault in kinds.faults(self.kind, self.parameters):
            raise ValueError(f"{fault.field}: found {fault.found}; expected {fault.expected}")
        return self

    @property
    def key(self) -> Key:
        return self.kind, self.station_kind, self.symbol, self.station

    @property
    def raise_us(self) -> int:
        return self.raise_after_seconds * _SECOND_US

    @property
    def clear_us(self) -> int:
        return self.clear_after_seconds * _SECOND_US

    def parameter(self, name: str) -> float:
        """A parameter of a rule that the book settled, so that it has them all."""
        return self.parameters[name]


def defaults(folder: Path = FOLDER) -> list[Rule]:
    """The rules that the service comes with. Raises ValueError where the file cannot be used."""
    tree: dict[str, Any] = tomllib.loads((folder / "rules.toml").read_text(encoding="utf-8"))
    found = [Rule.model_validate(members) for members in tree["rule"]]
    if len({rule.key for rule in found}) != len(found):
        raise ValueError("rules.toml has two rules for the same kind and subject")
    return found


@dataclass(frozen=True, slots=True)
class Book:
    """All rules. A row of the table takes the place of the default with the same key."""

    rules: Mapping[Key, Rule]
    _named: frozenset[str | None] = frozenset()
    _found: dict[tuple[Kind, str | None, str | None, str | None], Rule] = field(default_factory=dict, repr=False)

    def effective(
        self, kind: Kind, station_kind: str | None = None, symbol: str | None = None, station: str | None = None
    ) -> Rule:
        """The rule of the most specific row (station, then property, then kind of station).

        Its parameters are completed from the less specific ones.
        """
        # Names that no rule names settle nothing; without them few settlements serve many datastreams.
        named = self._named
        asked = (
            kind,
            station_kind if station_kind in named else None,
            symbol if symbol in named else None,
            station if station in named else None,
        )
        found = self._found.get(asked)
        if found is None:
            found = self._found[asked] = self._settle(*asked)
        return found

    def _settle(self, kind: Kind, station_kind: str | None, symbol: str | None, station: str | None) -> Rule:
        parameters: dict[str, float] = {}
        rule = None
        # From the widest to the narrowest: the last one found names the most.
        for of_station in _widening(station):
            for of_symbol in _widening(symbol):
                for of_kind in _widening(station_kind):
                    match = self.rules.get((kind, of_kind, of_symbol, of_station))
                    if match is not None:
                        parameters |= match.parameters
                        rule = match
        if rule is None:
            raise LookupError(f"there is no rule of the kind {kind} for all")
        return rule.model_copy(update={"parameters": kinds.complete(kind, parameters)})


def _widening(name: str | None) -> tuple[str | None, ...]:
    return (None,) if name is None else (None, name)


def book(packaged: Iterable[Rule], kept: Iterable[Rule]) -> Book:
    rules = {rule.key: rule for rule in packaged} | {rule.key: rule for rule in kept}
    return Book(rules, frozenset(name for key in rules for name in key[1:]))
