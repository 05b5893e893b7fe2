"""What is found about a database server, well and not well."""

from dataclasses import replace

import pytest

from gateway.doctoring import clocks, servers, upkeep
from gateway.doctoring.findings import Level
from gateway.doctoring.store import Extension, Job, Role, Server

WELL = Server(
    version="18.6",
    version_number=180_006,
    fsync="on",
    full_page_writes="on",
    synchronous_commit="on",
    max_locks_per_transaction=1024,
    client_address="127.0.0.1",
    server_address="127.0.0.1",
    encrypted=False,
    data_directory="/data",
    tablespaces=(),
)
USED = Extension(offered="2.29.2", installed="2.29.2", preloaded=True)
HUMBLE = Role("ingest", *[False] * 6)
JOB = Job(1000, "Columnstore Policy", True, "Success", 0, 900.0, 30.0, False, "Scheduled")


@pytest.mark.parametrize(("number", "level"), [(140_012, Level.FAULT), (150_000, Level.OK), (180_006, Level.OK)])
def test_a_server_that_is_too_old_is_a_fault(number: int, level: Level) -> None:
    assert servers.version(replace(WELL, version_number=number)).level is level


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (None, Level.OK, "plain tables"),
        (USED, Level.OK, "2.29.2"),
        (replace(USED, installed="2.21.4"), Level.FAULT, "2.21.4"),
        (replace(USED, installed="2.22.0", offered="2.22.0"), Level.OK, "2.22.0"),
        (replace(USED, installed="2.30.0-dev", offered="2.30.0-dev"), Level.OK, "2.30.0-dev"),
        (replace(USED, installed="2.28.0"), Level.NOTICE, "the server has 2.29.2"),
        (replace(USED, preloaded=False), Level.FAULT, "not preloaded"),
        (replace(USED, installed=None), Level.NOTICE, "does not use it"),
        (replace(USED, installed=None, preloaded=False), Level.OK, "plain tables"),
    ],
)
def test_an_extension_is_used_fresh_and_preloaded_or_not_at_all(
    found: Extension | None, level: Level, said: str
) -> None:
    finding = servers.extension(found)
    assert finding.level is level
    assert said in finding.found
    assert bool(finding.advice) is (level is not Level.OK)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_each_setting_that_loses_commits_is_a_fault_of_its_own(name: str) -> None:
    assert [finding.level for finding in servers.durability(WELL)] == [Level.OK] * 3
    found = servers.durability(replace(WELL, **{name: "off"}))  # type: ignore[arg-type] # the three are text
    assert [finding.looked_at for finding in found if finding.level is Level.FAULT] == [name]


def test_a_commit_that_waits_for_a_replica_is_as_good_as_one_that_waits_for_the_disk() -> None:
    found = servers.durability(replace(WELL, synchronous_commit="remote_apply"))
    assert [finding.level for finding in found] == [Level.OK] * 3


@pytest.mark.parametrize(
    ("number", "extension", "level"),
    [
        (64, None, Level.OK),
        (64, replace(USED, installed=None), Level.OK),
        (64, USED, Level.FAULT),
        (1023, USED, Level.FAULT),
        (1024, USED, Level.OK),
    ],
)
def test_locks_are_counted_where_chunks_are(number: int, extension: Extension | None, level: Level) -> None:
    assert servers.locks(replace(WELL, max_locks_per_transaction=number), extension).level is level


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (replace(HUMBLE, superuser=True, owns_tables=True), "superuser"),
        (replace(HUMBLE, owns_tables=True), "owns the tables"),
        (replace(HUMBLE, changes_observations=True), "changes stored observations"),
        (replace(HUMBLE, changes_schema=True, creates_roles=True), "may change the schema, creates roles"),
        (replace(HUMBLE, creates_databases=True), "creates databases"),
    ],
)
def test_a_role_that_can_do_more_than_it_needs_is_noticed(role: Role, said: str) -> None:
    finding = servers.role(role)
    assert finding.level is Level.NOTICE
    assert said in finding.found
    assert "ingest" in finding.looked_at


def test_a_role_that_can_do_little_is_well() -> None:
    assert servers.role(HUMBLE).level is Level.OK


FAR = replace(WELL, client_address="203.0.113.7", server_address="198.51.100.9")
NEAR = replace(WELL, client_address="10.0.0.7", server_address="10.0.0.9")


@pytest.mark.parametrize(
    ("server", "mode", "level"),
    [
        (WELL, None, Level.OK),
        (replace(WELL, client_address=None, server_address=None), None, Level.OK),
        (replace(FAR, server_address="8.8.8.8"), None, Level.FAULT),
        (NEAR, None, Level.NOTICE),
        (replace(NEAR, encrypted=True), None, Level.NOTICE),
        (replace(NEAR, encrypted=True), "require", Level.NOTICE),
        (replace(NEAR, encrypted=True), "verify-full", Level.OK),
        (replace(FAR, encrypted=True), "verify-ca", Level.OK),
    ],
)
def test_what_leaves_the_machine_is_encrypted_for_a_server_that_was_checked(
    server: Server, mode: str | None, level: Level
) -> None:
    assert servers.transport(server, mode).level is level


@pytest.mark.parametrize(
    ("difference", "round_trip", "level"),
    [
        (0.0, 0.001, Level.OK),
        (0.9, 0.001, Level.OK),
        (-1.2, 0.001, Level.NOTICE),
        (1.2, 1.0, Level.OK),
        (9.0, 0.1, Level.NOTICE),
        (-11.0, 0.1, Level.FAULT),
    ],
)
def test_clocks_agree_as_far_as_the_round_trip_lets_one_see(difference: float, round_trip: float, level: Level) -> None:
    assert clocks.agreement(difference, round_trip).level is level


@pytest.mark.parametrize(("state", "level"), [(True, Level.OK), (False, Level.NOTICE), (None, Level.SKIPPED)])
def test_a_clock_that_nothing_keeps_right_is_noticed(state: bool | None, level: Level) -> None:
    assert clocks.synchronisation(state).level is level


def test_this_machine_is_asked_for_the_state_of_its_clock() -> None:
    assert clocks.synchronised() in {True, False, None}


@pytest.mark.parametrize(
    ("job", "level", "said"),
    [
        (JOB, Level.OK, "30 s ago"),
        (replace(JOB, scheduled=False), Level.NOTICE, "switched off"),
        (replace(JOB, stuck=True), Level.FAULT, "never start again"),
        (replace(JOB, last_status="Failed", failures=3), Level.FAULT, "3 failures"),
        (replace(JOB, success_age_seconds=None, last_status=None), Level.NOTICE, "not run yet"),
        (replace(JOB, success_age_seconds=1700.0), Level.OK, "28 min ago"),
        (replace(JOB, success_age_seconds=1900.0), Level.FAULT, "32 min ago, due every 15 min"),
        (replace(JOB, success_age_seconds=1900.0, status="Running"), Level.OK, "32 min ago"),
    ],
)
def test_a_job_that_fails_or_does_not_run_is_found(job: Job, level: Level, said: str) -> None:
    (finding,) = upkeep.jobs([job])
    assert finding.level is level
    assert said in finding.found
    assert "1000" in finding.looked_at


def test_a_hypertable_without_any_job_is_a_fault() -> None:
    assert [finding.level for finding in upkeep.jobs([])] == [Level.FAULT]


def test_readers_that_lag_are_told_one_by_one() -> None:
    found = upkeep.feeds({"alerts": 3.0, "fan-out": 90.0, "verdicts": 7200.0})
    assert [finding.level for finding in found] == [Level.OK, Level.NOTICE, Level.FAULT]
    assert [finding.found for finding in found] == ["3 s behind", "90 s behind", "2 h behind"]


def test_a_position_ahead_of_the_clock_is_not_behind() -> None:
    assert [finding.found for finding in upkeep.feeds({"alerts": -0.5})] == ["0 s behind"]


def test_no_reader_is_noticed_and_an_unknown_one_is_skipped() -> None:
    assert [finding.level for finding in upkeep.feeds({})] == [Level.NOTICE]
    assert [finding.level for finding in upkeep.feeds(None)] == [Level.SKIPPED]
