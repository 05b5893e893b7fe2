"""What a codec is told beside the bytes, and what every codec offers."""

from enum import StrEnum
from typing import Protocol

import msgspec

from telemetry.readings import Decoded


class Layout(StrEnum):
    """Fields of a row in the regulator's text, and in the other layouts that the Ministry's software accepts."""

    REGULATOR = "symbol value unit time status"
    TIME_FIRST = "time symbol value unit"
    TIME_FIRST_WITHOUT_UNIT = "time symbol value"
    WITHOUT_UNIT = "symbol value time"
    WITHOUT_UNIT_WITH_STATUS = "symbol value time status"

    @property
    def fields(self) -> list[str]:
        return self.value.split()


class Context(msgspec.Struct, frozen=True):
    """What is known of a submission before it is decoded.

    station: the station whose credential sent it; readings that name no station are its own. None when the staff speaks
    for any.
    file_name: as sent, with or without folders.
    received_us: when it came, in µs since the Unix epoch.
    file_code: the code by which the files of `station` are named, where it has one.
    layout: how the rows of the regulator's text are laid out, for stations that are registered with another layout.
    """

    station: str | None = None
    file_name: str | None = None
    received_us: int = 0
    file_code: str | None = None
    layout: Layout = Layout.REGULATOR


class Codec(Protocol):
    """Turns bytes of one format into readings and flaws; raises `codecs.errors.Unreadable` and nothing else."""

    @property
    def name(self) -> str: ...

    def decode(self, body: bytes, context: Context) -> Decoded: ...
