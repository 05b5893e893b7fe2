"""Names to datastreams, one by one and many at once."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.intake import matching
from telemetry.intake.matching import Matched, Matcher, match
from telemetry.readings import Readings, Reason, Submission
from tests.fixtures import submissions
from tests.fixtures.submissions import (
    AMMONIUM,
    AMMONIUM_FACTOR,
    COD,
    COD_OF_SECOND,
    FIRST,
    NOW_US,
    PH,
    PH_OF_SECOND,
    SECOND,
    TEMPERATURE,
    packet,
    submission,
)


@pytest.fixture
def matcher() -> Matcher:
    return Matcher(submissions.two_stations())


def reading(station: str, symbol: str, unit: str | None = None) -> Readings:
    return Readings(station, (symbol,), NOW_US, [1.0], units=None if unit is None else (unit,))


def ids(matcher: Matcher, *readings: Readings, speaker: int | None = None) -> list[int]:
    found: list[int] = match(matcher, [submission(*readings, station_id=speaker)]).datastream_id.tolist()
    return found


def mismatch(matcher: Matcher, readings: Readings, speaker: int | None = None) -> matching.Mismatch:
    """What is wrong with the only reading."""
    matched = match(matcher, [submission(readings, station_id=speaker)])
    assert matched.datastream_id.tolist() == [0]
    (told,) = matched.mismatched.values()
    return told[0]


@pytest.mark.parametrize(
    ("spelling", "datastream"),
    [
        ("COD", COD),
        ("cod", COD),
        ("  Cod\t", COD),
        ("PH", PH),
        ("NH4-N", AMMONIUM),
        ("Amoni", AMMONIUM),
        ("AMONI ", AMMONIUM),
        (unicodedata.normalize("NFC", "Nhiệt độ"), TEMPERATURE),
        (unicodedata.normalize("NFD", "Nhiệt độ"), TEMPERATURE),
        (unicodedata.normalize("NFD", "NHIỆT ĐỘ"), TEMPERATURE),
    ],
)
def test_a_symbol_is_found_however_it_is_spelled(matcher: Matcher, spelling: str, datastream: int) -> None:
    assert ids(matcher, reading(FIRST, spelling)) == [datastream]


def test_a_spelling_means_what_its_own_station_says(matcher: Matcher) -> None:
    assert ids(matcher, reading(FIRST, "COD"), reading(SECOND, "COD")) == [COD, COD_OF_SECOND]
    assert mismatch(matcher, reading(SECOND, "Amoni")).reason is Reason.UNKNOWN_SYMBOL


@pytest.mark.parametrize("spelling", ["TSS", "Cặn"])
def test_a_retired_datastream_is_unknown_by_symbol_and_by_alias(matcher: Matcher, spelling: str) -> None:
    assert mismatch(matcher, reading(FIRST, spelling)) == matching.Mismatch(
        Reason.UNKNOWN_SYMBOL, "symbol", spelling, "a symbol or alias of TH-NT-001: COD, NH4-N, Temp, pH", station_id=1
    )


def test_of_many_known_symbols_only_some_are_listed(matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_SHOWN_SYMBOLS", 2)
    assert mismatch(matcher, reading(FIRST, "XYZ")).expected == "a symbol or alias of TH-NT-001: COD, NH4-N, …"


@pytest.mark.parametrize(
    ("symbol", "unit", "datastream"),
    [
        ("COD", "mg/l", COD),
        ("COD", "MG/L", COD),
        ("COD", " mg / l ", COD),
        ("COD", "", COD),
        ("COD", "  ", COD),
        ("pH", "", PH),
        ("Temp", "°C", TEMPERATURE),
        ("Temp", "oC", TEMPERATURE),
        ("Temp", "", TEMPERATURE),
    ],
)
def test_an_empty_unit_or_another_spelling_of_the_same_unit_is_accepted(
    matcher: Matcher, symbol: str, unit: str, datastream: int
) -> None:
    assert ids(matcher, reading(FIRST, symbol, unit)) == [datastream]


@pytest.mark.parametrize(
    ("symbol", "unit", "expected"),
    [
        ("COD", "µg/l", "mg/l, as declared for COD"),
        ("Amoni", "mg/m3", "mg/l, as declared for Amoni"),
        ("pH", "mg/l", "no unit, as declared for pH"),
        ("Temp", "K", "°C, as declared for Temp"),
    ],
)
def test_another_unit_is_refused_and_never_converted_by_guess(
    matcher: Matcher, symbol: str, unit: str, expected: str
) -> None:
    assert mismatch(matcher, reading(FIRST, symbol, unit)) == matching.Mismatch(
        Reason.UNIT_MISMATCH, "unit", unit, expected, station_id=1
    )


def test_a_station_speaks_for_itself_only(matcher: Matcher) -> None:
    assert ids(matcher, reading(FIRST, "COD"), speaker=1) == [COD]
    assert mismatch(matcher, reading(SECOND, "COD"), speaker=1) == matching.Mismatch(
        Reason.WRONG_STATION, "station", SECOND, "the sender's own station, TH-NT-001"
    )


def test_a_station_learns_nothing_about_which_other_stations_exist(matcher: Matcher) -> None:
    other, invented = (mismatch(matcher, reading(name, "COD"), speaker=1) for name in (SECOND, "TH-NT-999"))
    assert (other.reason, other.expected) == (invented.reason, invented.expected)


def test_the_staff_may_speak_for_any_station_of_the_catalogue(matcher: Matcher) -> None:
    assert ids(matcher, reading(FIRST, "pH"), reading(SECOND, "pH")) == [PH, PH_OF_SECOND]
    assert mismatch(matcher, reading("TH-NT-999", "pH")) == matching.Mismatch(
        Reason.UNKNOWN_STATION, "station", "TH-NT-999", "a station of the catalogue"
    )


def test_a_speaker_that_left_the_catalogue_speaks_for_nobody(matcher: Matcher) -> None:
    assert mismatch(matcher, reading(FIRST, "pH"), speaker=99).expected == "the sender's own station, its own"


@pytest.mark.parametrize("name", ["file:TH_XYZ_NUO01", "file:th_xyz_nuo01"])
def test_the_code_in_a_file_name_leads_to_its_station(matcher: Matcher, name: str) -> None:
    assert ids(matcher, reading(name, "COD")) == [COD]


def test_an_unknown_file_code_is_told_as_the_file_name(matcher: Matcher) -> None:
    told = mismatch(matcher, reading("file:TH_XYZ_KHI09", "COD"))
    assert (told.reason, told.field, told.found) == (Reason.UNKNOWN_STATION, "fileName", "TH_XYZ_KHI09")
    told = mismatch(matcher, reading("file:TH_XYZ_NUO01", "COD"), speaker=2)
    assert (told.reason, told.field, told.found) == (Reason.WRONG_STATION, "fileName", "TH_XYZ_NUO01")


def test_the_factor_of_the_datastream_is_applied_to_the_result_only(matcher: Matcher) -> None:
    matched = match(matcher, [submission(packet(Amoni=10.0, COD=10.0))])
    assert matched.value.tolist() == [10.0, 10.0]
    assert matched.result.tolist() == [10.0 * AMMONIUM_FACTOR, 10.0]


def test_a_product_too_large_for_a_float_becomes_infinite_without_a_warning() -> None:
    catalogue = submissions.two_stations()
    catalogue.columns.factor[COD] = 14.0
    assert match(Matcher(catalogue), [submission(packet(COD=1e308))]).result.tolist() == [np.inf]


def test_a_replay_is_judged_by_the_time_of_first_receipt(matcher: Matcher) -> None:
    again = submission(packet(COD=1.0), received_us=NOW_US, first_received_us=NOW_US - 5)
    assert match(matcher, [again, submission(packet(COD=1.0))]).received_us.tolist() == [NOW_US - 5, NOW_US]


def test_an_empty_group_and_empty_submissions_give_empty_columns(matcher: Matcher) -> None:
    for group in ([], [submission()], [submission(), submission(packet())]):
        matched = match(matcher, group)
        assert (len(matched), matched.mismatched) == (0, {})
        assert [column.dtype.str[1:] for column in (matched.time_us, matched.value, matched.status)] == [
            "i8",
            "f8",
            "i2",
        ]


def test_the_same_layout_is_matched_once(matcher: Matcher) -> None:
    first = matcher.layout(packet(COD=1.0, pH=7.0), None)
    assert matcher.layout(packet(COD=2.0, pH=8.0), None) is first
    assert matcher.layout(packet(COD=2.0, pH=8.0), 1) is not first


def test_what_senders_invent_does_not_fill_the_memory(matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MOST_NAMES", 100)
    for number in range(200):
        matcher.layout(Readings(FIRST, [f"s{number}-{k}" for k in range(9)], NOW_US, [0.0] * 9), None)
        assert sum(len(layout.ids) for layout in matcher._layouts.values()) <= 100
    wide = Readings(FIRST, [f"w{k}" for k in range(500)], NOW_US, [0.0] * 500)
    assert len(matcher.layout(wide, None).mismatches) == 500


# --- Many at once, against a matcher that a reader can follow.

# What each spelling is at each station, written out by hand.
_MEANS = {
    FIRST: {
        "COD": COD,
        "cod ": COD,
        "pH": PH,
        "Amoni": AMMONIUM,
        unicodedata.normalize("NFD", "Nhiệt độ"): TEMPERATURE,
        "TSS": 0,
        "no such": 0,
    },
    SECOND: {"COD": COD_OF_SECOND, "cod ": COD_OF_SECOND, "pH": PH_OF_SECOND},
}
_STATION_OF = {FIRST: FIRST, SECOND: SECOND, "file:TH_XYZ_NUO01": FIRST}
_NUMBER_OF = {FIRST: 1, SECOND: 2}
_UNITS = {COD: "mg/l", PH: "", AMMONIUM: "mg/l", TEMPERATURE: "°C", COD_OF_SECOND: "mg/l", PH_OF_SECOND: ""}
_FACTORS = {AMMONIUM: AMMONIUM_FACTOR}


@dataclass(frozen=True)
class Row:
    datastream_id: int
    time_us: int
    value: float
    result: float
    status: int
    submission: int
    index: int
    received_us: int
    reason: Reason | None
    symbol: str


def plainly(group: Sequence[Submission]) -> list[Row]:
    """The same as `match`, reading by reading."""
    return [
        _row(ordinal, sent, readings, at)
        for ordinal, sent in enumerate(group)
        for readings in sent.decoded.readings
        for at in range(len(readings.value))
    ]


def _row(ordinal: int, sent: Submission, readings: Readings, at: int) -> Row:
    which = at if readings.symbol is None else int(readings.symbol[at])
    symbol = readings.symbols[which]
    unit = None if readings.units is None else readings.units[which]
    datastream, reason = _found(readings.station, sent.station_id, symbol, unit)
    value = float(readings.value[at])
    return Row(
        datastream_id=datastream,
        time_us=readings.time_us if isinstance(readings.time_us, int) else int(readings.time_us[at]),
        value=value,
        result=value * _FACTORS.get(datastream, 1.0),
        status=0 if readings.status is None else int(readings.status[at]),
        submission=ordinal,
        index=readings.index + at if isinstance(readings.index, int) else int(readings.index[at]),
        received_us=sent.received_us,
        reason=reason,
        symbol="" if reason is None else symbol,
    )


def _found(name: str, speaker: int | None, symbol: str, unit: str | None) -> tuple[int, Reason | None]:
    station = _STATION_OF.get(name)
    if speaker is not None and (station is None or _NUMBER_OF[station] != speaker):
        return 0, Reason.WRONG_STATION
    if station is None:
        return 0, Reason.UNKNOWN_STATION
    datastream = _MEANS[station].get(symbol, 0)
    if not datastream:
        return 0, Reason.UNKNOWN_SYMBOL
    if unit not in {None, "", _UNITS[datastream]}:
        return 0, Reason.UNIT_MISMATCH
    return datastream, None


_times = st.integers(NOW_US - 10**12, NOW_US)
_values = st.floats(-1e6, 1e6)


@st.composite
def _readings(draw: st.DrawFn, first: int) -> Readings:
    station = draw(st.sampled_from([FIRST, FIRST, SECOND, "file:TH_XYZ_NUO01", "nobody"]))
    symbols = draw(st.lists(st.sampled_from(sorted(_MEANS[FIRST])), min_size=1, max_size=5, unique=True))
    units = draw(
        st.none()
        | st.lists(st.sampled_from([None, "", "mg/l", "°C"]), min_size=len(symbols), max_size=len(symbols)).map(tuple)
    )
    count = len(symbols)
    symbol = None
    if draw(st.booleans()):
        picked = draw(st.lists(st.integers(0, len(symbols) - 1), min_size=0, max_size=9))
        count, symbol = len(picked), np.array(picked, np.int64)
    listed: dict[str, Any] = {
        "value": draw(st.lists(_values, min_size=count, max_size=count)),
        "status": draw(st.none() | st.lists(st.integers(0, 2), min_size=count, max_size=count)),
    }
    time_us: Any = draw(_times)
    index: Any = first
    if draw(st.booleans()):
        listed["value"] = np.array(listed["value"], np.float64)
        if listed["status"] is not None:
            listed["status"] = np.array(listed["status"], np.int16)
    if draw(st.booleans()):
        time_us = np.array(draw(st.lists(_times, min_size=count, max_size=count)), np.int64)
    if draw(st.booleans()):
        index = np.array(draw(st.permutations(range(first, first + count))), np.int64)
    return Readings(station, symbols, time_us, symbol=symbol, units=units, index=index, **listed)


@st.composite
def _groups(draw: st.DrawFn) -> list[Submission]:
    group = []
    for _ in range(draw(st.integers(0, 5))):
        readings: list[Readings] = []
        for _ in range(draw(st.integers(0, 4))):
            readings.append(draw(_readings(sum(map(len, readings)))))
        speaker = draw(st.sampled_from([None, 1, 2]))
        received_us = NOW_US - draw(st.integers(0, 100))
        group.append(submission(*readings, station_id=speaker, received_us=received_us))
    return group


def told(matched: Matched) -> list[Row]:
    """What `match` found, as plain rows."""
    rows = []
    for at in range(len(matched)):
        why, symbol, _ = matched.mismatched.get(at, (None, "", None))
        rows.append(
            Row(
                datastream_id=int(matched.datastream_id[at]),
                time_us=int(matched.time_us[at]),
                value=float(matched.value[at]),
                result=float(matched.result[at]),
                status=int(matched.status[at]),
                submission=int(matched.submission[at]),
                index=int(matched.index[at]),
                received_us=int(matched.received_us[at]),
                reason=None if why is None else why.reason,
                symbol=symbol,
            )
        )
    return rows


@settings(derandomize=True, max_examples=80, deadline=None)
@given(_groups(), _groups())
def test_small_packets_and_large_columns_mix_without_losing_order_place_or_value(
    group: list[Submission], another: list[Submission]
) -> None:
    matcher = Matcher(submissions.two_stations())
    # The second group is matched by layouts that the first one left behind.
    for each in (group, another, group):
        assert told(match(matcher, each)) == plainly(each)
