"""Reads measured series from CSV files into columns, with the place of whatever is not a number or a time."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from core import errors, instants
from telemetry.readings import Floats, Int64s, Readings
from telemetry.simulation import mappings
from telemetry.simulation.mappings import Mapping

# How files write that there is no value.
_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})


class InvalidSeries(errors.Invalid):
    slug = "invalid-series"
    title = "The file of readings cannot be used"


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of one file in their order there: (n,) times and (n, m) values, NaN where there is none."""

    path: Path
    station: str
    symbols: tuple[str, ...]
    units: tuple[str | None, ...]
    times_us: Int64s
    values: Floats

    @property
    def count(self) -> int:
        return int(np.count_nonzero(np.isfinite(self.values)))


def read(path: Path, mapping: Mapping, station: str) -> Series:
    """The whole file; raises InvalidSeries with line, column, what was found and what was expected."""
    times: list[int] = []
    rows: list[list[float]] = []
    clock = _Clock(path, mapping)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=mapping.delimiter)
        header = next(reader, [])
        places = {name: _place(path, header, name) for name in mapping.columns}
        for number, row in enumerate(reader):
            if not any(row):
                continue
            line = reader.line_num
            times.append(clock.read(row, header, number, line))
            rows.append([_number(path, row, places[name], name, line, mapping) for name in mapping.columns])
    if not rows:
        raise _invalid(path, 1, "file", "no rows", "a header and at least one row")
    scale = np.array([each.factor for each in mapping.columns.values()])
    shift = np.array([each.offset for each in mapping.columns.values()])
    return Series(
        path=path,
        station=station,
        symbols=tuple(each.symbol for each in mapping.columns.values()),
        units=tuple(each.unit or None for each in mapping.columns.values()),
        times_us=np.array(times, np.int64),
        values=np.array(rows, np.float64) * scale + shift,
    )


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a series: (n,) times, (m, n) values with NaN where there is none, and the readings in that order."""

    times_us: Int64s
    values: Floats
    readings: Readings


def blocks(series: Series, rows: int) -> Iterator[Block]:
    """The series in blocks of so many rows; blocks without any reading are left out."""
    for begin in range(0, len(series.times_us), rows):
        values = series.values[begin : begin + rows].T
        times = series.times_us[begin : begin + rows]
        column, row = np.nonzero(np.isfinite(values))
        if len(column):
            readings = Readings(
                station=series.station,
                symbols=series.symbols,
                symbol=column,
                time_us=times[row],
                value=values[column, row],
                units=series.units,
            )
            yield Block(times, values, readings)


def packets(series: Series) -> Iterator[Readings]:
    """The series row by row."""
    for time_us, values in zip(series.times_us.tolist(), series.values, strict=True):
        there = np.flatnonzero(np.isfinite(values)).tolist()
        if there:
            yield Readings(
                station=series.station,
                symbols=[series.symbols[at] for at in there],
                time_us=time_us,
                value=values[there].tolist(),
                units=[series.units[at] for at in there],
            )


def shifted(series: Series, by_us: int) -> Series:
    """The same series at another time."""
    return Series(series.path, series.station, series.symbols, series.units, series.times_us + by_us, series.values)


def in_order(series: Series) -> Series:
    """The rows by time."""
    order = np.argsort(series.times_us, kind="stable")
    return Series(
        series.path, series.station, series.symbols, series.units, series.times_us[order], series.values[order]
    )


class _Clock:
    """Reads the time of a row, or counts it from the start."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        self._time = mapping.time
        self._start_us = mappings.start_us(mapping.time)
        self._step_us = mappings.step_us(mapping.time) or 0
        self._zone = mappings.zone_of(mapping.time)
        self._place: int | None = None

    def read(self, row: list[str], header: list[str], number: int, line: int) -> int:
        if self._start_us is not None:
            return self._start_us + number * self._step_us
        name = self._time.column or ""
        if self._place is None:
            self._place = _place(self._path, header, name)
        text = row[self._place].strip() if self._place < len(row) else ""
        try:
            return instants.to_us(self._instant(text))
        except ValueError:
            expected = f"a time as {self._time.format}" if self._time.format else "an ISO 8601 time"
            raise _invalid(self._path, line, name, text, expected) from None

    def _instant(self, text: str) -> datetime:
        form = self._time.format
        found = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007 - zone below
        if found.tzinfo is not None:
            return found
        if isinstance(self._zone, ZoneInfo):
            return found.replace(tzinfo=self._zone)
        return datetime.fromisoformat(found.isoformat() + self._zone)


def _place(path: Path, header: list[str], name: str) -> int:
    try:
        return header.index(name)
    except ValueError:
        raise _invalid(path, 1, "header", ", ".join(header[:20]), f"a column named {name!r}") from None


def _number(path: Path, row: list[str], place: int, name: str, line: int, mapping: Mapping) -> float:
    text = row[place].strip() if place < len(row) else ""
    if text.lower() in _NOTHING:
        return float("nan")
    try:
        return float(text.replace(mapping.decimal, ".") if mapping.decimal != "." else text)
    except ValueError:
        raise _invalid(path, line, name, text, "a number, or nothing where none was measured") from None


def _invalid(path: Path, line: int, name: str, found: str, expected: str) -> InvalidSeries:
    fault = errors.Fault(f"{path.name}:{line} {name}", found[:200], expected)
    return InvalidSeries(f"{path} cannot be read at line {line}.", faults=[fault])
