"""What holds for every input: nothing is lost, nothing is counted twice, and nothing but Unreadable is raised."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.codecs import columns, documents, ndjson, packets, tolerant, writing
from telemetry.codecs.circular10 import Circular10Codec
from telemetry.codecs.context import Codec, Context
from telemetry.codecs.csv_headers import header_of
from telemetry.codecs.csv_tables import CsvCodec, in_columns, one_by_one
from telemetry.codecs.json_bodies import JsonCodec
from telemetry.codecs.ndjson import NdjsonCodec
from telemetry.codecs.negotiation import sniff
from telemetry.codecs.writing import Row
from tests.unit.telemetry.codecs import oracle, strategies
from tests.unit.telemetry.codecs.flattening import Kept, check_positions, kept, outcome

JSON, NDJSON, CIRCULAR10, CSV = JsonCodec(), NdjsonCodec(), Circular10Codec(), CsvCodec()
FILE = "TH_ABCD_NUOXLT_20240615083000.txt"
NOBODY = Context()


def expected(rows: list[Row], station: str, time_us: int) -> list[Kept]:
    return [
        Kept(position, station, row.symbol, row.unit or None, time_us, row.result, int(row.status))
        for position, row in enumerate(rows)
    ]


# Round trips.


@settings(deadline=None)
@given(strategies.names, strategies.instants_us, strategies.packets)
def test_a_written_packet_is_read_back(station: str, time_us: int, rows: list[Row]) -> None:
    body = writing.json_list(station, time_us, rows)
    assert kept(JSON.decode(body, NOBODY)) == expected(rows, station, time_us)
    # A quotation mark in a name is one more than the fast path accounts for.
    assert (packets.decode(body, NOBODY) is not None) == (b'\\"' not in body)
    assert kept(JSON.decode(writing.json_list(None, time_us, rows), Context(station))) == expected(
        rows, station, time_us
    )


@settings(deadline=None)
@given(strategies.names, strategies.instants_us, strategies.packets)
def test_a_written_map_is_read_back(station: str, time_us: int, rows: list[Row]) -> None:
    results = {row.symbol: row.result for row in rows}
    decoded = JSON.decode(writing.json_map(station, time_us, rows), NOBODY)
    assert {row.symbol: row.value for row in kept(decoded)} == results
    assert decoded.count == len(results)


@settings(deadline=None)
@given(strategies.names, strategies.instants_us, strategies.packets)
def test_a_written_file_of_the_regulator_is_read_back(station: str, time_us: int, rows: list[Row]) -> None:
    name, body = writing.circular10("TH_ABCD_NUOXLT", time_us, rows)
    decoded = CIRCULAR10.decode(body, Context(station=station, file_name=name))
    assert kept(decoded) == expected(rows, station, time_us)


@settings(deadline=None)
@given(st.lists(st.tuples(strategies.names, strategies.instants_us, strategies.packets), min_size=1, max_size=4))
def test_written_lines_are_read_back(sent: list[tuple[str, int, list[Row]]]) -> None:
    body = writing.ndjson(writing.json_list(*packet) for packet in sent)
    found = kept(NDJSON.decode(body, NOBODY))
    rows = [row for station, time_us, rows in sent for row in expected(rows, station, time_us)]
    assert [row[1:] for row in found] == [row[1:] for row in rows]
    assert [row.position for row in found] == list(range(len(rows)))


@settings(deadline=None)
@given(
    strategies.names,
    st.lists(st.tuples(strategies.instants_us, strategies.packets), min_size=1, max_size=4),
    st.sampled_from(",;\t"),
)
def test_a_written_long_table_is_read_back(station: str, sent: list[tuple[int, list[Row]]], delimiter: str) -> None:
    decoded = CSV.decode(writing.csv_long(station, sent, delimiter), NOBODY)
    rows = [row for time_us, rows in sent for row in expected(rows, station, time_us)]
    assert [row[1:] for row in kept(decoded)] == [row[1:] for row in rows]
    check_positions(decoded)


tables = st.tuples(st.lists(strategies.names, min_size=1, max_size=4, unique=True), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(
        st.lists(strategies.instants_us, min_size=shape[1], max_size=shape[1]),
        st.fixed_dictionaries(
            {name: st.lists(st.none() | strategies.numbers, min_size=shape[1], max_size=shape[1]) for name in shape[0]}
        ),
    )
)
Table = tuple[list[int], dict[str, list[float | None]]]


@settings(deadline=None)
@given(tables, st.sampled_from(",;\t"))
def test_a_written_wide_table_is_read_back(table: Table, delimiter: str) -> None:
    times_us, results = table
    # Brackets hold the unit in this form, and quoted line ends are as good as any.
    body = writing.csv_wide(times_us, results, dict.fromkeys(results, "mg/l"), delimiter)
    decoded = CSV.decode(body, Context("A"))
    check_positions(decoded)
    assert [(row.symbol, row.unit, row.time_us, row.value) for row in kept(decoded)] == [
        (symbol, "mg/l", time_us, line[symbol])
        for number, time_us in enumerate(times_us)
        for line in [{symbol: column[number] for symbol, column in results.items()}]
        for symbol in results
        if line[symbol] is not None
    ]


@settings(deadline=None)
@given(tables, st.data())
def test_written_columns_are_read_back_as_the_oracle_reads_them(table: Table, data: st.DataObject) -> None:
    times_us, results = table
    units = data.draw(st.dictionaries(st.sampled_from(list(results)), strategies.units))
    a_column = st.lists(strategies.statuses, min_size=len(times_us), max_size=len(times_us))
    statuses = data.draw(st.dictionaries(st.sampled_from(list(results)), a_column))
    body = writing.json_columns("A", times_us, results, units, statuses)
    assert (columns.decode(body, NOBODY) is not None) == (b'\\"' not in body)
    decoded = JSON.decode(body, NOBODY)
    check_positions(decoded)
    assert kept(decoded) == oracle.read(body)
    assert kept(tolerant.document(documents.read(body), NOBODY)) == oracle.read(body)


# The fast ways against the plain one.

good_readings = st.fixed_dictionaries(
    {"symbol": strategies.any_names, "result": strategies.numbers | st.integers(-(10**20), 10**20)},
    optional={
        "unit": strategies.units | st.none(),
        "status": strategies.statuses | st.none(),
        "phenomenonTime": strategies.instants_us.map(writing.instant_text) | st.none(),
    },
)
good_packets = st.fixed_dictionaries(
    {
        "station": strategies.any_names,
        "phenomenonTime": strategies.instants_us.map(writing.instant_text),
        "readings": st.lists(good_readings, min_size=1, max_size=6)
        | st.dictionaries(strategies.any_names, strategies.numbers, min_size=1, max_size=6),
    }
)


@settings(deadline=None)
@given(good_packets, st.booleans(), st.sampled_from([None, 1]))
def test_every_correct_packet_is_read_as_the_oracle_reads_it(
    packet: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(packet, ensure_ascii=ascii_only, indent=indent).encode()
    decoded = JSON.decode(body, NOBODY)
    check_positions(decoded)
    assert not decoded.flaws
    assert kept(decoded) == oracle.read(body)
    assert kept(tolerant.document(documents.read(body), NOBODY)) == oracle.read(body)


odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "12.5", "NaN", "03", "x\x00", "\ud800", [], [1], {}, 0, -1, 10**400, float("nan"), float("inf")]
)
odd_members = st.sampled_from(["symbol", "result", "unit", "status", "phenomenonTime", "note"])


@settings(deadline=None)
@given(good_packets.filter(lambda packet: isinstance(packet["readings"], list)), st.data())
def test_odd_readings_never_hurt_the_others(packet: dict[str, Any], data: st.DataObject) -> None:
    readings = packet["readings"]
    odd = data.draw(st.sets(st.integers(0, len(readings) - 1), min_size=1))
    right = {row.position: row for row in oracle.read(json.dumps(packet).encode())}
    for number in odd:
        readings[number] |= {data.draw(odd_members): data.draw(odd_values)}
    decoded = outcome(JSON, json.dumps(packet).encode(), NOBODY)
    assert decoded is not None
    assert decoded.count == len(readings)
    found = {row.position: row for row in kept(decoded)}
    for number, row in right.items():
        assert number in odd or found[number] == row


@settings(deadline=None)
@given(strategies.names, st.lists(st.tuples(strategies.instants_us, strategies.packets), min_size=1, max_size=4))
def test_a_table_says_the_same_in_columns_and_one_by_one(station: str, sent: list[tuple[int, list[Row]]]) -> None:
    header, *lines = writing.csv_long(station, sent).decode().split("\r\n")
    cells = [line for line in _cells(lines) if line]
    together = in_columns(header_of(header), cells, NOBODY)
    apart = one_by_one(header_of(header), list(enumerate(cells, start=2)), NOBODY)
    assert together is not None
    assert kept(together) == kept(apart)


def _cells(lines: list[str]) -> list[list[str]]:
    import csv  # noqa: PLC0415 - only here is CSV read by other means than the codec

    return list(csv.reader(lines))


# Whatever the bytes are.

SEEDS: dict[str, tuple[Codec, bytes, Context]] = {
    "list": (JSON, writing.json_list("A", 0, [Row("COD", 48.6, "mg/l"), Row("pH", 7.2, status="02")]), NOBODY),
    "map": (JSON, writing.json_map("A", 0, [Row("COD", 48.6), Row("pH", 7.2)]), NOBODY),
    "columns": (
        JSON,
        writing.json_columns("A", [0, 10**9], {"COD": [1, None], "pH": [7, 8]}, {"COD": "mg/l"}, {"pH": ["00", "02"]}),
        NOBODY,
    ),
    "ndjson": (NDJSON, writing.ndjson([writing.json_map("A", 0, [Row("COD", number)]) for number in range(3)]), NOBODY),
    "circular10": (
        CIRCULAR10,
        writing.circular10("TH_ABCD_NUOXLT", 1_718_415_000_000_000, [Row("COD", 1.5, "mg/l"), Row("pH", 7)])[1],
        Context(file_name=FILE),
    ),
    "csv": (CSV, writing.csv_long("A", [(0, [Row("m,p-Xylene", 1.5, "ppb"), Row("pH", 7)])]), NOBODY),
    "wide": (CSV, writing.csv_wide([0, 10**9], {"COD": [1, None], "pH": [7, 8]}, {"COD": "mg/l"}), Context("A")),
}
PIECES = (
    st.sampled_from([b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\\u0000", b"\\ud800"])
    | st.sampled_from([b'"', b",", b":", b";", b"{", b"}", b"[", b"]", b"#", b"\t", b"\n", b"\r", b'"COD":1,'])
    | st.sampled_from([b"NaN", b"1e999", b"-", b"null", b"true", b"03"])
    | st.binary(max_size=3)
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_a_mutated_body_raises_nothing_but_unreadable(name: str, data: st.DataObject) -> None:
    codec, seed, context = SEEDS[name]
    body = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 4))] = data.draw(PIECES)
    outcome(codec, bytes(body), context)


@settings(deadline=None)
@given(st.sampled_from(sorted(SEEDS)), st.integers(0, 500))
def test_a_truncated_body_raises_nothing_but_unreadable(name: str, length: int) -> None:
    codec, seed, context = SEEDS[name]
    outcome(codec, seed[:length], context)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(SEEDS)))
def test_random_bytes_raise_nothing_but_unreadable(body: bytes, name: str) -> None:
    codec, _, context = SEEDS[name]
    outcome(codec, body, context)
    outcome(sniff(body), body, context)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["station", "phenomenonTime", "readings", "results", "units", "statuses", "symbol", "result", "COD"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_any_json_raises_nothing_but_unreadable(value: Any) -> None:
    body = json.dumps(value).encode()
    outcome(JSON, body, NOBODY)
    outcome(JSON, body, Context("A"))
    check_positions(ndjson.decode([body, body], NOBODY))


@settings(deadline=None)
@given(json_values, json_values)
def test_any_packet_of_the_right_outline_raises_nothing_but_unreadable(readings: Any, time: Any) -> None:
    for document in (
        {"station": "A", "phenomenonTime": time, "readings": readings},
        {"station": "A", "phenomenonTime": time, "results": readings},
        {"station": "A", "phenomenonTime": "2026-11-23T08:00:00Z", "readings": [readings, time]},
    ):
        outcome(JSON, json.dumps(document).encode(), NOBODY)
