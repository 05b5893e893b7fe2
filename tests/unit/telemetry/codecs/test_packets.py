"""The typed fast path: what it takes, and that it steps aside for everything unusual."""

import json
from typing import Any

import pytest

from telemetry.codecs import packets
from telemetry.codecs.context import Context
from tests.unit.telemetry.codecs.flattening import Kept, check_positions, kept

TIME = "2026-11-23T08:00:00+07:00"
TIME_US = 1_795_395_600_000_000
OWN = Context(station="TH-NT-001")
NOBODY = Context()


def packet(**members: Any) -> bytes:
    whole = {"station": "TH-NT-001", "phenomenonTime": TIME, "readings": [{"symbol": "COD", "result": 48.6}]}
    return json.dumps(whole | members).encode()


def test_a_full_packet_keeps_symbol_unit_time_value_and_status() -> None:
    body = packet(
        readings=[
            {"symbol": "COD", "result": 48.6, "unit": "mg/l", "status": "00"},
            {"symbol": "pH", "result": 7, "unit": "", "status": "01"},
            {"symbol": "Flow", "result": -0.25, "unit": "m3/h", "status": "02"},
        ]
    )
    decoded = packets.decode(body, NOBODY)
    assert decoded is not None
    check_positions(decoded)
    assert kept(decoded) == [
        Kept(0, "TH-NT-001", "COD", "mg/l", TIME_US, 48.6, 0),
        Kept(1, "TH-NT-001", "pH", None, TIME_US, 7.0, 1),
        Kept(2, "TH-NT-001", "Flow", "m3/h", TIME_US, -0.25, 2),
    ]


def test_a_map_of_numbers_is_a_packet_too() -> None:
    decoded = packets.decode(packet(readings={"COD": 48.6, "pH": 7}), NOBODY)
    assert decoded is not None
    assert [(row.symbol, row.value, row.status) for row in kept(decoded)] == [("COD", 48.6, 0), ("pH", 7.0, 0)]


def test_a_packet_of_the_usual_kind_carries_no_columns_that_say_nothing() -> None:
    decoded = packets.decode(packet(readings=[{"symbol": "COD", "result": 1.5, "status": "00"}]), NOBODY)
    assert decoded is not None
    (readings,) = decoded.readings
    assert (readings.symbol, readings.units, readings.status) == (None, None, None)
    assert (readings.index, readings.time_us) == (0, TIME_US)


def test_a_packet_without_station_speaks_for_its_sender() -> None:
    body = json.dumps({"phenomenonTime": TIME, "readings": {"COD": 1}}).encode()
    decoded = packets.decode(body, OWN)
    assert decoded is not None
    assert kept(decoded)[0].station == "TH-NT-001"
    assert packets.decode(body, NOBODY) is None


def test_a_station_that_is_named_is_not_replaced_by_the_sender() -> None:
    decoded = packets.decode(packet(station="TH-NT-002"), OWN)
    assert decoded is not None
    assert kept(decoded)[0].station == "TH-NT-002"


def test_readings_may_carry_times_of_their_own() -> None:
    readings = [
        {"symbol": "COD", "result": 1},
        {"symbol": "COD", "result": 2, "phenomenonTime": "2026-11-23T01:05:00Z", "unit": "mg/l"},
        {"symbol": "COD", "result": 3, "phenomenonTime": "2026-11-23T08:10:00+07:00", "status": "02"},
    ]
    decoded = packets.decode(packet(readings=readings), NOBODY)
    assert decoded is not None
    check_positions(decoded)
    minute = 60_000_000
    assert [(row.time_us - TIME_US, row.value, row.unit, row.status) for row in kept(decoded)] == [
        (0, 1.0, None, 0),
        (5 * minute, 2.0, "mg/l", 0),
        (10 * minute, 3.0, None, 2),
    ]


def test_the_packet_needs_no_time_where_every_reading_has_one() -> None:
    reading = {"symbol": "COD", "result": 1, "phenomenonTime": TIME}
    decoded = packets.decode(json.dumps({"station": "A", "readings": [reading]}).encode(), NOBODY)
    assert decoded is not None
    assert kept(decoded) == [Kept(0, "A", "COD", None, TIME_US, 1.0, 0)]


def test_a_symbol_may_come_twice_in_a_list() -> None:
    readings = [{"symbol": "COD", "result": 1}, {"symbol": "pH", "result": 7}, {"symbol": "COD", "result": 2}]
    decoded = packets.decode(packet(readings=readings), NOBODY)
    assert decoded is not None
    check_positions(decoded)
    assert [(row.symbol, row.value) for row in kept(decoded)] == [("COD", 1.0), ("pH", 7.0), ("COD", 2.0)]
    (columns,) = decoded.readings
    assert list(columns.symbols) == ["COD", "pH"]


def test_positions_start_where_they_are_told_to() -> None:
    for readings in ([{"symbol": "COD", "result": 1}], {"COD": 1}, [{"symbol": "COD", "result": 1}] * 2):
        decoded = packets.decode(packet(readings=readings), NOBODY, first=40)
        assert decoded is not None
        check_positions(decoded, first=40)


def test_escapes_are_read_and_stay_on_the_fast_path() -> None:
    body = rb'{"station":"A","phenomenonTime":"%s","readings":[{"symbol":"Nhi\u1ec7t","result":1,"unit":"mg\/l"}]}'
    decoded = packets.decode(body % TIME.encode(), NOBODY)
    assert decoded is not None
    assert (kept(decoded)[0].symbol, kept(decoded)[0].unit) == ("Nhiệt", "mg/l")


HEAD = f'{{"station":"A","phenomenonTime":"{TIME}",'


@pytest.mark.parametrize(
    "body",
    [
        HEAD + '"readings":[{"symbol":"COD","result":1,"result":2}]}',
        HEAD + '"readings":[{"symbol":"COD","symbol":"pH","result":2}]}',
        HEAD + '"readings":[{"symbol":"COD","result":2,"status":"02","status":"00"}]}',
        HEAD + '"readings":[{"symbol":"COD","result":2,"status":"02","status":null}]}',
        HEAD + '"readings":{"COD":1,"COD":1}}',
        HEAD + '"readings":{"COD":1},"readings":{"COD":1}}',
        HEAD + '"station":"B","readings":{"COD":1}}',
        HEAD + f'"phenomenonTime":"{TIME}","readings":{{"COD":1}}}}',
    ],
)
def test_a_repeated_member_never_passes_the_fast_path(body: str) -> None:
    assert packets.decode(body.encode(), NOBODY) is None


@pytest.mark.parametrize(
    "members",
    [
        {"firmware": "1.2"},
        {"readings": []},
        {"readings": {}},
        {"readings": None},
        {"readings": {"COD": "1"}},
        {"readings": {"": 1}},
        {"readings": {"COD\x00": 1}},
        {"readings": [{"symbol": "COD\x00", "result": 1}]},
        {"readings": [{"symbol": "C" * 129, "result": 1}]},
        {"readings": [{"symbol": "COD", "result": True}]},
        {"readings": [{"symbol": "COD", "result": None}]},
        {"readings": [{"symbol": "COD", "result": 1, "status": "03"}]},
        {"readings": [{"symbol": "COD", "result": 1, "status": 0}]},
        {"readings": [{"symbol": "COD", "result": 1, "note": "x"}]},
        {"readings": [{"symbol": "COD", "result": 1, "phenomenonTime": "2026-11-23T08:00:00"}]},
        {"phenomenonTime": "2026-11-23T08:00:00"},
        {"phenomenonTime": 1_795_395_600},
        {"phenomenonTime": None},
        {"station": ""},
        {"station": "S" * 129},
    ],
)
def test_what_is_not_exactly_as_documented_is_left_to_the_tolerant_reader(members: dict[str, Any]) -> None:
    assert packets.decode(packet(**members), NOBODY) is None


def test_optional_members_that_are_null_are_left_to_the_tolerant_reader() -> None:
    reading = {"symbol": "COD", "result": 1, "unit": None, "status": None}
    assert packets.decode(packet(readings=[reading]), NOBODY) is None
