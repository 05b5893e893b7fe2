"""The hot path: JSON packets that are exactly as documented, decoded by msgspec into typed structures.

Everything unusual (a bad reading, an unknown or repeated member, a lone surrogate) answers None here and is read by
`tolerant`, which tells the good readings from the bad ones. A repeated member would be lost in silence by the typed
decoder, so the quotation marks are
counted: every string has two, and a body with more strings than the decoded structure accounts for holds something that
was dropped.
"""

from typing import Annotated

import msgspec
from msgspec.structs import astuple

from telemetry.codecs.context import Context
from telemetry.codecs.flaws import NAME_LIMIT
from telemetry.codecs.gathering import Gathering
from telemetry.codecs.times import UnreadableTime, instant_us
from telemetry.readings import Decoded, Readings

# A status that is not written means measuring.
STATUSES: dict[str | None, int] = {None: 0, "00": 0, "01": 1, "02": 2}
EXPECTED_STATUS = "00 (measuring), 01 (calibrating) or 02 (faulty)"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LIMIT)]
Unit = Annotated[str, msgspec.Meta(max_length=NAME_LIMIT)]


class Reading(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    symbol: Name
    result: float
    unit: Unit | None = None
    status: str | None = None
    phenomenon_time: str | None = msgspec.field(default=None, name="phenomenonTime")


class Packet(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    readings: list[Reading] | dict[Name, float]
    station: Name | None = None
    phenomenon_time: str | None = msgspec.field(default=None, name="phenomenonTime")


_decoder = msgspec.json.Decoder(Packet)


def decode(body: bytes, context: Context, first: int = 0) -> Decoded | None:
    """The readings of one flawless packet at positions first, first + 1, …; None where it needs a closer look."""
    try:
        packet = _decoder.decode(body)
        station = packet.station or context.station
        if station is None or has_nul(body):
            return None
        if isinstance(packet.readings, dict):
            return _map(packet, packet.readings, station, body.count(b'"'), first)
        return _list(packet, packet.readings, station, body.count(b'"'), first)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnreadableTime, KeyError):
        return None


def has_nul(body: bytes) -> bool:
    r"""Whether a string may hold NUL, which JSON can only write as \u0000 and the database cannot keep."""
    return body.find(b"\\") >= 0 and b"\\u0000" in body


def _map(packet: Packet, readings: dict[str, float], station: str, quotes: int, first: int) -> Decoded | None:
    if packet.phenomenon_time is None or not readings or quotes != 2 * (_strings(packet) + len(readings)):
        return None
    time_us = instant_us(packet.phenomenon_time)
    return Decoded(
        (Readings(station, list(readings), time_us, list(readings.values()), index=first),), (), len(readings)
    )


def _list(packet: Packet, readings: list[Reading], station: str, quotes: int, first: int) -> Decoded | None:
    count = len(readings)
    if not count:
        return None
    symbols, values, units, statuses, times = zip(*map(astuple, readings), strict=True)
    no_unit, no_status, no_time = units.count(None), statuses.count(None), times.count(None)
    # A full reading has five member names and four texts; each optional member that is absent takes two strings away.
    if quotes != 2 * (_strings(packet) + 9 * count - 2 * (no_unit + no_status + no_time)):
        return None
    if no_time != count or len(set(symbols)) != count:
        return _gathered(packet, readings, station, first)
    if packet.phenomenon_time is None:
        return None
    status = None if no_status == count or statuses.count("00") == count else [STATUSES[text] for text in statuses]
    written = None if no_unit == count else [unit or None for unit in units] if "" in units else units
    time_us = instant_us(packet.phenomenon_time)
    return Decoded((Readings(station, symbols, time_us, list(values), None, written, status, first),), (), count)


def _gathered(packet: Packet, readings: list[Reading], station: str, first: int) -> Decoded | None:
    """Readings of several times, or several of one symbol."""
    gathering = Gathering(first)
    for reading in readings:
        time = reading.phenomenon_time or packet.phenomenon_time
        if time is None:
            return None
        status = STATUSES[reading.status]
        gathering.keep(station, reading.symbol, reading.unit or None, instant_us(time), reading.result, status)
    return gathering.decoded()


def _strings(packet: Packet) -> int:
    """How many strings the packet itself has: the name `readings`, and name and text of the other two where present."""
    return 5 - 2 * (packet.station is None) - 2 * (packet.phenomenon_time is None)
