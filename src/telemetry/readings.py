"""What travels through ingestion: readings in columns, what was wrong with some, and what became of each.

A `Submission` is what one sender sent at once (an HTTP body, an MQTT message, a file). A codec decodes its bytes into
`Readings` (columns that speak for one station) and `Flaw`s (readings that could not be turned into numbers). The
pipeline answers with an `Outcome` that has exactly one result for each reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import msgspec
import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


# Before the code of the regulator's files where a station is named by that instead of its own.
FILE_PREFIX = "file:"


class Channel(StrEnum):
    HTTP = "http"
    MQTT = "mqtt"
    REPLAY = "replay"


class DeviceStatus(IntEnum):
    """State of the measuring device, per reading: `00`, `01`, `02` of Circular 10/2021/TT-BTNMT, Annex 15."""

    MEASURING = 0
    CALIBRATING = 1
    FAULTY = 2


def status_text(status: int) -> str:
    """A DeviceStatus as it is written: two digits."""
    return f"{status:02d}"


class Fate(StrEnum):
    """What became of one reading. All but `rejected` mean: committed."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a reading was not simply stored; each has a line in the README."""

    UNREADABLE = "unreadable"
    UNKNOWN_STATION = "unknown-station"
    WRONG_STATION = "wrong-station"
    NO_LIVE_KEY = "no-live-key"
    UNKNOWN_SYMBOL = "unknown-symbol"
    NOT_A_NUMBER = "not-a-number"
    NOT_FINITE = "not-finite"
    UNREADABLE_TIME = "unreadable-time"
    TIME_WITHOUT_OFFSET = "time-without-offset"
    TIME_MISMATCH = "time-mismatch"
    TOO_OLD = "too-old"
    IN_FUTURE = "in-future"
    UNKNOWN_STATUS = "unknown-status"
    UNIT_MISMATCH = "unit-mismatch"
    OUT_OF_RANGE = "out-of-range"
    MISSING_FIELD = "missing-field"
    REPEATED_FIELD = "repeated-field"
    UNKNOWN_FIELD = "unknown-field"
    SAME_TIME_SAME_VALUE = "same-time-same-value"
    SAME_TIME_OTHER_VALUE = "same-time-other-value"
    ATOMIC = "atomic"
    DATABASE_REFUSED = "database-refused"


class Readings(msgspec.Struct, frozen=True):
    """Readings of one station as parallel columns of n readings; a Struct, because it is quick to make.

    symbols: the distinct spellings that occur, as sent.
    symbol: (n,) index into `symbols`; None means one reading per symbol, in order (n == len(symbols)).
    time_us: (n,) phenomenon times in µs since the Unix epoch, or one int for all.
    value: (n,) results as sent, before any factor; a list in small packets, float64 in bulk. May hold NaN or infinity.
    units: the unit written beside each of `symbols`, None where none was written; None when no unit occurs at all.
    status: (n,) DeviceStatus values; None means all measuring.
    index: (n,) position of each reading in its submission; an int means positions index, index + 1, …
    """

    station: str
    symbols: Sequence[str]
    time_us: int | Int64s
    value: list[float] | Floats
    symbol: Int64s | None = None
    units: Sequence[str | None] | None = None
    status: list[int] | npt.NDArray[np.int16] | None = None
    index: int | Int64s = 0

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A reading (or, with index None, a whole submission) that cannot be matched or kept, with its text as sent.

    station_id: the station that it is of, where that is known.
    """

    index: int | None
    reason: Reason
    field: str
    found: str
    expected: str
    symbol: str | None = None
    value: str | None = None
    unit: str | None = None
    phenomenon_time: str | None = None
    status: str | None = None
    station_id: int | None = None


class Decoded(msgspec.Struct, frozen=True):
    """What a codec read out of one submission; the readings and flaws together have `count` distinct positions."""

    readings: Sequence[Readings]
    flaws: Sequence[Flaw] = ()
    count: int = 0


class Submission(msgspec.Struct, frozen=True):
    """Bytes as they came, who sent them, and what they say.

    station_id, station: the only station that it may speak for; None when the staff speaks.
    within: codes of the stations that the staff may speak for; None: any.
    raw: the body as it came on the wire (still compressed when raw_encoding is gzip); raw_length: its length, where
    it was cut.
    sha256: of the whole body as it came.
    source: file name or topic; sender: key id or user.
    atomic: all readings are stored or none is kept.
    first_received_us: of a replay, when the bytes came the first time.
    """

    channel: Channel
    format: str
    raw: bytes
    raw_length: int
    sha256: bytes
    sender: str
    received_us: int
    decoded: Decoded
    station_id: int | None = None
    station: str | None = None
    source: str = ""
    raw_encoding: str = "identity"
    atomic: bool = False
    first_received_us: int | None = None
    within: frozenset[str] | None = None

    @property
    def judged_us(self) -> int:
        """The time of receipt that ages are counted from: a replay must not make old readings too old."""
        return self.received_us if self.first_received_us is None else self.first_received_us


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one reading that was not simply stored."""

    index: int | None
    fate: Fate
    reason: Reason
    field: str
    found: str
    expected: str
    symbol: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The answer to one submission, given after COMMIT."""

    receipt_id: int | None
    received_us: int
    station: str | None
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    rejected: int = 0
    verdicts: Sequence[Verdict] = ()

    @property
    def count(self) -> int:
        return self.stored + self.duplicates + self.conflicts + self.quarantined + self.rejected
