"""What the header row of a CSV file says: the delimiter, the form, and what stands in which column.

Long form: one reading on each line, in columns `phenomenonTime`, `symbol`, `result` and, as wanted, `station`, `unit`,
`status`. Wide form: one time on each line, in columns `phenomenonTime`, `station` as wanted, and one for each symbol,
named `COD [mg/l]` or `COD`. Names of columns are compared without regard to case and underscores.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telemetry.codecs.errors import Unreadable
from telemetry.codecs.flaws import nameable, unreadable

_DELIMITERS = (",", ";", "\t")
_FIXED = {"phenomenontime": "time", "station": "station"}
_LONG = {"symbol": "symbol", "result": "result", "unit": "unit", "status": "status"}
_UNIT = re.compile(r"(.*?)\s*\[([^\[\]]*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Header:
    """at: the columns of `time`, `station`, `symbol`, …; series: symbol and unit by column, in the wide form only."""

    delimiter: str
    width: int
    at: Mapping[str, int]
    series: Mapping[int, tuple[str, str | None]]

    @property
    def long(self) -> bool:
        return "result" in self.at


def header_of(line: str) -> Header:
    """Read the header line; raises Unreadable where it is none."""
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        if "phenomenontime" in map(_key, names):
            return _header(delimiter, names)
    raise unreadable("header", line or "nothing", "column names, one of them phenomenonTime, between , or ; or TAB")


def _key(name: str) -> str:
    # Spaces only: a TAB at the end of a name is a delimiter that was not tried yet.
    return name.strip(" ").replace("_", "").lower()


def _header(delimiter: str, names: Sequence[str]) -> Header:
    keys = [_key(name) for name in names]
    known = _FIXED | _LONG if "symbol" in keys or "result" in keys else _FIXED
    at: dict[str, int] = {}
    series: dict[int, tuple[str, str | None]] = {}
    for column, (name, key) in enumerate(zip(names, keys, strict=True)):
        if key in known:
            if known[key] in at:
                raise unreadable("header", f"{name} twice", "each column once")
            at[known[key]] = column
        elif known is not _FIXED or key in _LONG:
            raise _misplaced(name, keys)
        else:
            series[column] = _series(name, series)
    missing = [] if known is _FIXED else [name for name in ("symbol", "result") if name not in at]
    if missing or not (series or "result" in at):
        raise unreadable("header", ", ".join(names), "symbol and result, or one column for each symbol")
    return Header(delimiter, len(names), at, series)


def _misplaced(name: str, keys: Sequence[str]) -> Unreadable:
    if _key(name) in _LONG and "symbol" not in keys:
        return unreadable("header", name, "unit and status only beside symbol and result; in wide form `COD [mg/l]`")
    return unreadable("header", name or "an empty name", "station, phenomenonTime, symbol, result, unit, status")


def _series(name: str, others: Mapping[int, tuple[str, str | None]]) -> tuple[str, str | None]:
    parts = _UNIT.fullmatch(name.strip())
    symbol, unit = (parts[1], parts[2].strip() or None) if parts else (name.strip(), None)
    if not symbol or not nameable(symbol) or not nameable(unit or ""):
        raise unreadable("header", name or "an empty name", "a symbol of 1 to 128 characters without NUL")
    if symbol in (other for other, _ in others.values()):
        raise unreadable("header", f"{symbol} twice", "each symbol once")
    return symbol, unit
