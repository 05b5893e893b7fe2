"""Reads quarantined submissions once more with today's catalogue and keeps what passes now.

Only readings that are open in quarantine and pass are submitted, through the same intake as everything else, so a
replay that is repeated or cut off changes nothing that it did before: what it kept is found as a duplicate, and its
entry is closed then.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from core import instants, paging
from core.database import Database, DatabaseUnavailable
from telemetry.catalog.loading import LiveCatalog
from telemetry.evidence import picking, planning, schemas, store
from telemetry.intake.pipeline import Judged
from telemetry.intake.submitting import Intake
from telemetry.readings import Fate, Flaw, Outcome, Reason, Submission

_log = structlog.get_logger(__name__)

_MOST_ENTRIES = 5_000
_COMMIT_SECONDS = 60
_COUNTED = (Fate.STORED, Fate.DUPLICATE, Fate.CONFLICT, Fate.QUARANTINED)


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of one receipt's open entries."""

    fates: Counter[Fate]
    entries: list[schemas.Replayed]


class Replayer:
    """Replays open entries of quarantine, receipt by receipt."""

    def __init__(self, database: Database, catalog: LiveCatalog, intake: Intake) -> None:
        self._database = database
        self._catalog = catalog
        self._intake = intake

    async def replay(
        self,
        asked: store.QuarantineFilter,
        *,
        by: str,
        dry_run: bool,
        receipts: int,
        after_receipt: int = 0,
        within: frozenset[str] | None = None,
    ) -> schemas.ReplayReport:
        """Replay the open entries that match, of at most `receipts` receipts with numbers above `after_receipt`.

        within: codes of the stations that readings may turn out to be of; None: all.
        """
        # A catalogue that was mended a moment ago is what the caller means.
        await self._catalog.refresh()
        found = await store.open_receipts(self._database, asked, after_receipt, receipts + 1)
        done, fates, entries = 0, Counter[Fate](), list[schemas.Replayed]()
        for receipt_id, quarantine_ids in found[:receipts]:
            result = await self._receipt(receipt_id, quarantine_ids, by=by, dry_run=dry_run, within=within)
            done += 1
            fates += result.fates
            entries += result.entries
            if len(entries) >= _MOST_ENTRIES:
                break
        return schemas.ReplayReport(
            dry_run=dry_run,
            receipts=done,
            counts=schemas.Counts(**{fate.value: fates[fate] for fate in _COUNTED}),
            entries=entries,
            remaining=await store.open_count(self._database, asked),
            next_cursor=paging.encode(found[done - 1][0]) if len(found) > done else None,
        )

    async def _receipt(
        self, receipt_id: int, quarantine_ids: list[int], *, by: str, dry_run: bool, within: frozenset[str] | None
    ) -> _Result:
        original = await store.original(self._database, receipt_id)
        entries = await store.open_entries(self._database, quarantine_ids)
        if original is None:
            return _told(receipt_id, entries, {e.reading_index: _gone(e.reading_index) for e in entries})
        plan = await asyncio.to_thread(
            planning.plan,
            original,
            entries,
            self._catalog.snapshot,
            self._intake.window,
            sender=by,
            now_us=instants.now_us(),
            within=within,
        )
        if plan.submission is None or plan.judged is None:
            return _told(receipt_id, entries, plan.stays)
        if dry_run:
            fates = await self._foretell(plan.judged)
            fates |= {flaw.index: Fate.QUARANTINED for flaw in plan.judged.flaws[0] if flaw.index is not None}
            return _told(receipt_id, entries, plan.stays, fates)
        outcome = await self._submit(plan.submission)
        stays = plan.stays | _refused(outcome)
        await self._resolve([entry.id for entry in entries if entry.reading_index not in stays], outcome, by)
        return _told(receipt_id, entries, stays, _fates(plan.submission, outcome), outcome.receipt_id)

    async def _submit(self, submission: Submission) -> Outcome:
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                return await self._intake.submit(submission)
        except TimeoutError:
            raise DatabaseUnavailable("The replay was not committed in time; run it again.", retry_after=5) from None

    async def _resolve(self, quarantine_ids: list[int], outcome: Outcome, by: str) -> None:
        if quarantine_ids and outcome.receipt_id is not None:
            await store.resolve(self._database, quarantine_ids, outcome.receipt_id, f"replayed by {by}")
            _log.info("quarantine.replayed", receipt=outcome.receipt_id, entries=len(quarantine_ids), by=by)

    async def _foretell(self, judged: Judged) -> dict[int, Fate]:
        """What would become of each position, as far as the rows that stand now tell."""
        rows = judged.rows
        ids, times = rows.datastream_id.tolist(), [instants.from_us(us) for us in rows.time_us.tolist()]
        standing = await store.observations_at(self._database, ids, times)
        there: dict[tuple[int, int], tuple[float, int]] = {}
        fates = {}
        for row, index in enumerate(rows.index.tolist()):
            key = (ids[row], int(rows.time_us[row]))
            mine = (float(rows.result[row]), int(rows.status[row]))
            kept = there.setdefault(key, mine) if row not in standing else standing[row]
            first = row not in standing and kept is mine
            fates[index] = Fate.STORED if first else Fate.DUPLICATE if kept == mine else Fate.CONFLICT
        return fates


def _gone(index: int | None) -> Flaw:
    return Flaw(index, Reason.UNREADABLE, "receipt", "not there any more", "the receipt with its bytes")


def _refused(outcome: Outcome) -> dict[int | None, Flaw]:
    """Positions that the catalogue of the writing moment refused after all."""
    return {
        verdict.index: Flaw(verdict.index, verdict.reason, verdict.field, verdict.found, verdict.expected)
        for verdict in outcome.verdicts
        if verdict.fate in {Fate.QUARANTINED, Fate.REJECTED}
    }


def _fates(submission: Submission, outcome: Outcome) -> dict[int, Fate]:
    """What became of each position that was submitted."""
    fates = {
        int(index): Fate.STORED for readings in submission.decoded.readings for index in picking.positions(readings)
    }
    return fates | {verdict.index: verdict.fate for verdict in outcome.verdicts if verdict.index is not None}


def _told(
    receipt_id: int,
    entries: Sequence[store.OpenEntry],
    stays: Mapping[int | None, Flaw],
    fates: Mapping[int, Fate] = MappingProxyType({}),
    new_receipt: int | None = None,
) -> _Result:
    """The report of one receipt. A submission as a whole counts as the readings that it turned out to be."""
    told = [_entry(receipt_id, entry, stays.get(entry.reading_index), fates, new_receipt) for entry in entries]
    if any(entry.reading_index is None for entry in entries):
        counted = Counter(fates.values()) or Counter([Fate.QUARANTINED])
    else:
        counted = Counter(entry.outcome for entry in told if entry.outcome is not None)
    return _Result(counted, told)


def _entry(
    receipt_id: int, entry: store.OpenEntry, flaw: Flaw | None, fates: Mapping[int, Fate], new_receipt: int | None
) -> schemas.Replayed:
    index = entry.reading_index
    return schemas.Replayed(
        quarantine=entry.id,
        receipt=receipt_id,
        index=index,
        symbol=entry.symbol,
        kept=flaw is None,
        outcome=None if index is None else fates.get(index, Fate.QUARANTINED),
        new_receipt=new_receipt if flaw is None else None,
        reason=flaw.reason if flaw else None,
        field=flaw.field if flaw else None,
        found=flaw.found if flaw else None,
        expected=flaw.expected if flaw else None,
    )
