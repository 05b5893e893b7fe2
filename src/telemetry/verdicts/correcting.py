"""Rows at the reference oxygen that a limit asks for. Pure."""

import numpy as np

from telemetry.quality import reference
from telemetry.readings import Floats
from telemetry.verdicts.averaging import Rows


def corrected(rows: Rows, oxygen: Rows, oxygen_of: dict[int, int], oxygen_reference: float) -> Rows:
    """Rows at the reference oxygen; `oxygen_of` gives the oxygen datastream of each datastream.

    A row is valid when it was, and the station's oxygen of the very same time is valid and defines the correction.
    """
    beside = np.full(len(rows), np.nan)
    for stream in np.unique(rows.datastream_id):
        own = _of(rows, int(stream))
        beside[own] = _at_the_same_time(rows, own, oxygen, _of(oxygen, oxygen_of[int(stream)]))
    result, defined = reference.corrected(rows.result, beside, oxygen_reference)
    valid = rows.valid & defined
    return Rows(rows.datastream_id, rows.time_us, np.where(valid, result, 0.0), valid, rows.receipt_id)


def _of(rows: Rows, stream: int) -> slice:
    first, last = np.searchsorted(rows.datastream_id, [stream, stream + 1])
    return slice(int(first), int(last))


def _at_the_same_time(rows: Rows, own: slice, oxygen: Rows, measured: slice) -> Floats:
    """Oxygen beside each row of the slice, NaN where there is none or it is not valid."""
    found = np.full(own.stop - own.start, np.nan)
    time_us = oxygen.time_us[measured]
    if not len(time_us):
        return found
    place = np.minimum(np.searchsorted(time_us, rows.time_us[own]), len(time_us) - 1)
    same = (time_us[place] == rows.time_us[own]) & oxygen.valid[measured][place]
    found[same] = oxygen.result[measured][place[same]]
    return found
