"""Decides what a replay of one receipt would keep and what stays in quarantine. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from core import errors, instants
from telemetry.catalog.snapshot import Snapshot
from telemetry.evidence.originals import read_again
from telemetry.evidence.picking import pick
from telemetry.evidence.store import OpenEntry, Original
from telemetry.intake.matching import Matcher
from telemetry.intake.pipeline import Judged, judge
from telemetry.quality.checking import Window
from telemetry.readings import Flaw, Reason, Submission


@dataclass(frozen=True, slots=True)
class Plan:
    """What to submit (None: nothing passes), how it was judged, and why the other positions stay where they are."""

    submission: Submission | None
    judged: Judged | None
    stays: dict[int | None, Flaw]


def plan(
    original: Original,
    entries: Sequence[OpenEntry],
    snapshot: Snapshot,
    window: Window,
    *,
    sender: str,
    now_us: int,
    within: frozenset[str] | None = None,
) -> Plan:
    """Read the receipt's bytes again and judge the readings of the open entries with this catalogue.

    within: codes of the stations that they may be of; None: all.
    """
    wanted = {entry.reading_index for entry in entries}
    if not original.complete:
        found = f"{len(original.raw)} of {original.raw_length} bytes"
        return _nothing(wanted, "raw", found, "all bytes; only the first were kept of a body that could not be read")
    first_us = instants.to_us(original.received_time)
    try:
        submission = read_again(original, snapshot, sender=sender, first_us=first_us, now_us=now_us)
    except errors.Error as error:
        return _nothing(wanted, "body", error.detail, "bytes that a codec reads")
    submission = replace(submission, within=within)
    if None in wanted:
        return _whole(submission, snapshot, window)
    return _parts(submission, {index for index in wanted if index is not None}, snapshot, window)


def _nothing(wanted: set[int | None], field: str, found: str, expected: str) -> Plan:
    return Plan(None, None, {index: Flaw(index, Reason.UNREADABLE, field, found, expected) for index in wanted})


def _whole(submission: Submission, snapshot: Snapshot, window: Window) -> Plan:
    """A submission that could not be read at all: all of it or nothing."""
    refusal = next((flaw for flaw in submission.decoded.flaws if flaw.index is None), None)
    if refusal is not None:
        return Plan(None, None, {None: refusal})
    return Plan(submission, judge(Matcher(snapshot), [submission], window), {})


def _parts(submission: Submission, wanted: set[int], snapshot: Snapshot, window: Window) -> Plan:
    chosen = replace(submission, decoded=pick(submission.decoded, wanted))
    judged = judge(Matcher(snapshot), [chosen], window)
    passing = set(judged.rows.index.tolist())
    stays: dict[int | None, Flaw] = {flaw.index: flaw for flaw in judged.flaws[0]}
    whole = next((flaw for flaw in submission.decoded.flaws if flaw.index is None), None)
    for index in wanted - passing - stays.keys():
        stays[index] = whole or Flaw(
            index,
            Reason.UNREADABLE,
            "index",
            str(index),
            "a reading at this position; the bytes are read otherwise today",
        )
    if not passing:
        return Plan(None, None, stays)
    return Plan(replace(submission, decoded=pick(chosen.decoded, passing)), judged, stays)
