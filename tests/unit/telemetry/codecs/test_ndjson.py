"""NDJSON: lines cut from a stream in bounded memory, each decoded for itself."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.codecs import ndjson
from telemetry.codecs.context import Context
from telemetry.codecs.errors import Unreadable
from telemetry.readings import Reason
from tests.unit.telemetry.codecs.flattening import check_positions, kept, reasons

TIME = "2026-11-23T08:00:00+07:00"
NOBODY = Context()


def line(station: str = "A", /, **readings: Any) -> bytes:
    return json.dumps({"station": station, "phenomenonTime": TIME, "readings": readings}).encode()


def test_each_line_is_a_packet_or_columns() -> None:
    columns = json.dumps({"station": "B", "phenomenonTime": [TIME], "results": {"COD": [2], "pH": [7]}}).encode()
    decoded = ndjson.decode([line(COD=1), columns, line("C", TSS=3)], NOBODY)
    check_positions(decoded)
    assert [(row.station, row.symbol, row.value) for row in kept(decoded)] == [
        ("A", "COD", 1.0),
        ("B", "COD", 2.0),
        ("B", "pH", 7.0),
        ("C", "TSS", 3.0),
    ]


def test_a_bad_line_is_a_flaw_with_its_number_and_hurts_no_other() -> None:
    lines = [line(COD=1), b"{broken", b"", line(COD="x", pH=7), b"[1]", line(COD=4)]
    decoded = ndjson.decode(lines, NOBODY, first_index=100, first_line=11)
    check_positions(decoded, first=100)
    assert [(row.position, row.value) for row in kept(decoded)] == [(100, 1.0), (103, 7.0), (105, 4.0)]
    assert [(flaw.index, flaw.field) for flaw in decoded.flaws] == [
        (101, "line 12: body"),
        (102, "line 14: readings.COD"),
        (104, "line 15: body"),
    ]
    assert reasons(decoded) == {101: Reason.UNREADABLE, 102: Reason.NOT_A_NUMBER, 104: Reason.UNREADABLE}


def test_a_line_beyond_the_cap_is_a_flaw() -> None:
    lines = ndjson.Lines(cap=200)
    cut = lines.feed(line(COD=1) + b"\n" + line("A" * 300, COD=2) + b"\n" + line(COD=3) + b"\n")
    assert max(map(len, cut)) <= 201
    decoded = ndjson.decode(cut, NOBODY, cap=200)
    check_positions(decoded)
    assert [row.value for row in kept(decoded)] == [1.0, 3.0]
    assert decoded.flaws[0].found == "more than 200 bytes"


def test_an_endless_line_does_not_fill_the_memory() -> None:
    lines = ndjson.Lines(cap=1000)
    for _ in range(1000):
        assert lines.feed(b"x" * 10_000) == []
    assert len(lines._kept) <= 1001
    assert lines.feed(b"\nshort\n") == [b"x" * 1001, b"short"]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=8).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b""))), st.data())
def test_lines_are_the_same_however_the_stream_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(text + data.draw(st.sampled_from([b"\n", b"\r\n"])) for text in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    reader = ndjson.Lines()
    out = [text for a, b in pairwise([0, *cuts, len(stream)]) for text in reader.feed(stream[a:b])]
    assert out + reader.end() == lines


def test_the_last_line_needs_no_line_end() -> None:
    reader = ndjson.Lines()
    assert reader.feed(b"one\ntwo\r") == [b"one"]
    assert reader.end() == [b"two"]
    assert reader.end() == []


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_whole_body_is_read_with_either_line_end(ending: bytes) -> None:
    body = b"\xef\xbb\xbf" + ending.join([line(COD=1), b"  ", line(COD=2)]) + ending
    decoded = ndjson.NdjsonCodec().decode(body, NOBODY)
    check_positions(decoded)
    assert [row.value for row in kept(decoded)] == [1.0, 2.0]


@pytest.mark.parametrize("body", [b"", b"\n\n", b" \r\n"])
def test_a_body_without_lines_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        ndjson.NdjsonCodec().decode(body, NOBODY)
