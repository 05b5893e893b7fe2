"""Named SQL beside the module that uses it."""

from pathlib import Path

import pytest

from core import queries

_TWO = """\
-- Statements of a test.

-- name: things_first
-- Says what it does. $1 id.
SELECT 1;

-- name: things_second
SELECT 2
FROM things -- name: no_query_of_its_own
;
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "sql").mkdir()
    return tmp_path / "store.py"


def _write(module: Path, text: str) -> None:
    (module.parent / "sql" / "things.sql").write_text(text, encoding="utf-8")


def test_each_query_is_found_by_its_name(module: Path) -> None:
    _write(module, _TWO)
    found = queries.load(str(module), "things")
    assert set(found.texts) == {"things_first", "things_second"}
    assert found["things_first"] == "-- things_first\n-- Says what it does. $1 id.\nSELECT 1;"


def test_a_query_carries_its_name_to_the_server_log(module: Path) -> None:
    _write(module, _TWO)
    found = queries.load(str(module), "things")
    assert all(found[name].startswith(f"-- {name}\n") for name in found.texts)


def test_a_name_begins_a_query_at_the_margin_only(module: Path) -> None:
    _write(module, _TWO)
    assert queries.load(str(module), "things")["things_second"].endswith("-- name: no_query_of_its_own\n;")


def test_a_query_that_is_not_there_is_told_with_its_file(module: Path) -> None:
    _write(module, _TWO)
    with pytest.raises(queries.UnknownQuery, match=r"things\.sql has no query named 'other'"):
        queries.load(str(module), "things")["other"]


def test_two_queries_of_one_name_are_refused(module: Path) -> None:
    _write(module, "-- name: things_a\nSELECT 1;\n-- name: things_a\nSELECT 2;\n")
    with pytest.raises(ValueError, match="names a query twice"):
        queries.load(str(module), "things")


def test_a_missing_file_is_told(module: Path) -> None:
    with pytest.raises(FileNotFoundError):
        queries.load(str(module), "others")


def test_statements_are_not_poured_into_logs(module: Path) -> None:
    _write(module, _TWO)
    assert "SELECT" not in repr(queries.load(str(module), "things"))
