"""Receipts in their form as PostgreSQL binary COPY.

This file guards the row format: `_row` writes the fields of RECEIPT_COLUMNS in their order, each behind its length in
bytes, which is -1 for NULL. Columns of a fixed width come first, so that one call writes them all. A number that is
too large for its column is a struct.error before a byte is sent: nothing is cut or wrapped on its way into the table.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct

import numpy as np

from telemetry.intake.pipeline import Judged
from telemetry.intake.rows import COPY_HEADER, COPY_TRAILER, POSTGRES_EPOCH_US
from telemetry.readings import Outcome, Submission

RECEIPT_COLUMNS = (
    "id", "received_time", "raw_length", "stored", "duplicates", "conflicts", "quarantined", "first_time", "last_time",
    "datastream_ids", "channel", "format", "raw_encoding", "sender", "station_id", "source", "sha256", "raw",
)  # fmt: skip
_LONGEST_TEXT = 500

# The number of fields, then from `id` to `quarantined`: 8 bytes are a bigint or a timestamptz, 4 bytes an integer.
_NUMBERS = Struct(">h" + 2 * "iq" + 5 * "ii")
_SPAN = Struct(">iqiq")
_INTEGER = Struct(">ii")
_LENGTH = Struct(">i")
_NULL = _LENGTH.pack(-1)
_NO_SPAN = _NULL + _NULL
# The head of an array: its length in bytes, one dimension, no NULLs, the elements' type; their number, the first index.
_ARRAY = Struct(">iiiiii")
_HEAD_OF_ARRAY = _ARRAY.size - _LENGTH.size
_TYPE_OF_INTEGER = 23
# A sender is a key or a person: what is remembered is a few hundred bytes for each.
_SENDERS = 4096


def copy_data(judged: Judged, outcomes: Sequence[Outcome]) -> bytes:
    """The receipts of the group as binary COPY of RECEIPT_COLUMNS."""
    parts = [COPY_HEADER]
    spans = zip(*judged.rows.spans(len(outcomes)), strict=True)
    for at, (submission, outcome, span) in enumerate(zip(judged.submissions, outcomes, spans, strict=True)):
        streams = _NULL
        if submission.station_id is None and outcome.stored:
            streams = _streams(judged, at)
        parts += _row(submission, outcome, span, streams)
    parts.append(COPY_TRAILER)
    return b"".join(parts)


def _row(submission: Submission, outcome: Outcome, span: tuple[int, int], streams: bytes) -> tuple[bytes, ...]:
    source = storable(submission.source).encode()
    return (
        _NUMBERS.pack(
            len(RECEIPT_COLUMNS),
            8, outcome.receipt_id,
            8, submission.received_us - POSTGRES_EPOCH_US,
            4, submission.raw_length,
            4, outcome.stored,
            4, outcome.duplicates,
            4, outcome.conflicts,
            4, outcome.quarantined,
        ),
        _SPAN.pack(8, span[0] - POSTGRES_EPOCH_US, 8, span[1] - POSTGRES_EPOCH_US) if outcome.stored else _NO_SPAN,
        streams,
        _sent_by(
            submission.channel, submission.format, submission.raw_encoding, submission.sender, submission.station_id
        ),
        _LENGTH.pack(len(source)), source,
        _LENGTH.pack(len(submission.sha256)), submission.sha256,
        _LENGTH.pack(len(submission.raw)), submission.raw,
    )  # fmt: skip


@lru_cache(_SENDERS)
def _sent_by(channel: str, form: str, encoding: str, sender: str, station_id: int | None) -> bytes:
    """From `channel` to `station_id`: what one sender's submissions have in common."""
    texts = [text.encode() for text in (channel, form, encoding, storable(sender))]
    station = _NULL if station_id is None else _INTEGER.pack(4, station_id)
    return b"".join([_LENGTH.pack(len(text)) + text for text in texts]) + station


def _streams(judged: Judged, ordinal: int) -> bytes:
    """Whose rows the submission has; asked where no station spoke, because then its station does not tell."""
    mine: list[int] = np.unique(judged.rows.datastream_id[judged.rows.submission == ordinal]).tolist()
    elements = b"".join([_INTEGER.pack(4, stream) for stream in mine])
    return _ARRAY.pack(_HEAD_OF_ARRAY + len(elements), 1, 0, _TYPE_OF_INTEGER, len(mine), 1) + elements


def storable(text: str) -> str:
    """The text without what a text column refuses (NUL, lone surrogates), cut to a length that a person reads."""
    if len(text) <= _LONGEST_TEXT and text.isascii() and "\0" not in text:
        return text
    clean = text.replace("\0", "␀").encode("utf-8", "replace").decode()
    return clean if len(clean) <= _LONGEST_TEXT else clean[:_LONGEST_TEXT] + "…"
