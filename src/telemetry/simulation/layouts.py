"""Readings in columns as messages in the formats that the codecs read."""

import numpy as np

from telemetry.codecs import writing
from telemetry.codecs.writing import Row
from telemetry.readings import Floats, Int64s, Readings, status_text


def json_packet(readings: Readings) -> bytes:
    return writing.json_list(readings.station, _one_time(readings), _rows(readings))


def json_columns(readings: Readings) -> bytes:
    """Readings that stand symbol by symbol, each symbol with the same times."""
    width = len(readings.symbols)
    values = np.asarray(readings.value, np.float64).reshape(width, -1)
    times = np.asarray(readings.time_us, np.int64).reshape(width, -1)[0]
    statuses = None if readings.status is None else np.asarray(readings.status, np.int64).reshape(width, -1)
    return json_sheet(readings, times, values, statuses)


def json_sheet(readings: Readings, times_us: Int64s, values: Floats, statuses: Int64s | None = None) -> bytes:
    """Columns for the station, symbols and units of `readings`: (n,) times, (m, n) values, where NaN is no reading."""
    symbols = readings.symbols
    texts = {}
    if statuses is not None:
        texts = {
            symbol: [status_text(status) for status in statuses[at].tolist()]
            for at, symbol in enumerate(symbols)
            if statuses[at].any()
        }
    return writing.json_columns(
        readings.station,
        times_us.tolist(),
        # The encoder writes NaN as null.
        {symbol: values[at].tolist() for at, symbol in enumerate(symbols)},
        {symbol: unit for symbol, unit in zip(symbols, readings.units or (), strict=False) if unit},
        texts,
    )


def circular10(readings: Readings, file_code: str) -> tuple[str, bytes]:
    """Name and content of the regulator's file."""
    return writing.circular10(file_code, _one_time(readings), _rows(readings))


def csv_table(readings: Readings) -> bytes:
    """One reading on each line."""
    return writing.csv_long(readings.station, [(_one_time(readings), _rows(readings))])


def _one_time(readings: Readings) -> int:
    if not isinstance(readings.time_us, int):
        raise TypeError("a packet has one time for all of its readings")
    return readings.time_us


def _rows(readings: Readings) -> list[Row]:
    count = len(readings)
    units = readings.units if readings.units is not None else [None] * count
    statuses = [0] * count if readings.status is None else [int(status) for status in readings.status]
    return [
        Row(symbol, float(value), unit or "", status_text(status))
        for symbol, value, unit, status in zip(readings.symbols, readings.value, units, statuses, strict=True)
    ]
