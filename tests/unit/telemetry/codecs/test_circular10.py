"""The regulator's text file: the samples, every defect known from parsers in the field, and every kind of bad row."""

from pathlib import Path

import pytest

from telemetry.codecs.circular10 import Circular10Codec, file_name
from telemetry.codecs.context import Context, Layout
from telemetry.codecs.errors import Unreadable
from telemetry.readings import Decoded, Flaw, Reason
from tests.unit.telemetry.codecs.flattening import Kept, check_positions, check_storable, kept, reasons, values

CODEC = Circular10Codec()
SAMPLES = Path(__file__).parents[3] / "data" / "circular10"
REAL = Path(__file__).parents[5] / "shared" / "data" / "circular10"
NAME = "TH_ABCD_NUOXLT_20240615083000.txt"
DIGITS = "20240615083000"
TIME_US = 1_718_415_000_000_000  # 2024-06-15T01:30:00Z


def row(symbol: str = "COD", value: str = "48.6", unit: str = "mg/l", time: str = DIGITS, status: str = "00") -> str:
    return f"{symbol}\t{value}\t{unit}\t{time}\t{status}"


def decode(*rows: str, name: str | None = NAME, context: Context | None = None, ending: str = "\r\n") -> Decoded:
    body = "".join(text + ending for text in rows).encode()
    decoded = CODEC.decode(body, context or Context(file_name=name))
    check_positions(decoded)
    check_storable(decoded)
    return decoded


def flaw_of(bad: str) -> Flaw:
    """The flaw of a row that stands between two good ones, which must both be kept."""
    decoded = decode(row("pH", "7.2", ""), bad, row("TSS", "22.1"))
    assert values(decoded) == {"pH": 7.2, "TSS": 22.1}
    (flaw,) = decoded.flaws
    assert flaw.index == 1
    return flaw


def read(path: Path) -> Decoded:
    decoded = CODEC.decode(path.read_bytes(), Context(file_name=path.name))
    check_positions(decoded)
    return decoded


# The samples.


def test_the_waste_water_sample_is_read_whole() -> None:
    decoded = read(SAMPLES / NAME)
    assert not decoded.flaws
    assert kept(decoded)[0] == Kept(0, "file:TH_ABCD_NUOXLT", "pH", None, TIME_US, 7.21, 0)
    assert [(row.symbol, row.value, row.unit, row.status) for row in kept(decoded)[1:]] == [
        ("Temp", 29.4, "oC", 0),
        ("COD", 48.6, "mg/l", 0),
        ("TSS", 22.1, "mg/l", 0),
        ("NH4", 3.05, "mg/l", 1),
        ("Flowin", 41.7, "m3/h", 0),
        ("Flow", 39.25, "m3/h", 0),
    ]


def test_the_flue_gas_sample_is_read_whole() -> None:
    decoded = read(SAMPLES / "TH_ABCD_KHILH1_20240615083500.txt")
    assert not decoded.flaws
    assert {row.time_us for row in kept(decoded)} == {TIME_US + 300_000_000}
    assert values(decoded) == {
        "Temp": 148.3,
        "P": 100.82,
        "O2": 8.1,
        "Flow": 61250.0,
        "PM": 41.2,
        "SO2": 118.4,
        "NOx": 203.7,
        "CO": 96.0,
    }
    assert [row.symbol for row in kept(decoded) if row.status == 2] == ["NOx"]


def test_a_real_waste_water_file_is_read_whole() -> None:
    path = REAL / "TB_CAPH_NUOSXL_20260325000000.txt"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    decoded = read(path)
    assert not decoded.flaws
    assert values(decoded) == {
        "Temp": 23.3262,
        "Flowin": 0.5833,
        "Flow_Out": 10.1973,
        "Amoni": 2.3308,
        "COD": 16.2482,
        "pH": 7.8485,
        "TSS": 24.1999,
    }
    assert {row.station for row in kept(decoded)} == {"file:TB_CAPH_NUOSXL"}


def test_a_real_ambient_file_is_read_whole() -> None:
    path = REAL / "HN_BKHN_KHIKXQ_20260325000500.txt"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    decoded = read(path)
    assert not decoded.flaws
    by_symbol = {row.symbol: row for row in kept(decoded)}
    assert len(by_symbol) == decoded.count == 26
    assert by_symbol["Radiation"].value == -1.6
    assert {symbol for symbol, row in by_symbol.items() if row.status} == {"CO", "O3", "Hg"}
    assert by_symbol["O3"].status == 1
    assert by_symbol["Vinyl chloride"].unit == by_symbol["m,p-Xylene"].unit == "ppb"


# Defects of parsers in the field (domain.md §1.3), each with the test that keeps it out.


def test_defect_an_empty_unit_must_not_lose_the_status() -> None:
    (reading,) = kept(decode(row("pH", "7.2", "", status="02")))
    assert (reading.symbol, reading.value, reading.unit, reading.status) == ("pH", 7.2, None, 2)


def test_defect_names_with_spaces_must_not_break() -> None:
    decoded = decode(
        row("Vinyl chloride", "0.13", "ppb"), row("m,p-Xylene", "0.02", "ppb"), row("Nhiệtđộ", "29.4", "oC")
    )
    assert values(decoded) == {"Vinyl chloride": 0.13, "m,p-Xylene": 0.02, "Nhiệtđộ": 29.4}


def test_defect_a_value_that_is_no_number_must_not_become_zero() -> None:
    decoded = decode(row(value="ERR"), row("pH", "---", ""), row("TSS", ""))
    assert not decoded.readings
    assert reasons(decoded) == {0: Reason.NOT_A_NUMBER, 1: Reason.NOT_A_NUMBER, 2: Reason.MISSING_FIELD}
    assert [flaw.value for flaw in decoded.flaws] == ["ERR", "---", ""]


def test_defect_a_faulty_value_must_not_become_zero() -> None:
    (reading,) = kept(decode(row(value="48.6", status="02")))
    assert (reading.value, reading.status) == (48.6, 2)


def test_defect_an_older_file_must_not_be_skipped() -> None:
    newer, older = "20240615083500", "20240615083000"
    for digits in (newer, older, newer):
        decoded = decode(row(time=digits), name=f"TH_ABCD_NUOXLT_{digits}.txt")
        assert len(kept(decoded)) == 1


def test_defect_the_last_parameter_must_not_overwrite_what_was_said_of_others() -> None:
    decoded = decode(row("COD", "900", status="02"), row("pH", "7", "", status="01"), row("TSS", "1", status="00"))
    assert [row.status for row in kept(decoded)] == [2, 1, 0]


def test_defect_calibrating_values_must_stay_marked() -> None:
    decoded = decode(row("O3", "45.14", "ug/m3", status="01"), row("O3", "46.00", "ug/m3", status="00"))
    assert [(row.symbol, row.value, row.status) for row in kept(decoded)] == [("O3", 45.14, 1), ("O3", 46.0, 0)]


# What may differ between loggers.


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_either_line_end_is_read(ending: str) -> None:
    assert values(decode(row(), row("pH", "7", ""), ending=ending)) == {"COD": 48.6, "pH": 7.0}


def test_the_last_line_needs_no_end_and_empty_lines_say_nothing() -> None:
    body = f"\r\n{row()}\n\n  \r\n{row('pH', '7', '')}".encode()
    assert values(CODEC.decode(body, Context(file_name=NAME))) == {"COD": 48.6, "pH": 7.0}


def test_a_byte_order_mark_is_passed_over() -> None:
    body = b"\xef\xbb\xbf" + row().encode()
    assert values(CODEC.decode(body, Context(file_name=NAME))) == {"COD": 48.6}


def test_composed_and_decomposed_letters_stay_as_they_were_sent() -> None:
    composed, decomposed = "Nhi\u1ec7t", "Nhie\u0323\u0302t"
    assert list(values(decode(row(composed), row(decomposed)))) == [composed, decomposed]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1.60", -1.6),
        ("+3", 3.0),
        ("0", 0.0),
        ("0.00", 0.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.5E3", 1500.0),
        (" 7.20 ", 7.2),
    ],
)
def test_numbers_are_read_as_loggers_write_them(text: str, value: float) -> None:
    assert values(decode(row(value=text))) == {"COD": value}


def test_the_symbol_may_come_twice() -> None:
    decoded = decode(row(value="1"), row("pH", "7", ""), row(value="2"))
    assert [(row.position, row.symbol, row.value) for row in kept(decoded)] == [
        (0, "COD", 1.0),
        (1, "pH", 7.0),
        (2, "COD", 2.0),
    ]
    assert list(decoded.readings[0].symbols) == ["COD", "pH"]


# Rows that are wrong.


@pytest.mark.parametrize("value", ["48,6", "1,234.5", "7,21"])
def test_a_decimal_comma_is_refused_with_a_word_about_it(value: str) -> None:
    flaw = flaw_of(row(value=value))
    assert (flaw.reason, flaw.found) == (Reason.NOT_A_NUMBER, value)
    assert "comma" in flaw.expected


@pytest.mark.parametrize(
    "value", ["abc", "1.2.3", "0x1F", "1_000", "--5", "1e", "٣", "１", "<0.1", "48.6 mg/l", "1" * 5000 + "x"]
)
def test_a_word_is_no_number(value: str) -> None:
    assert flaw_of(row(value=value)).reason is Reason.NOT_A_NUMBER


@pytest.mark.parametrize("value", ["NaN", "nan", "-nan", "inf", "-Infinity", "INF", "1e400", "-1e999", "9" * 400])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    assert flaw_of(row(value=value)).reason is Reason.NOT_FINITE


@pytest.mark.parametrize("status", ["03", "", "0", "1", "000", "OK", "-1", "０0"])
def test_a_status_beyond_the_three_is_refused(status: str) -> None:
    flaw = flaw_of(row(status=status))
    assert (flaw.reason, flaw.field, flaw.status) == (Reason.UNKNOWN_STATUS, "line 2: status", status)
    assert flaw.found == (status or "nothing")


@pytest.mark.parametrize("time", ["", "20240615", "20240230083000", "20240615246000", "2024-06-15 08:30:00", "abc"])
def test_a_row_time_that_is_no_time_is_refused(time: str) -> None:
    assert flaw_of(row(time=time)).reason is Reason.UNREADABLE_TIME


def test_a_row_time_that_differs_from_the_file_name_is_refused() -> None:
    flaw = flaw_of(row(time="20240615083500"))
    assert (flaw.reason, flaw.found) == (Reason.TIME_MISMATCH, "20240615083500")
    assert DIGITS in flaw.expected


@pytest.mark.parametrize(
    ("bad", "reason", "found"),
    [
        (f"pH\t7.2\t{DIGITS}\t02", Reason.MISSING_FIELD, "4 fields"),
        ("pH 7.2  20240615083000 02", Reason.MISSING_FIELD, "1 fields"),
        (row() + "\t", Reason.UNKNOWN_FIELD, "6 fields"),
        (row() + "\tx\ty", Reason.UNKNOWN_FIELD, "7 fields"),
    ],
)
def test_a_row_with_another_number_of_fields_is_never_guessed_at(bad: str, reason: Reason, found: str) -> None:
    flaw = flaw_of(bad)
    assert (flaw.reason, flaw.found) == (reason, found)
    assert "5 fields" in flaw.expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(""), Reason.MISSING_FIELD),
        (row("  "), Reason.MISSING_FIELD),
        ("\t\t\t\t", Reason.MISSING_FIELD),
        (row("C\x00D"), Reason.UNKNOWN_SYMBOL),
        (row("C" * 129), Reason.UNKNOWN_SYMBOL),
        (row(unit="u" * 129), Reason.UNIT_MISMATCH),
        (row(unit="\x00"), Reason.UNIT_MISMATCH),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused(bad: str, reason: Reason) -> None:
    assert flaw_of(bad).reason is reason


# The file's name.


@pytest.mark.parametrize(
    "folders",
    [
        "",
        "NUOXLT/2024/06/15/",
        "TH001/",
        "20240615/",
        "2024/Thang06/20240615/",
        "2024/Thang06/Ngay15/",
        "2024-06-15/",
        "2024/Thang06/15062024/",
        "2024_06_15/",
        "2024/06/15062024/",
        "Nam 2024/thang 06/ngay 15/",
        "C:\\data\\2024\\",
        "/abs/",
    ],
)
def test_folders_before_the_name_say_nothing(folders: str) -> None:
    name = file_name(folders + NAME)
    assert (name.code, name.digits) == ("TH_ABCD_NUOXLT", DIGITS)


@pytest.mark.parametrize("name", ["th_abcd_nuoxlt_20240615083000.TXT", "TH_ABCD_NUOXLT_20240615083000.Txt"])
def test_the_name_is_read_without_regard_to_case(name: str) -> None:
    assert file_name(name).code == "TH_ABCD_NUOXLT"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "data.txt",
        "TH_ABCD_NUOXLT.txt",
        "TH_NUOXLT_20240615083000.txt",
        "TH_A_B_C_20240615083000.txt",
        NAME + ".txt",
        "TH_ABCD_NUOXLT_20240615083000.csv",
        "TH_ABCD_NUOXLT_202406150830.txt",
        "TH_AB/CD_NUOXLT_20240615083000/",
        "TH_ABCD__20240615083000.txt",
    ],
)
def test_a_name_that_is_not_the_regulators_refuses_the_file(name: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(row(), name=name)
    assert caught.value.flaw.field == "fileName"


def test_a_file_without_name_needs_a_sender() -> None:
    with pytest.raises(Unreadable) as caught:
        decode(row(), name=None)
    assert caught.value.flaw.field == "fileName"
    (reading,) = kept(decode(row(), context=Context(station="TH-NT-001")))
    assert (reading.station, reading.time_us) == ("TH-NT-001", TIME_US)


def test_the_name_may_stand_in_the_first_line() -> None:
    decoded = decode(f"# {NAME}", row(), row(time="20240615083500"), name=None)
    assert kept(decoded)[0].station == "file:TH_ABCD_NUOXLT"
    assert reasons(decoded) == {1: Reason.TIME_MISMATCH}
    assert decoded.flaws[0].field == "line 3: time"


def test_a_file_of_another_station_is_refused_row_by_row() -> None:
    context = Context(station="TH-NT-001", file_name=NAME, file_code="TH_ABCD_NUOXL2")
    decoded = decode(row(), row("pH", "7", ""), context=context)
    assert reasons(decoded) == {0: Reason.WRONG_STATION, 1: Reason.WRONG_STATION}
    assert (decoded.flaws[0].found, decoded.flaws[0].symbol) == ("TH_ABCD_NUOXLT", "COD")


@pytest.mark.parametrize("code", ["TH_ABCD_NUOXLT", "th_abcd_nuoxlt", None])
def test_a_file_of_the_senders_own_station_speaks_for_it(code: str | None) -> None:
    context = Context(station="TH-NT-001", file_name=NAME, file_code=code)
    assert kept(decode(row(), context=context))[0].station == "TH-NT-001"


# Whole files.


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"   ", b"\xef\xbb\xbf", b"#" + NAME.encode()])
def test_an_empty_file_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(body, Context(file_name=NAME))
    assert caught.value.flaw.found == "no rows"


@pytest.mark.parametrize(
    "body", [b"\xff\xfe" + row().encode("utf-16-le"), row("Nhiệt").encode("cp1258", "replace") + b"\xe0"]
)
def test_a_file_in_another_encoding_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(body, Context(file_name=NAME))
    assert "UTF-8" in caught.value.flaw.expected


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        (Layout.TIME_FIRST, f"{DIGITS}\tCOD\t48.6\tmg/l"),
        (Layout.TIME_FIRST_WITHOUT_UNIT, f"{DIGITS}\tCOD\t48.6"),
        (Layout.WITHOUT_UNIT, f"COD\t48.6\t{DIGITS}"),
        (Layout.WITHOUT_UNIT_WITH_STATUS, f"COD\t48.6\t{DIGITS}\t01"),
    ],
)
def test_other_layouts_are_read_only_where_they_are_registered(layout: Layout, text: str) -> None:
    (reading,) = kept(decode(text, context=Context(file_name=NAME, layout=layout)))
    assert (reading.symbol, reading.value, reading.time_us) == ("COD", 48.6, TIME_US)
    assert reading.status == (1 if "status" in layout else 0)
    assert not decode(text).readings
    assert reasons(decode(row(), context=Context(file_name=NAME, layout=layout))) == {0: Reason.UNKNOWN_FIELD}


def test_a_file_beyond_all_measure_is_refused() -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(b"\n" * 1_048_577, Context(file_name=NAME))
    assert caught.value.flaw.found == "1048577 bytes"
