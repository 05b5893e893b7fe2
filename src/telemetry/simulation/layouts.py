"""Writes readings as loggers do: JSON packets and columns, the regulator's table, CSV."""

from datetime import timedelta

import msgspec
import numpy as np

from core import instants
from telemetry.readings import Readings

_json = msgspec.json.Encoder()
_STATUSES = ("00", "01", "02")
_UTC7 = timedelta(hours=7)


def json_packet(readings: Readings) -> bytes:
    """One time, a list of readings."""
    return _json.encode(
        {
            "station": readings.station,
            "phenomenonTime": _local_text(_one_time(readings)),
            "readings": [
                {"symbol": symbol, "result": value, "status": status} | ({"unit": unit} if unit else {})
                for symbol, unit, value, status in _rows(readings)
            ],
        }
    )


def json_columns(readings: Readings) -> bytes:
    """Readings symbol by symbol, each with the same times."""
    width = len(readings.symbols)
    values = np.asarray(readings.value, np.float64).reshape(width, -1)
    times = np.asarray(readings.time_us, np.int64).reshape(width, -1)[0]
    document = {
        "station": readings.station,
        "phenomenonTime": [_local_text(time_us) for time_us in times.tolist()],
        "results": {symbol: values[at].tolist() for at, symbol in enumerate(readings.symbols)},
    }
    if readings.units is not None:
        document["units"] = {s: unit for s, unit in zip(readings.symbols, readings.units, strict=True) if unit}
    if readings.status is not None:
        statuses = np.asarray(readings.status, np.int64).reshape(width, -1)
        document["statuses"] = {
            symbol: [_STATUSES[status] for status in statuses[at].tolist()]
            for at, symbol in enumerate(readings.symbols)
            if statuses[at].any()
        }
    return _json.encode(document)


def circular10(readings: Readings) -> bytes:
    """The regulator's table: symbol, value, unit, local time and status, parted by TAB, lines ended by CR LF."""
    stamp = local_stamp(_one_time(readings))
    lines = [f"{symbol}\t{value!r}\t{unit or ''}\t{stamp}\t{status}" for symbol, unit, value, status in _rows(readings)]
    return ("\r\n".join(lines) + "\r\n").encode()


def local_stamp(time_us: int) -> str:
    """Digits of the time as yyyyMMddHHmmss, in Việt Nam's time, which has no daylight saving."""
    return (instants.from_us(time_us) + _UTC7).strftime("%Y%m%d%H%M%S")


def _local_text(time_us: int) -> str:
    return instants.text(instants.from_us(time_us), instants.Zone.VIETNAM)


def _one_time(readings: Readings) -> int:
    if not isinstance(readings.time_us, int):
        raise TypeError("a packet has one time for all of its readings")
    return readings.time_us


def _rows(readings: Readings) -> list[tuple[str, str | None, float, str]]:
    count = len(readings)
    units = readings.units if readings.units is not None else [None] * count
    statuses = [0] * count if readings.status is None else [int(status) for status in readings.status]
    values = [float(value) for value in readings.value]
    texts = [_STATUSES[status] for status in statuses]
    return list(zip(readings.symbols, units, values, texts, strict=True))
