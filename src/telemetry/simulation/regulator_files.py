"""Finds the regulator's text files under any folder layout, and moves their times where that is wanted."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from telemetry.codecs import circular10, times, writing

_STAMP = re.compile(rb"(?<=\t)\d{14}(?=[\t\r\n]|$)")


@dataclass(frozen=True, slots=True)
class RegulatorFile:
    """A file by its name: the code of the station and the time, in µs since the Unix epoch."""

    path: Path
    code: str
    time_us: int


def find(paths: Iterable[Path]) -> Iterator[RegulatorFile]:
    """The files themselves and those in folders at any depth, whatever the folders are called; in no order."""
    for path in paths:
        for found in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = circular10.NAME.fullmatch(found.name)
            time_us = None if name is None else _us(name["digits"])
            if name is not None and time_us is not None and found.is_file():
                yield RegulatorFile(found, name["code"], time_us)


def is_regulators(path: Path) -> bool:
    return circular10.NAME.fullmatch(path.name) is not None


def name_of(file: RegulatorFile, by_us: int = 0, code: str | None = None) -> str:
    """The file's name, at another time or for another station where that is wanted."""
    return f"{code or file.code}_{writing.digits_text(file.time_us + by_us)}.txt"


def content_of(file: RegulatorFile, by_us: int = 0) -> bytes:
    """The bytes of the file; moved in time, every time that can be read is moved and everything else stays."""
    raw = file.path.read_bytes()
    return raw if not by_us else _STAMP.sub(lambda found: _moved(found.group(), by_us), raw)


def _moved(stamp: bytes, by_us: int) -> bytes:
    time_us = _us(stamp.decode())
    return stamp if time_us is None else writing.digits_text(time_us + by_us).encode()


def _us(digits: str) -> int | None:
    try:
        return times.digits_us(digits)
    except times.UnreadableTime:
        return None
