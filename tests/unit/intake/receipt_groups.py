"""Groups with any receipts that their columns can hold, and each receipt as the values of its row."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from core import instants
from telemetry.intake.pipeline import Judged
from telemetry.intake.receipt_rows import storable
from telemetry.intake.rows import Rows
from telemetry.readings import Channel, Decoded, Outcome, Submission
from tests.fixtures import submissions

INT4, INT8 = 2**31 - 1, 2**63 - 1
# Of what both PostgreSQL and a datetime can say; a datetime's very first and last mean infinity to the driver.
EARLIEST_US = instants.to_us(datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC))
LATEST_US = instants.to_us(datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC))


class Sent(NamedTuple):
    """A submission, what became of it, and its rows as (datastream, µs)."""

    submission: Submission
    outcome: Outcome
    rows: Sequence[tuple[int, int]] = ()


def group_of(group: Sequence[Sent]) -> tuple[Judged, list[Outcome]]:
    """The group as the pipeline hands it on."""
    flat = [(at, *row) for at, sent in enumerate(group) for row in sent.rows]
    ordinals, streams, times = zip(*flat, strict=True) if flat else ((), (), ())
    rows = Rows(
        datastream_id=np.array(streams, np.int64),
        time_us=np.array(times, np.int64),
        result=np.zeros(len(flat)),
        status=np.zeros(len(flat), np.int16),
        quality=np.ones(len(flat), np.int16),
        reasons=np.zeros(len(flat), np.int32),
        submission=np.array(ordinals, np.int64),
        index=np.arange(len(flat)),
    )
    judged = Judged(submissions.two_stations(), [sent.submission for sent in group], rows, [()] * len(group))
    return judged, [sent.outcome for sent in group]


def row_of(sent: Sent) -> dict[str, Any]:
    """What the receipt's row has to hold, by column."""
    submission, outcome = sent.submission, sent.outcome
    times = [instants.from_us(us) for _, us in sent.rows] if outcome.stored else []
    alone = submission.station_id is None and outcome.stored
    return {
        "id": outcome.receipt_id,
        "received_time": instants.from_us(submission.received_us),
        "station_id": submission.station_id,
        "channel": submission.channel,
        "format": submission.format,
        "source": storable(submission.source),
        "sender": storable(submission.sender),
        "sha256": submission.sha256,
        "raw": submission.raw,
        "raw_encoding": submission.raw_encoding,
        "raw_length": submission.raw_length,
        "stored": outcome.stored,
        "duplicates": outcome.duplicates,
        "conflicts": outcome.conflicts,
        "quarantined": outcome.quarantined,
        "first_time": min(times, default=None),
        "last_time": max(times, default=None),
        "datastream_ids": sorted({stream for stream, _ in sent.rows}) if alone else None,
    }


_ids = st.integers(1, INT4)
_times = st.integers(EARLIEST_US, LATEST_US)
_counts = st.integers(0, INT4)
_texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.sampled_from(["", "CO\0D", "\ud83d", "\udc80", "trạm/số 1.csv", "x" * 499 + "ạ", "x" * 501, "\0" * 2000]),
)
_bodies = st.one_of(
    st.binary(max_size=700),
    st.sampled_from([b"", b"\0", b"\xff\xff", b"PGCOPY\n\xff\r\n\0" * 9, b"\xff" * 600_000, bytes(2_000_000)]),
)


@st.composite
def sent_receipts(draw: st.DrawFn) -> Sent:
    rows = draw(st.lists(st.tuples(_ids, _times), max_size=6))
    # Some rows may have been there before: stored is what is left of them.
    stored = draw(st.integers(0, len(rows)))
    received_us, raw = draw(_times), draw(_bodies)
    station_id = draw(st.none() | _ids)
    submission = Submission(
        channel=draw(st.sampled_from(Channel)),
        format=draw(st.sampled_from(["json", "ndjson", "csv", "tt10", "unknown"])),
        raw=raw,
        raw_length=draw(_counts),
        sha256=hashlib.sha256(raw).digest(),
        sender=draw(_texts),
        received_us=received_us,
        decoded=Decoded(()),
        station_id=station_id,
        source=draw(_texts),
        raw_encoding=draw(st.sampled_from(["identity", "gzip"])),
    )
    receipt_id = draw(st.integers(1, INT8))
    outcome = Outcome(receipt_id, received_us, None, stored, len(rows) - stored, draw(_counts), draw(_counts))
    return Sent(submission, outcome, rows)


groups = st.lists(sent_receipts(), max_size=12, unique_by=lambda sent: sent.outcome.receipt_id)
