"""The network as its stations know it: what each one measures, how it spells and writes that, and how it sends."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from core import errors


class InvalidNetwork(errors.Invalid):
    slug = "invalid-network"
    title = "The description of the network cannot be used"


class Wire(StrEnum):
    """The protocol that a station's logger speaks."""

    HTTP = "http"
    MQTT = "mqtt"


class Format(StrEnum):
    """What a station's logger writes."""

    JSON = "json"
    CIRCULAR10 = "circular10"
    CSV = "csv"


class Stream(msgspec.Struct, frozen=True, rename="camel"):
    """One instrument of a station.

    spelling, unit: what the station writes; symbol: what the catalogue calls it. kept result = written value * factor;
    low and high bound the instrument, lower and upper are the strictest limits, all in the kept unit.
    """

    symbol: str
    spelling: str
    unit: str
    factor: float = 1.0
    low: float | None = None
    high: float | None = None
    lower: float | None = None
    upper: float | None = None


class Station(msgspec.Struct, frozen=True, rename="camel"):
    code: str
    kind: str
    streams: tuple[Stream, ...]
    file_code: str | None = None
    cadence_seconds: int = 300


class Habit(msgspec.Struct, frozen=True):
    wire: Wire
    format: Format


# Half of the loggers speak MQTT; the regulator's text file is what older ones write over HTTP.
_HABITS = (
    [Habit(Wire.MQTT, Format.JSON)] * 8
    + [Habit(Wire.MQTT, Format.CIRCULAR10)] * 2
    + [Habit(Wire.HTTP, Format.JSON)] * 5
    + [Habit(Wire.HTTP, Format.CIRCULAR10)] * 4
    + [Habit(Wire.HTTP, Format.CSV)]
)


def habit_of(station: Station, wire: Wire | None = None) -> Habit:
    """How a station sends; the same in every run. `wire` overrides the protocol and leaves the format."""
    place = int.from_bytes(hashlib.sha256(station.code.encode()).digest()[:4], "big") % len(_HABITS)
    habit = _HABITS[place]
    format_ = habit.format
    chosen = wire or habit.wire
    without_name = format_ is Format.CIRCULAR10 and station.file_code is None
    without_codec = format_ is Format.CSV and chosen is Wire.MQTT
    return Habit(chosen, Format.JSON if without_name or without_codec else format_)


def phase_of(code: str) -> float:
    """Where in its cycle a station sends, 0 to 1, so that a network does not speak all at once."""
    return int.from_bytes(hashlib.sha256(b"phase:" + code.encode()).digest()[:4], "big") / 2**32


def write(path: Path, stations: Sequence[Station]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"stations": stations}), indent=1))


class _Document(msgspec.Struct, frozen=True):
    stations: tuple[Station, ...]


def read(path: Path) -> tuple[Station, ...]:
    """A network that `write` wrote; raises InvalidNetwork with the place of what is wrong."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Document).stations
    except (msgspec.DecodeError, OSError) as error:
        fault = errors.Fault(str(path), str(error), "a network file, as written by `quantrac simulate --write-network`")
        raise InvalidNetwork(f"{path} cannot be read as a network.", faults=[fault]) from error
