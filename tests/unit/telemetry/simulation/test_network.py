"""The network as stations know it: from the catalogue, from a file."""

from pathlib import Path

import pytest

from telemetry.catalog import snapshot
from telemetry.simulation import network
from tests.fixtures.networks import catalog_of, plant


def test_a_network_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    stations = (plant("TH-NT-001"), plant("TH-NT-002", file_code=None))
    network.write(tmp_path / "network.json", stations)
    assert network.read(tmp_path / "network.json") == stations


def test_a_network_file_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text('{"stations":[{"code":"A","kind":"ambient"}]}', encoding="utf-8")
    with pytest.raises(network.InvalidNetwork) as caught:
        network.read(path)
    assert "streams" in caught.value.faults[0].found
    assert "stations[0]" in caught.value.faults[0].found


def test_a_catalogue_gives_its_active_stations_with_ranges_and_limits() -> None:
    entries = [
        snapshot.StationEntry(1, "B", "wastewater", "active", 300, "TH_A_B"),
        snapshot.StationEntry(2, "A", "ambient", "active", 600, None),
        snapshot.StationEntry(3, "C", "ambient", "retired", 300, None),
        snapshot.StationEntry(4, "D", "ambient", "active", 300, None),
    ]
    streams = [
        snapshot.DatastreamEntry(1, 1, "COD", "mg/l", "mg/l", 1.0, 0.0, 500.0, "active"),
        snapshot.DatastreamEntry(2, 1, "pH", "pH", "", 1.0, 0.0, 14.0, "retired"),
        snapshot.DatastreamEntry(3, 2, "O3", "µg/m3", "ppb", 1.96, None, None, "active"),
        snapshot.DatastreamEntry(4, 3, "O3", "µg/m3", "ppb", 1.96, None, None, "active"),
    ]
    limits = [
        snapshot.LimitEntry(1, 0, 10, None, 150.0, verified=True),
        snapshot.LimitEntry(1, 10, snapshot.OPEN_END_US, 5.0, 75.0, verified=True),
    ]
    ambient, wastewater = network.from_snapshot(snapshot.build(1, entries, streams, [], limits, []))
    assert (ambient.code, wastewater.code) == ("A", "B")
    assert ambient.cadence_seconds == 600
    (cod,) = wastewater.streams
    assert (cod.low, cod.high, cod.lower, cod.upper) == (0.0, 500.0, 5.0, 75.0)
    assert ambient.streams[0].unit == "ppb"
    assert ambient.streams[0].upper is None


def test_the_catalogue_of_a_station_gives_the_station_back() -> None:
    (found,) = network.from_snapshot(catalog_of(plant()))
    assert [stream.symbol for stream in found.streams] == ["Flow", "pH", "COD", "NH4"]
    assert found.file_code == "TH_ABCD_NUO01"
