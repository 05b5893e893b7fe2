"""The network as stations know it, in a file."""

from pathlib import Path

import pytest

from telemetry.simulation import network
from tests.fixtures.networks import plant


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
