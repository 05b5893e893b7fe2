"""Packets with bad readings in them: each becomes a flaw that names field, found and expected, the others are kept."""

import json
from typing import Any

import pytest

from telemetry.codecs.context import Context
from telemetry.codecs.json_bodies import JsonCodec
from telemetry.readings import Decoded, Flaw, Reason
from tests.unit.telemetry.codecs.flattening import check_positions, check_storable, kept, reasons, values

TIME = "2026-11-23T08:00:00+07:00"
CODEC = JsonCodec()
NOBODY = Context()


def decode(body: str | bytes | dict[str, Any], context: Context = NOBODY) -> Decoded:
    if isinstance(body, dict):
        body = json.dumps(body)
    decoded = CODEC.decode(body.encode() if isinstance(body, str) else body, context)
    check_positions(decoded)
    check_storable(decoded)
    return decoded


def beside_a_good_one(reading: str) -> Flaw:
    """The flaw of a reading that stands between two good ones, which must both be kept."""
    good = '{{"symbol":"{}","result":{}}}'
    readings = ",".join([good.format("pH", 7.2), reading, good.format("TSS", 22.1)])
    decoded = decode(f'{{"station":"A","phenomenonTime":"{TIME}","readings":[{readings}]}}')
    assert values(decoded) == {"pH": 7.2, "TSS": 22.1}
    assert [row.position for row in kept(decoded)] == [0, 2]
    (flaw,) = decoded.flaws
    assert flaw.index == 1
    assert flaw.expected
    return flaw


@pytest.mark.parametrize(
    ("result", "reason", "found"),
    [
        ('"12.5"', Reason.NOT_A_NUMBER, '"12.5"'),
        ('"NaN"', Reason.NOT_A_NUMBER, '"NaN"'),
        ('""', Reason.NOT_A_NUMBER, '""'),
        ("true", Reason.NOT_A_NUMBER, "true"),
        ("false", Reason.NOT_A_NUMBER, "false"),
        ("null", Reason.NOT_A_NUMBER, "null"),
        ("[1]", Reason.NOT_A_NUMBER, "a list of 1"),
        ('{"value":1}', Reason.NOT_A_NUMBER, "an object of 1 members"),
        ("NaN", Reason.NOT_FINITE, "NaN"),
        ("Infinity", Reason.NOT_FINITE, "Infinity"),
        ("-Infinity", Reason.NOT_FINITE, "-Infinity"),
        ("1e400", Reason.NOT_FINITE, "1e400"),
        ("-1e400", Reason.NOT_FINITE, "-1e400"),
        ("9" * 400, Reason.NOT_FINITE, "9" * 200 + "…"),
    ],
)
def test_a_result_that_is_no_finite_number_spoils_its_reading_only(result: str, reason: Reason, found: str) -> None:
    flaw = beside_a_good_one(f'{{"symbol":"COD","result":{result},"unit":"mg/l","status":"01"}}')
    assert (flaw.reason, flaw.field, flaw.found) == (reason, "readings[1].result", found)
    assert (flaw.symbol, flaw.unit, flaw.status, flaw.phenomenon_time) == ("COD", "mg/l", "01", TIME)


@pytest.mark.parametrize(
    ("reading", "reason", "field", "found"),
    [
        ('{"symbol":"COD"}', Reason.MISSING_FIELD, "readings[1].result", "nothing"),
        ('{"result":1}', Reason.MISSING_FIELD, "readings[1].symbol", "null or nothing"),
        ('{"symbol":null,"result":1}', Reason.MISSING_FIELD, "readings[1].symbol", "null or nothing"),
        ('{"symbol":"","result":1}', Reason.MISSING_FIELD, "readings[1].symbol", "empty text"),
        ('{"symbol":7,"result":1}', Reason.UNKNOWN_SYMBOL, "readings[1].symbol", "7"),
        ('{"symbol":"a\\u0000b","result":1}', Reason.UNKNOWN_SYMBOL, "readings[1].symbol", "a\\u0000b"),
        ('{"symbol":"a\\ud800b","result":1}', Reason.UNKNOWN_SYMBOL, "readings[1].symbol", "a\\ud800b"),
        ('{"symbol":"COD","result":1,"unit":5}', Reason.UNIT_MISMATCH, "readings[1].unit", "5"),
        ('{"symbol":"COD","result":1,"unit":"\\u0000"}', Reason.UNIT_MISMATCH, "readings[1].unit", "\\u0000"),
        ('{"symbol":"COD","result":1,"status":"03"}', Reason.UNKNOWN_STATUS, "readings[1].status", "03"),
        ('{"symbol":"COD","result":1,"status":""}', Reason.UNKNOWN_STATUS, "readings[1].status", ""),
        ('{"symbol":"COD","result":1,"status":0}', Reason.UNKNOWN_STATUS, "readings[1].status", "0"),
        ('{"symbol":"COD","result":1,"status":["00"]}', Reason.UNKNOWN_STATUS, "readings[1].status", "a list of 1"),
        (
            '{"symbol":"COD","result":1,"value":2}',
            Reason.UNKNOWN_FIELD,
            "readings[1].value",
            "a member that is not known",
        ),
        ('{"symbol":"COD","result":1,"result":2}', Reason.REPEATED_FIELD, "readings[1].result", "1 and 2"),
        ('{"symbol":"COD","result":1,"result":1}', Reason.REPEATED_FIELD, "readings[1].result", "1 and 1"),
        ("3", Reason.UNREADABLE, "readings[1]", "3"),
        ("null", Reason.UNREADABLE, "readings[1]", "null"),
        ('["COD",1]', Reason.UNREADABLE, "readings[1]", "a list of 2"),
        (
            '{"symbol":"COD","result":1,"phenomenonTime":"yesterday"}',
            Reason.UNREADABLE_TIME,
            "readings[1].phenomenonTime",
            "yesterday",
        ),
        (
            '{"symbol":"COD","result":1,"phenomenonTime":1795395600}',
            Reason.UNREADABLE_TIME,
            "readings[1].phenomenonTime",
            "1795395600",
        ),
        (
            '{"symbol":"COD","result":1,"phenomenonTime":"2026-11-23T08:00:00"}',
            Reason.TIME_WITHOUT_OFFSET,
            "readings[1].phenomenonTime",
            "2026-11-23T08:00:00",
        ),
        (
            '{"symbol":"COD","result":1,"phenomenonTime":"2026-11-23T23:59:60Z"}',
            Reason.UNREADABLE_TIME,
            "readings[1].phenomenonTime",
            "2026-11-23T23:59:60Z",
        ),
    ],
)
def test_a_bad_reading_is_told_by_field_and_spares_its_neighbours(
    reading: str, reason: Reason, field: str, found: str
) -> None:
    flaw = beside_a_good_one(reading)
    assert (flaw.reason, flaw.field, flaw.found) == (reason, field, found)


def test_null_in_an_optional_member_means_that_it_is_not_given() -> None:
    reading = {"symbol": "COD", "result": 1, "unit": None, "status": None, "phenomenonTime": None}
    body = {"station": None, "phenomenonTime": TIME, "readings": [reading]}
    decoded = decode(body, Context(station="A"))
    assert not decoded.flaws
    (row,) = kept(decoded)
    assert (row.station, row.unit, row.status) == ("A", None, 0)


def test_an_unknown_member_of_a_packet_spoils_each_of_its_readings() -> None:
    body = {"station": "A", "phenomenonTime": TIME, "statuss": "02", "readings": {"COD": 1, "pH": 7}}
    decoded = decode(body)
    assert reasons(decoded) == {0: Reason.UNKNOWN_FIELD, 1: Reason.UNKNOWN_FIELD}
    assert {(flaw.field, flaw.symbol, flaw.value) for flaw in decoded.flaws} == {
        ("statuss", "COD", "1"),
        ("statuss", "pH", "7"),
    }


def test_a_repeated_member_of_a_packet_spoils_each_of_its_readings() -> None:
    decoded = decode(f'{{"station":"A","station":"B","phenomenonTime":"{TIME}","readings":{{"COD":1,"pH":7}}}}')
    assert reasons(decoded) == {0: Reason.REPEATED_FIELD, 1: Reason.REPEATED_FIELD}
    assert decoded.flaws[0].found == "A and B"


def test_readings_that_are_written_twice_are_all_told() -> None:
    head = f'{{"station":"A","phenomenonTime":"{TIME}"'
    decoded = decode(head + ',"readings":{"COD":1,"pH":7},"readings":[{"symbol":"TSS","result":2}]}')
    assert [flaw.symbol for flaw in decoded.flaws] == ["COD", "pH", "TSS"]
    assert set(reasons(decoded).values()) == {Reason.REPEATED_FIELD}


def test_a_symbol_that_is_twice_in_a_map_loses_neither_value() -> None:
    decoded = decode(f'{{"station":"A","phenomenonTime":"{TIME}","readings":{{"COD":1,"pH":7,"COD":2}}}}')
    assert values(decoded) == {"pH": 7.0}
    assert [(flaw.index, flaw.symbol, flaw.value) for flaw in decoded.flaws] == [(0, "COD", "1"), (2, "COD", "2")]


def test_a_bad_number_in_a_map_spares_its_neighbours() -> None:
    decoded = decode({"station": "A", "phenomenonTime": TIME, "readings": {"COD": "48,6", "pH": 7.2, "TSS": None}})
    assert values(decoded) == {"pH": 7.2}
    assert [(flaw.field, flaw.found) for flaw in decoded.flaws] == [
        ("readings.COD", '"48,6"'),
        ("readings.TSS", "null"),
    ]


@pytest.mark.parametrize(
    ("members", "reason", "field"),
    [
        ({"phenomenonTime": None}, Reason.MISSING_FIELD, "phenomenonTime"),
        ({"phenomenonTime": "2026-11-23T08:00:00"}, Reason.TIME_WITHOUT_OFFSET, "phenomenonTime"),
        ({"phenomenonTime": "2026-02-29T08:00:00Z"}, Reason.UNREADABLE_TIME, "phenomenonTime"),
        ({"phenomenonTime": 5}, Reason.UNREADABLE_TIME, "phenomenonTime"),
        ({"phenomenonTime": ["2026-11-23T08:00:00Z"]}, Reason.UNREADABLE_TIME, "phenomenonTime"),
        ({"station": None}, Reason.MISSING_FIELD, "station"),
        ({"station": ""}, Reason.MISSING_FIELD, "station"),
        ({"station": 7}, Reason.UNKNOWN_STATION, "station"),
        ({"station": "A\x00"}, Reason.UNKNOWN_STATION, "station"),
    ],
)
def test_what_is_wrong_with_the_packet_is_told_of_every_reading(
    members: dict[str, Any], reason: Reason, field: str
) -> None:
    readings = [{"symbol": "COD", "result": 1}, {"symbol": "pH", "result": 7}]
    decoded = decode({"station": "A", "phenomenonTime": TIME, "readings": readings} | members)
    assert reasons(decoded) == {0: reason, 1: reason}
    assert {flaw.field for flaw in decoded.flaws} == {field}


def test_a_bad_time_of_the_packet_spares_readings_with_times_of_their_own() -> None:
    readings = [{"symbol": "COD", "result": 1}, {"symbol": "pH", "result": 7, "phenomenonTime": TIME}]
    decoded = decode({"station": "A", "phenomenonTime": "?", "readings": readings})
    assert values(decoded) == {"pH": 7.0}
    assert reasons(decoded) == {0: Reason.UNREADABLE_TIME}


def test_numbers_are_shown_as_they_were_sent() -> None:
    decoded = decode(f'{{"station":"A","phenomenonTime":"{TIME}","x":1,"readings":{{"COD":48.600}}}}')
    assert decoded.flaws[0].value == "48.600"


def test_an_endless_text_is_cut_in_the_flaw() -> None:
    flaw = beside_a_good_one(json.dumps({"symbol": "COD", "result": "x" * 100_000}))
    assert len(flaw.found) < 250
    assert flaw.value is not None
    assert len(flaw.value) < 250
