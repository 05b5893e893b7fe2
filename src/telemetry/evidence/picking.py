"""Takes some readings out of a decoded submission, by their positions. Pure."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from telemetry.readings import Decoded, Int64s, Readings


def positions(readings: Readings) -> Int64s:
    """(n,) positions of the readings in their submission."""
    first = readings.index
    return np.arange(first, first + len(readings), dtype=np.int64) if isinstance(first, int) else first


def pick(decoded: Decoded, wanted: Collection[int]) -> Decoded:
    """The readings and flaws at the wanted positions only; positions stay what they were."""
    chosen = np.fromiter(wanted, np.int64, len(wanted))
    parts = [_picked(readings, np.isin(positions(readings), chosen)) for readings in decoded.readings]
    readings = [part for part in parts if len(part)]
    flaws = [flaw for flaw in decoded.flaws if flaw.index in wanted]
    return Decoded(readings, flaws, sum(map(len, readings)) + len(flaws))


def _picked(readings: Readings, mask: npt.NDArray[np.bool_]) -> Readings:
    symbol = np.arange(len(readings), dtype=np.int64) if readings.symbol is None else readings.symbol
    return Readings(
        station=readings.station,
        symbols=readings.symbols,
        time_us=readings.time_us if isinstance(readings.time_us, int) else readings.time_us[mask],
        value=np.asarray(readings.value, np.float64)[mask],
        symbol=symbol[mask],
        units=readings.units,
        status=None if readings.status is None else np.asarray(readings.status, np.int16)[mask],
        index=positions(readings)[mask],
    )
