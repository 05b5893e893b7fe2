"""Writes one group in one transaction: observations, receipts, quarantine and conflicts.

This file guards the promise that nothing is answered before COMMIT and nothing is lost or doubled by a retry:
COPY straight into the table first; only when a key is taken is the group written again with care. An error while
COMMIT was under way leaves the outcome open: the caller asks `committed`, and if the answer is no it writes the group
again under the same receipt numbers, so that a COMMIT that arrives late makes the second attempt fail, not double.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np

from core import instants, queries
from core.database import DRIVER_ERRORS, Database, Lease
from telemetry.intake import receipt_rows
from telemetry.intake.pipeline import Judged
from telemetry.intake.receipt_rows import RECEIPT_COLUMNS, storable
from telemetry.intake.rows import COPY_COLUMNS, Rows
from telemetry.readings import Fate, Flaw, Int64s, Outcome, Reason, Submission, Verdict, status_text

_sql = queries.load(__file__, "intake")

RECEIPT_BLOCK = 1000
_QUARANTINE_COLUMNS = (
    "receipt_id", "received_time", "station_id", "reading_index", "symbol", "value", "unit", "phenomenon_time",
    "device_status", "reason", "field", "found", "expected",
)  # fmt: skip


class CommitUnknown(Exception):
    """The connection broke while COMMIT was under way: the group may be in the database or not.

    `outcomes` are true if it is.
    """

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__("no answer to COMMIT")
        self.outcomes = outcomes


class Unsettled(Exception):
    """Keys were taken when the group was inserted, and nobody but this group's own receipts stands there.

    Either an earlier attempt of the same group reached its COMMIT after all, or rows were dropped in between.
    """


class AtomicRefused(Exception):
    """A submission that wanted all or nothing cannot have all; nothing of it was kept."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        super().__init__(f"{len(verdicts)} readings would not be stored")
        self.verdicts = verdicts


@dataclass(frozen=True, slots=True)
class Clashes:
    """Rows whose key was taken, by position in the group's rows, with what stands there."""

    duplicates: list[int]
    conflicts: list[int]
    kept: dict[int, tuple[float, int]]


_NO_CLASHES = Clashes([], [], {})


async def next_receipts(database: Database) -> int:
    """The first number of a block of RECEIPT_BLOCK that belongs to the caller."""
    first: int = await database.fetchval(_sql["intake_next_receipts"])
    return first


async def committed(database: Database, judged: Judged, receipt_ids: Int64s) -> bool:
    """Whether the transaction that wrote these receipts reached its COMMIT."""
    times = [submission.received_us for submission in judged.submissions]
    found = await database.fetch(
        _sql["intake_committed_receipts"],
        receipt_ids.tolist(),
        instants.from_us(min(times)),
        instants.from_us(max(times)),
    )
    return len(found) > 0


async def write(
    lease: Lease,
    judged: Judged,
    receipt_ids: Int64s,
    more: Callable[[], bool],
    *,
    with_care: bool,
    lift_limit: bool = False,
) -> list[Outcome]:
    """Commit the group and say what became of each submission. UniqueViolationError: write it again with care.

    more: whether another group is to come over the same lease; its transaction begins with this one's COMMIT.
    lift_limit: let TimescaleDB decompress as many rows as the group needs.
    """
    async with lease as connection:
        if not connection.is_in_transaction():
            await connection.execute("BEGIN")
        clashes = _NO_CLASHES
        if lift_limit:
            await connection.execute(_sql["intake_lift_decompression_limit"])
        if with_care:
            clashes = await _insert_with_care(connection, judged.rows, receipt_ids)
            await _keep_conflicts(connection, judged, clashes, receipt_ids)
        elif len(judged.rows):
            await _copy(connection, "observation", COPY_COLUMNS, judged.rows.copy_data(receipt_ids))
        outcomes = _outcomes(judged, clashes, receipt_ids)
        _refuse_partial(judged, outcomes)
        await _copy(connection, "receipt", RECEIPT_COLUMNS, receipt_rows.copy_data(judged, outcomes))
        await _copy_quarantine(connection, judged, receipt_ids)
        try:
            await connection.execute("COMMIT; BEGIN;" if more() else "COMMIT;")
        except DRIVER_ERRORS as error:
            with suppress(asyncpg.InterfaceError):
                # Whatever it still has to say is said too late.
                connection.terminate()
            raise CommitUnknown(outcomes) from error
    return outcomes


async def refused_rows(database: Database, rows: Rows) -> list[int]:
    """Positions of the rows that the table itself refuses, found by halving in a transaction that is undone."""
    async with database.connection() as connection:
        transaction = connection.transaction()
        try:
            await transaction.start()
            await connection.execute(_sql["intake_create_incoming"])
            return await _search_refused(connection, rows)
        finally:
            await _roll_back(connection, transaction)


async def _search_refused(connection: Any, rows: Rows) -> list[int]:
    refused: list[int] = []
    spans = [(0, len(rows))] if len(rows) else []
    while spans:
        start, stop = spans.pop()
        if await _passes(connection, rows.take(slice(start, stop))):
            continue
        if stop - start == 1:
            refused.append(start)
        else:
            middle = (start + stop) // 2
            spans += [(start, middle), (middle, stop)]
    return sorted(refused)


async def _passes(connection: Any, rows: Rows) -> bool:
    """Whether the table takes these rows, apart from keys that are taken."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        data = rows.copy_data(np.zeros(int(rows.submission.max()) + 1, np.int64), numbered=True)
        await _copy(connection, "incoming", (*COPY_COLUMNS, "ordinal"), data)
        await connection.execute(_sql["intake_insert_incoming"])
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError):
        return False
    else:
        return True
    finally:
        await _roll_back(connection, attempt)


async def _roll_back(connection: Any, transaction: Any) -> None:
    """Undo; a connection on which that fails has nothing left to undo and is not used again."""
    try:
        await transaction.rollback()
    except DRIVER_ERRORS:
        with suppress(asyncpg.InterfaceError):
            connection.terminate()


async def _copy(connection: Any, table: str, columns: Sequence[str], data: bytes) -> None:
    # As a buffer it goes out at once, without a wait and a timer for each part; bytes would be taken for a path.
    await connection.copy_to_table(table, source=memoryview(data), columns=columns, format="binary")


async def _copy_quarantine(connection: Any, judged: Judged, receipt_ids: Int64s) -> None:
    records = [
        (
            receipt_id, instants.from_us(submission.received_us), _station(submission, flaw), flaw.index,
            _text(flaw.symbol), _text(flaw.value), _text(flaw.unit), _text(flaw.phenomenon_time), _text(flaw.status),
            flaw.reason, storable(flaw.field), storable(flaw.found), storable(flaw.expected),
        )
        for submission, flaws, receipt_id in zip(judged.submissions, judged.flaws, receipt_ids.tolist(), strict=True)
        for flaw in flaws
    ]  # fmt: skip
    if records:
        await connection.copy_records_to_table("quarantine", records=records, columns=_QUARANTINE_COLUMNS)


def _station(submission: Submission, flaw: Flaw) -> int | None:
    """Whose quarantine it is: the sender's, whatever a station says; of the staff's submissions the reading's own."""
    return flaw.station_id if submission.station_id is None else submission.station_id


def _text(text: str | None) -> str | None:
    return None if text is None else storable(text)


async def _insert_with_care(connection: Any, rows: Rows, receipt_ids: Int64s) -> Clashes:
    """Insert what is new; the rest is compared with what stands there already, be it older or earlier in the group."""
    if not len(rows):
        return _NO_CLASHES
    order = np.lexsort((np.arange(len(rows)), rows.time_us, rows.datastream_id))
    ids, times = rows.datastream_id[order], rows.time_us[order]
    first = np.ones(len(rows), np.bool_)
    first[1:] = (ids[1:] != ids[:-1]) | (times[1:] != times[:-1])
    winners = order[first]
    there = await _insert_winners(connection, rows.take(winners), receipt_ids)
    if not there and len(winners) == len(rows):
        return _NO_CLASHES
    return _compare(rows, order, first, winners, there)


async def _insert_winners(connection: Any, rows: Rows, receipt_ids: Int64s) -> dict[int, tuple[float, int]]:
    """Insert rows of distinct keys; what stands where some of them wanted to, by position."""
    await connection.execute(_sql["intake_create_incoming"])
    await _copy(connection, "incoming", (*COPY_COLUMNS, "ordinal"), rows.copy_data(receipt_ids, numbered=True))
    status = await connection.execute(_sql["intake_insert_incoming"])
    inserted = int(status.rpartition(" ")[2])
    if inserted == len(rows):
        return {}
    found = await connection.fetch(
        _sql["intake_already_there"],
        instants.from_us(int(rows.time_us.min())),
        instants.from_us(int(rows.time_us.max())),
    )
    if inserted + len(found) != len(rows):
        raise Unsettled
    return {row["ordinal"]: (row["result"], row["device_status"]) for row in found}


def _compare(rows: Rows, order: Int64s, first: Any, winners: Int64s, there: dict[int, tuple[float, int]]) -> Clashes:
    kept_result, kept_status = rows.result[winners], rows.status[winners]
    stored = np.ones(len(winners), np.bool_)
    if there:
        at = np.fromiter(there, np.int64, len(there))
        kept_result[at] = [result for result, _ in there.values()]
        kept_status[at] = [status for _, status in there.values()]
        stored[at] = False
    key = np.cumsum(first) - 1
    clashing = ~(first & stored[key])
    rest, key = order[clashing], key[clashing]
    same = (rows.result[rest] == kept_result[key]) & (rows.status[rest] == kept_status[key])
    kept = {int(row): (float(kept_result[k]), int(kept_status[k])) for row, k in zip(rest, key, strict=True)}
    return Clashes(duplicates=rest[same].tolist(), conflicts=rest[~same].tolist(), kept=kept)


async def _keep_conflicts(connection: Any, judged: Judged, clashes: Clashes, receipt_ids: Int64s) -> None:
    if not clashes.conflicts:
        return
    rows = judged.rows.take(np.array(clashes.conflicts))
    received = [instants.from_us(judged.submissions[s].received_us) for s in rows.submission.tolist()]
    await connection.execute(
        _sql["intake_insert_conflicts"],
        rows.datastream_id.tolist(),
        [instants.from_us(us) for us in rows.time_us.tolist()],
        rows.result.tolist(),
        rows.status.tolist(),
        receipt_ids[rows.submission].tolist(),
        rows.index.tolist(),
        received,
    )


def _outcomes(judged: Judged, clashes: Clashes, receipt_ids: Int64s) -> list[Outcome]:
    stored = np.bincount(judged.rows.submission, minlength=len(judged.submissions))
    told: dict[int, list[tuple[int, Fate]]] = {}
    for fate, at in ((Fate.DUPLICATE, clashes.duplicates), (Fate.CONFLICT, clashes.conflicts)):
        for row in at:
            told.setdefault(int(judged.rows.submission[row]), []).append((row, fate))
    return [
        _outcome(submission, judged, ordinal, count, receipt_id, told.get(ordinal, []), clashes)
        for ordinal, (submission, count, receipt_id) in enumerate(
            zip(judged.submissions, stored.tolist(), receipt_ids.tolist(), strict=True)
        )
    ]


def _outcome(
    submission: Submission,
    judged: Judged,
    ordinal: int,
    kept: int,
    receipt_id: int,
    clashing: list[tuple[int, Fate]],
    clashes: Clashes,
) -> Outcome:
    flaws = judged.flaws[ordinal]
    if not flaws and not clashing:
        return Outcome(receipt_id, submission.received_us, submission.station, stored=kept)
    verdicts = [quarantined(flaw) for flaw in flaws]
    verdicts += [_clash(judged, row, fate, clashes.kept[row]) for row, fate in clashing]
    verdicts.sort(key=lambda verdict: -1 if verdict.index is None else verdict.index)
    duplicates = sum(fate is Fate.DUPLICATE for _, fate in clashing)
    return Outcome(
        receipt_id,
        submission.received_us,
        submission.station,
        stored=kept - len(clashing),
        duplicates=duplicates,
        conflicts=len(clashing) - duplicates,
        quarantined=len(flaws),
        verdicts=verdicts,
    )


def quarantined(flaw: Flaw) -> Verdict:
    """The sender is told the same texts as are kept, whatever was sent."""
    return Verdict(
        flaw.index,
        Fate.QUARANTINED,
        flaw.reason,
        storable(flaw.field),
        storable(flaw.found),
        storable(flaw.expected),
        _text(flaw.symbol),
    )


def _clash(judged: Judged, row: int, fate: Fate, kept: tuple[float, int]) -> Verdict:
    rows = judged.rows
    reason = Reason.SAME_TIME_SAME_VALUE if fate is Fate.DUPLICATE else Reason.SAME_TIME_OTHER_VALUE
    found = f"{float(rows.result[row])!r}, status {status_text(int(rows.status[row]))}"
    return Verdict(
        index=int(rows.index[row]),
        fate=fate,
        reason=reason,
        field="result",
        found=found,
        expected=f"{kept[0]!r}, status {status_text(kept[1])}, as stored before",
        symbol=judged.snapshot.datastreams[int(rows.datastream_id[row])].symbol,
    )


def _refuse_partial(judged: Judged, outcomes: Sequence[Outcome]) -> None:
    for submission, outcome in zip(judged.submissions, outcomes, strict=True):
        if submission.atomic and (outcome.conflicts or outcome.quarantined):
            raise AtomicRefused(outcome.verdicts)
