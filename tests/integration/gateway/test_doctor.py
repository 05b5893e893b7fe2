"""`quantrac doctor` on real servers: it finds what was broken, is silent where all is well, and tells no secret."""

import asyncio
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from core.database import Database
from gateway import migrating, probes
from gateway.doctoring import examining
from gateway.doctoring.findings import Finding, Level
from gateway.settings import Settings
from tests.fixtures.brokers import RunningBroker, free_port, mosquitto_binary

_SOURCE = Path(__file__).parents[3] / "src"
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("QUANTRAC_")}


@dataclass
class Deployment:
    """A database with a role that can do little, secrets in files that are closed, and ports where nothing listens."""

    role: str
    password: str
    admin: Any
    folder: Path
    migrations: Path
    variables: dict[str, str]

    async def examine(self, monkeypatch: pytest.MonkeyPatch, **more: str) -> list[Finding]:
        for name, value in (self.variables | more).items():
            monkeypatch.setenv(name, value)
        return await examining.examine(Settings(), examining.Options(migrations=self.migrations))

    def texts(self) -> list[str]:
        """Every secret of this deployment."""
        files = [value for name, value in self.variables.items() if name.endswith("_FILE")]
        return [Path(file).read_text(encoding="utf-8").strip() for file in files]

    def secret(self, name: str, text: str, mode: int = 0o600) -> str:
        path = self.folder / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(mode)
        return str(path)


def _freeze(folder: Path) -> None:
    """Let the files of migrations be the released ones: those of a checkout may be in no release yet."""
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in folder.glob("*.sql")]
    (folder / "checksums").write_text("".join(sums), encoding="utf-8")


@pytest.fixture
async def deployment(dsn: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    role, password = f"quantrac_test_{secrets.token_hex(4)}", secrets.token_hex(24)
    frozen = tmp_path / "migrations"
    shutil.copytree(migrating.FOLDER, frozen)
    _freeze(frozen)
    admin = await asyncpg.connect(dsn)
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    await admin.execute(f"GRANT SELECT ON feed_position, _yoyo_migration TO {role}")
    made = Deployment(role, password, admin, tmp_path, frozen, {})
    address = urlsplit(dsn)
    own = address._replace(netloc=f"{role}:{password}@{address.hostname}:{address.port}").geturl()
    made.variables = {
        "QUANTRAC_DATABASE__DSN_FILE": made.secret("dsn", own),
        "QUANTRAC_ACCESS__STAFF_TOKEN_FILE": made.secret("token", secrets.token_urlsafe(32)),
        "QUANTRAC_MQTT__PASSWORD_FILE": made.secret("password", secrets.token_hex(24)),
        "QUANTRAC_HTTP__PORT": str(free_port()),
        "QUANTRAC_MQTT__PORT": str(free_port()),
        "QUANTRAC_MQTT__HEALTH_PORT": str(free_port()),
        "QUANTRAC_WATCH__HEALTH_PORT": str(free_port()),
    }
    try:
        yield made
    finally:
        await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await admin.close()


def _of(found: list[Finding], check: str, looked_at: str = "") -> list[Finding]:
    return [finding for finding in found if finding.check == check and looked_at in finding.looked_at]


def _levels(found: list[Finding], check: str, looked_at: str = "") -> set[Level]:
    return {finding.level for finding in _of(found, check, looked_at)}


DATABASE = ("database", "server-version", "durability", "migrations", "role", "database-tls", "clock", "secrets")


async def test_a_database_that_is_well_gives_no_fault(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await deployment.examine(monkeypatch)
    assert [finding for finding in found if finding.check in DATABASE and finding.level is Level.FAULT] == []
    for check in ("database", "server-version", "extension-version", "durability", "role", "database-tls", "secrets"):
        assert _levels(found, check) == {Level.OK}, check
    assert _levels(found, "migrations") == {Level.OK}


async def test_a_database_that_is_away_is_one_fault_and_the_rest_is_looked_at(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = deployment.secret("dsn", f"postgresql://quantrac:{deployment.password}@127.0.0.1:{free_port()}/quantrac")
    found = await deployment.examine(monkeypatch, QUANTRAC_DATABASE__DSN_FILE=away)
    (finding,) = _of(found, "database")
    assert (finding.level, finding.found) == (Level.FAULT, "it does not answer (ConnectionRefusedError)")
    assert _of(found, "durability") == []
    assert _of(found, "secrets") != []


@pytest.mark.parametrize(
    ("content", "said"),
    [("nonsense", "its address is not one"), (None, "no address (FileNotFoundError)")],
)
async def test_an_address_that_is_none_is_a_fault(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, content: str | None, said: str
) -> None:
    place = deployment.secret("dsn", content) if content else str(deployment.folder / "gone")
    found = await deployment.examine(monkeypatch, QUANTRAC_DATABASE__DSN_FILE=place)
    assert [finding.found for finding in _of(found, "database")] == [said]


async def test_a_wrong_password_is_told_by_its_code_alone(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.admin.execute(f"ALTER ROLE {deployment.role} NOLOGIN")
    (finding,) = _of(await deployment.examine(monkeypatch), "database")
    assert finding.level is Level.FAULT
    assert finding.found.startswith("it refuses: 28")


async def test_a_commit_that_does_not_wait_is_found(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    await deployment.admin.execute(f"ALTER ROLE {deployment.role} SET synchronous_commit = off")
    found = await deployment.examine(monkeypatch)
    assert _levels(found, "durability", "synchronous_commit") == {Level.FAULT}
    assert _levels(found, "durability", "fsync") == {Level.OK}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("GRANT UPDATE ON observation TO {role}", "changes stored observations"),
        ("GRANT CREATE ON SCHEMA public TO {role}", "may change the schema"),
        ("ALTER ROLE {role} CREATEROLE", "creates roles"),
        ("ALTER ROLE {role} SUPERUSER", "superuser"),
        ("ALTER TABLE observation OWNER TO {role}", "owns the tables"),
    ],
)
async def test_rights_that_nobody_needs_are_noticed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, statement: str, said: str
) -> None:
    await deployment.admin.execute(statement.format(role=deployment.role))
    (finding,) = _of(await deployment.examine(monkeypatch), "role")
    assert finding.level is Level.NOTICE
    assert said in finding.found
    # The table goes back, or it would be dropped with the role.
    await deployment.admin.execute("ALTER TABLE observation OWNER TO CURRENT_USER")


@pytest.mark.parametrize(
    ("statement", "level", "said"),
    [
        ("DELETE FROM _yoyo_migration WHERE migration_id = '0007_evidence_by_station'", Level.FAULT, "0007_evidence"),
        (
            "UPDATE _yoyo_migration SET migration_id = '0999_later' WHERE migration_id = '0001_catalog'",
            Level.FAULT,
            "0001",
        ),
        (
            "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '0999_later')",
            Level.NOTICE,
            "ahead of this version: 0999_later",
        ),
        ("REVOKE SELECT ON _yoyo_migration FROM {role}", Level.SKIPPED, "may not read"),
    ],
)
async def test_a_schema_of_another_version_is_found(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, statement: str, level: Level, said: str
) -> None:
    await deployment.admin.execute(statement.format(role=deployment.role))
    (finding,) = _of(await deployment.examine(monkeypatch), "migrations", "schema")
    assert finding.level is level
    assert said in finding.found


async def test_a_database_that_was_never_migrated_is_a_fault(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.admin.execute("DROP TABLE _yoyo_migration")
    (finding,) = _of(await deployment.examine(monkeypatch), "migrations", "schema")
    assert (finding.level, finding.found) == (Level.FAULT, "never migrated")


async def test_a_migration_that_was_changed_is_found(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with (deployment.migrations / "0002_observations.sql").open("a", encoding="utf-8") as file:
        file.write("-- one more line\n")
    (finding,) = _of(await deployment.examine(monkeypatch), "migrations", "files")
    assert (finding.level, finding.found) == (Level.FAULT, "not as they were released: 0002_observations.sql")


async def test_a_reader_that_stands_still_is_found(
    deployment: Deployment, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _levels(await deployment.examine(monkeypatch), "feeds") == {Level.NOTICE}
    await database.execute(
        "INSERT INTO feed_position (reader, seen, seen_time) "
        "VALUES ('alerts', pg_current_snapshot(), now()), ('mail', pg_current_snapshot(), now() - INTERVAL '3 hours')"
    )
    found = await deployment.examine(monkeypatch)
    assert _levels(found, "feeds", "alerts") == {Level.OK}
    assert _levels(found, "feeds", "mail") == {Level.FAULT}
    await deployment.admin.execute(f"REVOKE SELECT ON feed_position FROM {deployment.role}")
    assert _levels(await deployment.examine(monkeypatch), "feeds") == {Level.SKIPPED}


@pytest.mark.timescale
async def test_jobs_are_looked_at_one_by_one(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    if not await deployment.admin.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("the server has no TimescaleDB")
    jobs = await deployment.admin.fetch(
        "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL ORDER BY 1"
    )
    off, *others = [row["job_id"] for row in jobs]
    await deployment.admin.fetch("SELECT alter_job($1, scheduled => false)", off)
    found = _of(await deployment.examine(monkeypatch), "jobs")
    assert len(found) == len(jobs)
    assert [(finding.level, finding.found) for finding in found if str(off) in finding.looked_at] == [
        (Level.NOTICE, "switched off")
    ]
    assert {finding.level for finding in found if str(off) not in finding.looked_at} <= {Level.OK, Level.NOTICE}
    assert others
    for job in others:
        await deployment.admin.execute("SELECT delete_job($1)", job)
    await deployment.admin.execute("SELECT delete_job($1)", off)
    assert [finding.found for finding in _of(await deployment.examine(monkeypatch), "jobs")] == ["none"]


async def test_secrets_that_are_open_or_short_are_found(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await deployment.examine(
        monkeypatch,
        QUANTRAC_MQTT__PASSWORD_FILE=deployment.secret("password", "quantrac", mode=0o622),
        QUANTRAC_ACCESS__STAFF_TOKEN="sixteen letters.",  # noqa: S106 - short on purpose
        QUANTRAC_ACCESS__STAFF_TOKEN_FILE="",
    )
    assert _levels(found, "secrets", "QUANTRAC_MQTT__PASSWORD") == {Level.FAULT}
    assert _levels(found, "secrets", "QUANTRAC_ACCESS__STAFF_TOKEN") == {Level.NOTICE}
    assert "sixteen letters." not in str(found)


async def test_a_nats_broker_that_is_set_up_well_is_well(
    deployment: Deployment, nats: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = free_port()
    nats.configure([])
    config = nats.folder / "nats.conf"
    config.write_text(f'http: "127.0.0.1:{monitor}"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
    nats.start()
    given = {"QUANTRAC_MQTT__PORT": str(nats.port), "QUANTRAC_MQTT__MONITOR_URL": f"http://127.0.0.1:{monitor}/"}
    found = await deployment.examine(monkeypatch, **given)
    assert _levels(found, "broker") == {Level.OK}, _of(found, "broker")
    assert "before it acknowledges" in _of(found, "broker", "worth")[0].found
    assert _of(found, "disk", "the broker's messages") != []
    nats.stop()
    nats.sync = "1m"
    nats.configure([])
    config.write_text(f'http: "127.0.0.1:{monitor}"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
    nats.start()
    found = await deployment.examine(monkeypatch, **given)
    assert _levels(found, "broker", "worth") == {Level.NOTICE}


async def test_a_broker_is_told_by_what_it_says_to_a_stranger(
    deployment: Deployment, broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.configure([])
    broker.start()
    found = await deployment.examine(monkeypatch, QUANTRAC_MQTT__PORT=str(broker.port))
    assert _levels(found, "broker", "without a credential") == {Level.OK}
    expected = Level.SKIPPED if broker.kind == "nats" else Level.NOTICE
    assert _levels(found, "broker", "worth") == {expected}


async def test_a_broker_that_lets_strangers_in_is_found(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary, port = mosquitto_binary(), free_port()
    if binary is None:
        pytest.skip("mosquitto is not installed")
    config = tmp_path / "open.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(str(binary), "-c", str(config), stderr=asyncio.subprocess.DEVNULL)
    try:
        for _ in range(100):
            found = await deployment.examine(monkeypatch, QUANTRAC_MQTT__PORT=str(port))
            if _levels(found, "broker", "MQTT broker") == {Level.OK}:
                break
            await asyncio.sleep(0.05)
        assert _levels(found, "broker", "without a credential") == {Level.FAULT}
    finally:
        process.terminate()
        await process.wait()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def _closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(("speaks", "said"), [(_answers, "something else"), (_closes, "closed without an answer")])
async def test_what_is_no_broker_is_told_so(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, speaks: Any, said: str
) -> None:
    async with await asyncio.start_server(speaks, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await deployment.examine(monkeypatch, QUANTRAC_MQTT__PORT=str(port))
    (finding,) = _of(found, "broker")
    assert finding.level is Level.FAULT
    assert said in finding.found


async def test_pages_of_processes_are_read_where_they_answer(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, tuple[Mapping[str, str], bool]] = {"now": ({"mail": "ok"}, True)}
    port = int(deployment.variables["QUANTRAC_WATCH__HEALTH_PORT"])
    async with probes.serve("127.0.0.1", port, lambda: state["now"], "test", "127.0.0.1"):
        for _ in range(100):
            found = await deployment.examine(monkeypatch)
            if _levels(found, "processes", "watch") == {Level.OK}:
                break
            await asyncio.sleep(0.05)
        assert _of(found, "processes", "watch")[0].found == "mail: ok"
        assert _levels(found, "processes", "gateway") == {Level.NOTICE}
        state["now"] = ({"mail": "failed 3 times"}, False)
        found = await deployment.examine(monkeypatch)
        assert _of(found, "processes", "watch")[0].found == "503: mail: failed 3 times"
        assert _levels(found, "processes", "watch") == {Level.FAULT}


def _quantrac(deployment: Deployment, *arguments: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", "doctor", *arguments],
        env={**_CLEAN, "PYTHONPATH": str(_SOURCE), **deployment.variables, **more},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


async def test_the_command_says_what_to_do_and_tells_no_secret(deployment: Deployment, tmp_path: Path) -> None:
    code, table = await asyncio.to_thread(_quantrac, deployment, "--folder", str(tmp_path))
    # No broker runs, which is a fault.
    assert code == 1
    assert "Does the broker run" in table
    assert "to be mended" in table
    assert f"the folder {tmp_path.name}" in table
    _, lines = await asyncio.to_thread(_quantrac, deployment, "--json")
    documents = [json.loads(line) for line in lines.splitlines()]
    assert all(set(document) == {"check", "level", "lookedAt", "found", "advice"} for document in documents)
    assert all(document["advice"] for document in documents if document["level"] in {"fault", "notice"})
    texts = deployment.texts()
    assert len(texts) == 3
    for secret in [*texts, deployment.password]:
        assert secret not in table
        assert secret not in lines


async def test_the_command_ends_well_where_nothing_must_be_mended(deployment: Deployment, nats: RunningBroker) -> None:
    nats.configure([])
    nats.start()
    code, lines = await asyncio.to_thread(_quantrac, deployment, "--json", QUANTRAC_MQTT__PORT=str(nats.port))
    faults = [document for document in map(json.loads, lines.splitlines()) if document["level"] == "fault"]
    assert code == (1 if faults else 0)
    # Two belong to the machine or to the checkout that is tried: a full disk, and migrations that no release has yet.
    assert [
        fault for fault in faults if fault["check"] != "disk" and "files of the migrations" not in fault["lookedAt"]
    ] == []
