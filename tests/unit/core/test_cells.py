"""Cells that no spreadsheet executes."""

import pytest

from core import cells


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("http://x")', "＝1+1", "＋1", "－1", "＠SUM(A1)"],
)
def test_text_that_a_spreadsheet_would_execute_is_guarded(text: str) -> None:
    assert cells.guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["COD", "m,p-Xylene", "Nhiệtđộ", "", "PM2,5", "%V", "a=b", "1-2"])
def test_other_text_is_left_alone(text: str) -> None:
    assert cells.guarded(text) == text
