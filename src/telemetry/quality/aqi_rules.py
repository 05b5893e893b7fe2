"""The numbers and names of VN_AQI as data: breakpoints, levels with colours, and the least share of data."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from telemetry.readings import Floats

Statistic = Literal["mean-1h", "nowcast", "max-1h", "max-8h", "mean-24h"]


@dataclass(frozen=True, slots=True)
class Level:
    """A range of the index, up to `upper`; the colour is red, green, blue."""

    upper: int
    code: str
    name_vi: str
    name_en: str
    colour: tuple[int, int, int]
    health_vi: str
    health_en: str

    @property
    def hexadecimal(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


@dataclass(frozen=True, slots=True)
class Component:
    """One sub-index: a statistic of the pollutant at a place among the symbols, and its breakpoints in µg/m3."""

    place: int
    statistic: Statistic
    breakpoints: Floats


@dataclass(frozen=True, slots=True)
class Completeness:
    """The least share of the expected that a mean is formed of."""

    share: float
    verified: bool
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """symbols, names, particles: one for each pollutant, in the order of the rows of every array."""

    code: str
    legal_source: str
    verified: bool
    index: Floats
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    particles: tuple[bool, ...]
    hourly: tuple[Component, ...]
    daily: tuple[Component, ...]
    levels: tuple[Level, ...]
    completeness: Completeness

    def level(self, index: int) -> Level:
        """The level of an index of 0 to the highest."""
        return next(level for level in self.levels if index <= level.upper)


@cache
def rules() -> Rules:
    """VN_AQI as the packaged file has it."""
    return build(tomllib.loads(Path(__file__).with_name("vn_aqi.toml").read_text(encoding="utf-8")))


def build(document: dict[str, Any]) -> Rules:
    """Rules from their document. Raises ValueError where a table does not rise or is longer than the index."""
    pollutants = document["pollutants"]
    hourly, daily = [], []
    for place, pollutant in enumerate(pollutants):
        one_hour = _rising(document, pollutant, "one_hour")
        hourly.append(Component(place, "nowcast" if pollutant["particles"] else "mean-1h", one_hour))
        daily.append(Component(place, "mean-24h" if pollutant["particles"] else "max-1h", one_hour))
        if "eight_hours" in pollutant:
            daily.append(Component(place, "max-8h", _rising(document, pollutant, "eight_hours")))
    return Rules(
        code=document["code"],
        legal_source=document["legal_source"],
        verified=document["verified"],
        index=np.array(document["index"], np.float64),
        symbols=tuple(pollutant["symbol"] for pollutant in pollutants),
        names=tuple(pollutant["name"] for pollutant in pollutants),
        particles=tuple(pollutant["particles"] for pollutant in pollutants),
        hourly=tuple(hourly),
        daily=tuple(daily),
        levels=tuple(Level(**{**level, "colour": tuple(level["colour"])}) for level in document["levels"]),
        completeness=Completeness(**document["completeness"]),
    )


def _rising(document: dict[str, Any], pollutant: dict[str, Any], name: str) -> Floats:
    points = np.array(pollutant[name], np.float64)
    if len(points) > len(document["index"]) or len(points) < 2 or not (np.diff(points) > 0).all() or points[0] != 0:
        raise ValueError(f"{pollutant['symbol']}, {name}: breakpoints rise from 0 and are no more than the indices")
    return points
