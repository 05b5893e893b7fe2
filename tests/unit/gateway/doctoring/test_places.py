"""What is found about disks, files of migrations, addresses, the broker and the processes' pages."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from gateway.doctoring import brokers, disks, examining, listening, migrations, pages
from gateway.doctoring.findings import Finding, Level, Line, failed
from gateway.settings import Settings
from telemetry.mqtt.probing import Answer

GIB = 2**30


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [
        (100 * GIB, 50 * GIB, Level.OK),
        (100 * GIB, 10 * GIB, Level.OK),
        (100 * GIB, 10 * GIB - 1, Level.FAULT),
        (10 * GIB, 2 * GIB, Level.OK),
        (10 * GIB, 2 * GIB - 1, Level.FAULT),
        (0, 0, Level.FAULT),
    ],
)
def test_a_volume_without_a_tenth_and_two_gibibytes_is_a_fault(total: int, free: int, level: Level) -> None:
    finding = disks.space("the database", Path("/data"), total, free)
    assert finding.level is level
    assert "/data" in finding.looked_at


def test_a_folder_is_looked_at_where_it_can_be(tmp_path: Path) -> None:
    here, gone, unknown = disks.look({"here": tmp_path, "gone": tmp_path / "gone", "elsewhere": None})
    assert here.level in {Level.OK, Level.FAULT}
    assert "GiB" in here.found
    assert (gone.level, unknown.level) == (Level.SKIPPED, Level.SKIPPED)
    assert "FileNotFoundError" in gone.found


def test_the_folders_of_a_database_are_known_on_its_own_machine_alone() -> None:
    assert disks.folders_of("/data", ["/fast"], local=True) == {
        "the database": Path("/data"),
        "the database's log of changes": Path("/data/pg_wal"),
        "the tablespace /fast": Path("/fast"),
    }
    assert disks.folders_of("/data", ["/fast"], local=False) == {"the database": None}
    assert disks.folders_of(None, [], local=True) == {"the database": None}


EXPECTED = frozenset({"0001_a", "0002_b"})


@pytest.mark.parametrize(
    ("applied", "level", "said"),
    [
        (EXPECTED, Level.OK, "0002_b"),
        (frozenset(), Level.FAULT, "never migrated"),
        (frozenset({"0001_a"}), Level.FAULT, "behind: 0002_b"),
        (EXPECTED | {"0003_c"}, Level.NOTICE, "ahead of this version: 0003_c"),
        (None, Level.SKIPPED, "may not read"),
    ],
)
def test_a_schema_is_of_this_version_behind_or_ahead(applied: frozenset[str] | None, level: Level, said: str) -> None:
    finding = migrations.state(applied, EXPECTED)
    assert finding.level is level
    assert said in finding.found


def _released(folder: Path) -> Path:
    lines = []
    for name in ("0001_a", "0002_b"):
        (folder / f"{name}.sql").write_text(f"-- {name}", encoding="utf-8")
        lines.append(f"{hashlib.sha256(f'-- {name}'.encode()).hexdigest()}  {name}.sql")
    (folder / "checksums").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_files_as_they_were_released_are_well(tmp_path: Path) -> None:
    assert migrations.files(_released(tmp_path)).level is Level.OK
    assert migrations.known(tmp_path) == EXPECTED


@pytest.mark.parametrize("trouble", ["changed", "gone", "added"])
def test_a_file_that_was_not_released_so_is_named(tmp_path: Path, trouble: str) -> None:
    file = _released(tmp_path) / "0002_b.sql"
    if trouble == "gone":
        file.unlink()
    elif trouble == "changed":
        file.write_text("DROP TABLE observation", encoding="utf-8")
    else:
        file = tmp_path / "0003_c.sql"
        file.write_text("-- c", encoding="utf-8")
    finding = migrations.files(tmp_path)
    assert finding.level is Level.FAULT
    assert finding.found.endswith(file.name)


@pytest.mark.parametrize("text", [None, "one two three\n"])
def test_checksums_that_cannot_be_read_are_a_fault(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "checksums").write_text(text, encoding="utf-8")
    assert migrations.files(tmp_path).level is Level.FAULT


@pytest.mark.parametrize(
    ("host", "level"),
    [
        ("127.0.0.1", Level.OK),
        ("::1", Level.OK),
        ("localhost", Level.OK),
        ("0.0.0.0", Level.NOTICE),  # noqa: S104 - the case that is tried
        ("::", Level.NOTICE),
        ("10.1.2.3", Level.NOTICE),
        ("gateway.example.vn", Level.NOTICE),
    ],
)
def test_an_address_that_others_reach_is_noticed(host: str, level: Level) -> None:
    assert listening.gateway(host, 8000).level is level
    assert listening.health("the consumer", host, 8001).level is level
    assert listening.broker_tls(host, encrypted=False).level is level


def test_what_is_not_served_or_encrypted_is_well_anywhere() -> None:
    assert listening.health("the consumer", "0.0.0.0", 0).level is Level.OK  # noqa: S104 - the case that is tried
    assert listening.broker_tls("broker.example.vn", encrypted=True).level is Level.OK


NATS = Answer(speaks_5=False, lets_strangers_in=False)
OTHER = Answer(speaks_5=True, lets_strangers_in=False)


def _varz(**config: Any) -> dict[str, Any]:
    return {"version": "2.15.1", "jetstream": {"config": config}}


@pytest.mark.parametrize(
    ("answer", "page", "level", "said"),
    [
        (NATS, _varz(sync_always=True, sync_interval=120 * 10**9), Level.OK, "before it acknowledges"),
        (NATS, _varz(sync_interval=120 * 10**9), Level.NOTICE, "every 120 s"),
        (NATS, {"version": "2.15.1"}, Level.FAULT, "keeps nothing"),
        (NATS, None, Level.SKIPPED, "QUANTRAC_MQTT__MONITOR_URL"),
        (OTHER, None, Level.NOTICE, "memory only"),
    ],
)
def test_an_acknowledgement_is_worth_what_the_broker_does_before_it(
    answer: Answer, page: dict[str, Any] | None, level: Level, said: str
) -> None:
    finding = brokers.durability(answer, page)
    assert finding.level is level
    assert said in finding.found


def test_a_broker_that_lets_anybody_in_is_a_fault() -> None:
    assert brokers.strangers(NATS).level is Level.OK
    assert brokers.strangers(Answer(speaks_5=True, lets_strangers_in=True)).level is Level.FAULT


def test_a_broker_that_does_not_answer_is_a_fault() -> None:
    assert brokers.reachable("127.0.0.1:1883", None).level is Level.OK
    assert brokers.reachable("127.0.0.1:1883", "no answer").level is Level.FAULT


def test_a_monitoring_page_that_does_not_answer_is_noticed() -> None:
    assert brokers.monitored("http://x", {}).level is Level.OK
    assert brokers.monitored("http://x", None).level is Level.NOTICE
    assert brokers.folders({"jetstream": {"config": {"store_dir": "/m"}}}) == {"the broker's messages": Path("/m")}
    assert brokers.folders(None) == brokers.folders({}) == {}


def test_pages_are_asked_where_they_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_HTTP__HOST", "0.0.0.0")  # noqa: S104 - the case that is tried
    monkeypatch.setenv("QUANTRAC_MQTT__HEALTH_PORT", "0")
    assert pages.addresses(Settings()) == {
        "gateway": "http://127.0.0.1:8000/readyz",
        "watch": "http://127.0.0.1:8002/readyz",
    }


@pytest.mark.parametrize(
    ("page", "level", "said"),
    [
        (pages.Page(200, {"database": "ok"}), Level.OK, "database: ok"),
        (pages.Page(200), Level.OK, "ready"),
        (pages.Page(503, {"intake": "the queue is full"}), Level.FAULT, "503: intake: the queue is full"),
        (pages.Page(404), Level.FAULT, "404: no word why"),
        (pages.Page(None), Level.NOTICE, "nothing answers"),
    ],
)
def test_a_process_is_as_ready_as_its_page_says(page: pages.Page, level: Level, said: str) -> None:
    finding = pages.standing("gateway", "http://127.0.0.1:8000/readyz", page)
    assert finding.level is level
    assert said in finding.found


def test_only_a_fault_fails_an_examination() -> None:
    line = Line("disk", "a disk")
    well: list[Finding] = [line.ok("fine"), line.skipped("dark"), line.notice("hm", "think")]
    assert not failed(well)
    assert failed([*well, line.fault("full", "empty it")])


@pytest.mark.parametrize(
    ("dsn", "mode"),
    [
        ("postgresql://a@b/c", None),
        ("postgresql://a@b/c?sslmode=verify-full&x=1", "verify-full"),
        ("postgresql://a@b/c?sslmode=disable&sslmode=require", "require"),
    ],
)
def test_the_mode_of_tls_is_the_one_that_counts(dsn: str, mode: str | None) -> None:
    assert examining._ssl_mode(dsn) == mode
