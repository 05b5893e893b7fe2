"""`quantrac run` as a person uses it: a table, readings within a minute, Ctrl-C, and again with the same data."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import httpx
import psycopg
import pytest

from gateway.embedded import ports, tether
from tests.fixtures.processes import below, gone, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

READY_SECONDS = 90
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("QUANTRAC_")}


@dataclass
class Run:
    """A running `quantrac run`, with what it has printed so far."""

    folder: Path
    http_port: int = field(default_factory=ports.free)
    mqtt_port: int = field(default_factory=ports.free)
    options: tuple[str, ...] = ()
    printed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        arguments = ["run", f"--http-port={self.http_port}", f"--mqtt-port={self.mqtt_port}", *self.options]
        self.process = subprocess.Popen(
            # Ends with the tests, whatever becomes of them.
            tether.command([sys.executable, "-m", "gateway.cli.main", *arguments], ends_with=signal.SIGTERM),
            cwd=self.folder,
            env=CLEAN,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.printed.extend(iter(output.readline, ""))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(30)

    @property
    def text(self) -> str:
        return "".join(self.printed)

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def wait_for_text(self, pattern: str, seconds: float) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert self.process.poll() is None, f"it ended:\n{self.text}"
            assert time.monotonic() < deadline, f"no {pattern!r} within {seconds} s:\n{self.text}"
            time.sleep(0.1)
        return found

    def wait_until_ready(self) -> None:
        self.wait_for_text(r"Stop +Ctrl-C", READY_SECONDS)

    def children(self) -> dict[int, str]:
        return below(self.process.pid)

    def child(self, *words: str) -> int:
        """The pid of the child whose command line has these words."""
        found = [pid for pid, line in self.children().items() if all(word in line for word in words)]
        assert found, f"no process with {words}: {self.children()}"
        return min(found)

    def rows(self, query: bytes) -> list[tuple[object, ...]]:
        with psycopg.connect((self.var / "database.dsn").read_text(encoding="utf-8").strip()) as connection:
            return connection.execute(query).fetchall()

    def stop(self, order: signal.Signals = signal.SIGINT) -> int:
        """End it; every process that it started has to be gone with it."""
        started = self.children()
        self.process.send_signal(order)
        code = self.process.wait(60)
        self._reader.join(10)
        assert {pid: line for pid, line in started.items() if not gone(pid)} == {}
        return code


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run with simulated stations, for the tests that only look at it or that it must survive."""
    running = Run(tmp_path_factory.mktemp("run"))
    try:
        running.wait_until_ready()
        yield running
        assert running.stop() == 0
        assert "All processes are stopped" in running.text
    finally:
        running.kill()


def _heard(run: Run) -> int:
    return int(str(run.rows(b"SELECT count(DISTINCT station_id) FROM receipt")[0][0]))


def test_the_table_says_where_everything_is(run: Run) -> None:
    assert run.http in run.text
    assert f"127.0.0.1:{run.mqtt_port}" in run.text
    assert "var/station-keys.json" in run.text
    assert "105 of the demonstration" in run.text


def test_the_command_to_try_works_as_it_is_printed(run: Run) -> None:
    command = run.wait_for_text(r"Try +(curl .*)", 1).group(1)
    answer = subprocess.run(["/bin/sh", "-c", command], cwd=run.folder, capture_output=True, text=True, check=True)
    assert len(json.loads(answer.stdout)["items"]) == 2, answer.stdout


def test_secrets_are_for_their_owner_alone(run: Run) -> None:
    for name in ("staff.token", "station-keys.json", "broker.password", "database.dsn", "postgres/password"):
        assert stat.S_IMODE((run.var / name).stat().st_mode) == 0o600, name
    # Root lets the database's user pass through; nobody but the owner lists what is there.
    assert stat.S_IMODE(run.var.stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) & 0o037 for path in (run.var / "log").iterdir()} == {
        path.name: 0 for path in (run.var / "log").iterdir()
    }
    secrets = [(run.var / name).read_text(encoding="utf-8").strip() for name in ("staff.token", "broker.password")]
    secrets += list(json.loads((run.var / "station-keys.json").read_text(encoding="utf-8")).values())
    logs = "".join(path.read_text(encoding="utf-8") for path in (run.var / "log").iterdir())
    assert [secret for secret in secrets if secret in logs or secret in run.text] == []


def test_the_first_administrator_comes_in_by_the_link_of_the_table_and_no_file_has_it(run: Run) -> None:
    address = run.wait_for_text(r"Sign in +(http://localhost:\d+/sign-in#link=\S+)", 1).group(1)
    secret = address.partition("#link=")[2]
    for file in run.var.rglob("*"):
        if file.is_file() and "postgres" not in file.relative_to(run.var).parts:
            assert secret.encode() not in file.read_bytes(), file
    made = {"secret": secret, "userName": "nguyen.an", "displayName": "An", "password": "ba con mèo trên mái nhà"}
    answer = httpx.post(f"{run.http}/session/link", json=made, timeout=30, trust_env=False)
    assert answer.status_code == 204, answer.text
    assert "__Host-quantrac=" in answer.headers["set-cookie"]
    again = httpx.post(f"{run.http}/session/link/look", json={"secret": secret}, timeout=30, trust_env=False)
    assert again.status_code == 404


def test_every_station_is_heard_within_a_minute_over_both_protocols(run: Run) -> None:
    wait_for(lambda: _heard(run) == 105, 60, "hearing 105 stations")
    channels = {str(row[0]) for row in run.rows(b"SELECT DISTINCT channel FROM receipt")}
    assert {"http", "mqtt"} <= channels
    stored = int(str(run.rows(b"SELECT count(*) FROM observation")[0][0]))
    assert stored > 500


def test_one_line_a_minute_tells_what_came_in(run: Run) -> None:
    line = run.wait_for_text(
        r"stations (\d+)/105 · received (\d+) submissions, ([\d,]+) readings · stored ([\d,]+)", 75
    )
    assert int(line.group(1)) == 105
    assert int(line.group(2)) >= 105
    assert int(line.group(4).replace(",", "")) > 500


def test_other_commands_find_the_running_system(run: Run) -> None:
    # The interpreter's folder comes first in PATH, so the commands are found by their names.
    command = ". var/quantrac.env; python -m gateway.cli.main migrate --status"
    answer = subprocess.run(["/bin/sh", "-c", command], cwd=run.folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "0001_catalog" in answer.stdout


def test_a_new_key_opens_the_broker_within_five_seconds(run: Run) -> None:
    before = (run.var / "nats" / "nats.conf").read_text(encoding="utf-8")
    token = (run.var / "staff.token").read_text(encoding="utf-8").strip()
    answer = httpx.post(
        f"{run.http}/v1/stations/TH-NT-001/keys", json={"label": "second"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.is_success, answer.text
    key_id = answer.json()["id"]
    assert key_id not in before
    wait_for(lambda: _mqtt_accepts(run, key_id, answer.json()["key"]), 5, "letting the new key in")


def _mqtt_accepts(run: Run, user: str, password: str) -> bool:
    """Whether a CONNECT (MQTT 3.1.1) with this user and password is accepted."""
    fields = [b"probe", user.encode(), password.encode()]
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + b"".join(len(item).to_bytes(2, "big") + item for item in fields)
    with socket.create_connection(("127.0.0.1", run.mqtt_port), timeout=5) as connection:
        connection.sendall(bytes([0x10, len(body)]) + body)
        return connection.recv(4) == b"\x20\x02\x00\x00"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gateway", ["gateway.cli.main", "serve"]),
        ("consumer", ["gateway.cli.main", "consume"]),
        ("stations", ["gateway.cli.main", "simulate"]),
        ("broker", ["nats-server"]),
        ("database", ["bin/postgres", "-D"]),
    ],
)
def test_a_killed_part_is_started_again(run: Run, name: str, words: list[str]) -> None:
    killed = run.child(*words)
    os.kill(killed, signal.SIGKILL)
    run.wait_for_text(f"The {name} is back", 60)
    assert f"The {name} ended by itself" in run.text
    assert run.child(*words) != killed
    wait_for(lambda: _is_ready(run), 30, "being ready again")


def _is_ready(run: Run) -> bool:
    try:
        return httpx.get(f"{run.http}/readyz", timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_a_second_run_on_the_same_data_is_refused(run: Run) -> None:
    second = Run(run.folder)
    assert second.process.wait(60) == 1, second.text
    second.kill()
    assert "in use by another process" in second.text
    assert "Traceback" not in second.text
    assert run.process.poll() is None


@pytest.mark.parametrize(("option", "variable"), [("--http-port", "HTTP_PORT"), ("--mqtt-port", "MQTT_PORT")])
def test_a_port_in_use_is_named_with_a_way_out(run: Run, tmp_path: Path, option: str, variable: str) -> None:
    taken = run.http_port if variable == "HTTP_PORT" else run.mqtt_port
    second = Run(tmp_path, options=(f"{option}={taken}",))
    assert second.process.wait(60) == 1, second.text
    second.kill()
    assert variable in second.text
    assert f"Port {taken} on 127.0.0.1" in second.text
    assert f"quantrac run {option} " in second.text
    assert "Traceback" not in second.text
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.fault
def test_the_next_run_goes_on_with_the_data_even_after_a_kill(tmp_path: Path) -> None:
    first = Run(tmp_path)
    try:
        first.wait_until_ready()
        wait_for(lambda: _heard(first) > 20, 60, "hearing stations")
        kept = first.rows(b"SELECT datastream_id, phenomenon_time FROM observation ORDER BY 1, 2")
        token = (first.var / "staff.token").read_text(encoding="utf-8")
        keys = (first.var / "station-keys.json").read_text(encoding="utf-8")
        started = first.children()
        assert len(started) >= 6
        first.kill()
        wait_for(lambda: all(gone(pid) for pid in started), 60, "the end of every process")
    finally:
        first.kill()
    second = Run(tmp_path, options=("--no-stations",))
    try:
        second.wait_until_ready()
        now = set(second.rows(b"SELECT datastream_id, phenomenon_time FROM observation"))
        assert set(kept) <= now
        assert (second.var / "staff.token").read_text(encoding="utf-8") == token
        assert (second.var / "station-keys.json").read_text(encoding="utf-8") == keys
        assert not [line for line in second.children().values() if "simulate" in line]
        assert second.stop(signal.SIGTERM) == 0
    finally:
        second.kill()


def test_a_stop_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    starting = Run(tmp_path)
    try:
        starting.wait_for_text("Entering the network", READY_SECONDS)
        assert starting.stop() == 0
    finally:
        starting.kill()
