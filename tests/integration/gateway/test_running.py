"""The secrets and figures of `quantrac run` on a real database."""

import asyncio
import json
import os
import secrets as random
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import prometheus_client
import pytest
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from core.database import Database
from gateway.embedded import ports
from gateway.running import credentials, store
from gateway.running.counting import DENIED, FAILED, REFUSED, SUSPECT, Counts
from telemetry.catalog import keys, loading, seeding

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@pytest.fixture
async def seeded(database: Database) -> Database:
    await seeding.seed(database)
    return database


async def _owners(database: Database, found: dict[str, str]) -> dict[str, str | None]:
    catalog = await loading.read(database)
    owners = {code: catalog.owner_of(key, 0) for code, key in found.items()}
    return {code: None if owner is None else owner.code for code, owner in owners.items()}


async def test_every_demonstration_station_gets_a_key_that_is_its_own(seeded: Database, tmp_path: Path) -> None:
    file = tmp_path / "station-keys.json"
    found = await credentials.ensure_station_keys(seeded, file)
    assert len(found) == 105
    assert await _owners(seeded, found) == {code: code for code in found}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text(encoding="utf-8")) == found


async def test_keys_that_work_are_kept_and_the_file_is_left_alone(seeded: Database, tmp_path: Path) -> None:
    file = tmp_path / "station-keys.json"
    first = await credentials.ensure_station_keys(seeded, file)
    os.utime(file, (1, 1))
    assert await credentials.ensure_station_keys(seeded, file) == first
    assert file.stat().st_mtime == 1


async def test_a_revoked_key_is_replaced_alone(seeded: Database, tmp_path: Path) -> None:
    file = tmp_path / "station-keys.json"
    first = await credentials.ensure_station_keys(seeded, file)
    await keys.revoke(seeded, "TH-NT-001", first["TH-NT-001"].partition(".")[0])
    second = await credentials.ensure_station_keys(seeded, file)
    assert {code for code in first if first[code] != second[code]} == {"TH-NT-001"}


async def test_a_lost_file_is_made_again_as_often_as_it_is_lost(seeded: Database, tmp_path: Path) -> None:
    file = tmp_path / "station-keys.json"
    for _ in range(4):
        found = await credentials.ensure_station_keys(seeded, file)
        file.unlink()
    assert await _owners(seeded, found) == {code: code for code in found}


async def test_a_key_that_a_person_made_outlives_a_lost_file(seeded: Database, tmp_path: Path) -> None:
    own = await keys.issue(seeded, "TH-NT-001", "logger")
    for name in ("first", "second", "third"):
        await credentials.ensure_station_keys(seeded, tmp_path / name)
    assert await _owners(seeded, {"TH-NT-001": own.key}) == {"TH-NT-001": "TH-NT-001"}


async def test_a_file_that_is_no_json_is_made_again(seeded: Database, tmp_path: Path) -> None:
    file = tmp_path / "station-keys.json"
    file.write_text("{", encoding="utf-8")
    assert len(await credentials.ensure_station_keys(seeded, file)) == 105


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "staff.token"
    made = credentials.ensure_secret(file)
    assert len(made) >= 32
    assert credentials.ensure_secret(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


async def _receipt(
    database: Database, number: int, station: int | None, at: datetime, channel: str = "http", **counts: int
) -> None:
    await database.execute(
        "INSERT INTO receipt (id, received_time, station_id, channel, format, source, sender, sha256, raw, "
        "raw_encoding, raw_length, stored, duplicates, conflicts, quarantined) "
        "VALUES ($1, $2, $3, $4, 'json', '', 'test', $5, '', 'identity', 0, $6, $7, $8, $9)",
        number,
        at,
        station,
        channel,
        random.token_bytes(32),
        *(counts.get(name, 0) for name in ("stored", "duplicates", "conflicts", "quarantined")),
    )


async def test_receipts_are_counted_between_two_moments(seeded: Database) -> None:
    await _receipt(seeded, 1, 1, NOON, stored=5)
    await _receipt(seeded, 2, 1, NOON + timedelta(seconds=1), stored=12, duplicates=1)
    await _receipt(seeded, 3, None, NOON + timedelta(seconds=60), stored=3, conflicts=2, quarantined=4)
    await _receipt(seeded, 4, 1, NOON + timedelta(seconds=2), "replay", stored=7)
    found = await store.received(seeded, NOON, NOON + timedelta(seconds=60))
    assert found == store.Received(receipts=2, stored=15, duplicates=1, conflicts=2, quarantined=4)
    nothing = await store.received(seeded, NOON + timedelta(days=1), NOON + timedelta(days=2))
    assert nothing == store.Received(0, 0, 0, 0, 0)


async def test_a_station_reports_while_its_last_cycles_were_heard(seeded: Database) -> None:
    now = datetime.now(UTC)
    ids = [row["id"] for row in await seeded.fetch("SELECT id FROM station ORDER BY id LIMIT 3")]
    await _receipt(seeded, 1, ids[0], now - timedelta(minutes=4))
    await _receipt(seeded, 2, ids[1], now - timedelta(minutes=30))
    # What the staff replays is not a station's voice.
    await _receipt(seeded, 3, ids[1], now - timedelta(minutes=1), "replay")
    await seeded.execute("UPDATE station SET status = 'retired' WHERE id = $1", ids[2])
    assert await store.reporting(seeded) == store.Reporting(expected=104, reporting=1)


async def test_denials_in_the_brokers_log_are_counted_once(tmp_path: Path) -> None:
    log = tmp_path / "nats.log"
    line = (
        '[1] 2026/11/23 07:00:00 [ERR] 127.0.0.1:1 - mid:1 - "st_aaaaaaaa" - '
        'Publish Violation - Subject "v1.X.observations"\n'
    )
    log.write_text(line, encoding="utf-8")
    counts = Counts({}, log)
    assert await counts.since_last_look() == {DENIED: 0}
    with log.open("a", encoding="utf-8") as opened:
        opened.write(line * 2 + line[:20])
    assert await counts.since_last_look() == {DENIED: 2}
    with log.open("a", encoding="utf-8") as opened:
        opened.write(line[20:])
    assert await counts.since_last_look() == {DENIED: 1}
    log.write_text(line, encoding="utf-8")
    assert await counts.since_last_look() == {DENIED: 1}


@dataclass
class Page:
    """A page of metrics as a process has it, which counts anew when the process is started again."""

    text: str = ""
    status: int = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(self.text, self.status)(scope, receive, send)


@pytest.fixture
async def page() -> AsyncIterator[tuple[Page, str]]:
    """A page and its address."""
    shown = Page()
    port = ports.free()
    server = uvicorn.Server(uvicorn.Config(shown, port=port, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    yield shown, f"http://127.0.0.1:{port}/metrics"
    server.should_exit = True
    await task


def _metrics(refused: tuple[int, int], suspect: tuple[int, int], failed: int) -> str:
    """Metrics as a process writes them: refusals for two reasons, suspect readings sent and replayed."""
    registry = CollectorRegistry()
    refusals = prometheus_client.Counter("quantrac_refusals_total", ".", ["reason"], registry=registry)
    judged = prometheus_client.Counter("quantrac_judged_total", ".", ["quality", "channel"], registry=registry)
    prometheus_client.Counter("quantrac_readings_total", ".", registry=registry).inc(1000)
    for reason, times in zip(("unauthorized", "intake-full"), refused, strict=True):
        refusals.labels(reason).inc(times)
    for channel, times in zip(("http", "replay"), suspect, strict=True):
        judged.labels("suspect", channel).inc(times)
    judged.labels("fail", "mqtt").inc(failed)
    judged.labels("pass", "mqtt").inc(500)
    return generate_latest(registry).decode()


async def test_refusals_and_qualities_are_counted_from_the_metrics_once(tmp_path: Path, page: tuple[Page, str]) -> None:
    shown, address = page
    counts = Counts({address: {}}, tmp_path / "nats.log")

    async def look() -> tuple[int, int, int]:
        found = await counts.since_last_look()
        return found[REFUSED], found[SUSPECT], found[FAILED]

    shown.text = _metrics((2, 1), (10, 99), 4)
    assert await look() == (3, 10, 4)
    assert await look() == (0, 0, 0)
    shown.text = _metrics((2, 5), (11, 999), 4)
    shown.status = 503
    assert await look() == (0, 0, 0)
    shown.status = 200
    assert await look() == (4, 1, 0)
    # Started again.
    shown.text = _metrics((1, 0), (2, 0), 0)
    assert await look() == (1, 2, 0)


async def test_a_process_that_does_not_answer_has_nothing_to_count(tmp_path: Path) -> None:
    counts = Counts({f"http://127.0.0.1:{ports.free()}/metrics": {}}, tmp_path / "nats.log")
    assert not +(await counts.since_last_look())
