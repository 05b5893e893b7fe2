"""Joins many submissions into one group, writes it, and tells each submitter its own outcome.

While one group is being written the next one fills; an idle intake writes a submission at once, without a timer.
Everything that waits is bounded in readings and bytes. What a logger sends in bulk waits in a lane of its own: the
packets of the moment neither share its groups nor wait for them.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

import structlog

from core import errors
from core.database import Database, DatabaseUnavailable, Lease
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake import committing, metering, store
from telemetry.intake.matching import Matcher
from telemetry.intake.pipeline import judge
from telemetry.intake.waiting import Patience, Settle, Waiting
from telemetry.quality.checking import Window
from telemetry.readings import Fate, Outcome, Submission, Verdict

# A submission of more readings is bulk: the history of a logger, not what it measures now.
_BULK_ROWS = 1_000
# A group that is being written for longer than this does not keep a further writer from beginning.
_PATIENCE_SECONDS = 0.25

_log = structlog.get_logger(__name__)


class IntakeFull(errors.Overloaded):
    slug = "intake-full"
    title = "Too many readings wait for the database"


class NotAtomic(errors.Invalid):
    slug = "not-atomic"
    title = "All or nothing was asked for, and not all can be stored"

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        """`verdicts` may hold duplicates, which do not stand against it: what was there already need not be stored."""
        against = [verdict for verdict in verdicts if verdict.fate is not Fate.DUPLICATE]
        shown = ", ".join(_named(v, ": ", v.reason) for v in against[:10]) + (", …" if len(against) > 10 else "")
        super().__init__(
            f"Nothing was kept; {len(against)} readings stand against it ({shown}).",
            faults=[errors.Fault(_named(v, ".", v.field), v.found, v.expected) for v in against],
        )
        self.verdicts = [replace(verdict, fate=Fate.REJECTED) for verdict in against]


def _named(verdict: Verdict, joint: str, what: str) -> str:
    """What is wrong with which reading; a body that could not be read at all has no positions."""
    return what if verdict.index is None else f"readings.{verdict.index}{joint}{what}"


class NotCommittedInTime(errors.Unavailable):
    slug = "not-committed-in-time"
    title = "The database did not commit in time"


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """Bounds of one process's intake; see the settings of the same names.

    overlap_rows: a further writer begins beside a busy one when this many readings wait.
    """

    group_rows: int = 20_000
    group_bytes: int = 16 * 2**20
    queue_rows: int = 200_000
    queue_bytes: int = 64 * 2**20
    writers: int = 2
    overlap_rows: int = 500
    window: Window = field(default_factory=Window)


@dataclass(slots=True)
class _Lane:
    """What waits of one size, and the groups of it that are being written."""

    queue: deque[Waiting] = field(default_factory=deque)
    rows: int = 0
    writing: int = 0
    began: float = 0.0

    def put(self, waiting: Waiting) -> None:
        self.queue.append(waiting)
        self.rows += waiting.rows

    def take(self) -> Waiting:
        first = self.queue.popleft()
        self.rows -= first.rows
        return first


class Intake:
    """Takes submissions and answers after COMMIT. Use as an async context manager; leaving it drains what waits."""

    def __init__(self, database: Database, catalog: LiveCatalog, limits: IntakeLimits | None = None) -> None:
        self._database = database
        self._catalog = catalog
        self._limits = limits or IntakeLimits()
        self._small = _Lane()
        self._bulk = _Lane()
        self._bytes = 0
        self._work = asyncio.Event()
        self._patience = Patience(_too_late)
        self._writers: list[asyncio.Task[None]] = []
        self._closing = False
        self._matcher: Matcher | None = None
        self._committer = committing.Committer(database)

    @property
    def waiting_rows(self) -> int:
        return self._small.rows + self._bulk.rows

    @property
    def window(self) -> Window:
        return self._limits.window

    @property
    def has_room(self) -> bool:
        """Whether a body that is about to be read could be taken."""
        room = self.waiting_rows < self._limits.queue_rows and self._bytes < self._limits.queue_bytes
        return room and not self._closing

    async def __aenter__(self) -> Self:
        self._writers = [
            asyncio.create_task(self._write_groups(), name=f"intake-writer-{number}")
            # Each lane may have all but one of them.
            for number in range(self._limits.writers + 1)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what waits, for ten seconds at most; what is left gets no answer, which promises nothing."""
        self._closing = True
        self._work.set()
        await asyncio.wait(self._writers, timeout=10)
        for task in self._writers:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for lane in (self._small, self._bulk):
            _fail(lane.queue, _stopped())
            lane.queue.clear()
            lane.rows = 0
        self._bytes = 0
        self._patience.end()

    async def submit(self, submission: Submission, seconds: float | None = None) -> Outcome:
        """Wait until it is committed, for `seconds` at most.

        Raises IntakeFull, NotAtomic for an atomic submission that cannot be whole, and NotCommittedInTime, which
        promises nothing: what was already being written may still be committed.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self.put(submission, partial(_wake, outcome), seconds)
        try:
            return await outcome
        finally:
            waiting.give_up()

    def put(self, submission: Submission, settle: Settle, seconds: float | None = None) -> Waiting:
        """As `submit`, without a wait: `settle` gets the outcome, or the error. Raises IntakeFull alone."""
        if not self.has_room:
            # Counted where the sender is told: a stream and the consumer of the broker only wait for room.
            raise IntakeFull("Send the same bytes again a little later.", retry_after=random.randint(1, 5))  # noqa: S311 - jitter
        # Even an empty submission is a receipt to be written.
        waiting = Waiting(submission, settle, submission.decoded.count + 1, len(submission.raw))
        lane = self._bulk if waiting.rows > _BULK_ROWS else self._small
        lane.put(waiting)
        self._bytes += waiting.bytes
        if seconds is not None:
            self._patience.begin(waiting, seconds)
        if self._may_begin(lane):
            self._work.set()
        return waiting

    async def _write_groups(self) -> None:
        lease = Lease(self._database)
        try:
            await self._keep_writing(lease)
        finally:
            await lease.close()

    async def _keep_writing(self, lease: Lease) -> None:
        while True:
            lane = self._next_lane()
            if lane is None:
                if self._closing and not self._has_more():
                    return
                self._work.clear()
                await lease.close()
                await self._work.wait()
                continue
            group = self._next_group(lane)
            if not group:
                # Everybody who waited there gave up; the other lane may have its turn.
                continue
            lane.writing += 1
            lane.began = time.monotonic()
            try:
                await self._write_group(lease, group)
            except asyncio.CancelledError:
                _fail(group, _stopped())
                raise
            except Exception as error:  # noqa: BLE001 - the outermost loop: nothing of this group is answered as kept
                _log.exception("intake.group_failed", submissions=len(group))
                _fail(group, error)
            finally:
                lane.writing -= 1
                if self._closing:
                    # Those that had nothing to begin look once more whether they may go.
                    self._work.set()

    def _has_more(self) -> bool:
        return bool(self._small.queue or self._bulk.queue)

    def _next_lane(self) -> _Lane | None:
        """The lane whose turn it is: the small one first."""
        for lane in (self._small, self._bulk):
            if lane.queue and self._may_begin(lane):
                return lane
        return None

    def _may_begin(self, lane: _Lane) -> bool:
        """Whether one more group of the lane is worth a transaction of its own beside those that are being written.

        Two small groups side by side cost more than one after the other; a group that takes long must not hold up
        what came after it.
        """
        return lane.writing < self._limits.writers and (
            not lane.writing
            or lane.rows >= self._limits.overlap_rows
            or time.monotonic() - lane.began > _PATIENCE_SECONDS
            or self._closing
        )

    def _next_group(self, lane: _Lane) -> list[Waiting]:
        """The oldest submissions, as many as one transaction takes; an atomic one stays alone."""
        group: list[Waiting] = []
        rows = size = 0
        while lane.queue:
            first = lane.queue[0]
            alone = first.submission.atomic
            full = rows + first.rows > self._limits.group_rows or size + first.bytes > self._limits.group_bytes
            if group and (full or alone):
                break
            lane.take()
            self._bytes -= first.bytes
            if first.is_over:
                # The submitter gave up and was told that nothing is promised.
                continue
            group.append(first)
            rows += first.rows
            size += first.bytes
            if alone:
                break
        metering.QUEUE_READINGS.set(self.waiting_rows)
        metering.QUEUE_BYTES.set(self._bytes)
        return group

    async def _write_group(self, lease: Lease, group: list[Waiting]) -> None:
        started = time.perf_counter()
        judged = judge(self._current_matcher(), [waiting.submission for waiting in group], self._limits.window)
        try:
            outcomes = await self._committer.commit(lease, judged, partial(_is_wanted, group), self._has_more)
        except store.AtomicRefused as refused:
            _fail(group, NotAtomic(refused.verdicts))
            return
        except committing.Abandoned:
            return
        metering.COMMIT_SECONDS.observe(time.perf_counter() - started)
        metering.GROUP_READINGS.observe(len(judged.rows))
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.tell(outcome)
        self._patience.forget()
        metering.count(judged, outcomes)

    def _current_matcher(self) -> Matcher:
        snapshot = self._catalog.snapshot
        if self._matcher is None or self._matcher.snapshot is not snapshot:
            self._matcher = Matcher(snapshot)
        return self._matcher


def _is_wanted(group: Iterable[Waiting]) -> bool:
    return any(not waiting.is_over for waiting in group)


def _wake(outcome: asyncio.Future[Outcome], result: Outcome | Exception) -> None:
    if outcome.done():
        # Cancelled, and its task had no turn since.
        return
    if isinstance(result, Outcome):
        outcome.set_result(result)
    else:
        outcome.set_exception(result)


def _too_late() -> NotCommittedInTime:
    return NotCommittedInTime("Send the same bytes again.", retry_after=5)


def _stopped() -> DatabaseUnavailable:
    return DatabaseUnavailable("The service stopped before the database committed.", retry_after=5)


def _fail(group: Iterable[Waiting], error: Exception) -> None:
    for waiting in group:
        waiting.tell(error)
