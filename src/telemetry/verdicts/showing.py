"""Puts together what is shown: a verdict with its past and its data, and what it would be if its period ended now."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from core import instants
from core.database import Database
from telemetry.quality import reference
from telemetry.verdicts import deriving, errors, judging, material, planning, schemas, store, windows
from telemetry.verdicts.book import OXYGEN, Book
from telemetry.verdicts.reconciling import Derived

_MOST_OBSERVATIONS = 2_000
# Observations below this quality are valid; see quality.flags.
_FAIL = 4


async def detail(
    database: Database, verdict_id: int, sees: Callable[[str], bool] = lambda _: True
) -> schemas.VerdictDetail:
    """The verdict with everything that was said of its period before, also one that is withdrawn.

    One of a station that the asker does not see is not there.
    """
    found = await store.by_ids(database, [verdict_id])
    current = found[0] if found else None
    known = current or next(iter(reversed(await store.former_of(database, verdict_id))), None)
    if known is None or not sees(known.station):
        raise errors.VerdictNotFound(verdict_id)
    rows = await store.observations(
        database, known.datastream, known.period_start, known.period_end, _MOST_OBSERVATIONS + 1
    )
    shown = rows[:_MOST_OBSERVATIONS]
    oxygen = await _oxygen(database, known)
    numbers = sorted({row["receipt_id"] for row in shown})
    return schemas.VerdictDetail(
        verdict=current,
        former=await store.former_of_period(database, known.datastream, known.window, known.period_start),
        observations=[_behind(row, known, oxygen) for row in shown],
        more_observations=len(rows) > len(shown),
        # A station whose clock runs ahead may be received a little before the time that it tells.
        receipts=await store.receipts(database, numbers, known.period_start - store.CLOCK_AHEAD),
    )


async def _oxygen(database: Database, verdict: schemas.Verdict) -> dict[datetime, float]:
    """The station's valid oxygen by time, where the limit asks for it."""
    if verdict.limit.oxygen_reference is None:
        return {}
    rows = await store.beside(database, verdict.datastream, OXYGEN, verdict.period_start, verdict.period_end)
    return {row["phenomenon_time"]: row["result"] for row in rows if row["result_quality"] < _FAIL}


def _behind(row: Any, verdict: schemas.Verdict, oxygen: dict[datetime, float]) -> schemas.Behind:
    valid = row["result_quality"] < _FAIL
    beside = oxygen.get(row["phenomenon_time"])
    return schemas.Behind(
        phenomenon_time=row["phenomenon_time"],
        result=row["result"],
        valid=valid,
        status=row["device_status"],
        quality=row["result_quality"],
        oxygen=beside,
        judged_as=_judged_as(row["result"], verdict, beside) if valid else None,
        receipt=row["receipt_id"],
    )


def _judged_as(result: float, verdict: schemas.Verdict, oxygen: float | None) -> float | None:
    factor = reference.factor(verdict.symbol, verdict.kept_unit, verdict.unit)
    if factor is None:
        return None
    content = verdict.limit.oxygen_reference
    if content is None:
        return result * factor
    beside = np.nan if oxygen is None else oxygen
    corrected, defined = reference.corrected(np.array([result]), np.array([beside]), content)
    return float(corrected[0]) * factor if defined[0] else None


async def provisional(
    database: Database, station: str, symbol: str | None, window: str, now: datetime
) -> list[schemas.Provisional]:
    """What the verdicts on the periods under way would be if they ended now."""
    async with database.transaction() as connection:
        book = await material.book(connection, None)
        streams = await store.streams_of(connection, station, symbol)
        asked = _under_way(book, list(streams), windows.WINDOWS.index(window), instants.to_us(now))
        derived = await deriving.derive(connection, book, asked, instants.to_us(now))
    return [_provisional(book, derived, place, station, asked, now) for place in range(len(derived))]


def _under_way(book: Book, streams: Sequence[int], window: int, now_us: int) -> planning.Periods:
    """The period of each datastream that ends next."""
    far_us = int(windows.ends(window, windows.starts(window, now_us, now_us + 1)[:1])[0])
    spans = {stream: [(now_us, now_us + 1)] for stream in streams if stream in book.streams}
    every = planning.touched(book, spans, [far_us] * len(windows.WINDOWS))
    return planning.limited(every.picked((every.window == window) & (every.end_us == far_us)))


def _provisional(
    book: Book, derived: Derived, place: int, station: str, asked: planning.Periods, now: datetime
) -> schemas.Provisional:
    limit, means = book.limits[int(asked.limit[place])], derived.means
    stream = book.streams[limit.datastream_id]
    return schemas.Provisional(
        station=station,
        symbol=stream.symbol,
        window=windows.WINDOWS[int(asked.window[place])],
        period_start=instants.from_us(int(asked.start_us[place])),
        period_end=instants.from_us(int(asked.end_us[place])),
        until=now,
        verdict=judging.VERDICTS[int(derived.verdict[place])],
        reason=judging.REASONS[int(derived.reason[place])],
        unit=limit.unit or stream.unit,
        mean=_number(means.mean[place]),
        minimum=_number(means.low[place]),
        maximum=_number(means.high[place]),
        valid_n=int(means.valid_n[place]),
        received_n=int(means.received_n[place]),
        expected_n=int(derived.expected_n[place]),
        lower=limit.lower,
        upper=limit.upper,
        limit=limit.id,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
