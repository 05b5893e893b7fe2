"""From bytes to a submission: the same first step for HTTP, MQTT and replay. Pure."""

import hashlib

import msgspec

from telemetry.codecs import inflating, negotiation
from telemetry.codecs.errors import Unreadable
from telemetry.codecs.flaws import MOST_READINGS, too_many
from telemetry.readings import Channel, Decoded, Submission

# Of a body that cannot be read this much is kept as evidence, with the hash of the whole.
KEPT_OF_UNREADABLE = 64 * 2**10


class Speaker(msgspec.Struct, frozen=True):
    """Who sends: a station (by key or topic), which speaks for itself only, or the staff.

    within: codes of the stations that the staff may speak for; None: any.
    """

    sender: str
    station_id: int | None = None
    station: str | None = None
    file_code: str | None = None
    within: frozenset[str] | None = None


class Form(msgspec.Struct, frozen=True):
    """What the sender says about its bytes.

    sniffed: the way they came has no room for a media type; the codec is chosen by the file name and the bytes.
    """

    content_type: str | None = None
    content_encoding: str | None = None
    file_name: str | None = None
    source: str = ""
    sniffed: bool = False


def receive(
    body: bytes,
    form: Form,
    speaker: Speaker,
    channel: Channel,
    received_us: int,
    *,
    inflated_cap: int,
    atomic: bool = False,
) -> Submission:
    """Decode a body; one that cannot be read becomes a submission with a single flaw and goes to quarantine whole.

    Raises core errors TooLarge, Invalid or Unsupported for what says nothing about the readings: size, gzip, media
    type.
    """
    plain = inflating.inflate(body, form.content_encoding, inflated_cap)
    if form.sniffed:
        codec = negotiation.sniff(plain, form.file_name)
    else:
        codec = negotiation.codec_for(form.content_type, form.file_name)
    context = negotiation.Context(
        station=speaker.station, file_name=form.file_name, received_us=received_us, file_code=speaker.file_code
    )
    try:
        decoded = codec.decode(plain, context)
        # What was taken once, as a chunk of a stream, is read again whatever it holds.
        if decoded.count > MOST_READINGS and channel is not Channel.REPLAY:
            raise too_many(decoded.count)
        kept = body
    except Unreadable as error:
        decoded = Decoded((), (error.flaw,), 1)
        kept = body[:KEPT_OF_UNREADABLE]
    return Submission(
        channel=channel,
        format=codec.name,
        raw=kept,
        raw_length=len(body),
        sha256=hashlib.sha256(body).digest(),
        sender=speaker.sender,
        received_us=received_us,
        decoded=decoded,
        station_id=speaker.station_id,
        station=speaker.station,
        source=form.source or form.file_name or "",
        raw_encoding="gzip" if inflating.is_gzip(form.content_encoding) else "identity",
        atomic=atomic,
        within=speaker.within,
    )
