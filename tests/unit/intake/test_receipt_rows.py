"""The receipts of a group as PostgreSQL binary COPY, read back field by field as the format is documented."""

import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from core import instants
from telemetry.intake import receipt_rows
from telemetry.intake.receipt_rows import RECEIPT_COLUMNS, storable
from telemetry.readings import Channel, Decoded, Outcome, Submission
from tests.unit.intake.copy_format import EPOCH_US, number, tuples
from tests.unit.intake.receipt_groups import INT4, INT8, Sent, group_of, groups, row_of

WIDTHS = dict.fromkeys(("id", "received_time", "first_time", "last_time"), 8) | dict.fromkeys(
    ("station_id", "raw_length", "stored", "duplicates", "conflicts", "quarantined"), 4
)
OF_A_STATION = Submission(
    channel=Channel.HTTP,
    format="json",
    raw=b"{}",
    raw_length=2,
    sha256=bytes(range(32)),
    sender="st_1",
    received_us=EPOCH_US + 1,
    decoded=Decoded(()),
    station_id=5,
    source="a.b",
)
OF_THE_STAFF = msgspec.structs.replace(OF_A_STATION, station_id=None)
# The same in all examples below: from `channel` to `sender`, and from `source` to `raw`.
TEXTS = "0000 0004 6874 7470 0000 0004 6a73 6f6e 0000 0008 6964 656e 7469 7479 0000 0004 7374 5f31 "
BODY = (
    "0000 0003 612e 62 "
    "0000 0020 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f 1011 1213 1415 1617 1819 1a1b 1c1d 1e1f "
    "0000 0002 7b7d "
)


def copied(*group: Sent) -> bytes:
    return receipt_rows.copy_data(*group_of(group))


def whole(tuple_: str) -> bytes:
    """One tuple between the header and the trailer."""
    return bytes.fromhex("5047 434f 5059 0aff 0d0a 0000 0000 0000 0000 00" + tuple_ + "ffff")


def value(column: str, field: bytes | None) -> Any:
    """The field as what Python calls it."""
    if field is None:
        return None
    if column in {"sha256", "raw"}:
        return field
    if column in {"channel", "format", "source", "sender", "raw_encoding"}:
        return field.decode()
    if column.endswith("_time"):
        return instants.from_us(number(field) + EPOCH_US)
    return elements(field) if column == "datastream_ids" else number(field)


def elements(field: bytes) -> list[int]:
    """Of an array of integers: one dimension, no NULLs, type 23; how many, the first index; each behind its length."""
    dimensions, nulls, kind, count, first = struct.unpack_from(">5i", field)
    assert (dimensions, nulls, kind, first) == (1, 0, 23, 1)
    pairs = list(struct.iter_unpack(">ii", field[20:]))
    assert len(pairs) == count
    assert all(length == 4 for length, _ in pairs)
    return [element for _, element in pairs]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(groups)
def test_each_receipt_comes_out_field_by_field(group: list[Sent]) -> None:
    found = tuples(copied(*group), columns=len(RECEIPT_COLUMNS))
    assert len(found) == len(group)
    for fields, sent in zip(found, group, strict=True):
        named = zip(RECEIPT_COLUMNS, fields, strict=True)
        assert {column: value(column, field) for column, field in named} == row_of(sent)
        for column, width in WIDTHS.items():
            assert len(fields[RECEIPT_COLUMNS.index(column)] or bytes(width)) == width


def test_the_bytes_of_a_stations_receipt_are_these() -> None:
    outcome = Outcome(9, EPOCH_US + 1, None, stored=2, duplicates=3, conflicts=4, quarantined=6)
    assert copied(Sent(OF_A_STATION, outcome, [(7, EPOCH_US + 17), (8, EPOCH_US - 1)])) == whole(
        "0012 0000 0008 0000 0000 0000 0009 0000 0008 0000 0000 0000 0001 0000 0004 0000 0002 "
        "0000 0004 0000 0002 0000 0004 0000 0003 0000 0004 0000 0004 0000 0004 0000 0006 "
        "0000 0008 ffff ffff ffff ffff 0000 0008 0000 0000 0000 0011 ffff ffff "
        f"{TEXTS} 0000 0004 0000 0005 {BODY}"
    )


def test_the_bytes_of_the_staffs_receipt_name_its_datastreams_once_each() -> None:
    outcome = Outcome(9, EPOCH_US + 1, None, stored=3)
    rows = [(8, EPOCH_US), (7, EPOCH_US), (8, EPOCH_US + 1)]
    assert copied(Sent(OF_THE_STAFF, outcome, rows)) == whole(
        "0012 0000 0008 0000 0000 0000 0009 0000 0008 0000 0000 0000 0001 0000 0004 0000 0002 "
        "0000 0004 0000 0003 0000 0004 0000 0000 0000 0004 0000 0000 0000 0004 0000 0000 "
        "0000 0008 0000 0000 0000 0000 0000 0008 0000 0000 0000 0001 "
        "0000 0024 0000 0001 0000 0000 0000 0017 0000 0002 0000 0001 0000 0004 0000 0007 0000 0004 0000 0008 "
        f"{TEXTS} ffff ffff {BODY}"
    )


def test_a_receipt_that_stored_nothing_has_no_times_and_no_datastreams() -> None:
    outcome = Outcome(9, EPOCH_US + 1, None, duplicates=1)
    ((*fields,),) = tuples(copied(Sent(OF_THE_STAFF, outcome, [(7, EPOCH_US)])), columns=len(RECEIPT_COLUMNS))
    nothing = [column for column, field in zip(RECEIPT_COLUMNS, fields, strict=True) if field is None]
    assert nothing == ["first_time", "last_time", "datastream_ids", "station_id"]


def test_a_group_without_receipts_is_a_header_and_a_trailer() -> None:
    assert copied() == whole("")


def outgrown(**members: Any) -> Callable[[], bytes]:
    submission = msgspec.structs.replace(OF_A_STATION, **members)
    return lambda: copied(Sent(submission, Outcome(1, EPOCH_US, None)))


@pytest.mark.parametrize(
    "write",
    [
        outgrown(raw_length=INT4 + 1),
        outgrown(station_id=INT4 + 1),
        outgrown(received_us=INT8 + EPOCH_US + 1),
        lambda: copied(Sent(OF_A_STATION, Outcome(INT8 + 1, EPOCH_US, None))),
        lambda: copied(Sent(OF_A_STATION, Outcome(1, EPOCH_US, None, quarantined=INT4 + 1))),
        lambda: copied(Sent(OF_A_STATION, Outcome(None, EPOCH_US, None))),
        lambda: copied(Sent(OF_THE_STAFF, Outcome(1, EPOCH_US, None, stored=1), [(INT4 + 1, EPOCH_US)])),
    ],
)
def test_a_number_that_its_column_cannot_hold_is_refused_and_never_wrapped(write: Callable[[], bytes]) -> None:
    with pytest.raises(struct.error):
        write()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("trạm 1", "trạm 1"),
        ("a\0b", "a␀b"),
        ("a\ud83db", "a?b"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 500 + "…"),
        ("ạ" * 501, "ạ" * 500 + "…"),
    ],
)
def test_a_text_is_kept_without_what_a_text_column_refuses(text: str, kept: str) -> None:
    assert storable(text) == kept
