"""Writes what was judged: new verdicts, changed ones with what they were before, and the events that tell of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core import instants
from telemetry.events import store as events
from telemetry.events.store import Event
from telemetry.readings import Int64s
from telemetry.verdicts import deriving, judging, planning, reconciling, schemas, store
from telemetry.verdicts.agenda import Cause
from telemetry.verdicts.book import Book
from telemetry.verdicts.planning import Periods
from telemetry.verdicts.reconciling import Derived, Difference, Standing
from telemetry.verdicts.store import Told

# The cause of a change of each of the periods: datastreams, begins and ends in columns.
CauseOf = Callable[[Int64s, Int64s, Int64s], Sequence[Cause]]


@dataclass(frozen=True, slots=True)
class Kept:
    """How many verdicts there were of each kind."""

    new: int
    changed: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Time:
    """When judging happens. What ended before `history_us` is told as history."""

    now: datetime
    history_us: int


async def judge(connection: Any, book: Book, asked: Periods, cause_of: CauseOf, time: Time) -> Kept:
    """Judge the periods in the transaction of the connection, which holds the lock of the agenda."""
    derived = await deriving.derive(connection, book, planning.limited(asked))
    standing = await store.standing(connection, asked)
    found = reconciling.difference(book, asked, derived, standing)
    told = _told(derived, standing, found)
    before = await store.by_ids(connection, standing.id[np.concatenate([told.changed, told.gone])].tolist())
    for which, gone in ((found.replaced, False), (found.withdrawn, True)):
        await _keep_former(connection, standing, which, cause_of, time.now, withdrawn=gone)
    await store.withdraw(connection, standing.id[found.withdrawn].tolist())
    await store.update(connection, book, derived, found.changed, time.now)
    await store.insert(connection, book, derived, found.new, time.now)
    now = await store.of_periods(connection, derived.periods.picked(told.new))
    now += await store.by_ids(connection, standing.id[told.changed].tolist())
    await events.append(connection, _events(before, now, time))
    return Kept(len(found.new), len(found.changed), len(found.withdrawn))


async def _keep_former(
    connection: Any, standing: Standing, which: Int64s, cause_of: CauseOf, now: datetime, *, withdrawn: bool
) -> None:
    start_us = standing.start_us[which]
    end_us = planning.ends(standing.window[which], start_us)
    causes = cause_of(standing.datastream_id[which], start_us, end_us)
    await store.keep_former(connection, standing.id[which].tolist(), causes, now, withdrawn=withdrawn)


@dataclass(frozen=True, slots=True)
class _Told:
    """Places of verdicts that events tell of: of what is derived and new, and of what stood and changed or is gone."""

    new: Int64s
    changed: Int64s
    gone: Int64s


def _told(derived: Derived, standing: Standing, found: Difference) -> _Told:
    """New exceedances; changes of the outcome, or of an exceedance's numbers; and exceedances that are withdrawn."""
    was = standing.verdict[found.replaced]
    return _Told(
        new=found.new[derived.verdict[found.new] == judging.EXCEEDED],
        changed=found.replaced[(was != derived.verdict[found.changed]) | (was == judging.EXCEEDED)],
        gone=found.withdrawn[standing.verdict[found.withdrawn] == judging.EXCEEDED],
    )


def _events(before: Sequence[Told], now: Sequence[Told], time: Time) -> list[Event]:
    former = {verdict.id: verdict for verdict, _ in before}
    there = {verdict.id for verdict, _ in now}
    return [_event(verdict, former.get(verdict.id), station, time) for verdict, station in now] + [
        _event(None, verdict, station, time) for verdict, station in before if verdict.id not in there
    ]


def _event(verdict: schemas.Verdict | None, former: schemas.Verdict | None, station_id: int, time: Time) -> Event:
    """verdict.exceeded where a period comes to be exceeded, verdict.changed for everything else."""
    known = verdict or former
    if known is None:
        raise ValueError("an event tells of a verdict")
    begins = verdict is not None and verdict.verdict == "exceeded" and (former is None or former.verdict != "exceeded")
    return Event(
        type="verdict.exceeded" if begins else "verdict.changed",
        payload={"verdict": _document(verdict), "former": _document(former)},
        station_id=station_id,
        historical=instants.to_us(known.period_end) < time.history_us,
        occurred_time=time.now,
    )


def _document(verdict: schemas.Verdict | None) -> dict[str, Any] | None:
    return None if verdict is None else verdict.model_dump(mode="json")
