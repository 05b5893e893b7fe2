"""What late data reach, and which pieces of what is due are judged in one go. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from telemetry.changes.store import Receipt
from telemetry.verdicts import windows
from telemetry.verdicts.agenda import Due
from telemetry.verdicts.book import Book

_HOUR = windows.HOUR_US


def late(book: Book, receipts: Iterable[Receipt], until_us: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Datastream, begin, end and receipt of the full hours that receipts reach of what is closed.

    Hours that follow on each other are one span, which names the last receipt that reached into it; what receipts left
    out between them is not touched. until_us: by window, when the newest closed period ends.
    """
    closed_us = {stream: max(until_us[window] for window in book.windows_of(stream)) for stream in book.streams}
    of_station: dict[int, list[int]] = {}
    for known in book.streams.values():
        of_station.setdefault(known.station_id, []).append(known.id)
    beside: dict[int, list[int]] = {}
    for known in book.streams.values():
        beside.setdefault(known.oxygen_stream, []).append(known.id)
    reached: dict[int, dict[tuple[int, int], int]] = {}
    for receipt in receipts:
        if receipt.first_us is None or receipt.last_us is None:
            continue
        span = (receipt.first_us // _HOUR * _HOUR, (receipt.last_us // _HOUR + 1) * _HOUR)
        for stream in _meant(receipt, of_station, beside):
            if receipt.first_us < closed_us.get(stream, 0):
                reached.setdefault(stream, {})[span] = receipt.id
    return [(stream, *span) for stream, spans in reached.items() for span in _merged(spans)]


def _meant(
    receipt: Receipt, of_station: Mapping[int, Sequence[int]], beside: Mapping[int, Sequence[int]]
) -> Iterable[int]:
    """Every limited datastream of the station; where datastreams are named, those and the ones that they correct."""
    if receipt.station_id is not None:
        return of_station.get(receipt.station_id, ())
    named = receipt.datastream_ids
    return {*named, *(stream for oxygen in named for stream in beside.get(oxygen, ()))}


def _merged(spans: Mapping[tuple[int, int], int]) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for (begin, end), receipt in sorted(spans.items()):
        if found and begin <= found[-1][1]:
            last = found.pop()
            found.append((last[0], max(last[1], end), max(last[2], receipt)))
        else:
            found.append((begin, end, receipt))
    return found


def pieces(found: Sequence[Due], most_hours: int, closed_us: int) -> list[Due]:
    """The first of what is due, as far as its hours do not grow beyond the most; the last one may be a part.

    Nothing is judged before `since_us`, nor after what is closed: that is judged when it closes.
    """
    chosen: list[Due] = []
    left = most_hours
    for due in found:
        begin_us, end_us = max(due.begin_us, due.since_us), min(due.end_us, closed_us)
        hours = -((begin_us - end_us) // _HOUR)
        if hours <= 0:
            chosen.append(due)
        elif hours <= left:
            chosen.append(replace(due, begin_us=begin_us))
            left -= hours
        elif not left:
            break
        else:
            chosen.append(replace(due, begin_us=begin_us, end_us=begin_us + left * _HOUR))
            break
    return chosen


def spans_of(chosen: Iterable[Due]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for due in chosen:
        if max(due.begin_us, due.since_us) < due.end_us:
            found.setdefault(due.datastream_id, []).append((max(due.begin_us, due.since_us), due.end_us))
    return found
