"""Says which value was changed, by reading the bytes of receipts once more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core import errors, instants
from core.database import Database
from identity.trail import sum_store
from identity.trail.sums import Receipt
from telemetry.catalog.snapshot import Snapshot
from telemetry.evidence import originals
from telemetry.evidence import store as evidence
from telemetry.intake.matching import Matcher
from telemetry.intake.pipeline import judge
from telemetry.quality.checking import FUTURE_MINUTES, OLDEST_DAYS, Window

# The widest that a service may be set to take, as these were taken.
_WINDOW = Window(oldest_us=max(OLDEST_DAYS, 4000) * 86_400 * 10**6, future_us=max(FUTURE_MINUTES, 1440) * 60 * 10**6)
_MOST_TOLD = 10

# A result and a device status.
Value = tuple[float, int]


@dataclass(frozen=True, slots=True)
class Said:
    """What receipts say of one datastream: values by receipt and time."""

    values: dict[tuple[int, datetime], list[Value]]
    unreadable: list[int]


def stream_name(snapshot: Snapshot, datastream_id: int) -> str:
    """Station and symbol, as people know a datastream."""
    stream = snapshot.datastreams.get(datastream_id)
    if stream is None:
        return f"datastream {datastream_id}"
    return f"{snapshot.stations_by_id[stream.station_id].code} {stream.symbol}"


def station_name(snapshot: Snapshot, station_id: int) -> str:
    station = snapshot.stations_by_id.get(station_id)
    return "no single station" if station is None else station.code


async def observations(
    database: Database, snapshot: Snapshot, datastream_id: int, receipts: Sequence[Receipt]
) -> list[str]:
    """Which observations of the datastream are not what the bytes of the receipts say, with today's catalogue."""
    stream = snapshot.datastreams.get(datastream_id)
    if stream is None:
        return []
    mine = [r for r in receipts if r.stored and _may_hold(r, datastream_id, stream.station_id)]
    said = await _said(database, snapshot, datastream_id, mine)
    stored = await sum_store.rows(database, datastream_id, mine)
    found = [*_changed(stored, said), *await _missing(database, datastream_id, stored, said)]
    found += [f"Receipt {number} cannot be read any more." for number in said.unreadable]
    return found[:_MOST_TOLD] + ([f"And {len(found) - _MOST_TOLD} more."] if len(found) > _MOST_TOLD else [])


def _may_hold(receipt: Receipt, datastream_id: int, station_id: int) -> bool:
    if receipt.station_id is not None:
        return receipt.station_id == station_id
    return receipt.datastream_ids is None or datastream_id in receipt.datastream_ids


async def _said(database: Database, snapshot: Snapshot, datastream_id: int, receipts: Sequence[Receipt]) -> Said:
    matcher = Matcher(snapshot)
    said = Said({}, [])
    for receipt in receipts:
        original = await evidence.original(database, receipt.id)
        if original is None or not original.complete:
            said.unreadable.append(receipt.id)
            continue
        first_us = instants.to_us(original.received_time)
        try:
            submission = originals.read_again(original, snapshot, sender="", first_us=first_us, now_us=first_us)
        except errors.Error:
            said.unreadable.append(receipt.id)
            continue
        rows = judge(matcher, [submission], _WINDOW).rows
        rows = rows.take(rows.datastream_id == datastream_id)
        for us, result, status in zip(rows.time_us.tolist(), rows.result.tolist(), rows.status.tolist(), strict=True):
            said.values.setdefault((receipt.id, instants.from_us(us)), []).append((result, status))
    return said


def _changed(stored: Sequence[tuple[datetime, float, int, int]], said: Said) -> Iterator[str]:
    for time, result, status, receipt in stored:
        values = said.values.get((receipt, time))
        if receipt in said.unreadable:
            continue
        where = f"{instants.text(time)}: stored is {_shown((result, status))}, "
        if values is None:
            yield f"{where}of which receipt {receipt} says nothing."
        elif (result, status) not in values:
            yield f"{where}receipt {receipt} says {' or '.join(map(_shown, values))}."


async def _missing(
    database: Database, datastream_id: int, stored: Sequence[tuple[datetime, float, int, int]], said: Said
) -> list[str]:
    there = {time for time, *_ in stored}
    wanted = [(receipt, time) for receipt, time in said.values if time not in there]
    standing = await evidence.observations_at(database, [datastream_id] * len(wanted), [time for _, time in wanted])
    return [
        f"{instants.text(time)}: nothing is stored, receipt {receipt} says {_shown(said.values[receipt, time][0])}."
        for at, (receipt, time) in enumerate(wanted)
        if at not in standing
    ]


def _shown(value: Value) -> str:
    result, status = value
    return f"{result!r}" if status == 0 else f"{result!r} (device status {status:02d})"
