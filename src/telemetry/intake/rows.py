"""Observations on their way into the table: columns, and their form as PostgreSQL binary COPY.

This file guards the row format: the dtype below lists the fields of `_COPY_COLUMNS` in their order, big-endian, each
behind its length, as the binary COPY format wants them (PostgreSQL documentation, COPY, "Binary Format").
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from telemetry.readings import Floats, Int64s

# 2000-01-01T00:00:00Z, where PostgreSQL counts from, in µs since the Unix epoch.
POSTGRES_EPOCH_US = 946_684_800_000_000
# What every binary COPY begins and ends with.
COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_TRAILER = b"\xff\xff"

COPY_COLUMNS = (
    "phenomenon_time",
    "result",
    "receipt_id",
    "datastream_id",
    "quality_reasons",
    "device_status",
    "result_quality",
)
_KINDS = (">i8", ">f8", ">i8", ">i4", ">i4", ">i2", ">i2")


def _copy_type(extra: tuple[tuple[str, str], ...] = ()) -> np.dtype[np.void]:
    parts: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in (*zip(COPY_COLUMNS, _KINDS, strict=True), *extra):
        parts += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(parts)


_ROW = _copy_type()
_NUMBERED_ROW = _copy_type((("ordinal", ">i4"),))


def _blank(kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """One row of the type with its constant parts set: number of fields and length of each."""
    row = np.zeros(1, kind)
    names = kind.names or ()
    row["fields"] = (len(names) - 1) // 2
    for name in names:
        if name.endswith("_length"):
            row[name] = kind[name.removesuffix("_length")].itemsize
    return row


_BLANK = _blank(_ROW)
_NUMBERED_BLANK = _blank(_NUMBERED_ROW)


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings that passed the checks, as columns of n.

    submission: ordinal of each row's submission in its group; index: its position in that submission.
    """

    datastream_id: Int64s
    time_us: Int64s
    result: Floats
    status: npt.NDArray[np.int16]
    quality: npt.NDArray[np.int16]
    reasons: npt.NDArray[np.int32]
    submission: Int64s
    index: Int64s

    def __len__(self) -> int:
        return len(self.datastream_id)

    def take(self, which: npt.NDArray[np.bool_] | Int64s | slice) -> "Rows":
        """The rows of a mask, of positions or of a slice."""
        return Rows(*(getattr(self, column.name)[which] for column in fields(self)))

    def spans(self, submissions: int) -> tuple[list[int], list[int]]:
        """First and last phenomenon time (µs) of each submission's rows, by ordinal; 0 where it has none.

        Rows stand in the order of their submissions.
        """
        first, last = np.zeros(submissions, np.int64), np.zeros(submissions, np.int64)
        if len(self):
            starts = np.concatenate(([0], np.flatnonzero(self.submission[1:] != self.submission[:-1]) + 1))
            whose = self.submission[starts]
            first[whose] = np.minimum.reduceat(self.time_us, starts)
            last[whose] = np.maximum.reduceat(self.time_us, starts)
        return first.tolist(), last.tolist()

    def copy_data(self, receipt_ids: Int64s, *, numbered: bool = False) -> bytes:
        """The rows as binary COPY of COPY_COLUMNS, with `receipt_ids` by submission; numbered adds an ordinal."""
        data = np.repeat(_NUMBERED_BLANK if numbered else _BLANK, len(self))
        data["phenomenon_time"] = self.time_us - POSTGRES_EPOCH_US
        data["result"] = self.result
        data["receipt_id"] = receipt_ids[self.submission]
        data["datastream_id"] = self.datastream_id
        data["quality_reasons"] = self.reasons
        data["device_status"] = self.status
        data["result_quality"] = self.quality
        if numbered:
            data["ordinal"] = np.arange(len(self))
        return b"".join((COPY_HEADER, data.tobytes(), COPY_TRAILER))
