"""What late receipts make due, and how much of what is due is judged in one go."""

import numpy as np
import pytest

from telemetry.changes.store import Receipt
from telemetry.verdicts import touching
from telemetry.verdicts.agenda import Cause, Due
from telemetry.verdicts.book import Book, Stream
from telemetry.verdicts.holding import Course
from telemetry.verdicts.windows import HOUR_US

_COURSE = Course(np.array([0]), np.array([0]))
# By window: until when it is closed.
UNTIL = [100 * HOUR_US, 100 * HOUR_US, 89 * HOUR_US, 0]


def stream(number: int, station: int, oxygen: int = 0) -> Stream:
    return Stream(number, station, "flue_gas", f"S{number}", "mg/Nm3", 300 * 10**6, active=True, oxygen_stream=oxygen)


BOOK = Book(
    1,
    {1: stream(1, 10, oxygen=3), 2: stream(2, 10, oxygen=3), 9: stream(9, 20)},
    [],
    {(1, 0): _COURSE, (2, 2): _COURSE, (9, 0): _COURSE},
    {},
)


def receipt(number: int, first: float, last: float, station: int | None = 10, streams: tuple[int, ...] = ()) -> Receipt:
    times = int(first * HOUR_US), int(last * HOUR_US)
    return Receipt(number, 0, station, "http", *times, streams, 1, 0, 0, 0)


def late(*receipts: Receipt) -> set[tuple[int, float, float, int]]:
    found = touching.late(BOOK, receipts, UNTIL)
    return {(which, begin / HOUR_US, end / HOUR_US, number) for which, begin, end, number in found}


def test_a_late_receipt_makes_the_full_hours_of_its_station_due() -> None:
    assert late(receipt(5, 10.5, 11.0)) == {(1, 10, 12, 5), (2, 10, 12, 5)}


def test_what_is_not_closed_for_a_datastream_waits() -> None:
    assert late(receipt(5, 95, 95)) == {(1, 95, 96, 5)}
    assert late(receipt(5, 100, 101)) == set()


def test_hours_that_follow_on_each_other_are_one_span_and_gaps_stay() -> None:
    found = late(*(receipt(n, n, n + 0.9) for n in (20, 21, 22, 40)))
    assert found == {(s, *span) for s in (1, 2) for span in ((20, 23, 22), (40, 41, 40))}


def test_a_receipt_of_several_stations_names_its_datastreams() -> None:
    assert late(receipt(5, 10, 10, None, (9, 77))) == {(9, 10, 11, 5)}


def test_oxygen_reaches_what_it_corrects() -> None:
    assert late(receipt(5, 10, 10, None, (3,))) == {(1, 10, 11, 5), (2, 10, 11, 5)}


def test_a_receipt_that_stored_nothing_makes_nothing_due() -> None:
    assert touching.late(BOOK, [Receipt(1, 0, 10, "http", None, None, (), 0, 3, 0, 0)], UNTIL) == []


def due(number: int, begin: float, end: float, since: float = 0) -> Due:
    begin_us, end_us, since_us = (int(part * HOUR_US) for part in (begin, end, since))
    return Due(number, 1, begin_us, end_us, since_us, Cause("late-data"))


def spans(pieces: list[Due]) -> list[tuple[int, float, float]]:
    return [(piece.id, piece.begin_us / HOUR_US, piece.end_us / HOUR_US) for piece in pieces]


@pytest.mark.parametrize(
    ("most", "taken"),
    [
        (100, [(1, 0, 10), (2, 20, 40)]),
        (30, [(1, 0, 10), (2, 20, 40)]),
        (15, [(1, 0, 10), (2, 20, 25)]),
        (10, [(1, 0, 10)]),
        (4, [(1, 0, 4)]),
    ],
)
def test_no_more_is_taken_than_may_be_judged_at_once(most: int, taken: list[tuple[int, float, float]]) -> None:
    found = touching.pieces([due(1, 0, 10), due(2, 20, 40)], most, 100 * HOUR_US)
    assert spans(found) == taken


def test_nothing_is_judged_before_there_was_anything_nor_after_what_is_closed() -> None:
    endless = due(1, 0, 10_000, since=90)
    (piece,) = touching.pieces([endless], 10, 100 * HOUR_US)
    assert touching.spans_of([piece]) == {1: [(90 * HOUR_US, 10_000 * HOUR_US)]}
    nothing = due(2, 150, 160)
    assert touching.pieces([nothing], 10, 100 * HOUR_US) == [nothing]
    assert touching.spans_of([due(3, 10, 20, since=50)]) == {}
