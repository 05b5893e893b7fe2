"""What a codec said, reading by reading, in a form that tests can compare."""

from typing import NamedTuple

import numpy as np

from telemetry.codecs.context import Codec, Context
from telemetry.codecs.errors import Unreadable
from telemetry.readings import Decoded, Readings, Reason


class Kept(NamedTuple):
    position: int
    station: str
    symbol: str
    unit: str | None
    time_us: int
    value: float
    status: int


def kept(decoded: Decoded) -> list[Kept]:
    """Every reading that was kept, in the order of positions."""
    return sorted(reading for readings in decoded.readings for reading in _rows(readings))


def values(decoded: Decoded) -> dict[str, float]:
    """Result by symbol, where each symbol was kept once."""
    rows = kept(decoded)
    assert len({row.symbol for row in rows}) == len(rows)
    return {row.symbol: row.value for row in rows}


def reasons(decoded: Decoded) -> dict[int | None, Reason]:
    """Reason by position."""
    return {flaw.index: flaw.reason for flaw in decoded.flaws}


def check_positions(decoded: Decoded, first: int = 0) -> None:
    """The central promise: every position from the first on is taken by one reading or one flaw."""
    taken = [row.position for row in kept(decoded)] + [flaw.index for flaw in decoded.flaws]
    assert None not in taken
    assert sorted(index for index in taken if index is not None) == list(range(first, first + decoded.count))


def check_storable(decoded: Decoded) -> None:
    """Whatever was sent, the database can keep what is said of it."""
    texts = [readings.station for readings in decoded.readings]
    texts += [symbol for readings in decoded.readings for symbol in readings.symbols]
    for flaw in decoded.flaws:
        sent = (flaw.symbol, flaw.value, flaw.unit, flaw.phenomenon_time, flaw.status)
        texts += [flaw.field, flaw.found, flaw.expected, *(text for text in sent if text is not None)]
    for text in texts:
        assert "\x00" not in text
        assert len(text.encode()) <= 1000
    assert all(np.isfinite(np.asarray(readings.value, dtype=np.float64)).all() for readings in decoded.readings)


def outcome(codec: Codec, body: bytes, context: Context) -> Decoded | None:
    """What came out, checked for the promises above; None where the body was refused as a whole."""
    try:
        decoded = codec.decode(body, context)
    except Unreadable as error:
        refusal = error
    else:
        check_positions(decoded)
        check_storable(decoded)
        return decoded
    assert refusal.flaw.index is None
    assert refusal.faults
    check_storable(Decoded((), (refusal.flaw,), 1))
    return None


def _rows(readings: Readings) -> list[Kept]:
    count = len(readings)
    symbol = np.arange(count) if readings.symbol is None else readings.symbol
    index = np.arange(readings.index, readings.index + count) if isinstance(readings.index, int) else readings.index
    time_us = np.full(count, readings.time_us) if isinstance(readings.time_us, int) else readings.time_us
    status = [0] * count if readings.status is None else readings.status
    assert len(symbol) == len(index) == len(time_us) == len(status) == count
    assert readings.units is None or len(readings.units) == len(readings.symbols)
    return [
        Kept(
            int(index[row]),
            readings.station,
            readings.symbols[symbol[row]],
            (readings.units[symbol[row]] or None) if readings.units else None,
            int(time_us[row]),
            float(readings.value[row]),
            int(status[row]),
        )
        for row in range(count)
    ]
