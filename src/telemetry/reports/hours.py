"""Hourly figures of many datastreams as matrices: a row for each datastream, a column for each hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from core import instants
from core.database import Database
from telemetry.readings import Floats, Int64s
from telemetry.reports import store
from telemetry.series.spans import HOURS, Grid

HOUR_US = HOURS.step_us
# Hours of datastreams that are read by one statement: some tens of thousands of rows, read in a fraction of a second.
_AT_ONCE = 25_000
_LONGEST_DAYS = 31


@dataclass(frozen=True, slots=True)
class Hours:
    """All (streams, hours).

    received, valid: observations. mean, least, greatest: of valid ones, NaN where there are none.
    """

    received: Int64s
    valid: Int64s
    mean: Floats
    least: Floats
    greatest: Floats


async def read(database: Database, streams: Sequence[int], begin_us: int, end_us: int) -> Hours:
    """The hours from begin to end, both starts of hours, of datastreams in ascending order of id."""
    span = (instants.from_us(begin_us), instants.from_us(end_us))
    rows = await store.hours(database, streams, *span)
    table = np.fromiter(chain.from_iterable(rows), np.float64, count=7 * len(rows)).reshape(-1, 7)
    row = np.searchsorted(np.asarray(streams, np.int64), table[:, 0].astype(np.int64))
    column = (table[:, 1].astype(np.int64) - begin_us // 10**6) // (HOUR_US // 10**6)
    shape = len(streams), (end_us - begin_us) // HOUR_US

    def filled(values: Floats, empty: float) -> Floats:
        matrix = np.full(shape, empty)
        matrix[row, column] = values
        return matrix

    return Hours(
        received=filled(table[:, 2], 0).astype(np.int64),
        valid=filled(table[:, 3], 0).astype(np.int64),
        mean=filled(table[:, 4], np.nan),
        least=filled(table[:, 5], np.nan),
        greatest=filled(table[:, 6], np.nan),
    )


def expected(grids: Sequence[Grid], begin_us: int, end_us: int) -> Int64s:
    """How many observations each hour is expected to have: (grids, hours)."""
    edges = np.arange(begin_us, end_us + 1, HOUR_US, dtype=np.int64)
    if not grids:
        return np.zeros((0, len(edges) - 1), np.int64)
    steps = np.array([grid.step_us for grid in grids], np.int64)[:, None]
    offsets = np.array([grid.offset_us for grid in grids], np.int64)[:, None]
    return np.diff(-((offsets - edges) // steps), axis=1)


def days_at_once(streams: int) -> int:
    """How many days of so many datastreams one statement reads."""
    return max(1, min(_LONGEST_DAYS, _AT_ONCE // (24 * max(1, streams))))
