"""From the bytes of a CSV file to a plan, and everything that can be wrong on the way."""

import unicodedata

import pytest

from telemetry.catalog import csv_lines, errors, import_plan
from telemetry.catalog.csv_lines import Line
from telemetry.catalog.import_plan import Plan
from telemetry.catalog.store.imports import Known

KNOWN = Known(
    organizations=frozenset({"DN-01"}),
    units={"COD": "mg/l", "NH4-N": "mg/l", "pH": "", "m,p-Xylene": "mg/Nm3", "Temp": "oC"},
    stations=frozenset({"OLD-1"}),
    file_codes={"TH_OLD_NUO01": "OLD-1"},
)
HEADER = "station,kind,organization,name_vi,symbol,reported_unit,reported_as,factor,range_min,range_max,aliases"


def read(data: bytes | str) -> list[Line]:
    encoded = data.encode() if isinstance(data, str) else data
    return csv_lines.read(encoded, import_plan.COLUMNS, import_plan.REQUIRED, import_plan.DECIMALS)


def refused(data: bytes | str) -> list[tuple[str, str, str]]:
    with pytest.raises(errors.ImportRefused) as caught:
        read(data)
    return [(fault.field, fault.found, fault.expected) for fault in caught.value.faults]


def plan(*rows: str, header: str = HEADER, update: bool = False) -> Plan:
    return import_plan.make(read("\n".join((header, *rows))), KNOWN, [], update=update)


def faults(*rows: str, header: str = HEADER, update: bool = False) -> list[tuple[str, str]]:
    return [(fault.field, fault.found) for fault in plan(*rows, header=header, update=update).in_order()]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("sign", [",", ";"])
def test_the_usual_kinds_of_csv_are_read_alike(mark: bytes, end: str, sign: str) -> None:
    text = end.join((HEADER, 'A,ambient,DN-01,"Trạm ""A""",COD,mg/l,,,,,', "", "A,,,,pH,,,,,,", "")).replace(",", sign)
    lines = read(mark + text.encode())
    assert [(line.number, line.cells["station"], line.cells["symbol"]) for line in lines] == [
        (2, "A", "COD"),
        (4, "A", "pH"),
    ]
    assert lines[0].cells["name_vi"] == 'Trạm "A"'


def test_a_decimal_comma_is_read_where_semicolons_separate() -> None:
    header = "station;kind;organization;name_vi;latitude;symbol"
    (line,) = read(f"{header}\nA;ambient;DN-01;Trạm, số 1;19,807;m,p-Xylene")
    assert (line.cells["latitude"], line.cells["symbol"]) == ("19.807", "m,p-Xylene")
    assert line.cells["name_vi"] == "Trạm, số 1"


def test_a_line_is_counted_from_where_it_begins() -> None:
    lines = read(f'{HEADER}\nA,ambient,DN-01,"two\nlines",COD,,,,,,\nB,ambient,DN-01,B,,,,,,,')
    assert [line.number for line in lines] == [2, 4]


def test_header_faults_are_told_together() -> None:
    told = refused("station,kind,colour,kind\nA,ambient,red,ambient")
    assert ("line 1", "no such column", "organization") in told
    assert ("line 1", "no such column", "name_vi") in told
    assert [found for _, found, _ in told] == ["no such column", "no such column", "colour", "kind twice"]


def test_an_empty_file_has_no_header() -> None:
    for data in (b"", b"\xef\xbb\xbf", b"\n\n"):
        assert refused(data)[0][0] == "line 1"


def test_other_encodings_are_named_by_line_and_byte() -> None:
    assert refused(f"{HEADER}\nA,ambient,DN-01,".encode() + b"Tr\xa1m") == [("line 2", "byte 0xa1", "text in UTF-8")]
    assert refused(HEADER.encode("utf-16"))[0][2] == "text in UTF-8"


def test_broken_quotes_and_surplus_cells_are_told() -> None:
    assert refused(f'{HEADER}\nA,ambient,DN-01,"never closed')[0][0] == "line 2"
    assert refused(f"{HEADER}\n{'A,' * 12}")[0][:2] == ("line 2", "13 cells")


def test_a_station_and_its_datastreams_are_planned() -> None:
    made = plan(
        "A,wastewater,DN-01,Trạm A,COD,ug/l,,,0,500,",
        "A,,,,NH4-N,mg/l,NH4+,,,50,Amoni | NH4 |NH4-N",
        'B,ambient,DN-01,Trạm B,"m,p-Xylene",,,,,,',
        "C,ambient,DN-01,Trạm C,,,,,,,",
    )
    assert made.faults == []
    assert [station.code for station in made.stations] == ["A", "B", "C"]
    assert made.stations[0].name_en == "Trạm A"
    cod, ammonium, xylene = made.datastreams
    assert (cod.station, cod.row.factor, cod.row.range_max) == ("A", 0.001, 500.0)
    assert (ammonium.row.factor, ammonium.aliases) == (14.007 / 18.04, ("Amoni", "NH4"))
    assert (xylene.symbol, xylene.row.reported_unit, xylene.row.factor) == ("m,p-Xylene", "mg/Nm3", 1.0)


def test_every_fault_of_a_file_is_told_in_the_order_of_its_lines() -> None:
    found = faults(
        "A/1,wastewater,DN-01,Trạm,COD,mg/l,,,,,",
        "B,waste,DN-99,Trạm,CODx,mg/l,,,,,",
        "C,ambient,DN-01,,COD,mg/l,,abc,9,1,",
        "D,ambient,DN-99,Trạm,COD,ppb,,,,,",
        ",ambient,DN-01,Trạm,COD,mg/l,,,,,",
        "OLD-1,ambient,DN-01,Trạm,COD,mg/l,,,,,",
    )
    assert found == [
        ("line 2, station", "A/1"),
        ("line 3, kind", "waste"),
        ("line 3, symbol", "CODx"),
        ("line 4, name_vi", ""),
        ("line 4, factor", "abc"),
        ("line 5, organization", "DN-99"),
        ("line 5, factor", "none"),
        ("line 6, station", ""),
        ("line 7, station", "OLD-1"),
    ]


def test_a_range_in_the_wrong_order_is_told_at_its_column() -> None:
    assert faults("A,ambient,DN-01,A,COD,mg/l,,,9,1,") == [("line 2, range_min", "9")]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_numbers_that_are_none_are_refused(value: str) -> None:
    assert faults(f"A,ambient,DN-01,A,COD,mg/l,,,,{value},")[0][0] == "line 2, range_max"


def test_a_station_is_described_once() -> None:
    found = faults("A,ambient,DN-01,Trạm A,COD,mg/l,,,,,", "A,wastewater,DN-01,Trạm A,pH,,,,,,")
    assert found == [("line 3, kind", "wastewater")]


def test_a_property_stands_once_in_a_station() -> None:
    assert faults("A,ambient,DN-01,A,COD,mg/l,,,,,", "A,,,,COD,mg/l,,,,,") == [("line 3, symbol", "COD")]


def test_a_spelling_leads_to_one_datastream_in_any_unicode_form() -> None:
    decomposed = unicodedata.normalize("NFD", "NHIỆTĐỘ")
    found = faults("A,ambient,DN-01,A,COD,mg/l,,,,,Nhiệtđộ|PH", f"A,,,,Temp,oC,,,,,{decomposed}", "A,,,,pH,,,,,,")
    assert found == [("line 3, aliases", "NHIỆTĐỘ"), ("line 4, symbol", "pH")]


def test_two_stations_may_spell_alike() -> None:
    rows = ("A,ambient,DN-01,A,COD,mg/l,,,,,X", "B,ambient,DN-01,B,pH,,,,,,X")
    assert faults(*rows) == []


def test_file_codes_are_unique_in_the_file_and_in_the_catalogue() -> None:
    header = "station,kind,organization,name_vi,file_code"
    found = faults(
        "A,ambient,DN-01,A,th_new_khi01",
        "B,ambient,DN-01,B,TH_NEW_KHI01",
        "C,ambient,DN-01,C,TH_OLD_NUO01",
        header=header,
    )
    assert found == [("line 3, file_code", "TH_NEW_KHI01"), ("line 4, file_code", "TH_OLD_NUO01")]


def test_an_update_may_name_a_station_that_exists() -> None:
    made = plan("OLD-1,ambient,DN-01,Trạm,COD,mg/l,,,,,", update=True)
    assert (made.faults, made.existing) == ([], {"OLD-1"})


def test_a_datastream_without_a_symbol_is_told() -> None:
    assert faults("A,ambient,DN-01,A,,mg/l,,,,,") == [("line 2, symbol", "")]


def test_more_faults_than_fit_are_counted() -> None:
    made = plan(*(f"S{n},bad,DN-01,S,,,,,,," for n in range(1200)))
    refusal = errors.refused(made.in_order())
    assert (len(refusal.faults), refusal.extra["faultCount"]) == (1000, 1200)
