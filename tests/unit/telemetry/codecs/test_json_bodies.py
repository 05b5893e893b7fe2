"""JSON bodies as a whole: lists of packets, and bytes that are refused with one flaw and no other exception."""

import json
import time
from typing import Any

import pytest

from telemetry.codecs.context import Context
from telemetry.codecs.errors import Unreadable
from telemetry.codecs.json_bodies import JsonCodec
from telemetry.readings import Reason
from tests.unit.telemetry.codecs.flattening import check_positions, kept, reasons

TIME = "2026-11-23T08:00:00+07:00"
CODEC = JsonCodec()
NOBODY = Context()


def packet(station: str = "A", **readings: Any) -> dict[str, Any]:
    return {"station": station, "phenomenonTime": TIME, "readings": readings}


def test_a_list_of_packets_is_numbered_through() -> None:
    decoded = CODEC.decode(json.dumps([packet("A", COD=1, pH=7), packet("B", COD=2)]).encode(), NOBODY)
    check_positions(decoded)
    assert [(row.position, row.station, row.symbol) for row in kept(decoded)] == [
        (0, "A", "COD"),
        (1, "A", "pH"),
        (2, "B", "COD"),
    ]


def test_a_bad_packet_in_a_list_hurts_no_other() -> None:
    body = [packet("A", COD=1), 3, packet("B", COD="x", pH=7), {"station": "C"}, packet("D", COD=4)]
    decoded = CODEC.decode(json.dumps(body).encode(), NOBODY)
    check_positions(decoded)
    assert [(row.position, row.station, row.symbol) for row in kept(decoded)] == [
        (0, "A", "COD"),
        (3, "B", "pH"),
        (5, "D", "COD"),
    ]
    assert {flaw.index: flaw.field for flaw in decoded.flaws} == {
        1: "[1].body",
        2: "[2].readings.COD",
        4: "[3].readings",
    }


def test_nan_in_a_list_of_packets_spoils_one_reading() -> None:
    text = json.dumps([packet("A", COD=1), packet("B", COD=float("nan"), pH=7), packet("C", COD=3)])
    decoded = CODEC.decode(text.encode(), NOBODY)
    check_positions(decoded)
    assert [(row.position, row.station, row.value) for row in kept(decoded)] == [
        (0, "A", 1.0),
        (2, "B", 7.0),
        (3, "C", 3.0),
    ]
    assert reasons(decoded) == {1: Reason.NOT_FINITE}
    assert decoded.flaws[0].field == "[1].readings.COD"


def test_a_list_may_hold_columns() -> None:
    columns = {"station": "B", "phenomenonTime": [TIME], "results": {"COD": [5]}}
    decoded = CODEC.decode(json.dumps([packet("A", COD=1), columns]).encode(), NOBODY)
    check_positions(decoded)
    assert [(row.station, row.value) for row in kept(decoded)] == [("A", 1.0), ("B", 5.0)]


@pytest.mark.parametrize("around", ["{}", "  {}", "{}\r\n", "\n\t{}\n", "\ufeff{}", "\ufeff {}"])
def test_white_space_and_a_byte_order_mark_are_passed_over(around: str) -> None:
    for document in (packet(COD=1), [packet(COD=1)]):
        decoded = CODEC.decode(around.format(json.dumps(document)).encode(), NOBODY)
        assert [row.value for row in kept(decoded)] == [1.0]


GOOD = json.dumps(packet(COD=1)).encode()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "nothing"),
        (b"  \n", "nothing"),
        (b"{", "Expecting property name"),
        (GOOD[:-1], "Expecting ',' delimiter"),
        (GOOD + b"x", "Extra data"),
        (GOOD + GOOD, "Extra data"),
        (b"not json", "Expecting value"),
        (b"[]", "no readings"),
        (b"{}", "nothing"),
        (b"3", "3"),
        (b'"text"', "text"),
        (b"null", "null"),
        (b'{"readings":[]}', "a list of 0"),
        (b'{"readings":{}}', "an object of 0 members"),
        (b'{"readings":"COD"}', "COD"),
        (GOOD.replace(b"COD", b"\xff"), "byte 0xff"),
        (GOOD.replace(b"COD", b"\xed\xa0\x80"), "byte 0xed"),
        (GOOD.replace(b"COD", b"a\x00b"), "Invalid control character"),
        (GOOD.replace(b"COD", b"\\x"), "escape"),
        (b"\xff\xfe" + GOOD.decode().encode("utf-16-le"), "byte 0xff"),
    ],
)
def test_a_body_that_says_nothing_is_refused_with_one_flaw(body: bytes, found: str) -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(body, NOBODY)
    flaw = caught.value.flaw
    assert (flaw.index, flaw.reason) == (None, Reason.UNREADABLE)
    assert found in flaw.found
    assert caught.value.faults[0].expected == flaw.expected
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'{"a":' * 300_000,
        b'{"readings":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"readings":[{"symbol":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        GOOD[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'"' + b"\\u0000" * 100_000 + b'"',
        b"[" + b"1," * 200_000 + b"1]",
        GOOD.replace(b'"COD": 1', b'"COD": "",' + b",".join(b'"%d": ""' % n for n in range(5_000)) + b',"COD": 1'),
        GOOD.replace(b'"COD": 1', b",".join([b'"COD": 1'] * 100_000)),
    ],
)
def test_bombs_are_refused_in_bounded_time(body: bytes) -> None:
    begun = time.perf_counter()
    try:
        decoded = CODEC.decode(body, NOBODY)
    except Unreadable:
        pass
    else:
        check_positions(decoded)
        assert not decoded.readings
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize(
    "body",
    [
        "[" + "1," * 20_000 + "1]",
        '{"station":"A","phenomenonTime":"2026-11-23T08:00:00Z","readings":[' + "1," * 20_000 + "1]}",
        '{"station":"A","phenomenonTime":["2026-11-23T08:00:00Z"'
        + ',"x"' * 20_000
        + '],"results":{"COD":[1'
        + ",1" * 20_000
        + "]}}",
        '{"station":"A","phenomenonTime":["x"],"results":{' + ",".join(f'"{n}":[1]' for n in range(20_000)) + "}}",
        '{"station":"A","phenomenonTime":["2026-11-23T08:00:00Z"],"results":{'
        + ",".join(f'"{n}":[""]' for n in range(20_000))
        + "}}",
    ],
)
def test_a_body_with_endless_flaws_is_refused_with_the_first_for_an_example(body: str) -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(body.encode(), NOBODY)
    assert caught.value.flaw.expected


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_a_packet_has_at_most_ten_thousand_readings(count: int) -> None:
    in_list = {"station": "A", "phenomenonTime": TIME, "readings": [{"symbol": "COD", "result": 1}] * count}
    in_map = packet("A", **{str(number): number for number in range(count)})
    for document in (in_list, in_map, in_map | {"note": "x"}):
        if count <= 10_000:
            assert CODEC.decode(json.dumps(document).encode(), NOBODY).count == count
            continue
        with pytest.raises(Unreadable) as caught:
            CODEC.decode(json.dumps(document).encode(), NOBODY)
        assert (caught.value.flaw.field, caught.value.flaw.found) == ("readings", f"{count} readings")


def test_a_reading_with_a_moderately_deep_value_is_one_flaw() -> None:
    deep = b"[" * 200 + b"]" * 200
    decoded = CODEC.decode(GOOD.replace(b'"COD": 1', b'"pH": 7, "COD": ' + deep), NOBODY)
    check_positions(decoded)
    assert reasons(decoded) == {1: Reason.NOT_A_NUMBER}


def test_a_number_of_millions_of_digits_is_read_in_bounded_time() -> None:
    begun = time.perf_counter()
    decoded = CODEC.decode(GOOD.replace(b": 1}", b": 0." + b"3" * 4_000_000 + b"}"), NOBODY)
    assert kept(decoded)[0].value == pytest.approx(1 / 3)
    assert time.perf_counter() - begun < 5
