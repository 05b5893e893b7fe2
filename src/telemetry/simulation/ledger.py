"""The sender's own book: every sending and every answer, as JSON lines that are on disk before the next step is taken.

A line of a sending is synced before its bytes leave, so whatever a table holds can be traced to a line; a line of an
answer is synced before the sender forgets the reading. Lines of many stations share one sync.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Self

import msgspec
import numpy as np

from core import instants
from telemetry.readings import Readings
from telemetry.simulation.parcels import Answer, Parcel


class Columns(msgspec.Struct, frozen=True, rename="camel"):
    """Readings of one station, in submission order: `symbol` and `time_us` are one for each reading, or one for all."""

    station: str
    symbols: list[str]
    time_us: int | list[int]
    value: list[float]
    symbol: list[int] | None = None

    @classmethod
    def of(cls, readings: Readings) -> Self:
        time_us = readings.time_us
        return cls(
            station=readings.station,
            symbols=list(readings.symbols),
            time_us=time_us if isinstance(time_us, int) else time_us.tolist(),
            value=np.asarray(readings.value, np.float64).tolist(),
            symbol=None if readings.symbol is None else readings.symbol.tolist(),
        )


class Sent(msgspec.Struct, frozen=True, rename="camel", tag_field="event", tag="sent"):
    """An operation goes out for the first time."""

    operation: str
    at: int
    station: str
    channel: str
    sha256: str
    readings: list[Columns]
    injected: list[tuple[str, str | None]] = []
    spoiled: bool = False


class Resent(msgspec.Struct, frozen=True, rename="camel", tag_field="event", tag="resent"):
    """The same bytes go out again, because nothing is known of the sending before."""

    operation: str
    at: int


class Deviation(msgspec.Struct, frozen=True):
    """A reading that was not simply stored; index None stands for the whole submission."""

    index: int | None
    outcome: str
    reason: str


class Answered(msgspec.Struct, frozen=True, rename="camel", tag_field="event", tag="answered"):
    """What came back: acked, refused or unknown, with the receipt where there was one."""

    operation: str
    at: int
    acceptance: str
    via: str
    detail: str = ""
    receipt: int | None = None
    deviations: list[Deviation] | None = None


Line = Sent | Resent | Answered
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def sent(parcel: Parcel) -> Sent:
    return Sent(
        operation=parcel.operation,
        at=instants.now_us(),
        station=parcel.station,
        channel=parcel.wire,
        sha256=parcel.sha256,
        readings=[Columns.of(readings) for readings in parcel.readings],
        injected=[(kind.value, symbol) for kind, symbol in parcel.injected],
        spoiled=parcel.spoiled,
    )


def resent(operation: str) -> Resent:
    return Resent(operation, instants.now_us())


def answered(operation: str, answer: Answer) -> Answered:
    receipt = answer.receipt
    deviations = None
    if receipt is not None and "readings" in receipt:
        deviations = [Deviation(each["index"], each["outcome"], each["reason"]) for each in receipt["readings"]]
    return Answered(
        operation=operation,
        at=instants.now_us(),
        acceptance=answer.acceptance,
        via=answer.via,
        detail=answer.detail[:300],
        receipt=None if receipt is None else receipt.get("receipt"),
        deviations=deviations,
    )


class Ledger:
    """Appends lines to a file and returns when they are on disk. Use as an async context manager, one for a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._wakened = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A line that a killed process tore is closed, so that the next one begins at the margin.
        torn = self._path.exists() and not _ends_with_newline(self._path)
        self._file = self._path.open("ab", buffering=0)
        if torn:
            self._file.write(b"\n")
        self._writer = asyncio.create_task(self._write(), name="ledger")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            if self._waiting:
                await asyncio.wait([done for _, done in self._waiting])
            self._writer.cancel()
            await asyncio.wait([self._writer])
        if self._file is not None:
            self._file.close()

    async def record(self, line: Line) -> None:
        """Return when the line is on disk."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_encoder.encode(line) + b"\n", done))
        self._wakened.set()
        await done

    async def _write(self) -> None:
        while True:
            await self._wakened.wait()
            self._wakened.clear()
            lines = list(self._waiting)
            try:
                await asyncio.to_thread(self._sync, [line for line, _ in lines])
            except OSError as error:
                for _, done in lines:
                    if not done.done():
                        done.set_exception(error)
            for _, done in lines:
                if not done.done():
                    done.set_result(None)
            del self._waiting[: len(lines)]

    def _sync(self, lines: Sequence[bytes]) -> None:
        if self._file is None or not lines:
            return
        whole = memoryview(b"".join(lines))
        while whole:
            whole = whole[self._file.write(whole) :]
        os.fsync(self._file.fileno())


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return True
        file.seek(size - 1)
        return file.read(1) == b"\n"


class TornLedger(ValueError):
    """A line in the middle of a ledger cannot be read."""


def read(path: Path) -> Iterator[Line]:
    """The lines of a ledger. A torn line is passed over: its writer died before it acted on it."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                yield _decoder.decode(text)
            except msgspec.DecodeError as error:
                if _looks_torn(text):
                    continue
                raise TornLedger(f"{path}:{number}: {error}") from error


def _looks_torn(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return True
    return False
