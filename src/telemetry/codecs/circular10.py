"""The codec for the regulator's text file: Circular 10/2021/TT-BTNMT, Annex 15.

One row for each parameter, five fields between TABs (`symbol value unit yyyyMMddHHmmss status`), UTF-8, CRLF or LF, no
header; the station stands in the file's name, `Tinh_CoSo_Tram_yyyyMMddHHmmss.txt`. Fields may be empty (pH has no
unit), so rows are split at TABs and never at white space. Times are local, UTC+7.
"""

import re
from dataclasses import dataclass

from telemetry.codecs.context import Context
from telemetry.codecs.decimals import decimal
from telemetry.codecs.flaws import EXPECTED_NAME, nameable, unreadable
from telemetry.codecs.gathering import AsSent, Gathering, Spoilt
from telemetry.codecs.packets import EXPECTED_STATUS, STATUSES
from telemetry.codecs.texts import text_of
from telemetry.codecs.times import EXPECTED_DIGITS, UnreadableTime, digits_us
from telemetry.readings import FILE_PREFIX, Decoded, Reason

# Parts `code` and `digits` of a name without folders.
NAME = re.compile(
    r"(?P<code>[A-Z0-9]{1,10}_[A-Z0-9]{1,12}_[A-Z0-9]{1,12})_(?P<digits>[0-9]{14})\.txt", re.ASCII | re.IGNORECASE
)
# A file holds what one station reports at once, usually less than 2 KiB.
_BODY_CAP = 1 << 20
_FORM_OF_NAME = "Tinh_CoSo_Tram_yyyyMMddHHmmss.txt"


@dataclass(frozen=True, slots=True)
class FileName:
    """What a file's name says: the code of the station, in capitals, and the time of its rows as fourteen digits."""

    code: str
    digits: str


class Circular10Codec:
    name = "circular10"

    def decode(self, body: bytes, context: Context) -> Decoded:
        if len(body) > _BODY_CAP:
            raise unreadable("body", f"{len(body)} bytes", f"one file of at most {_BODY_CAP} bytes")
        lines = text_of(body).split("\n")
        first, name = 0, context.file_name
        if lines[0].startswith("#"):
            first, name = 1, name or lines[0].removeprefix("#").strip()
        file = None if name is None else file_name(name)
        reader = _Reader(context, file)
        for number, line in enumerate(lines[first:], start=first + 1):
            row = line.removesuffix("\r")
            if row.strip(" "):
                reader.read(row, f"line {number}: ")
        decoded = reader.gathering.decoded()
        if not decoded.count:
            raise unreadable("body", "no rows", "at least one row of " + context.layout)
        return decoded


def file_name(name: str) -> FileName:
    """Read the last part of a path; raises Unreadable where it is not named as the regulator says."""
    base = re.split(r"[/\\]", name)[-1]
    parts = NAME.fullmatch(base)
    if parts is None:
        raise unreadable("fileName", base or "nothing", _FORM_OF_NAME)
    return FileName(parts["code"].upper(), parts["digits"])


class _Reader:
    def __init__(self, context: Context, file: FileName | None) -> None:
        self.gathering = Gathering()
        self._context = context
        self._fields = context.layout.fields
        self._file = file
        self._station = _station(context, file)

    def read(self, line: str, where: str) -> None:
        """Take one row into the gathering, as a reading or as a flaw."""
        texts = line.split("\t")
        sent = AsSent(**dict(zip(self._fields, texts, strict=False)))
        try:
            self._check_fields(len(texts), where)
            self._check_station()
            self._keep(sent, where)
        except Spoilt as spoilt:
            self.gathering.flaw(spoilt.blemish, sent)

    def _check_fields(self, found: int, where: str) -> None:
        if found != len(self._fields):
            reason = Reason.MISSING_FIELD if found < len(self._fields) else Reason.UNKNOWN_FIELD
            expected = f"{len(self._fields)} fields between TABs: {self._context.layout}"
            raise Spoilt(reason, where + "fields", f"{found} fields", expected)

    def _keep(self, sent: AsSent, where: str) -> None:
        symbol, unit = sent.symbol or "", sent.unit or ""
        if not symbol.strip():
            raise Spoilt(Reason.MISSING_FIELD, where + "symbol", "nothing", "a symbol")
        if not nameable(symbol):
            raise Spoilt(Reason.UNKNOWN_SYMBOL, where + "symbol", symbol, EXPECTED_NAME)
        if not nameable(unit):
            raise Spoilt(Reason.UNIT_MISMATCH, where + "unit", unit, "text of at most 128 characters without NUL")
        value = decimal(sent.value or "", where + "value")
        time_us = self._time_us((sent.time or "").strip(), where + "time")
        # A layout without the field says nothing of the device; an empty field does not say that it measures.
        status = STATUSES.get(None if sent.status is None else sent.status.strip())
        if status is None:
            raise Spoilt(Reason.UNKNOWN_STATUS, where + "status", sent.status or "nothing", EXPECTED_STATUS)
        self.gathering.keep(self._station, symbol, unit or None, time_us, value, status)

    def _check_station(self) -> None:
        own = self._context.file_code
        if self._file and own and self._context.station and self._file.code != own.upper():
            raise Spoilt(Reason.WRONG_STATION, "fileName", self._file.code, f"{own}, the sender's own station")

    def _time_us(self, text: str, field: str) -> int:
        try:
            time_us = digits_us(text)
        except UnreadableTime as error:
            raise Spoilt(error.reason, field, text or "nothing", EXPECTED_DIGITS) from None
        if self._file and text != self._file.digits:
            raise Spoilt(Reason.TIME_MISMATCH, field, text, f"{self._file.digits}, as in the file's name")
        return time_us


def _station(context: Context, file: FileName | None) -> str:
    if context.station is not None:
        return context.station
    if file is None:
        raise unreadable("fileName", "nothing", _FORM_OF_NAME)
    return FILE_PREFIX + file.code
