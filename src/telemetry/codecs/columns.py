"""JSON columns: n times and m results of n numbers each, for backfill, decoded straight into numpy columns.

Positions count the numbers that are there, symbol by symbol and in time order within a symbol; null means that there is
no reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from telemetry.codecs.context import Context
from telemetry.codecs.flaws import MOST_FLAWS, MOST_READINGS, check_number, too_many, unreadable
from telemetry.codecs.gathering import AsSent, Blemish, flaw_at
from telemetry.codecs.packets import EXPECTED_STATUS, STATUSES, Name, Status, Unit, has_nul
from telemetry.codecs.times import EXPECTED_TIME, UnreadableTime, column_us, instant_us
from telemetry.readings import Decoded, Flaw, Floats, Int64s, Readings, Reason

Cell = tuple[int, int]


class Columns(msgspec.Struct, forbid_unknown_fields=True):
    phenomenon_time: list[str] = msgspec.field(name="phenomenonTime")
    results: dict[Name, list[float | None]]
    station: Name | None = None
    units: dict[Name, Unit] | None = None
    statuses: dict[Name, list[Status]] | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns as read, with what is wrong in single cells.

    times: (n,) texts; results: m lists of n numbers, None where there is none; statuses: by symbol, n texts;
    blemishes: by (symbol number, time number), for cells whose number in `results` stands for nothing.
    """

    station: str
    times: Sequence[str]
    results: Mapping[str, Sequence[float | None]]
    units: Mapping[str, str]
    statuses: Mapping[str, Sequence[str]]
    blemishes: Mapping[tuple[int, int], tuple[Blemish, str]] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(Columns)


def decode(body: bytes, context: Context, first: int = 0) -> Decoded | None:
    """The readings of flawless columns at positions first, first + 1, …; None where they need a closer look."""
    try:
        columns = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    station = columns.station or context.station
    # Every string has two quotation marks: more of them than accounted for means that a member was repeated.
    quotes = int(np.count_nonzero(np.frombuffer(body, dtype=np.uint8) == ord('"')))
    if station is None or quotes != 2 * _strings(columns) or has_nul(body):
        return None
    return assemble(
        Sheet(station, columns.phenomenon_time, columns.results, columns.units or {}, columns.statuses or {}), first
    )


def _strings(columns: Columns) -> int:
    count = 2 + len(columns.phenomenon_time) + len(columns.results)
    if columns.station is not None:
        count += 2
    if columns.units is not None:
        count += 1 + 2 * len(columns.units)
    if columns.statuses is not None:
        count += 1 + sum(1 + len(texts) for texts in columns.statuses.values())
    return count


def assemble(sheet: Sheet, first: int) -> Decoded:
    """One `Readings` of the cells that are well, a flaw for each that is not; Unreadable where the shape is wrong."""
    _check_shape(sheet)
    symbols, count = list(sheet.results), len(sheet.times)
    numbers = np.array(list(sheet.results.values()), dtype=np.float64)
    there = ~np.isnan(numbers)
    time_us, bad_times = _times(sheet.times)
    status, bad_statuses = _statuses(sheet)
    units = [sheet.units.get(symbol) or None for symbol in symbols] if sheet.units else None
    flawless = not (sheet.blemishes or bad_times or bad_statuses)
    if flawless and there.all():
        readings = Readings(
            station=sheet.station,
            symbols=symbols,
            time_us=np.tile(time_us, len(symbols)),
            value=numbers.ravel(),
            symbol=np.repeat(np.arange(len(symbols)), count),
            units=units,
            status=None if status is None else status.ravel(),
            index=first,
        )
        return Decoded((readings,), (), numbers.size)
    for cell in sheet.blemishes:
        there[cell] = True
    position = (np.cumsum(there.ravel()) + (first - 1)).reshape(there.shape)
    well = there.copy()
    well[:, list(bad_times)] = False
    for cell in (*sheet.blemishes, *bad_statuses):
        well[cell] = False
    row, column = np.nonzero(well)
    readings = Readings(
        station=sheet.station,
        symbols=symbols,
        time_us=time_us[column],
        value=numbers[well],
        symbol=row,
        units=units,
        status=None if status is None else status[well],
        index=first if flawless else position[well],
    )
    # One more than may be told is made, by which too many are known.
    bad = np.argwhere(there & ~well)[: MOST_FLAWS + 1].tolist()
    flaws = [_flaw(sheet, symbols[i], int(position[i, j]), (i, j), numbers, bad_times) for i, j in bad]
    check_number(flaws)
    return Decoded((readings,) if len(readings) else (), flaws, int(np.count_nonzero(there)))


def _check_shape(sheet: Sheet) -> None:
    count = len(sheet.times)
    if not count or not sheet.results:
        member = "results" if count else "phenomenonTime"
        raise unreadable(member, "nothing in it", "at least one time and one symbol")
    if count * len(sheet.results) > MOST_READINGS:
        raise too_many(count * len(sheet.results))
    for member, lists in (("results", sheet.results), ("statuses", sheet.statuses)):
        for symbol, entries in lists.items():
            if len(entries) != count:
                raise unreadable(
                    f"{member}.{symbol}", f"{len(entries)} entries", f"{count}, one for each phenomenonTime"
                )
    for member, by_symbol in (("units", sheet.units), ("statuses", sheet.statuses)):
        for symbol in by_symbol:
            if symbol not in sheet.results:
                raise unreadable(f"{member}.{symbol}", "a symbol without results", "one of the symbols in results")


def _times(texts: Sequence[str]) -> tuple[Int64s, dict[int, Reason]]:
    """(n,) µs since the Unix epoch, and what is wrong with those that could not be read."""
    together = column_us(texts)
    if together is not None:
        return together, {}
    bad: dict[int, Reason] = {}
    time_us = np.zeros(len(texts), dtype=np.int64)
    for number, text in enumerate(texts):
        try:
            time_us[number] = instant_us(text)
        except UnreadableTime as error:
            bad[number] = error.reason
            if len(bad) > MOST_FLAWS:
                raise unreadable(f"phenomenonTime[{min(bad)}]", texts[min(bad)], EXPECTED_TIME) from None
    return time_us, bad


def _statuses(sheet: Sheet) -> tuple[npt.NDArray[np.int16] | None, set[Cell]]:
    """(m, n) device statuses, None where all are measuring, and the cells whose status is unknown."""
    status: npt.NDArray[np.int16] | None = None
    bad: set[Cell] = set()
    for row, symbol in enumerate(sheet.results):
        texts = sheet.statuses.get(symbol, ())
        if not texts or texts.count("00") == len(texts):
            continue
        if status is None:
            status = np.zeros((len(sheet.results), len(sheet.times)), dtype=np.int16)
        try:
            status[row] = [STATUSES[text] for text in texts]
        except KeyError:
            status[row] = [STATUSES.get(text, 0) for text in texts]
            bad.update((row, column) for column, text in enumerate(texts) if text not in STATUSES)
    return status, bad


def _flaw(
    sheet: Sheet, symbol: str, position: int, cell: Cell, numbers: Floats, bad_times: Mapping[int, Reason]
) -> Flaw:
    column = cell[1]
    statuses = sheet.statuses.get(symbol)
    value = repr(float(numbers[cell]))
    if cell in sheet.blemishes:
        blemish, value = sheet.blemishes[cell]
    elif column in bad_times:
        reason = bad_times[column]
        blemish = Blemish(reason, f"phenomenonTime[{column}]", sheet.times[column], EXPECTED_TIME)
    else:
        blemish = Blemish(
            Reason.UNKNOWN_STATUS, f"statuses.{symbol}[{column}]", sheet.statuses[symbol][column], EXPECTED_STATUS
        )
    sent = AsSent(
        symbol=symbol,
        value=value,
        unit=sheet.units.get(symbol),
        time=sheet.times[column],
        status=statuses[column] if statuses else None,
    )
    return flaw_at(position, blemish, sent)
