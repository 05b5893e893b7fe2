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

_CHANNELS = tuple(Channel)
_QUALITIES = max(Quality) + 1


def count(judged: Judged, outcomes: Sequence[Outcome]) -> None:
    """Count a group that was committed, with the outcome of each of its submissions."""
    by_channel: dict[Channel, list[Outcome]] = {}
    for submission, outcome in zip(judged.submissions, outcomes, strict=True):
        by_channel.setdefault(submission.channel, []).append(outcome)
    for channel, mine in by_channel.items():
        SUBMISSIONS.labels(channel).inc(len(mine))
        READINGS.labels(Fate.STORED, channel).inc(sum(outcome.stored for outcome in mine))
        marked = [outcome for outcome in mine if outcome.verdicts]
        if marked:
            READINGS.labels(Fate.DUPLICATE, channel).inc(sum(o.duplicates for o in marked))
            READINGS.labels(Fate.CONFLICT, channel).inc(sum(o.conflicts for o in marked))
            READINGS.labels(Fate.QUARANTINED, channel).inc(sum(o.quarantined for o in marked))
    _count_qualities(judged, outcomes)


def _count_qualities(judged: Judged, outcomes: Sequence[Outcome]) -> None:
    rows = judged.rows
    channel = np.array([_CHANNELS.index(submission.channel) for submission in judged.submissions], np.int64)
    kind = (channel[rows.submission] * _QUALITIES + rows.quality)[_stored(rows, outcomes)]
    for found, times in enumerate(np.bincount(kind).tolist()):
        if times:
            name = Quality(found % _QUALITIES).name.lower().replace("_", "-")
            JUDGED.labels(name, _CHANNELS[found // _QUALITIES]).inc(times)


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
