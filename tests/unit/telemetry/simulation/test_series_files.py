"""CSV files become columns: times in any zone, gaps as gaps, and whatever cannot be read told with line and column."""

from pathlib import Path

import numpy as np
import pytest

from core import instants
from telemetry.simulation import mappings, samples, series_files
from telemetry.simulation.mappings import ColumnMapping, Mapping, TimeMapping
from telemetry.simulation.series_files import InvalidSeries

SAMPLES = Path(samples.__file__).parent
COLUMNS = {"Q": ColumnMapping("Flow", "m3/h", 3.6), "NH4": ColumnMapping("NH4", "mg/l")}
TEXT = """t,NH4,extra,Q
2021-10-09 05:57:00,1.5,x,100
2021-10-09 05:42:00,,y,90

2021-10-09 06:12:00,NaN,z,
2021-10-09 06:27:00,0.25,z,-1e1
"""


def us(text: str) -> int:
    return instants.to_us(instants.parse(text))


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "series.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_stay_in_their_order_and_gaps_stay_gaps(tmp_path: Path) -> None:
    mapping = Mapping(
        columns=COLUMNS, time=TimeMapping(column="t", format="%Y-%m-%d %H:%M:%S", zone="Europe/Amsterdam")
    )
    series = series_files.read(written(tmp_path), mapping, "S")
    assert series.times_us[0] == us("2021-10-09T05:57:00+02:00")
    assert series.times_us[1] == us("2021-10-09T05:42:00+02:00")
    assert series.symbols == ("Flow", "NH4")
    assert np.array_equal(series.values[:, 0], [360, 324, np.nan, -36], equal_nan=True)
    assert np.array_equal(series.values[:, 1], [1.5, np.nan, np.nan, 0.25], equal_nan=True)
    assert series.count == 5


def test_blocks_hold_every_reading_once_and_leave_out_empty_places(tmp_path: Path) -> None:
    series = series_files.read(written(tmp_path), Mapping(columns=COLUMNS, time=TimeMapping(column="t")), "S")
    blocks = list(series_files.blocks(series, 3))
    assert [len(block.readings) for block in blocks] == [3, 2]
    assert sum(len(packet) for packet in series_files.packets(series)) == 5
    first = blocks[0].readings
    assert np.asarray(first.symbol).tolist() == [0, 0, 1]
    assert np.asarray(first.value).tolist() == [360, 324, 1.5]


def test_a_row_without_any_reading_is_no_packet(tmp_path: Path) -> None:
    series = series_files.read(written(tmp_path), Mapping(columns=COLUMNS, time=TimeMapping(column="t")), "S")
    packets = list(series_files.packets(series))
    assert [list(packet.symbols) for packet in packets] == [["Flow", "NH4"], ["Flow"], ["Flow", "NH4"]]


def test_a_file_without_times_counts_from_its_start(tmp_path: Path) -> None:
    time = TimeMapping(start="2014-01-01T00:00+07:00", step="1h")
    series = series_files.read(written(tmp_path), Mapping(columns=COLUMNS, time=time), "S")
    assert np.diff(series.times_us).tolist() == [3_600_000_000, 7_200_000_000, 3_600_000_000]
    assert series.times_us[0] == us("2014-01-01T00:00:00+07:00")


def test_series_can_be_moved_and_put_in_order(tmp_path: Path) -> None:
    series = series_files.read(written(tmp_path), Mapping(columns=COLUMNS, time=TimeMapping(column="t")), "S")
    ordered = series_files.in_order(series)
    assert (np.diff(ordered.times_us) > 0).all()
    assert ordered.values[0, 0] == 324
    assert np.array_equal(series_files.shifted(series, 7).times_us, series.times_us + 7)


def test_commas_as_decimal_signs_and_other_delimiters_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "t;a\n2021-10-09T05:57:00Z;1,25\n")
    mapping = Mapping(columns={"a": ColumnMapping("X")}, time=TimeMapping(column="t"), delimiter=";", decimal=",")
    series = series_files.read(path, mapping, "S")
    assert series.values.tolist() == [[1.25]]
    assert series.times_us[0] == us("2021-10-09T05:57:00Z")


@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        ("t,Q,NH4\n2021-10-09T05:57:00Z,fast,1\n", "series.csv:2 Q", "fast"),
        ("t,Q,NH4\n2021-10-09T05:57:00Z,1,1\nyesterday,1,1\n", "series.csv:3 t", "yesterday"),
        ("time,Q,NH4\n2021-10-09T05:57:00Z,1,1\n", "series.csv:1 header", "time, Q, NH4"),
        ("t,Q\n2021-10-09T05:57:00Z,1\n", "series.csv:1 header", "t, Q"),
        ("t,Q,NH4\n", "series.csv:1 file", "no rows"),
        ("", "series.csv:1 header", ""),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str, field: str, found: str) -> None:
    with pytest.raises(InvalidSeries) as caught:
        series_files.read(written(tmp_path, text), Mapping(columns=COLUMNS, time=TimeMapping(column="t")), "S")
    assert (caught.value.faults[0].field, caught.value.faults[0].found) == (field, found)


def test_the_samples_hold_what_their_source_says() -> None:
    turbine = SAMPLES / "gas_turbine_2014.csv"
    series = series_files.read(turbine, mappings.read(turbine.with_suffix(".toml")), "TH-KT-001")
    assert series.symbols == ("CO", "NOx")
    assert series.values.shape == (168, 2)
    assert series.values[0].tolist() == [1.9157, 68.292]
    well = SAMPLES / "groundwater_head.csv"
    depth = series_files.read(well, mappings.read(well.with_suffix(".toml")), "TH-NN-001")
    assert depth.values.shape == (150, 1)
    assert depth.values[-1, 0] == pytest.approx(15 - 8.7)
    assert depth.times_us[-1] == us("2015-06-29T09:00:00+01:00")
