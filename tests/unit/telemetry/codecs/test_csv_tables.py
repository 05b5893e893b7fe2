"""CSV: long and wide form, three delimiters, quoted names, and what becomes of lines that are wrong."""

import pytest

from telemetry.codecs.context import Context
from telemetry.codecs.csv_tables import CsvCodec
from telemetry.codecs.errors import Unreadable
from telemetry.readings import Decoded, Reason
from tests.unit.telemetry.codecs.flattening import Kept, check_positions, check_storable, kept, reasons

CODEC = CsvCodec()
OWN = Context(station="A")
TIME = "2026-11-23T08:00:00+07:00"
LATER = "2026-11-23T08:05:00+07:00"
TIME_US = 1_795_395_600_000_000
LATER_US = TIME_US + 300_000_000


def decode(*lines: str, context: Context = OWN, ending: str = "\r\n") -> Decoded:
    decoded = CODEC.decode(ending.join(lines).encode(), context)
    check_positions(decoded)
    check_storable(decoded)
    return decoded


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_long_form_has_a_reading_on_each_line(delimiter: str, ending: str) -> None:
    lines = [
        ("station", "phenomenonTime", "symbol", "result", "unit", "status"),
        ("A", TIME, '"m,p-Xylene"', "1.5", "ppb", "01"),
        ("A", LATER, "pH", "-7", "", ""),
        ("A", LATER, '"m,p-Xylene"', "2", "ppb", "00"),
    ]
    decoded = decode(*(delimiter.join(line) for line in lines), ending=ending)
    assert kept(decoded) == [
        Kept(0, "A", "m,p-Xylene", "ppb", TIME_US, 1.5, 1),
        Kept(1, "A", "pH", None, LATER_US, -7.0, 0),
        Kept(2, "A", "m,p-Xylene", "ppb", LATER_US, 2.0, 0),
    ]
    assert len(decoded.readings) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_wide_form_has_a_column_for_each_symbol(delimiter: str) -> None:
    lines = [("phenomenonTime", '"m,p-Xylene [ppb]"', "pH"), (TIME, "1.5", "7"), (LATER, "", "7.1")]
    decoded = decode(*(delimiter.join(line) for line in lines))
    assert kept(decoded) == [
        Kept(0, "A", "m,p-Xylene", "ppb", TIME_US, 1.5, 0),
        Kept(1, "A", "pH", None, TIME_US, 7.0, 0),
        Kept(2, "A", "pH", None, LATER_US, 7.1, 0),
    ]


def test_one_file_may_speak_of_several_stations() -> None:
    long = decode(
        f"station,phenomenonTime,symbol,result\nA,{TIME},pH,7\nB,{TIME},pH,8\n,{TIME},pH,9", context=Context("C")
    )
    assert [(row.station, row.value) for row in kept(long)] == [("A", 7.0), ("B", 8.0), ("C", 9.0)]
    wide = decode(f"station,phenomenonTime,pH\nA,{TIME},7\nB,{TIME},8")
    assert [(row.position, row.station, row.value) for row in kept(wide)] == [(0, "A", 7.0), (1, "B", 8.0)]


def test_the_order_and_spelling_of_columns_is_free() -> None:
    decoded = decode("Result; symbol ;PHENOMENON_TIME;Status", f"7.5;pH;{TIME};02")
    assert kept(decoded) == [Kept(0, "A", "pH", None, TIME_US, 7.5, 2)]


@pytest.mark.parametrize(("delimiter", "symbol"), [("\t", ", x"), (";", "m,p-Xylene"), (",", "a;b"), ("\t", ";")])
def test_another_delimiter_in_a_name_confuses_nobody(delimiter: str, symbol: str) -> None:
    decoded = decode(f"phenomenonTime{delimiter}{symbol}", f"{TIME}{delimiter}7")
    assert [(row.symbol, row.value) for row in kept(decoded)] == [(symbol, 7.0)]


def test_a_byte_order_mark_and_empty_lines_are_passed_over() -> None:
    body = f"\ufeffphenomenonTime,pH\r\n\r\n{TIME},7\r\n\r\n".encode()
    assert [row.value for row in kept(CODEC.decode(body, OWN))] == [7.0]


def test_spaces_around_cells_say_nothing() -> None:
    decoded = decode("phenomenonTime,symbol,result,unit,status", f" {TIME} , pH , 7 , mg/l , 01 ")
    assert kept(decoded) == [Kept(0, "A", "pH", "mg/l", TIME_US, 7.0, 1)]


def test_a_wide_table_of_empty_cells_holds_no_reading() -> None:
    decoded = decode("phenomenonTime,pH,COD", f"{TIME},,")
    assert (decoded.count, list(decoded.readings)) == (0, [])


@pytest.mark.parametrize(
    ("line", "reason", "field", "found"),
    [
        (f"{TIME},COD,abc,mg/l,00", Reason.NOT_A_NUMBER, "result", "abc"),
        (f"{TIME},COD,NaN,mg/l,00", Reason.NOT_FINITE, "result", "NaN"),
        (f"{TIME},COD,1e999,mg/l,00", Reason.NOT_FINITE, "result", "1e999"),
        (f"{TIME},COD,,mg/l,00", Reason.MISSING_FIELD, "result", "nothing"),
        (f'{TIME},COD,"48,6",mg/l,00', Reason.NOT_A_NUMBER, "result", "48,6"),
        (f"{TIME},COD,1_0,mg/l,00", Reason.NOT_A_NUMBER, "result", "1_0"),
        (f"{TIME},,1,mg/l,00", Reason.MISSING_FIELD, "symbol", "nothing"),
        (f"{TIME},{'C' * 129},1,mg/l,00", Reason.UNKNOWN_SYMBOL, "symbol", "C" * 129),
        (f"{TIME},COD,1,{'u' * 129},00", Reason.UNIT_MISMATCH, "unit", "u" * 129),
        (f"{TIME},COD,1,mg/l,03", Reason.UNKNOWN_STATUS, "status", "03"),
        (f"{TIME},COD,1,mg/l,0", Reason.UNKNOWN_STATUS, "status", "0"),
        (",COD,1,mg/l,00", Reason.UNREADABLE_TIME, "phenomenonTime", "nothing"),
        ("23/11/2026 08:00,COD,1,mg/l,00", Reason.UNREADABLE_TIME, "phenomenonTime", "23/11/2026 08:00"),
        ("2026-11-23T08:00:00,COD,1,mg/l,00", Reason.TIME_WITHOUT_OFFSET, "phenomenonTime", "2026-11-23T08:00:00"),
        (f"{TIME},COD,1,mg/l", Reason.MISSING_FIELD, "cells", "4 cells"),
        (f"{TIME},COD,48,6,mg/l,00", Reason.UNKNOWN_FIELD, "cells", "6 cells"),
    ],
)
def test_a_bad_line_is_a_flaw_with_its_number_and_hurts_no_other(
    line: str, reason: Reason, field: str, found: str
) -> None:
    good = f"{TIME},pH,7.2,,00"
    decoded = decode("phenomenonTime,symbol,result,unit,status", good, line, good)
    assert [(row.position, row.symbol) for row in kept(decoded)] == [(0, "pH"), (2, "pH")]
    (flaw,) = decoded.flaws
    assert (flaw.index, flaw.reason, flaw.field, flaw.found) == (1, reason, f"line 3: {field}", found)


def test_a_bad_cell_of_the_wide_form_spares_its_line() -> None:
    decoded = decode("phenomenonTime;COD [mg/l];pH;TSS", f"{TIME};48,6;7.2;", f"{LATER};49;x;22", f"{LATER};1;2")
    assert [(row.position, row.symbol, row.value) for row in kept(decoded)] == [
        (1, "pH", 7.2),
        (2, "COD", 49.0),
        (4, "TSS", 22.0),
    ]
    assert reasons(decoded) == {0: Reason.NOT_A_NUMBER, 3: Reason.NOT_A_NUMBER, 5: Reason.MISSING_FIELD}
    assert (decoded.flaws[0].symbol, decoded.flaws[0].unit, decoded.flaws[0].value) == ("COD", "mg/l", "48,6")


def test_a_line_without_station_needs_a_sender() -> None:
    decoded = decode("phenomenonTime,pH", f"{TIME},7", context=Context())
    assert reasons(decoded) == {0: Reason.MISSING_FIELD}
    assert decoded.flaws[0].field == "line 2: station"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", "nothing"),
        ("time,pH", "time,pH"),
        ("phenomenonTime", "phenomenonTime"),
        ("phenomenonTime,symbol", "phenomenonTime, symbol"),
        ("phenomenonTime,result", "phenomenonTime, result"),
        ("phenomenonTime,symbol,result,note", "note"),
        ("phenomenonTime,pH,status", "status"),
        ("phenomenonTime,pH,unit", "unit"),
        ("phenomenonTime,pH,pH", "pH twice"),
        ("phenomenonTime,COD [mg/l],COD [g/l]", "COD twice"),
        ("phenomenonTime,phenomenon_time,pH", "phenomenon_time twice"),
        ("phenomenonTime,", "an empty name"),
        ("phenomenonTime,[mg/l]", "[mg/l]"),
        ("phenomenonTime,p\x00H", "p\\u0000H"),
        ('phenomenonTime,"pH', 'phenomenonTime,"pH'),
    ],
)
def test_a_header_that_leaves_doubt_is_refused(header: str, found: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(header, f"{TIME},7")
    assert (caught.value.flaw.field, caught.value.flaw.found) == ("header", found)


@pytest.mark.parametrize("line", [f'{TIME},"7', f'{TIME},"7"5'])
def test_broken_quoting_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode("phenomenonTime,pH", f"{TIME},7", line)
    assert caught.value.flaw.field == "line 3"


@pytest.mark.parametrize("body", [b"phenomenonTime,pH", b"phenomenonTime,pH\r\n\r\n"])
def test_a_header_alone_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode(body, OWN)
    assert caught.value.flaw.found == "a header alone"


def test_a_file_in_another_encoding_is_refused() -> None:
    with pytest.raises(Unreadable) as caught:
        CODEC.decode("phenomenonTime,Nhiệt\n".encode("utf-16"), OWN)
    assert "UTF-8" in caught.value.flaw.expected


def test_a_table_of_nothing_but_flaws_is_refused_with_the_first_for_an_example() -> None:
    with pytest.raises(Unreadable) as caught:
        decode("phenomenonTime,pH", *(["2026-11-23T08:00:00,7"] * 10_001))
    assert caught.value.flaw.field == "line 2: phenomenonTime"
