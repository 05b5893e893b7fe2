"""Keys, enrolments, quotas and anomalies on the command line, each as a real process on a real database."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from core import instants
from core.database import Database
from telemetry.admission import keeping
from telemetry.admission.sightings import Kind, Sightings
from telemetry.catalog import keys, seeding
from telemetry.readings import Channel
from tests.fixtures.applications import Gateway
from tests.integration.gateway.test_station_commands import Command

CODE = "TH-NT-001"


@pytest.fixture
async def station(database: Database, dsn: str) -> Command:
    await seeding.seed(database)
    return Command(dsn)


async def test_keys_are_issued_with_an_end_edited_and_found(station: Command, database: Database) -> None:
    await station("key", "issue", CODE, "--expires", "2199-12-31T00:00:00Z")
    issued = await keys.issue(database, CODE)
    [edited] = await station.read(
        "key", "edit", CODE, issued.id, "--label", "attic", "--expires", "2199-01-01T00:00:00Z"
    )
    assert (edited["label"], edited["expiresTime"]) == ("attic", "2199-01-01T00:00:00Z")
    [forever] = await station.read("key", "edit", CODE, issued.id, "--never-expires")
    assert (forever["label"], forever["expiresTime"]) == ("attic", None)
    out, _ = await station("key", "list", "--unused-for", "1")
    assert issued.id in out
    assert await station.read("key", "list", "--expires-within", "30") == []


async def test_a_quota_is_shown_and_changed(station: Command) -> None:
    [changed] = await station.read("quota", CODE, "--readings", "120000", "--requests", "50")
    assert changed["inForce"] | {"bytes": 0} == {"requests": 50, "readings": 120_000, "bytes": 0}
    [again] = await station.read("quota", CODE, "--requests", "0")
    assert (again["own"]["requests"], again["inForce"]["requests"]) == (None, 6_000)
    out, _ = await station("quota", CODE)
    assert "120000" in out
    await station("quota", "NOBODY-1", code=1)


async def test_anomalies_are_listed(station: Command, database: Database) -> None:
    number = await database.fetchval("SELECT id FROM station WHERE code = $1", CODE)
    seen = Sightings()
    seen.odd(Kind.OVER_QUOTA, number, Channel.MQTT, instants.now_us(), detail="too much")
    async with database.transaction() as connection:
        await keeping.note(connection, seen.drain())
    out, _ = await station("anomalies")
    assert (CODE in out, "over-quota" in out, "too much" in out) == (True, True, True)
    [one] = await station.read("anomalies", "--station", CODE, "--kind", "over-quota")
    assert one["times"] == 1


@asynccontextmanager
async def _served(gateway: Gateway) -> AsyncIterator[str]:
    """The gateway of the test behind a real socket."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(gateway.entrance, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def test_both_sides_of_an_enrolment(gateway: Gateway, dsn: str, tmp_path: Path) -> None:
    station, kept = Command(dsn), tmp_path / "key"
    out, err = await station("enrolment", "begin", CODE, "--label", "attic")
    code = out.strip()
    assert "not shown again" in err
    async with _served(gateway) as url:
        _, err = await station("enrol", url, "K7QM-2XNB-9F4*", code=2)
        assert "no digit of a code" in err
        out, err = await station("enrol", url, code.lower(), "--output", str(kept))
        assert (out, CODE in err) == ("", True)
        assert kept.stat().st_mode & 0o777 == 0o600
        await gateway.app.state.catalog.refresh()
        assert (await gateway.report(kept.read_text(encoding="utf-8").strip(), COD=48.6))["station"] == CODE
        _, err = await station("enrol", url, "-", code=1, given=code.encode())
        assert "Ask the monitoring centre" in err
    [used] = await station.read("enrolment", "list", CODE)
    assert (used["state"], used["label"]) == ("used", "attic")
    await station("enrolment", "withdraw", CODE, str(used["id"]), code=1)
    _, err = await station("enrol", "http://127.0.0.1:1", code, "--output", str(tmp_path / "other"), code=1)
    assert "does not answer" in err
    assert not (tmp_path / "other").exists()
