"""The codec for text/csv, in long and in wide form (see `csv_headers`).

Positions count the readings line by line, and from left to right in a line; an empty cell of the wide form is no
reading. Tables that are flawless and speak of one station are read in columns, others reading by reading.
"""

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np

from telemetry.codecs.context import Context
from telemetry.codecs.csv_headers import Header, header_of
from telemetry.codecs.decimals import decimal
from telemetry.codecs.flaws import EXPECTED_NAME, nameable, unreadable
from telemetry.codecs.gathering import AsSent, Gathering, Spoilt
from telemetry.codecs.packets import EXPECTED_STATUS, STATUSES
from telemetry.codecs.texts import text_of
from telemetry.codecs.times import EXPECTED_TIME, UnreadableTime, column_us, instant_us
from telemetry.readings import Decoded, Floats, Int64s, Readings, Reason

_DECIMAL_SIGNS = frozenset("0123456789.+-eE")

Lines = Sequence[tuple[int, list[str]]]


class CsvCodec:
    name = "csv"

    def decode(self, body: bytes, context: Context) -> Decoded:
        first_line, _, rest = text_of(body).partition("\n")
        header = header_of(first_line.removesuffix("\r"))
        lines = _lines(rest, header.delimiter)
        if not lines:
            raise unreadable("body", "a header alone", "at least one line below the header")
        decoded = in_columns(header, [cells for _, cells in lines], context)
        return decoded if decoded is not None else one_by_one(header, lines, context)


def _lines(text: str, delimiter: str) -> Lines:
    """Line number and cells of every line that is not empty."""
    # The header is line 1; a quoted cell may span lines, and then the last of them is the number.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(reader.line_num + 1, cells) for cells in reader if cells]
    except csv.Error as error:
        raise unreadable(f"line {reader.line_num + 1}", f"broken quoting ({error})", "cells as in RFC 4180") from None


def in_columns(header: Header, rows: Sequence[list[str]], context: Context) -> Decoded | None:
    """A flawless table of one station; None where it needs a closer look."""
    if set(map(len, rows)) != {header.width}:
        return None
    columns = list(zip(*rows, strict=True))
    stations = set(columns[header.at["station"]]) if "station" in header.at else {""}
    station = stations.pop().strip() or context.station
    time_us = column_us(columns[header.at["time"]])
    if stations or station is None or not nameable(station) or time_us is None:
        return None
    readings = _long(header, columns, station, time_us) if header.long else _wide(header, columns, station, time_us)
    return None if readings is None else Decoded((readings,) if len(readings) else (), (), len(readings))


def _long(header: Header, columns: Sequence[Sequence[str]], station: str, time_us: Int64s) -> Readings | None:
    blank = ("",) * len(time_us)
    values = _floats(columns[header.at["result"]])
    units = columns[header.at["unit"]] if "unit" in header.at else blank
    statuses = columns[header.at["status"]] if "status" in header.at else blank
    names: dict[tuple[str, str], int] = {}
    symbol = [names.setdefault(name, len(names)) for name in zip(columns[header.at["symbol"]], units, strict=True)]
    if values is None or np.isnan(values).any() or not all(s.strip() and nameable(s) and nameable(u) for s, u in names):
        return None
    if any(text and text not in STATUSES for text in set(statuses)):
        return None
    return Readings(
        station=station,
        symbols=[symbol.strip() for symbol, _ in names],
        time_us=time_us,
        value=values,
        symbol=np.array(symbol, dtype=np.int64),
        units=[unit.strip() or None for _, unit in names],
        status=np.array([STATUSES[text or None] for text in statuses], dtype=np.int16) if any(statuses) else None,
    )


def _wide(header: Header, columns: Sequence[Sequence[str]], station: str, time_us: Int64s) -> Readings | None:
    numbers = [_floats(columns[column]) for column in header.series]
    if any(column is None for column in numbers):
        return None
    table = np.array(numbers, dtype=np.float64).T
    row, symbol = np.nonzero(~np.isnan(table))
    return Readings(
        station=station,
        symbols=[symbol for symbol, _ in header.series.values()],
        time_us=time_us[row],
        value=table[row, symbol],
        symbol=symbol,
        units=[unit for _, unit in header.series.values()],
    )


def _floats(texts: Sequence[str]) -> Floats | None:
    """(n,) numbers, NaN for empty cells; None where one is not simply a finite number."""
    if not _DECIMAL_SIGNS.issuperset("".join(texts)):
        return None
    try:
        numbers = np.array([float(text) if text else np.nan for text in texts], dtype=np.float64)
    except ValueError:
        return None
    return None if np.isinf(numbers).any() else numbers


def one_by_one(header: Header, lines: Lines, context: Context) -> Decoded:
    """Each reading for itself, with a flaw for each that is not well."""
    gathering = Gathering()
    for number, cells in lines:
        for sent, station in _readings(header, cells):
            try:
                _check_width(header, cells)
                _keep(gathering, sent, station, context)
            except Spoilt as spoilt:
                gathering.flaw(spoilt.blemish.behind(f"line {number}: "), sent)
    return gathering.decoded()


def _check_width(header: Header, cells: list[str]) -> None:
    if len(cells) != header.width:
        reason = Reason.MISSING_FIELD if len(cells) < header.width else Reason.UNKNOWN_FIELD
        raise Spoilt(reason, "cells", f"{len(cells)} cells", f"{header.width}, as in the header")


def _readings(header: Header, cells: list[str]) -> Iterator[tuple[AsSent, str]]:
    """The texts of each reading in a line, and its station; a line of the wrong length is one reading."""
    by_name = {name: cells[column] for name, column in header.at.items() if column < len(cells)}
    time, station = by_name.get("time"), by_name.get("station", "")
    if header.long or len(cells) != header.width:
        yield (
            AsSent(by_name.get("symbol"), by_name.get("result"), by_name.get("unit"), time, by_name.get("status")),
            station,
        )
        return
    for column, (symbol, unit) in header.series.items():
        if cells[column].strip():
            yield AsSent(symbol, cells[column], unit, time), station


def _keep(gathering: Gathering, sent: AsSent, station: str, context: Context) -> None:
    station = station.strip() or context.station or ""
    symbol, unit, status = (sent.symbol or "").strip(), (sent.unit or "").strip(), (sent.status or "").strip() or None
    for text, field, reason in (
        (station, "station", Reason.UNKNOWN_STATION),
        (symbol, "symbol", Reason.UNKNOWN_SYMBOL),
        (unit or "-", "unit", Reason.UNIT_MISMATCH),
    ):
        if not text or not nameable(text):
            raise Spoilt(reason if text else Reason.MISSING_FIELD, field, text or "nothing", EXPECTED_NAME)
    value = decimal(sent.value or "", "result")
    time = (sent.time or "").strip()
    try:
        time_us = instant_us(time)
    except UnreadableTime as error:
        raise Spoilt(error.reason, "phenomenonTime", time or "nothing", EXPECTED_TIME) from None
    if status not in STATUSES:
        raise Spoilt(Reason.UNKNOWN_STATUS, "status", status or "nothing", EXPECTED_STATUS)
    gathering.keep(station, symbol, unit or None, time_us, value, STATUSES[status])
