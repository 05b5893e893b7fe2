"""What evaluation reads: readings around a span, alerts that stand there, and what lies beside the observations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from core import instants, queries
from telemetry.alerts.lifecycle import store
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.lifecycle.workflow import State
from telemetry.readings import Floats, Int64s

_sql = queries.load(__file__, "episodes")

# Of the advisory locks with two numbers, those of evaluation.
_LOCKS = 0x616C7274
# One packed reading, as the query writes it, and where PostgreSQL counts times from, in µs since the Unix epoch.
_ROW = np.dtype([("time", ">i8"), ("result", ">f8"), ("status", ">i2"), ("reasons", ">i4")])
_POSTGRES_EPOCH_US = 946_684_800_000_000
# Readings around a span are looked for this far before it at first.
_REACH_US = 2 * 86_400 * 10**6
_BEGINNING, _END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

# First and last time of a span in µs, both included; None where it has no end on that side.
Span = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings as columns of n, in order of datastream and time."""

    datastream_id: Int64s
    time_us: Int64s
    result: Floats
    status: npt.NDArray[np.int16]
    reasons: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.datastream_id)


@dataclass(frozen=True, slots=True)
class Stand:
    """An alert that stands, with its extent in µs."""

    alert: Alert
    raised_us: int
    last_us: int
    cleared_us: int | None

    @property
    def id(self) -> int:
        return self.alert.id

    @property
    def is_open(self) -> bool:
        return self.alert.state is not State.CLEARED

    @property
    def end_us(self) -> int:
        """Up to where it is known to reach."""
        return self.last_us if self.cleared_us is None else max(self.last_us, self.cleared_us)


def stand(alert: Alert) -> Stand:
    cleared = alert.cleared_time
    return Stand(
        alert,
        instants.to_us(alert.raised_time),
        instants.to_us(alert.last_time),
        None if cleared is None else instants.to_us(cleared),
    )


async def lock(connection: Any, stations: Sequence[int]) -> None:
    """Keep other transactions from evaluating the stations until this one ends; 0 is the network as a whole."""
    await connection.execute(_sql["episodes_lock"], _LOCKS, sorted(stations))


async def readings(connection: Any, spans: Mapping[int, tuple[int, int]], context: int) -> Readings:
    """What stands in the spans by datastream id, and `context` readings before and after each."""
    since_us = min((first for first, _ in spans.values()), default=0) - _REACH_US
    packed = await _packed(connection, spans, context, instants.from_us(since_us))
    # Those of which there is less are looked for in all of the past.
    few = {
        stream: span
        for stream, span in spans.items()
        if np.count_nonzero(_times(packed.get(stream, b"")) < span[0]) < context
    }
    if few:
        packed |= await _packed(connection, few, context, _BEGINNING)
    columns = np.frombuffer(b"".join(packed.values()), _ROW)
    stream = np.repeat(
        np.fromiter(packed, np.int64, len(packed)), [len(part) // _ROW.itemsize for part in packed.values()]
    )
    time_us = columns["time"].astype(np.int64) + _POSTGRES_EPOCH_US
    order = np.lexsort((time_us, stream))
    return Readings(
        datastream_id=stream[order],
        time_us=time_us[order],
        result=columns["result"].astype(np.float64)[order],
        status=columns["status"].astype(np.int16)[order],
        reasons=columns["reasons"].astype(np.int32)[order],
    )


async def _packed(
    connection: Any, spans: Mapping[int, tuple[int, int]], context: int, since: datetime
) -> dict[int, bytes]:
    """By datastream id its readings as the query packs them."""
    rows = await connection.fetch(
        _sql["episodes_readings"],
        list(spans),
        [instants.from_us(first) for first, _ in spans.values()],
        [instants.from_us(last) for _, last in spans.values()],
        context,
        since,
    )
    return {row[0]: row[1] or b"" for row in rows}


def _times(packed: bytes) -> Int64s:
    found: Int64s = np.frombuffer(packed, _ROW)["time"].astype(np.int64) + _POSTGRES_EPOCH_US
    return found


async def of_datastreams(connection: Any, spans: Mapping[int, Span]) -> dict[tuple[str, int], list[Stand]]:
    """By kind and datastream id, in order of time: the alerts that lie in the spans."""
    rows = await connection.fetch(_sql["episodes_standing_of_datastreams"], *_arrays(spans))
    found: dict[tuple[str, int], list[Stand]] = {}
    for row in rows:
        found.setdefault((row["kind"], row["datastream_id"]), []).append(stand(store.read(row)))
    return found


async def of_stations(connection: Any, kind: str, spans: Mapping[int, Span]) -> dict[int, list[Stand]]:
    """By station id, in order of time: the alerts about stations as a whole that lie in the spans."""
    rows = await connection.fetch(_sql["episodes_standing_of_stations"], *_arrays(spans), kind)
    found: dict[int, list[Stand]] = {}
    for row in rows:
        found.setdefault(row["station_id"], []).append(stand(store.read(row)))
    return found


def _arrays(spans: Mapping[int, Span]) -> tuple[list[int], list[datetime], list[datetime]]:
    return (
        list(spans),
        [_BEGINNING if first is None else instants.from_us(first) for first, _ in spans.values()],
        [_END if last is None else instants.from_us(last) for _, last in spans.values()],
    )


async def calibrations(
    connection: Any, streams: Sequence[int], first_us: int, last_us: int
) -> dict[int, list[tuple[int, int]]]:
    """By datastream id begin and end (µs) of the accepted calibration windows that reach into the span."""
    found: dict[int, list[tuple[int, int]]] = {}
    span = instants.from_us(first_us), instants.from_us(last_us)
    for row in await connection.fetch(_sql["episodes_calibrations"], list(streams), *span):
        window = instants.to_us(row["begin_time"]), instants.to_us(row["end_time"])
        found.setdefault(row["datastream_id"], []).append(window)
    return found


async def conflicts_of_receipts(
    connection: Any, receipts: Sequence[int], since: datetime
) -> dict[int, tuple[int, int]]:
    """By datastream id the first and last time (µs) for which one of the receipts brought another value."""
    rows = await connection.fetch(_sql["episodes_conflicts_of_receipts"], list(receipts), since)
    return {row["datastream_id"]: (instants.to_us(row["first_time"]), instants.to_us(row["last_time"])) for row in rows}


async def conflict_times(connection: Any, datastream_id: int, first_us: int, last_us: int) -> list[tuple[int, int]]:
    """Times (µs) with several values, and how many further values each has."""
    rows = await connection.fetch(
        _sql["episodes_conflict_times"], datastream_id, instants.from_us(first_us), instants.from_us(last_us)
    )
    return [(instants.to_us(row["phenomenon_time"]), row["n"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Period:
    """A verdict on one period, with the limit that it was reached by."""

    id: int
    datastream_id: int
    window: str
    start_us: int
    end_us: int
    verdict: str
    mean: float | None
    lower: float | None
    upper: float | None
    unit: str
    valid_n: int
    expected_n: int


async def verdicts(connection: Any, spans: Mapping[int, tuple[int, int]], context: int) -> list[Period]:
    """By datastream, window and time: what begins in the spans, and `context` periods of each window around them."""
    rows = await connection.fetch(
        _sql["episodes_verdicts"],
        list(spans),
        [instants.from_us(first) for first, _ in spans.values()],
        [instants.from_us(last) for _, last in spans.values()],
        context,
    )
    return [
        Period(
            id=row["id"],
            datastream_id=row["datastream_id"],
            window=row["averaging"],
            start_us=instants.to_us(row["period_start"]),
            end_us=instants.to_us(row["period_end"]),
            verdict=row["verdict"],
            mean=row["mean"],
            lower=row["lower"],
            upper=row["upper"],
            unit=row["unit"],
            valid_n=row["valid_n"],
            expected_n=row["expected_n"],
        )
        for row in rows
    ]


async def unknown_of_receipts(connection: Any, receipts: Sequence[int]) -> list[tuple[int, str | None, datetime]]:
    """Station id, phenomenon time as it was written, and time of receipt of readings under unknown names."""
    rows = await connection.fetch(_sql["episodes_unknown_of_receipts"], list(receipts))
    return [(row["station_id"], row["phenomenon_time"], row["received_time"]) for row in rows]


async def unknown_times(connection: Any, station_id: int, first_us: int, last_us: int) -> list[tuple[int, int, str]]:
    """Times (µs) for which a station sent names that it does not know, how many and one of them; in order."""
    # The text of a whole second is behind those of its fractions.
    first = instants.text(instants.from_us(first_us // 1_000_000 * 1_000_000)).removesuffix("Z")
    last = instants.text(instants.from_us(last_us // 1_000_000 * 1_000_000 + 1_000_000))
    rows = await connection.fetch(_sql["episodes_unknown_times"], station_id, first, last)
    found = [(time_us(row["phenomenon_time"]), row["n"], row["symbol"] or "") for row in rows]
    return sorted((time, n, symbol) for time, n, symbol in found if time is not None and first_us <= time <= last_us)


def time_us(text: str | None) -> int | None:
    """A time as quarantine writes those that could be read; None for all else."""
    if text is None or not text.endswith("Z"):
        return None
    try:
        return instants.to_us(instants.parse(text))
    except ValueError:
        return None
