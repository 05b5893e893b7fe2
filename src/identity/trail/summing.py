"""Sums up each day of what was measured once it is over, so that its sum stands in the trail.

A day is summed up an hour after its end, when no transaction is under way any more that was so by then. What is
committed later all the same, as after a long outage of the database, is summed up apart, under the day that it came on.
"""

from datetime import date, datetime, timedelta
from typing import Any

import structlog

from core import instants
from core.database import Database
from identity.trail import sum_store, sums

_log = structlog.get_logger(__name__)
GRACE = timedelta(hours=1)


class Summing:
    """Several processes may sum up side by side: one does, the others leave it alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A day that was over, and the first transaction that had not begun when that was seen.
        self._closed: tuple[date, int] | None = None

    async def next_day(self) -> date | None:
        """Sum up the next day; which one that was, or None where there is none to sum up now."""
        day = await self._due(instants.now())
        if day is None or not await self._settled(day):
            return None
        async with self._database.transaction() as connection:
            if not await sum_store.lock(connection) or await self._due(instants.now(), connection) != day:
                return None
            await self._late(connection, day)
            await self._sum(connection, day, None)
        return day

    async def _due(self, now: datetime, connection: Any = None) -> date | None:
        asked = connection or self._database
        newest = await sum_store.newest(asked)
        if newest is None:
            first = await sum_store.first_receipt(asked)
            day = None if first is None else sums.day_of(first)
        else:
            day = newest + timedelta(days=1)
        return day if day is not None and sums.bounds(day)[1] + GRACE <= now else None

    async def _settled(self, day: date) -> bool:
        """Whether all that was under way when the day was over has ended."""
        oldest, following = await sum_store.transactions(self._database)
        if self._closed is None or self._closed[0] < day:
            over = sums.day_of(instants.now() - GRACE) - timedelta(days=1)
            self._closed = (over, following)
        return oldest >= self._closed[1]

    async def _late(self, connection: Any, day: date) -> None:
        for other, receipts in (await sum_store.late(connection, sums.bounds(day)[0])).items():
            _log.warning("trail.late_receipts", day=other.isoformat(), receipts=len(receipts))
            await self._sum(connection, other, receipts)

    async def _sum(self, connection: Any, day: date, only: list[int] | None) -> None:
        found = await sum_store.members(connection, day, (), only)
        leaves = await sum_store.leaves(connection, day, found.receipts)
        await sum_store.note(connection, day, only, leaves, found.seen)
        _log.info("trail.day_summed_up", day=day.isoformat(), receipts=len(found.receipts), leaves=len(leaves))
