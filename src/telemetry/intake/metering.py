"""What ingestion counts and times, for Prometheus."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from prometheus_client import Counter, Gauge, Histogram

from telemetry.intake.pipeline import Judged
from telemetry.intake.rows import Rows
from telemetry.quality.flags import Quality
from telemetry.readings import Channel, Fate, Outcome

READINGS = Counter("quantrac_readings_total", "Readings answered, by outcome and channel.", ["outcome", "channel"])
JUDGED = Counter("quantrac_judged_total", "Readings stored, by quality and channel.", ["quality", "channel"])
SUBMISSIONS = Counter("quantrac_submissions_total", "Submissions answered, by channel.", ["channel"])
REFUSALS = Counter("quantrac_refusals_total", "Submissions over HTTP that were not taken, by reason.", ["reason"])
RETRIES = Counter("quantrac_write_retries_total", "Groups written again, by cause.", ["cause"])
GROUP_READINGS = Histogram(
    "quantrac_group_readings",
    "Readings committed in one transaction.",
    buckets=(1, 10, 100, 1_000, 5_000, 20_000, 100_000),
)
COMMIT_SECONDS = Histogram(
    "quantrac_commit_seconds",
    "Time from taking a group to its COMMIT.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUEUE_READINGS = Gauge("quantrac_queue_readings", "Readings that wait for the database.")
QUEUE_BYTES = Gauge("quantrac_queue_bytes", "Raw bytes that wait for the database.")

# What is counted for each group is looked up once, and stands at zero before the first reading came.
_SUBMISSIONS = {channel: SUBMISSIONS.labels(channel) for channel in Channel}
_READINGS = {
    channel: {fate: READINGS.labels(fate, channel) for fate in Fate if fate is not Fate.REJECTED} for channel in Channel
}
_JUDGED = {
    channel: {int(quality): JUDGED.labels(quality.name.lower().replace("_", "-"), channel) for quality in Quality}
    for channel in Channel
}


def count(judged: Judged, outcomes: Sequence[Outcome]) -> None:
    """Count a group that was committed, with the outcome of each of its submissions."""
    stored = _stored(judged.rows, outcomes)
    for channel in Channel:
        numbers = [number for number, submission in enumerate(judged.submissions) if submission.channel is channel]
        if not numbers:
            continue
        mine = [outcomes[number] for number in numbers]
        _SUBMISSIONS[channel].inc(len(mine))
        readings = _READINGS[channel]
        readings[Fate.STORED].inc(sum(outcome.stored for outcome in mine))
        marked = [outcome for outcome in mine if outcome.verdicts]
        if marked:
            readings[Fate.DUPLICATE].inc(sum(outcome.duplicates for outcome in marked))
            readings[Fate.CONFLICT].inc(sum(outcome.conflicts for outcome in marked))
            readings[Fate.QUARANTINED].inc(sum(outcome.quarantined for outcome in marked))
        counted = stored
        if len(mine) < len(outcomes):
            counted = stored & np.isin(judged.rows.submission, np.array(numbers, np.int64))
        for quality, times in enumerate(np.bincount(judged.rows.quality[counted]).tolist()):
            if times:
                _JUDGED[channel][quality].inc(times)


def _stored(rows: Rows, outcomes: Sequence[Outcome]) -> npt.NDArray[np.bool_]:
    """(n,) which rows were stored: those that no verdict speaks of."""
    marked = [
        number << 32 | verdict.index
        for number, outcome in enumerate(outcomes)
        for verdict in outcome.verdicts
        if verdict.index is not None
    ]
    if not marked:
        return np.ones(len(rows), np.bool_)
    return np.isin(rows.submission << 32 | rows.index, np.array(marked, np.int64), invert=True)
