"""JSON columns: in one piece where they are flawless, cell by cell where not, refused where the shape is wrong."""

import json
from typing import Any

import numpy as np
import pytest

from telemetry.codecs import columns
from telemetry.codecs.context import Context
from telemetry.codecs.errors import Unreadable
from telemetry.codecs.json_bodies import JsonCodec
from telemetry.readings import Decoded, Reason
from tests.unit.telemetry.codecs.flattening import Kept, check_positions, check_storable, kept, reasons

CODEC = JsonCodec()
NOBODY = Context()
TIMES = ["2026-11-23T08:00:00+07:00", "2026-11-23T08:05:00+07:00", "2026-11-23T08:10:00+07:00"]
STEP_US = 300_000_000
START_US = 1_795_395_600_000_000
WHOLE: dict[str, Any] = {
    "station": "A",
    "phenomenonTime": TIMES,
    "results": {"COD": [48.6, 49, 50.25], "pH": [7.1, 7.2, 7.3]},
}


def decode(context: Context = NOBODY, **members: Any) -> Decoded:
    decoded = CODEC.decode(json.dumps(WHOLE | members).encode(), context)
    check_positions(decoded)
    check_storable(decoded)
    return decoded


def test_columns_become_one_set_of_numpy_columns() -> None:
    decoded = decode(units={"COD": "mg/l"}, statuses={"pH": ["00", "01", "02"]})
    (readings,) = decoded.readings
    assert isinstance(readings.value, np.ndarray)
    assert readings.index == 0
    assert kept(decoded) == [
        Kept(0, "A", "COD", "mg/l", START_US, 48.6, 0),
        Kept(1, "A", "COD", "mg/l", START_US + STEP_US, 49.0, 0),
        Kept(2, "A", "COD", "mg/l", START_US + 2 * STEP_US, 50.25, 0),
        Kept(3, "A", "pH", None, START_US, 7.1, 0),
        Kept(4, "A", "pH", None, START_US + STEP_US, 7.2, 1),
        Kept(5, "A", "pH", None, START_US + 2 * STEP_US, 7.3, 2),
    ]


def test_flawless_columns_take_the_typed_path() -> None:
    for members in ({}, {"units": {"pH": ""}}, {"statuses": {"COD": ["00"] * 3}}, {"results": {"COD": [1, None, 2]}}):
        assert columns.decode(json.dumps(WHOLE | members).encode(), NOBODY) is not None


def test_statuses_that_say_measuring_cost_no_column() -> None:
    (readings,) = decode(statuses={"COD": ["00"] * 3, "pH": ["00"] * 3}).readings
    assert readings.status is None


def test_null_is_no_reading_and_no_flaw() -> None:
    decoded = decode(results={"COD": [None, 49, None], "pH": [7.1, None, 7.3]}, statuses={"COD": ["00", "02", "00"]})
    assert decoded.count == 3
    assert not decoded.flaws
    assert [(row.position, row.symbol, row.time_us - START_US, row.value, row.status) for row in kept(decoded)] == [
        (0, "COD", STEP_US, 49.0, 2),
        (1, "pH", 0, 7.1, 0),
        (2, "pH", 2 * STEP_US, 7.3, 0),
    ]


def test_columns_of_nothing_but_null_hold_no_reading() -> None:
    decoded = decode(results={"COD": [None, None, None]})
    assert (decoded.count, list(decoded.readings), list(decoded.flaws)) == (0, [], [])


def test_the_sender_is_the_station_where_none_is_named() -> None:
    assert {row.station for row in kept(decode(Context(station="B"), station=None))} == {"B"}


def test_a_bad_number_spoils_one_cell() -> None:
    decoded = decode(results={"COD": [48.6, "NaN", 50], "pH": [True, 7.2, None]})
    assert [(row.position, row.symbol, row.value) for row in kept(decoded)] == [
        (0, "COD", 48.6),
        (2, "COD", 50.0),
        (4, "pH", 7.2),
    ]
    assert [(flaw.index, flaw.reason, flaw.field, flaw.value) for flaw in decoded.flaws] == [
        (1, Reason.NOT_A_NUMBER, "results.COD[1]", "NaN"),
        (3, Reason.NOT_A_NUMBER, "results.pH[0]", "true"),
    ]
    assert decoded.flaws[0].phenomenon_time == TIMES[1]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400", "1" * 400])
def test_a_number_beyond_all_numbers_spoils_one_cell(number: str) -> None:
    body = json.dumps(WHOLE).replace("50.25", number)
    decoded = CODEC.decode(body.encode(), NOBODY)
    check_positions(decoded)
    assert reasons(decoded) == {2: Reason.NOT_FINITE}
    assert len(kept(decoded)) == 5


def test_a_bad_time_spoils_one_reading_of_each_symbol() -> None:
    decoded = decode(
        phenomenonTime=[TIMES[0], "2026-11-23T08:05:00", TIMES[2]], results={"COD": [1, 2, 3], "pH": [7, None, 8]}
    )
    assert reasons(decoded) == {1: Reason.TIME_WITHOUT_OFFSET}
    assert decoded.flaws[0].field == "phenomenonTime[1]"
    assert [row.value for row in kept(decoded)] == [1.0, 3.0, 7.0, 8.0]
    twice = decode(phenomenonTime=[TIMES[0], TIMES[1], "2026-02-30T00:00:00Z"])
    assert reasons(twice) == {2: Reason.UNREADABLE_TIME, 5: Reason.UNREADABLE_TIME}


def test_a_time_that_is_a_number_spoils_its_readings() -> None:
    decoded = decode(phenomenonTime=[TIMES[0], 1_795_395_600, None])
    assert set(reasons(decoded).values()) == {Reason.UNREADABLE_TIME}
    assert [flaw.found for flaw in decoded.flaws] == ["1795395600", "null"] * 2


def test_times_may_be_written_in_different_ways() -> None:
    decoded = decode(phenomenonTime=["2026-11-23T01:00:00Z", TIMES[1], "2026-11-23T08:10:00.000+07:00"])
    assert [row.time_us for row in kept(decoded)][:3] == [START_US, START_US + STEP_US, START_US + 2 * STEP_US]


def test_an_unknown_status_spoils_one_cell() -> None:
    decoded = decode(statuses={"COD": ["00", "03", "02"], "pH": ["", "00", "00"]})
    assert reasons(decoded) == {1: Reason.UNKNOWN_STATUS, 3: Reason.UNKNOWN_STATUS}
    assert (decoded.flaws[0].field, decoded.flaws[0].found, decoded.flaws[0].status) == ("statuses.COD[1]", "03", "03")
    assert [(row.position, row.status) for row in kept(decoded)] == [(0, 0), (2, 2), (4, 0), (5, 0)]


def test_the_status_of_a_cell_without_reading_is_not_looked_at() -> None:
    decoded = decode(results={"COD": [1, None, 3]}, statuses={"COD": ["00", "03", "00"]})
    assert not decoded.flaws
    assert decoded.count == 2


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"results": {"COD": [1, 2], "pH": [1, 2, 3]}}, "results.COD"),
        ({"results": {"COD": [1, 2, 3, 4]}}, "results.COD"),
        ({"results": {"COD": 1}}, "results.COD"),
        ({"results": {"": [1, 2, 3]}}, "results."),
        ({"results": {"C\x00": [1, 2, 3]}}, "results.C\\u0000"),
        ({"results": {}}, "results"),
        ({"results": [1, 2, 3]}, "results"),
        ({"results": None}, "results"),
        ({"phenomenonTime": []}, "phenomenonTime"),
        ({"phenomenonTime": TIMES[0]}, "phenomenonTime"),
        ({"phenomenonTime": None}, "phenomenonTime"),
        ({"statuses": {"COD": ["00"]}}, "statuses.COD"),
        ({"statuses": {"CODx": ["00"] * 3}}, "statuses.CODx"),
        ({"statuses": {"COD": "00"}}, "statuses.COD"),
        ({"statuses": ["00"]}, "statuses"),
        ({"units": {"CODx": "mg/l"}}, "units.CODx"),
        ({"units": {"COD": 5}}, "units.COD"),
        ({"units": "mg/l"}, "units"),
        ({"station": None}, "station"),
        ({"station": 5}, "station"),
        ({"note": "x"}, "note"),
        ({"readings": {"COD": 1}}, "readings"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused_by_name(members: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(**members)
    assert caught.value.flaw.field == field


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ('"COD":', '"COD":[1,2,3],"COD":', "results.COD"),
        ('"station":', '"station":"B","station":', "station"),
        ('"results":', '"results":{"x":[1,2,3]},"results":', "results"),
        ('"units":{', '"units":{"COD":"g/l",', "units.COD"),
        ('"statuses":{', '"statuses":{"COD":["02","02","02"],', "statuses.COD"),
    ],
)
def test_a_repeated_member_of_columns_is_refused_by_name(before: str, after: str, field: str) -> None:
    whole = WHOLE | {"units": {"COD": "mg/l"}, "statuses": {"COD": ["00", "00", "00"]}}
    body = json.dumps(whole, separators=(",", ":")).replace(before, after, 1)
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(body.encode(), NOBODY)
    assert caught.value.flaw.field == field


def test_a_long_backfill_keeps_every_reading() -> None:
    count = 2_000
    times = [
        f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00+07:00" for minute in range(count)
    ]
    results = {symbol: [base + number / 8 for number in range(count)] for base, symbol in enumerate("abcdefgh")}
    decoded = decode(phenomenonTime=times, results=results)
    (readings,) = decoded.readings
    assert decoded.count == 8 * count == len(readings)
    assert readings.symbol is not None
    for number, symbol in enumerate(results):
        mask = readings.symbol == number
        assert np.asarray(readings.value)[mask].tolist() == results[symbol]
        assert np.diff(np.asarray(readings.time_us)[mask]).tolist() == [60_000_000] * (count - 1)


@pytest.mark.parametrize("bad", [False, True])
def test_columns_hold_what_can_be_committed_while_a_sender_waits(bad: bool) -> None:
    times = ["2026-11-23T08:00:00Z"] * 25_000
    results = {"COD": [1.5] * 25_000, "pH": [7.0] * 25_000}
    if bad:
        results["pH"][0] = "?"  # type: ignore[call-overload]  # what loggers write where they measured nothing
    assert decode(phenomenonTime=times, results=results).count == 50_000
    with pytest.raises(Unreadable) as caught:
        decode(phenomenonTime=times, results=results | {"TSS": [None] * 25_000})
    assert (caught.value.flaw.field, caught.value.flaw.found) == ("body", "75000 readings")
