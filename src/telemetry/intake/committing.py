"""Writes one group until it is committed, and knows which errors are whose.

Transient errors are retried without an answer. An error that a row causes is isolated by halving the group, so that a
neighbour never pays for it. A COMMIT that got no answer is looked up by its receipts before anything is written
again, and the group keeps its receipt numbers, so that at most one attempt can ever be committed.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import numpy as np
import structlog

from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, Lease, is_data_error, is_transient
from telemetry.intake import metering, store
from telemetry.intake.pipeline import Judged
from telemetry.readings import Int64s, Outcome

_log = structlog.get_logger(__name__)

# SQLSTATE of TimescaleDB's limit on the rows that one statement decompresses: a smaller group passes.
_CONFIGURATION_LIMIT = "53400"
_DEADLOCK = "40P01"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_CONNECTION_ERRORS = (DatabaseUnavailable, *DRIVER_ERRORS)


class Abandoned(Exception):
    """Every submitter of the group gave up while the database was away; nothing was answered."""


@dataclass(slots=True)
class _Pauses:
    """Jittered pauses that grow up to a limit."""

    seconds: float = _FIRST_PAUSE

    async def wait(self) -> None:
        await asyncio.sleep(self.seconds * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        self.seconds = min(self.seconds * 2, _LONGEST_PAUSE)


def _no_more() -> bool:
    return False


def _is_passing(error: Exception) -> bool:
    return is_transient(error) or isinstance(error, DatabaseUnavailable)


class Committer:
    """Commits the groups of one intake; safe to share between its writers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._receipts = range(0)
        self._receipts_lock = asyncio.Lock()
        # Groups that meet taken keys come in runs (a logger resends its store); a clean group ends the run.
        self._in_resend = False

    async def commit(
        self,
        lease: Lease,
        judged: Judged,
        wanted: Callable[[], bool],
        more: Callable[[], bool] = _no_more,
        *,
        lift_limit: bool = False,
    ) -> list[Outcome]:
        """Write the group over the writer's connection.

        wanted: whether anybody still waits for it. more: whether the same writer goes on with another one.

        Raises store.AtomicRefused, or Abandoned when the database stays away and nobody waits any more.
        """
        with_care = self._in_resend or lift_limit
        pauses = _Pauses()
        receipt_ids: Int64s | None = None
        unknown: store.CommitUnknown | None = None
        while True:
            try:
                if receipt_ids is None:
                    receipt_ids = await self._take_receipts(len(judged.submissions))
                if unknown is not None and await store.committed(self._database, judged, receipt_ids):
                    return unknown.outcomes
                outcomes = await store.write(
                    lease, judged, receipt_ids, more, with_care=with_care, lift_limit=lift_limit
                )
            except store.CommitUnknown as error:
                metering.RETRIES.labels("commit-unknown").inc()
                _log.warning("intake.commit_unknown", submissions=len(judged.submissions))
                unknown, with_care = error, True
            except (asyncpg.UniqueViolationError, store.Unsettled) as error:
                await self._meet_taken_keys(error, pauses, with_care=with_care, in_doubt=unknown is not None)
                with_care = True
            except _CONNECTION_ERRORS as error:
                if getattr(error, "sqlstate", None) == _CONFIGURATION_LIMIT:
                    return await self._smaller(lease, judged, wanted)
                if is_data_error(error):
                    return await self._isolated(lease, judged, wanted)
                # Two groups that met each other's keys would meet them again; with care keys are taken in order.
                with_care = with_care or getattr(error, "sqlstate", None) == _DEADLOCK
                await self._pass_over(error, pauses, wanted)
            else:
                self._in_resend = with_care and any(o.duplicates or o.conflicts for o in outcomes)
                return outcomes

    async def _meet_taken_keys(self, error: Exception, pauses: _Pauses, *, with_care: bool, in_doubt: bool) -> None:
        """The first time the group is written again with care; after that only a COMMIT in doubt explains the error."""
        if not with_care:
            metering.RETRIES.labels("key-taken").inc()
            return
        if not in_doubt and not isinstance(error, store.Unsettled):
            raise error
        metering.RETRIES.labels("unsettled").inc()
        await pauses.wait()

    async def _pass_over(self, error: Exception, pauses: _Pauses, wanted: Callable[[], bool]) -> None:
        """Wait before the next attempt; raise the error when no later attempt can succeed."""
        if not _is_passing(error):
            raise error
        metering.RETRIES.labels("transient").inc()
        _log.warning("intake.write_failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        if not wanted():
            raise Abandoned from error
        await pauses.wait()

    async def _smaller(self, lease: Lease, judged: Judged, wanted: Callable[[], bool]) -> list[Outcome]:
        """Two halves; a single submission is written with the limit lifted."""
        metering.RETRIES.labels("decompression-limit").inc()
        if len(judged.submissions) == 1:
            return await self.commit(lease, judged, wanted, lift_limit=True)
        return await self._halves(lease, judged, wanted)

    async def _isolated(self, lease: Lease, judged: Judged, wanted: Callable[[], bool]) -> list[Outcome]:
        """Two halves; of a single submission the rows that the table refuses go to quarantine."""
        metering.RETRIES.labels("data").inc()
        if len(judged.submissions) > 1:
            return await self._halves(lease, judged, wanted)
        refused = await self._refused_rows(judged, wanted)
        _log.error("intake.rows_refused", receipt_rows=len(judged.rows), refused=len(refused))
        if not refused:
            raise RuntimeError("the table refuses a submission, but none of its rows")
        return await self.commit(lease, judged.without(refused), wanted)

    async def _refused_rows(self, judged: Judged, wanted: Callable[[], bool]) -> list[int]:
        pauses = _Pauses()
        while True:
            try:
                return await store.refused_rows(self._database, judged.rows)
            except _CONNECTION_ERRORS as error:
                await self._pass_over(error, pauses, wanted)

    async def _halves(self, lease: Lease, judged: Judged, wanted: Callable[[], bool]) -> list[Outcome]:
        middle = len(judged.submissions) // 2
        first = await self.commit(lease, judged.part(0, middle), wanted)
        return first + await self.commit(lease, judged.part(middle, len(judged.submissions)), wanted)

    async def _take_receipts(self, count: int) -> Int64s:
        """Numbers for `count` receipts; a new block is fetched when the old one is used up."""
        async with self._receipts_lock:
            taken: list[int] = []
            while len(taken) < count:
                if not self._receipts:
                    first = await store.next_receipts(self._database)
                    self._receipts = range(first, first + store.RECEIPT_BLOCK)
                here = self._receipts[: count - len(taken)]
                taken += here
                self._receipts = self._receipts[len(here) :]
        return np.array(taken, np.int64)
