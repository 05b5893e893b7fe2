"""Writes what stations send, in each format that is read: for stations made of software, for replay and for tests.

Instants are µs since the Unix epoch and are written in Việt Nam's time, UTC+7. Numbers are written with as many digits
as it takes to read the same number again.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from core import instants
from telemetry.codecs.times import UTC7


@dataclass(frozen=True, slots=True)
class Row:
    """One reading of a station at a time that is told beside it; status 00 measuring, 01 calibrating, 02 faulty."""

    symbol: str
    result: float
    unit: str = ""
    status: str = "00"


def instant_text(time_us: int) -> str:
    """RFC 3339, such as 2026-11-23T08:00:00+07:00."""
    return _local(time_us).isoformat()


def digits_text(time_us: int) -> str:
    """yyyyMMddHHmmss; parts of a second are dropped."""
    return f"{_local(time_us):%Y%m%d%H%M%S}"


def json_list(station: str | None, time_us: int, rows: Iterable[Row]) -> bytes:
    """A packet whose readings are a list; without a station where the credential tells it."""
    readings = [_json_reading(row) for row in rows]
    return msgspec.json.encode(_json_head(station, instant_text(time_us)) | {"readings": readings})


def json_map(station: str | None, time_us: int, rows: Iterable[Row]) -> bytes:
    """A packet whose readings are numbers by symbol; units and statuses have no place in it."""
    readings = {row.symbol: row.result for row in rows}
    return msgspec.json.encode(_json_head(station, instant_text(time_us)) | {"readings": readings})


def json_columns(
    station: str | None,
    times_us: Sequence[int],
    results: Mapping[str, Sequence[float | None]],
    units: Mapping[str, str] | None = None,
    statuses: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """Columns of as many results as there are times, None where there is no reading."""
    columns = _json_head(station, [instant_text(time_us) for time_us in times_us]) | {"results": results}
    if units:
        columns["units"] = units
    if statuses:
        columns["statuses"] = statuses
    return msgspec.json.encode(columns)


def ndjson(documents: Iterable[bytes]) -> bytes:
    """JSON documents, one on each line."""
    return b"".join(document + b"\n" for document in documents)


def circular10(file_code: str, time_us: int, rows: Iterable[Row]) -> tuple[str, bytes]:
    """Name and content of the regulator's text file; `file_code` is Tinh_CoSo_Tram."""
    digits = digits_text(time_us)
    lines = [f"{row.symbol}\t{row.result!r}\t{row.unit}\t{digits}\t{row.status}\r\n" for row in rows]
    return f"{file_code}_{digits}.txt", "".join(lines).encode()


def csv_long(station: str, packets: Iterable[tuple[int, Sequence[Row]]], delimiter: str = ",") -> bytes:
    """One line for each reading."""
    header = ("station", "phenomenonTime", "symbol", "result", "unit", "status")
    lines = (
        (station, instant_text(time_us), row.symbol, repr(row.result), row.unit, row.status)
        for time_us, rows in packets
        for row in rows
    )
    return _csv(header, lines, delimiter)


def csv_wide(
    times_us: Sequence[int],
    results: Mapping[str, Sequence[float | None]],
    units: Mapping[str, str] | None = None,
    delimiter: str = ",",
) -> bytes:
    """One line for each time and one column for each symbol, an empty cell where there is no reading."""
    units = units or {}
    header = ["phenomenonTime", *(f"{symbol} [{units[symbol]}]" if symbol in units else symbol for symbol in results)]
    lines = (
        (instant_text(time_us), *("" if result is None else repr(result) for result in line))
        for time_us, line in zip(times_us, zip(*results.values(), strict=True), strict=True)
    )
    return _csv(header, lines, delimiter)


def _local(time_us: int) -> datetime:
    return instants.from_us(time_us).astimezone(UTC7)


def _json_head(station: str | None, time: str | list[str]) -> dict[str, object]:
    head: dict[str, object] = {} if station is None else {"station": station}
    return head | {"phenomenonTime": time}


def _json_reading(row: Row) -> dict[str, object]:
    reading: dict[str, object] = {"symbol": row.symbol, "result": row.result}
    if row.unit:
        reading["unit"] = row.unit
    return reading | {"status": row.status}


def _csv(header: Sequence[str], lines: Iterable[Sequence[str]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue().encode()
