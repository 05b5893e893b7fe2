"""JSON of receipts, quarantine, conflicts and replays."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from core.wire import Body, Instant, WholeNumber, YesOrNo
from telemetry.catalog.schemas.fields import Code
from telemetry.readings import Channel, Fate, Reason

Id = Annotated[WholeNumber, Field(ge=1, le=2**63 - 1)]

# A text column holds neither NUL nor what is no character.
PLAIN = r"^[^\x00-\x1f\x7f]*$"


class KeptFate(StrEnum):
    """What receipts can be filtered by: rejected readings leave no receipt."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"


class State(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"


class Resolution(StrEnum):
    REPLAYED = "replayed"
    DISMISSED = "dismissed"


class Counts(Body):
    """Readings by what became of them."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0


class Receipt(Body):
    """One submission: who sent which bytes when, and what became of its readings."""

    receipt: int = Field(examples=[12034])
    station: str | None = Field(
        description="The station that spoke; null where the staff sent it.", examples=["TH-NT-001"]
    )
    received_time: Instant
    channel: Channel
    format: str = Field(description="Name of the codec that read it.", examples=["circular10"])
    source: str = Field(description="File name or MQTT topic, as sent.", examples=["TH_XYZ_NUOSXL_20261123080000.txt"])
    sender: str = Field(description="Key id or user that sent it.", examples=["st_3f9k2m7q"])
    sha256: str = Field(description="Of the whole body as it came, hexadecimal.")
    encoding: str = Field(description="Content encoding of the bytes: identity or gzip.")
    length: int = Field(description="Bytes of the body as it came.")
    counts: Counts


class ReceiptVerdict(Body):
    """A reading of the submission that was not simply stored. Exact repetitions are counted and not listed."""

    index: int | None = Field(description="Position in the submission; null for the submission as a whole.")
    symbol: str | None
    outcome: Fate
    reason: Reason
    field: str
    found: str
    expected: str
    quarantine: int | None = Field(description="Its entry in quarantine.")
    conflict: int | None = Field(description="Its entry among the conflicts.")
    resolution: Resolution | None = Field(description="How it left quarantine, if it did.")


class ReceiptDetail(Receipt):
    complete: bool = Field(description="Whether all bytes were kept; of an unreadable body only the first 64 KiB are.")
    readings: list[ReceiptVerdict]
    more_readings: bool = Field(description="Whether there are more; page through quarantine and conflicts for them.")
    replayed_as: list[int] = Field(description="Receipts under which its quarantined readings were kept later.")
    replay_of: list[int] = Field(description="Receipts whose bytes this receipt read again.")


class Quarantined(Body):
    """A reading (or a whole submission) that was committed but not stored as an observation, with its text as sent."""

    id: int
    receipt: int
    received_time: Instant
    station: str | None
    index: int | None = Field(description="Position in the submission; null for the submission as a whole.")
    symbol: str | None
    value: str | None
    unit: str | None
    phenomenon_time: str | None = Field(description="As sent, which may not be a time at all.")
    device_status: str | None = Field(description="As sent, which may not be a status at all.")
    reason: Reason
    field: str
    found: str
    expected: str
    resolution: Resolution | None = Field(description="Null while it is open.")
    resolved_time: Instant | None
    resolved_receipt: int | None = Field(description="The receipt under which a replay kept it.")
    note: str | None


class Side(Body):
    """One of the two values that a station gave for the same moment."""

    result: float
    device_status: str = Field(description="00 measuring, 01 calibrating, 02 faulty.", examples=["00"])
    receipt: int


class Conflict(Body):
    """Another value for a moment that already had one. The first value stays; this one is kept beside it."""

    id: int
    received_time: Instant
    station: str
    symbol: str
    unit: str
    phenomenon_time: Instant
    index: int = Field(description="Position of the refused value in its submission.")
    kept: Side | None = Field(description="Null where retention has removed the observation.")
    refused: Side


class Dismissal(Body):
    """Why a reading stays out for good."""

    note: str = Field(
        min_length=1,
        max_length=500,
        pattern=PLAIN,
        examples=["Sensor was in the calibration bath; the operator confirmed."],
    )


class ReplayOne(Body):
    dry_run: YesOrNo = Field(default=True, description="Only tell what would happen.")


class ReplayFilter(Body):
    """Which open readings to replay; members that are left out do not restrict."""

    station: Code | None = Field(default=None, examples=["TH-NT-001"])
    reason: Reason | None = None
    symbol: str | None = Field(default=None, max_length=500, pattern=PLAIN, description="As sent.", examples=["Amoni"])
    receipt: Id | None = None
    from_time: Instant | None = Field(default=None, alias="from", description="Received at this time or later.")
    to_time: Instant | None = Field(default=None, alias="to", description="Received before this time.")


class ReplayMany(ReplayFilter):
    dry_run: YesOrNo = Field(default=True, description="Only tell what would happen.")
    receipts: WholeNumber = Field(default=50, ge=1, le=500, description="Most submissions that one call reads again.")
    cursor: str | None = Field(default=None, max_length=500, description="`nextCursor` of the call before.")


class Replayed(Body):
    """What a replay made, or a dry run would make, of one entry of quarantine."""

    quarantine: int
    receipt: int
    index: int | None
    symbol: str | None
    kept: bool = Field(description="Whether it leaves quarantine.")
    outcome: Fate | None = Field(description="What became of the reading; null for a submission as a whole.")
    new_receipt: int | None = Field(description="The receipt under which it is kept now; null in a dry run.")
    reason: Reason | None = Field(default=None, description="Why it stays in quarantine.")
    field: str | None = None
    found: str | None = None
    expected: str | None = None


class ReplayReport(Body):
    dry_run: bool
    receipts: int = Field(description="Submissions that this call read again.")
    counts: Counts = Field(description="Readings by what became of them, or would become of them.")
    entries: list[Replayed]
    remaining: int = Field(description="Entries that match the filter and are still open.")
    next_cursor: str | None = Field(description="Pass it as `cursor` to go on; null when every match was looked at.")
