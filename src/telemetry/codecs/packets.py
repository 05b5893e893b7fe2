"""The hot path: JSON packets that are exactly as documented, decoded by msgspec into typed structures.

Everything unusual (a bad reading, an unknown or repeated member, a lone surrogate) answers None here and is read by
`tolerant`, which tells the good readings from the bad ones. A repeated member would be lost in silence by the typed
decoder, so the quotation marks are
counted: every string has two, and a body with more strings than the decoded structure accounts for holds something that
was dropped.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from telemetry.codecs.context import Context
from telemetry.codecs.flaws import NAME_LIMIT
from telemetry.codecs.gathering import Gathering
from telemetry.codecs.times import UnreadableTime, instant_us
from telemetry.readings import Decoded, Readings

# A status that is not written means measuring.
STATUSES: dict[str | None, int] = {None: 0, "00": 0, "01": 1, "02": 2}
Status = Literal["00", "01", "02"]
EXPECTED_STATUS = "00 (measuring), 01 (calibrating) or 02 (faulty)"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LIMIT)]
Unit = Annotated[str, msgspec.Meta(max_length=NAME_LIMIT)]


# A packet is what a station reports at once; what is longer belongs into columns, which cost a fifth for each reading.
MOST_READINGS = 10_000
# What stands for members that are not there. Text is counted in a third of the time that None among texts is; no unit
# that is sent can be NUL, and a status that is sent empty shows in the number of quotation marks.
_NO_UNIT = "\0"
_NO_STATUS: Final = ""


class Reading(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    symbol: Name
    result: float
    unit: Unit = _NO_UNIT
    status: Literal["", "00", "01", "02"] = _NO_STATUS


class TimedReading(Reading, forbid_unknown_fields=True, gc=False):
    phenomenon_time: str | None = msgspec.field(default=None, name="phenomenonTime")


class _Head(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    station: Name | None = None
    phenomenon_time: str | None = msgspec.field(default=None, name="phenomenonTime")


class Packet(_Head, forbid_unknown_fields=True, gc=False, kw_only=True):
    readings: list[Reading] | dict[Name, float]


class TimedPacket(_Head, forbid_unknown_fields=True, gc=False, kw_only=True):
    readings: list[TimedReading]


_decoder = msgspec.json.Decoder(Packet)
_timed_decoder = msgspec.json.Decoder(TimedPacket)


def decode(body: bytes, context: Context, first: int = 0) -> Decoded | None:
    """The readings of one flawless packet at positions first, first + 1, …; None where it needs a closer look."""
    try:
        packet = _decoder.decode(body)
        station = packet.station or context.station
        if station is None or packet.phenomenon_time is None or (b"\\" in body and has_nul(body)):
            return decode_timed(body, context, first)
        time_us = instant_us(packet.phenomenon_time)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnreadableTime):
        return decode_timed(body, context, first)
    quotes = body.count(b'"') - 2 * _strings(packet)
    if isinstance(packet.readings, dict):
        readings = _of_map(packet.readings, station, time_us, quotes, first)
    else:
        readings = _of_list(packet.readings, station, time_us, quotes, first)
    return decode_timed(body, context, first) if readings is None else Decoded((readings,), (), len(readings.value))


def _of_map(readings: dict[str, float], station: str, time_us: int, quotes: int, first: int) -> Readings | None:
    if not 0 < len(readings) <= MOST_READINGS or quotes != 2 * len(readings):
        return None
    return Readings(station, tuple(readings), time_us, list(readings.values()), None, None, None, first)


def _of_list(readings: list[Reading], station: str, time_us: int, quotes: int, first: int) -> Readings | None:
    count = len(readings)
    if not 0 < count <= MOST_READINGS:
        return None
    symbols = [reading.symbol for reading in readings]
    units = [reading.unit for reading in readings]
    statuses = [reading.status for reading in readings]
    no_unit, no_status = units.count(_NO_UNIT), statuses.count(_NO_STATUS)
    # A full reading has four member names and three texts; an optional member that is absent takes two strings away.
    if quotes != 14 * count - 4 * (no_unit + no_status) or len(set(symbols)) != count:
        return None
    status = None
    if no_status != count and statuses.count("00") != count:
        status = [STATUSES[text or None] for text in statuses]
    written: Sequence[str | None] | None = units
    if no_unit:
        written = None if no_unit == count else [None if unit == _NO_UNIT else unit for unit in units]
    values = [reading.result for reading in readings]
    return Readings(station, symbols, time_us, values, None, written, status, first)


def decode_timed(body: bytes, context: Context, first: int = 0) -> Decoded | None:
    """As `decode`, for readings of several times or several of one symbol."""
    try:
        packet = _timed_decoder.decode(body)
        station = packet.station or context.station
        strings = _strings(packet) + sum(map(_strings_of, packet.readings))
        if (
            station is None
            or not 0 < len(packet.readings) <= MOST_READINGS
            or body.count(b'"') != 2 * strings
            or has_nul(body)
        ):
            return None
        gathering = Gathering(first)
        for reading in packet.readings:
            time = reading.phenomenon_time or packet.phenomenon_time
            if time is None:
                return None
            unit = None if reading.unit in {"", _NO_UNIT} else reading.unit
            status = STATUSES[reading.status or None]
            gathering.keep(station, reading.symbol, unit, instant_us(time), reading.result, status)
        return gathering.decoded()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnreadableTime):
        return None


def has_nul(body: bytes) -> bool:
    r"""Whether a string may hold NUL, which JSON can only write as \u0000 and the database cannot keep."""
    return b"\\u0000" in body


def _strings(head: _Head) -> int:
    """How many strings a packet has beside its readings: the name `readings`, and name and text of the other two."""
    return 5 - 2 * (head.station is None) - 2 * (head.phenomenon_time is None)


def _strings_of(reading: TimedReading) -> int:
    absent = (reading.unit == _NO_UNIT) + (reading.status == _NO_STATUS) + (reading.phenomenon_time is None)
    return 9 - 2 * absent
