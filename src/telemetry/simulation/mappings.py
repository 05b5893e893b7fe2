"""How the columns of a CSV file become readings of one station: from a TOML file, or from options."""

import re
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from core import errors, instants
from telemetry.simulation import pacing

_OFFSET = re.compile(r"[+-]\d{2}:\d{2}|Z")
_COLUMN = re.compile(r"(?P<name>.+?)=(?P<symbol>[^*:]+?)(?:\*(?P<factor>[^:*]+))?(?::(?P<unit>.*))?")


class InvalidMapping(errors.Invalid):
    slug = "invalid-mapping"
    title = "The mapping of columns cannot be used"


class ColumnMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column's symbol, and the unit that is sent with it. Sent value = number in the file * factor + offset."""

    symbol: str
    unit: str = ""
    factor: float = 1.0
    offset: float = 0.0


class TimeMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the time of a row stands; for files without one, when the first row was measured, and the step to the next.

    format: of strptime; ISO 8601 where left out. zone: of times that carry no offset, `+07:00` or `Asia/Ho_Chi_Minh`.
    """

    column: str | None = None
    format: str | None = None
    zone: str = "+07:00"
    start: str | None = None
    step: str | None = None


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    columns: dict[str, ColumnMapping]
    station: str | None = None
    time: TimeMapping = TimeMapping()
    delimiter: str = ","
    decimal: str = "."


def read(path: Path) -> Mapping:
    """A mapping from a TOML file; raises InvalidMapping."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return checked(msgspec.convert(document, Mapping), str(path))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError, UnicodeDecodeError) as error:
        raise _invalid(str(path), str(error), "tables [time] and [columns.<name>], as in the README") from error


def column(text: str) -> tuple[str, ColumnMapping]:
    """Read `NAME=SYMBOL`, `NAME=SYMBOL*FACTOR:UNIT`."""
    found = _COLUMN.fullmatch(text)
    if found is None:
        raise _invalid("column", text, "NAME=SYMBOL, optionally with *FACTOR and :UNIT, such as CO=CO*1.25:mg/Nm3")
    try:
        factor = float(found["factor"] or 1.0)
    except ValueError:
        raise _invalid("column", text, "a number behind the *") from None
    return found["name"], ColumnMapping(found["symbol"].strip(), found["unit"] or "", factor)


def checked(mapping: Mapping, where: str) -> Mapping:
    """The mapping, if its parts fit together."""
    if not mapping.columns:
        raise _invalid(where, "no columns", "at least one column with its symbol")
    symbols = [each.symbol for each in mapping.columns.values()]
    repeated = next((symbol for symbol in symbols if symbols.count(symbol) > 1), None)
    if repeated is not None:
        raise _invalid(where, f"two columns for {repeated}", "one column for a symbol")
    time = mapping.time
    if (time.column is None) == (time.start is None):
        raise _invalid("time", "both or none of column and start", "a time column, or a start and a step")
    if (time.start is None) != (time.step is None):
        raise _invalid("time", "one of start and step", "both, such as 2014-01-01T00:00:00+07:00 and 1h")
    start_us(time)
    step_us(time)
    zone_of(time)
    return mapping


def start_us(time: TimeMapping) -> int | None:
    if time.start is None:
        return None
    try:
        return instants.to_us(instants.parse(time.start))
    except ValueError as error:
        raise _invalid("time.start", time.start, str(error)) from None


def step_us(time: TimeMapping) -> int | None:
    if time.step is None:
        return None
    try:
        return pacing.duration_us(time.step)
    except ValueError as error:
        raise _invalid("time.step", time.step, str(error)) from None


def zone_of(time: TimeMapping) -> ZoneInfo | str:
    """A named zone, or the offset as it stands."""
    if _OFFSET.fullmatch(time.zone):
        return time.zone
    try:
        return ZoneInfo(time.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise _invalid("time.zone", time.zone, "an offset such as +07:00 or a zone such as Asia/Ho_Chi_Minh") from None


def _invalid(where: str, found: str, expected: str) -> InvalidMapping:
    return InvalidMapping(f"The mapping is wrong at {where}.", faults=[errors.Fault(where, found, expected)])
