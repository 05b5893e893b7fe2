"""CSV that every reader reads the same and no spreadsheet executes."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from core import cells
from telemetry.series import export


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
    assert read == [["a", "b"], *([cells.guarded(cell) for cell in row] for row in rows)]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_exactly(number: float) -> None:
    (line,) = csv.reader(io.StringIO(export.table((), [(number, "x")]), newline=""))
    assert float(line[0]) == number
