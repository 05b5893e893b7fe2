"""CSV that every reader reads the same and no spreadsheet executes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.series import export


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("http://x")'])
def test_text_that_a_spreadsheet_would_execute_is_guarded(text: str) -> None:
    assert export.guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["COD", "m,p-Xylene", "Nhiệtđộ", "", "PM2,5", "%V"])
def test_other_text_is_left_alone(text: str) -> None:
    assert export.guarded(text) == text


def test_negative_numbers_are_numbers() -> None:
    assert export.table(("result",), [(-1.6,), (None,), (True,), (["late", "above-limit"],)]) == (
        "result\r\n-1.6\r\n\r\ntrue\r\nlate above-limit\r\n".replace("\r\n\r\n", '\r\n""\r\n')
    )


def test_cells_with_commas_quotes_and_lines_are_quoted() -> None:
    assert export.table(("a", "b"), [("m,p-Xylene", 'a "b"'), ("x\ny", 1)]) == (
        'a,b\r\n"m,p-Xylene","a ""b"""\r\n"x\ny",1\r\n'
    )


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=2, max_size=2), max_size=5))
def test_a_table_reads_back_as_it_was_written(rows: list[list[str]]) -> None:
    text = export.table(("a", "b"), rows)
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == [["a", "b"], *([export.guarded(cell) for cell in row] for row in rows)]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_exactly(number: float) -> None:
    (line,) = csv.reader(io.StringIO(export.table((), [(number, "x")]), newline=""))
    assert float(line[0]) == number
