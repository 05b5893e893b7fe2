"""What `quantrac run` shows."""

from pathlib import Path

import pytest

from gateway.embedded import ports
from gateway.embedded.errors import PortTaken
from gateway.running import counting, telling
from gateway.running.assembling import Assembly, Options
from gateway.running.store import Received, Reporting
from gateway.settings import Settings


def _assembly(folder: Path, host: str = "127.0.0.1", *, stations: bool = True) -> Assembly:
    return Assembly(Options(folder / "var", host, ports.free(), ports.free(), stations), Settings())


def test_lines_of_the_table_are_not_wrapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assembly = _assembly(tmp_path / ("deep" * 20))
    telling.table(assembly, 105)
    lines = capsys.readouterr().out.splitlines()
    tried = next(line for line in lines if line.strip().startswith("Try"))
    assert tried.endswith(f"'{assembly.http}/v1/stations?limit=2'")
    assert str(assembly.places.staff_token) in tried


def test_the_table_says_whether_stations_are_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    telling.table(_assembly(tmp_path, stations=False), 105)
    assert "105 of the demonstration, none is simulated" in capsys.readouterr().out


def test_an_address_that_listens_everywhere_is_shown_as_one_that_can_be_called(tmp_path: Path) -> None:
    assembly = _assembly(tmp_path, host="0.0.0.0")  # noqa: S104 - nothing listens in this test
    assert assembly.http.startswith("http://127.0.0.1:")
    assert assembly.variables()["QUANTRAC_HTTP__HOST"] == "0.0.0.0"  # noqa: S104 - the same
    assert assembly.variables()["QUANTRAC_MQTT__HOST"] == "127.0.0.1"


def test_the_line_a_minute_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    received = Received(receipts=1200, stored=9000, duplicates=30, conflicts=2, quarantined=8)
    found = {counting.SUSPECT: 41, counting.FAILED: 3, counting.REFUSED: 7}
    telling.minute(Reporting(expected=105, reporting=104), received, found)
    line = capsys.readouterr().out
    assert "stations 104/105" in line
    assert "received 1,200 submissions, 9,040 readings" in line
    assert "stored 9,000 (suspect 41, failed 3), duplicate 30, conflict 2" in line
    assert "quarantined 8, refused 7" in line
    assert "denied" not in line


def test_denials_of_the_broker_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    telling.minute(Reporting(1, 1), Received(0, 0, 0, 0, 0), {counting.DENIED: 4})
    assert "denied by the broker 4" in capsys.readouterr().out


def test_what_is_told_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    telling.notice("the [bold]gateway[/bold] ended")
    assert "[bold]gateway[/bold]" in capsys.readouterr().out


def test_the_environment_for_other_commands_can_be_read_by_a_shell(tmp_path: Path) -> None:
    assembly = _assembly(tmp_path / "it's here")
    assembly.places.root.mkdir(parents=True)
    assembly.places.write_variables(assembly.variables())
    text = assembly.places.variables.read_text(encoding="utf-8")
    assert """staff.token'""" in text
    assert """'"'"'s here""" in text


def test_a_taken_port_comes_with_a_free_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port, *_: port not in {8000, 8001})
    with pytest.raises(PortTaken, match=r"--http-port 8002, or make run HTTP_PORT=8002\."):
        Assembly(Options(tmp_path, "127.0.0.1", 8000, 1883, stations=True), Settings())
