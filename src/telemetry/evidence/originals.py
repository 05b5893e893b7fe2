"""The bytes of a receipt read once more, the way they were read when they came. Pure."""

from msgspec.structs import replace

from telemetry.catalog.snapshot import Snapshot
from telemetry.evidence.store import Original
from telemetry.intake.reception import Form, Speaker, receive
from telemetry.readings import Channel, Submission

# The bytes were within the limits of their day; this only bounds what a damaged row could do.
_INFLATED_CAP = 256 * 2**20
_MEDIA_TYPES = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "circular10": "text/tab-separated-values",
    "csv": "text/csv",
}
_UNKNOWN = "application/octet-stream"
# All that bytes may be answered under.
MEDIA_TYPES = (*_MEDIA_TYPES.values(), _UNKNOWN)
_TOPIC_OF_FILES = "/observations/"


def media_type(original: Original) -> str:
    return _MEDIA_TYPES.get(original.format, _UNKNOWN)


def file_name(original: Original) -> str | None:
    """The file name that came with the bytes: the source itself, or the end of a topic; None where there was none."""
    if original.channel == Channel.MQTT:
        return original.source.partition(_TOPIC_OF_FILES)[2] or None
    return original.source or None


def read_again(original: Original, snapshot: Snapshot, *, sender: str, first_us: int, now_us: int) -> Submission:
    """Today's reading of the bytes, for the same station, judged by the time when they came first.

    Raises core errors where the codecs refuse the bytes altogether.
    """
    station = None if original.station_id is None else snapshot.stations_by_id.get(original.station_id)
    speaker = Speaker(
        sender=sender,
        station_id=original.station_id,
        station=original.station,
        file_code=None if station is None else station.file_code,
    )
    form = Form(
        content_type=media_type(original),
        content_encoding=original.raw_encoding,
        file_name=file_name(original),
        source=original.source,
    )
    submission = receive(original.raw, form, speaker, Channel.REPLAY, first_us, inflated_cap=_INFLATED_CAP)
    return replace(submission, received_us=now_us, first_received_us=first_us)
