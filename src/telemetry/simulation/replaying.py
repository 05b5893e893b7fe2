"""Sends recorded series and files again: as fast as they are taken, or at the pace at which they were measured."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from core import errors, instants
from telemetry.simulation import formats, layouts, pacing, regulator_files, series_files
from telemetry.simulation.driving import Sender, backoff
from telemetry.simulation.network import Wire
from telemetry.simulation.pacing import Clock
from telemetry.simulation.parcels import Acceptance, Parcel, Transport
from telemetry.simulation.regulator_files import RegulatorFile
from telemetry.simulation.series_files import Series

_log = structlog.get_logger(__name__)
_DAY_US = 86_400_000_000
# Readings older than this go to quarantine.
OLDEST_US = 400 * _DAY_US
# A series that is moved to now ends this much before, so that clocks that differ a little do no harm.
_MARGIN_US = 60_000_000


class NothingToReplay(errors.Invalid):
    slug = "nothing-to-replay"
    title = "No file holds anything to send"


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is to be sent, in order: parcels with the time that each ends at; counts for the progress bar."""

    count: int
    readings: int | None
    first_us: int
    last_us: int
    too_old: int
    parcels: Callable[[Sender], Iterator[tuple[int, Parcel]]]


def of_series(all_series: Sequence[Series], *, rows: int, as_live: bool, to_now: bool) -> Pieces:
    """Series as columns in blocks of so many rows, or, as if live, row by row in the order of time."""
    by_us = _shift(max(int(series.times_us.max()) for series in all_series)) if to_now else 0
    moved = [series_files.shifted(series, by_us) for series in all_series]
    if as_live:
        moved = [series_files.in_order(series) for series in moved]

    def parcels(sender: Sender) -> Iterator[tuple[int, Parcel]]:
        for series in moved:
            yield from _rows(series, sender) if as_live else _blocks(series, rows, sender)

    oldest = instants.now_us() - OLDEST_US
    return Pieces(
        count=sum(series.count for series in moved),
        readings=sum(series.count for series in moved),
        first_us=min(int(series.times_us.min()) for series in moved),
        last_us=max(int(series.times_us.max()) for series in moved),
        too_old=sum(int((series.times_us < oldest).sum()) for series in moved),
        parcels=parcels,
    )


def of_files(paths: Iterable[Path], *, code: str | None, station: str, to_now: bool) -> Pieces:
    """The regulator's files by the time in their names; `code` stands in the names in place of their own."""
    found = sorted(regulator_files.find(paths), key=lambda file: (file.time_us, file.path))
    if not found:
        fault = errors.Fault("files", "no such file", "files named <province>_<facility>_<station>_<14 digits>.txt")
        raise NothingToReplay("Nothing to send was found.", faults=[fault])
    by_us = _shift(found[-1].time_us) if to_now else 0

    def parcels(sender: Sender) -> Iterator[tuple[int, Parcel]]:
        for file in found:
            yield file.time_us + by_us, _file(file, by_us, code, station, sender)

    oldest = instants.now_us() - OLDEST_US - by_us
    return Pieces(
        count=len(found),
        readings=None,
        first_us=found[0].time_us + by_us,
        last_us=found[-1].time_us + by_us,
        too_old=sum(file.time_us < oldest for file in found),
        parcels=parcels,
    )


def _shift(last_us: int) -> int:
    """How far to move so that the last time is just past, in whole minutes."""
    return (instants.now_us() - _MARGIN_US - last_us) // 60_000_000 * 60_000_000


def _blocks(series: Series, rows: int, sender: Sender) -> Iterator[tuple[int, Parcel]]:
    for block in series_files.blocks(series, rows):
        raw = layouts.json_sheet(block.readings, block.times_us, block.values)
        parcel = Parcel.packed(
            sender.operation(), series.station, Wire.HTTP, raw, content_type=formats.JSON, readings=(block.readings,)
        )
        yield int(block.times_us.max()), parcel


def _rows(series: Series, sender: Sender) -> Iterator[tuple[int, Parcel]]:
    for readings in series_files.packets(series):
        raw = layouts.json_packet(readings)
        parcel = Parcel.packed(
            sender.operation(), series.station, Wire.HTTP, raw, content_type=formats.JSON, readings=(readings,)
        )
        yield int(readings.time_us), parcel


def _file(file: RegulatorFile, by_us: int, code: str | None, station: str, sender: Sender) -> Parcel:
    return Parcel.packed(
        sender.operation(),
        station,
        Wire.HTTP,
        regulator_files.content_of(file, by_us),
        content_type=formats.TABLE,
        file_name=regulator_files.name_of(file, by_us, code),
        readings=(),
    )


async def replay(
    pieces: Pieces,
    transport: Transport,
    sender: Sender,
    stop: asyncio.Event,
    *,
    at_once: int = 4,
    speed: float | None = None,
    on_sent: Callable[[Parcel], None] = lambda _: None,
) -> None:
    """Send everything, each parcel until it is answered for. `speed`: against the pace of measurement, or no pace."""
    clock = None if speed is None else Clock(speed, pieces.first_us)
    room = asyncio.Semaphore(at_once)
    async with asyncio.TaskGroup() as group:
        async for parcel in _paced(pieces.parcels(sender), clock, stop):
            await room.acquire()
            group.create_task(_until_answered(parcel, transport, sender, stop, room, on_sent))


async def _paced(
    parcels: Iterator[tuple[int, Parcel]], clock: Clock | None, stop: asyncio.Event
) -> AsyncIterator[Parcel]:
    for time_us, parcel in parcels:
        while clock is not None and not stop.is_set() and clock.now_us() < time_us:
            await pacing.sleep(stop, clock.seconds_until(time_us))
        if stop.is_set():
            return
        yield parcel


async def _until_answered(
    parcel: Parcel,
    transport: Transport,
    sender: Sender,
    stop: asyncio.Event,
    room: asyncio.Semaphore,
    on_sent: Callable[[Parcel], None],
) -> None:
    attempt = 0
    try:
        while not stop.is_set():
            answer = await sender.send(transport, parcel, attempt)
            if answer.acceptance is not Acceptance.UNKNOWN:
                if answer.acceptance is Acceptance.REFUSED:
                    _log.warning("replay.refused", source=parcel.file_name or parcel.station, detail=answer.detail)
                on_sent(parcel)
                return
            await pacing.sleep(stop, backoff(attempt, answer.retry_after))
            attempt += 1
    finally:
        room.release()
