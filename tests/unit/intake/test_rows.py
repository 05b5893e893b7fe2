"""The rows of a group as PostgreSQL binary COPY, read back field by field as the format is documented."""

import struct
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.intake.rows import COPY_COLUMNS, Rows
from tests.unit.intake.copy_format import EPOCH_US, number, tuples


def decoded(data: bytes, *, columns: int) -> list[list[bytes]]:
    """The fields of each tuple, none of which is NULL."""
    found = [[field for field in fields if field is not None] for fields in tuples(data, columns=columns)]
    assert all(len(fields) == columns for fields in found)
    return found


_row = st.tuples(
    st.integers(1, 2**31 - 1),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2),
    st.integers(1, 4),
    st.integers(0, 2**31 - 1),
    st.integers(0, 3),
    st.integers(0, 2**31 - 1),
)


def rows_of(given_rows: list[tuple[Any, ...]]) -> Rows:
    ids, times, results, statuses, qualities, reasons, ordinals, indexes = (
        zip(*given_rows, strict=True) if given_rows else [()] * 8
    )
    return Rows(
        datastream_id=np.array(ids, np.int64),
        time_us=np.array(times, np.int64),
        result=np.array(results, np.float64),
        status=np.array(statuses, np.int16),
        quality=np.array(qualities, np.int16),
        reasons=np.array(reasons, np.int32),
        submission=np.array(ordinals, np.int64),
        index=np.array(indexes, np.int64),
    )


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(_row, max_size=40), st.lists(st.integers(1, 2**62), min_size=4, max_size=4), st.booleans())
def test_each_row_comes_out_field_by_field(
    given_rows: list[tuple[Any, ...]], receipts: list[int], numbered: bool
) -> None:
    rows = rows_of(given_rows)
    data = rows.copy_data(np.array(receipts, np.int64), numbered=numbered)
    found = decoded(data, columns=len(COPY_COLUMNS) + numbered)
    assert len(found) == len(given_rows)
    for ordinal, (values, sent) in enumerate(zip(found, given_rows, strict=True)):
        datastream, time_us, result, status, quality, reasons, submission, _ = sent
        by_name = dict(zip(COPY_COLUMNS, values, strict=False))
        assert by_name["result"] == struct.pack(">d", result)
        assert number(by_name["phenomenon_time"]) == time_us - EPOCH_US
        assert number(by_name["receipt_id"]) == receipts[submission]
        assert number(by_name["datastream_id"]) == datastream
        assert number(by_name["quality_reasons"]) == reasons
        assert number(by_name["device_status"]) == status
        assert number(by_name["result_quality"]) == quality
        lengths = [len(value) for value in values]
        assert lengths == [8, 8, 8, 4, 4, 2, 2] + [4] * numbered
        if numbered:
            assert number(values[-1]) == ordinal


def test_the_bytes_of_one_row_are_these() -> None:
    rows = rows_of([(7, EPOCH_US + 1, 1.5, 2, 4, 3, 0, 0)])
    assert rows.copy_data(np.array([9], np.int64)).hex(" ", 2) == (
        "50 4743 4f50 590a ff0d 0a00 0000 0000 0000 0000 "
        "0007 0000 0008 0000 0000 0000 0001 0000 0008 3ff8 0000 0000 0000 "
        "0000 0008 0000 0000 0000 0009 0000 0004 0000 0007 0000 0004 0000 0003 "
        "0000 0002 0002 0000 0002 0004 ffff"
    )


def test_rows_are_taken_by_mask_by_position_and_by_slice_in_every_column() -> None:
    rows = rows_of([(n, n, float(n), n % 3, 1, n, 0, n) for n in range(6)])
    for which, expected in (
        (np.array([True, False, True, False, False, True]), [0, 2, 5]),
        (np.array([5, 0, 0]), [5, 0, 0]),
        (slice(1, 3), [1, 2]),
    ):
        taken = rows.take(which)
        assert len(taken) == len(expected)
        for column in fields(rows):
            whole, part = getattr(rows, column.name), getattr(taken, column.name)
            assert part.tolist() == [whole[at] for at in expected]
            assert part.dtype == whole.dtype
