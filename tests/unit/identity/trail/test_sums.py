"""Where the observations of a day's receipts are looked for, and what differs between two sums."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from identity.trail import sums
from identity.trail.sums import Difference, Leaf, Receipt

_NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
_HOUR = timedelta(hours=1)
# Datastreams by station.
_STREAMS = {1: [11, 12], 2: [21], 3: [31]}


def _receipt(
    number: int, station: int | None, *hours: float, streams: list[int] | None = None, stored: int = 1
) -> Receipt:
    """That stored readings from the first to the last of these hours after noon."""
    first, last = (_NOON + hour * _HOUR for hour in hours) if hours else (None, None)
    return Receipt(number, _NOON, station, streams, stored, first, last)


def _found(receipts: Iterable[Receipt]) -> list[tuple[list[int], list[tuple[float, float]], list[int]]]:
    return [
        (
            list(patch.datastream_ids),
            [((begin - _NOON) / _HOUR, (end - _NOON) / _HOUR) for begin, end in patch.spans],
            list(patch.receipt_ids),
        )
        for patch in sums.patches(receipts, _STREAMS)
    ]


def test_stations_that_report_live_are_looked_at_together() -> None:
    receipts = [_receipt(1, 1, 0, 1), _receipt(2, 2, 2, 2), _receipt(3, 1, 2, 3), _receipt(4, 3, 0, 0, stored=0)]
    assert _found(receipts) == [([11, 12, 21], [(0, 3)], [1, 3, 2])]


def test_a_station_that_sends_what_is_long_past_is_looked_at_by_itself() -> None:
    receipts = [_receipt(1, 1, 0, 1), _receipt(2, 1, -2400, -2399), _receipt(3, 2, 0, 0)]
    assert _found(receipts) == [([11, 12], [(-2400, -2399), (0, 1)], [1, 2]), ([21], [(0, 0)], [3])]
    assert _found([_receipt(1, 1, -100, 0), _receipt(2, 2, 0, 0)]) == [
        ([11, 12], [(-100, 0)], [1]),
        ([21], [(0, 0)], [2]),
    ]


def test_live_stations_whose_days_lie_apart_are_not_looked_at_over_all_that_lies_between() -> None:
    receipts = [_receipt(1, 1, 0, 1), _receipt(2, 2, -500, -499), _receipt(3, 3, -500, -499)]
    assert _found(receipts) == [([11, 12], [(0, 1)], [1]), ([21, 31], [(-500, -499)], [2, 3])]


def test_no_datastream_is_looked_at_twice_when_one_submission_speaks_of_several_stations() -> None:
    receipts = [_receipt(1, 1, 0, 1), _receipt(2, None, -2400, -2400, streams=[12, 31, 99])]
    assert _found(receipts) == [([11, 12], [(-2400, -2400), (0, 1)], [1, 2]), ([31], [(-2400, -2400)], [2])]


def test_a_receipt_from_before_spans_were_noted_is_looked_for_as_far_as_readings_were_taken() -> None:
    (patch,) = sums.patches([_receipt(1, 1)], _STREAMS)
    assert patch.whole == (_NOON - timedelta(days=400), _NOON + _HOUR)
    assert len(list(sums.patches([_receipt(1, None)], _STREAMS))) == 3


def test_many_rows_are_looked_at_in_parts() -> None:
    receipts = [_receipt(station, station, 0, 1, stored=80_000) for station in (1, 2, 3)]
    assert [part for _, _, part in _found(receipts)] == [[1, 2], [3]]


def test_days_are_those_of_vietnam() -> None:
    begin, end = sums.bounds(date(2026, 11, 22))
    assert (begin, end) == (datetime(2026, 11, 21, 17, tzinfo=UTC), datetime(2026, 11, 22, 17, tzinfo=UTC))
    assert sums.day_of(begin) == date(2026, 11, 22)
    assert sums.day_of(begin - timedelta(microseconds=1)) == date(2026, 11, 21)


_ONE = Leaf("observation", 11, 3, b"a" * 32)
_TWO = Leaf("receipt", 1, 3, b"b" * 32)


def test_the_root_is_that_of_all_leaves_in_whatever_order() -> None:
    assert sums.root([_ONE, _TWO]) == sums.root([_TWO, _ONE])
    assert len({sums.root(leaves) for leaves in ([], [_ONE], [_TWO], [_ONE, _TWO])}) == 4


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Leaf("observation", 11, 3, b"x" * 32), "there are 3 as there were, but what they say is not what it was"),
        (Leaf("observation", 11, 2, b"x" * 32), "there are 2 where there were 3"),
        (None, "there are 0 where there were 3"),
    ],
)
def test_what_differs_is_named(found: Leaf | None, told: str) -> None:
    leaves = [_TWO] if found is None else [found, _TWO]
    (difference,) = sums.differences([_ONE, _TWO], leaves)
    assert difference == Difference("observation", 11, _ONE, found)
    assert difference.told == told
    assert list(sums.differences(leaves, leaves)) == []
