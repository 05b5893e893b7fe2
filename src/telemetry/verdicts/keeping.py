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
from telemetry.verdicts import deriving, judging, planning, reconciling, store
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
    await store.prefer_indexes(connection)
    standing = await store.standing(connection, asked)
    found = reconciling.difference(book, asked, derived, standing)
    told = _told(derived, standing, found)
    before = await store.told_by_ids(connection, standing.id[np.concatenate([told.changed, told.gone])].tolist())
    for which, gone in ((found.replaced, False), (found.withdrawn, True)):
        await _keep_former(connection, standing, which, cause_of, time.now, withdrawn=gone)
    await store.withdraw(connection, standing.id[found.withdrawn].tolist())
    await store.update(connection, book, derived, found.changed, time.now)
    await store.insert(connection, book, derived, found.new, time.now)
    now = await store.told_of_periods(connection, derived.periods.picked(told.new))
    now += await store.told_by_ids(connection, standing.id[told.changed].tolist())
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
    former = {told.id: told for told in before}
    there = {told.id for told in now}
    return [_event(told, told, former.get(told.id), time) for told in now] + [
        _event(told, None, told, time) for told in before if told.id not in there
    ]


def _event(known: Told, now: Told | None, former: Told | None, time: Time) -> Event:
    """verdict.exceeded where a period comes to be exceeded, verdict.changed for everything else."""
    begins = now is not None and now.verdict == "exceeded" and (former is None or former.verdict != "exceeded")
    return Event(
        type="verdict.exceeded" if begins else "verdict.changed",
        payload={"verdict": now and now.document, "former": former and former.document},
        station_id=known.station_id,
        historical=instants.to_us(known.period_end) < time.history_us,
        occurred_time=time.now,
    )
