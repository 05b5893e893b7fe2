"""Mappings of columns: read from TOML and from options, and refused with what was found and expected."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from telemetry.simulation import mappings, samples
from telemetry.simulation.mappings import ColumnMapping, InvalidMapping, Mapping, TimeMapping

START = TimeMapping(start="2014-01-01T00:00:00+07:00", step="1h")
SAMPLES = Path(samples.__file__).parent


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("COD=COD", "COD", ColumnMapping("COD")),
        ("NOX=NOx*2.05:mg/Nm3", "NOX", ColumnMapping("NOx", "mg/Nm3", 2.05)),
        ("Nhiệt độ=Temp:oC", "Nhiệt độ", ColumnMapping("Temp", "oC")),
        ("a=b:", "a", ColumnMapping("b")),
        ("head=Level*-1:m", "head", ColumnMapping("Level", "m", -1.0)),
    ],
)
def test_a_column_is_read_from_an_option(text: str, name: str, found: ColumnMapping) -> None:
    assert mappings.column(text) == (name, found)


@pytest.mark.parametrize("text", ["COD", "=COD", "COD=", "COD=COD*much"])
def test_a_column_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(InvalidMapping) as caught:
        mappings.column(text)
    assert caught.value.faults[0].found == text


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        (Mapping(columns={}, time=START), "m"),
        (Mapping(columns={"a": ColumnMapping("X"), "b": ColumnMapping("X")}, time=START), "m"),
        (Mapping(columns={"a": ColumnMapping("X")}), "time"),
        (
            Mapping(columns={"a": ColumnMapping("X")}, time=TimeMapping(column="t", start="2014-01-01T00:00:00Z")),
            "time",
        ),
        (Mapping(columns={"a": ColumnMapping("X")}, time=TimeMapping(start="2014-01-01T00:00:00Z")), "time"),
        (Mapping(columns={"a": ColumnMapping("X")}, time=TimeMapping(start="2014-01-01", step="1h")), "time.start"),
        (
            Mapping(columns={"a": ColumnMapping("X")}, time=TimeMapping(start="2014-01-01T00:00:00Z", step="1")),
            "time.step",
        ),
        (Mapping(columns={"a": ColumnMapping("X")}, time=TimeMapping(column="t", zone="Mars/Olympus")), "time.zone"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(mapping: Mapping, where: str) -> None:
    with pytest.raises(InvalidMapping) as caught:
        mappings.checked(mapping, "m")
    assert caught.value.faults[0].field == where


def test_every_sample_has_a_mapping_that_can_be_read() -> None:
    files = sorted(SAMPLES.glob("*.csv"))
    assert len(files) == 2
    for path in files:
        found = mappings.read(path.with_suffix(".toml"))
        assert found.station is not None
        assert found.columns


def test_a_mapping_file_with_an_unknown_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text('[columns.a]\nsymbol = "X"\nunits = "mg/l"\n', encoding="utf-8")
    with pytest.raises(InvalidMapping) as caught:
        mappings.read(path)
    assert "units" in caught.value.faults[0].found


def test_a_zone_is_a_name_or_an_offset() -> None:
    assert mappings.zone_of(TimeMapping(zone="Asia/Ho_Chi_Minh")) == ZoneInfo("Asia/Ho_Chi_Minh")
    assert mappings.zone_of(TimeMapping(zone="+07:00")) == "+07:00"
