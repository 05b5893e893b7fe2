"""The secrets and figures of `quantrac run` on a real database."""

import json
import os
import secrets as random
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.database import Database
from gateway.running import credentials, store
from gateway.running.refusals import Refusals
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


async def _receipt(database: Database, number: int, station: int | None, at: datetime, **counts: int) -> None:
    await database.execute(
        "INSERT INTO receipt (id, received_time, station_id, channel, format, source, sender, sha256, raw, "
        "raw_encoding, raw_length, stored, duplicates, conflicts, quarantined) "
        "VALUES ($1, $2, $3, 'http', 'json', '', 'test', $4, '', 'identity', 0, $5, $6, $7, $8)",
        number,
        at,
        station,
        random.token_bytes(32),
        *(counts.get(name, 0) for name in ("stored", "duplicates", "conflicts", "quarantined")),
    )


async def test_receipts_are_counted_between_two_moments(seeded: Database) -> None:
    await _receipt(seeded, 1, 1, NOON, stored=5)
    await _receipt(seeded, 2, 1, NOON + timedelta(seconds=1), stored=12, duplicates=1)
    await _receipt(seeded, 3, None, NOON + timedelta(seconds=60), stored=3, conflicts=2, quarantined=4)
    found = await store.received(seeded, NOON, NOON + timedelta(seconds=60))
    assert found == store.Received(receipts=2, stored=15, duplicates=1, conflicts=2, quarantined=4)
    nothing = await store.received(seeded, NOON + timedelta(days=1), NOON + timedelta(days=2))
    assert nothing == store.Received(0, 0, 0, 0, 0)


async def test_judgements_are_counted_for_the_receipts_of_that_time(seeded: Database) -> None:
    await _receipt(seeded, 1, 1, NOON)
    await _receipt(seeded, 2, 1, NOON + timedelta(seconds=30))
    for minute, (receipt, quality) in enumerate([(1, 3), (2, 1), (2, 3), (2, 4), (2, 4)]):
        await seeded.execute(
            "INSERT INTO observation (phenomenon_time, result, receipt_id, datastream_id, quality_reasons, "
            "device_status, result_quality) VALUES ($1, 1, $2, (SELECT min(id) FROM datastream), 0, 0, $3)",
            NOON - timedelta(minutes=minute),
            receipt,
            quality,
        )
    found = await store.judged(seeded, NOON, NOON + timedelta(seconds=60))
    assert found == store.Judged(suspect=1, failed=2)


async def test_a_station_reports_while_its_last_cycles_were_heard(seeded: Database) -> None:
    now = datetime.now(UTC)
    ids = [row["id"] for row in await seeded.fetch("SELECT id FROM station ORDER BY id LIMIT 3")]
    await _receipt(seeded, 1, ids[0], now - timedelta(minutes=4))
    await _receipt(seeded, 2, ids[1], now - timedelta(minutes=30))
    await seeded.execute("UPDATE station SET status = 'retired' WHERE id = $1", ids[2])
    assert await store.reporting(seeded) == store.Reporting(expected=104, reporting=1)


async def test_denials_in_the_brokers_log_are_counted_once(tmp_path: Path) -> None:
    log = tmp_path / "nats.log"
    line = (
        '[1] 2026/11/23 07:00:00 [ERR] 127.0.0.1:1 - mid:1 - "st_aaaaaaaa" - '
        'Publish Violation - Subject "v1.X.observations"\n'
    )
    log.write_text(line, encoding="utf-8")
    refusals = Refusals({}, log)
    assert await refusals.since_last_look() == (0, 0)
    with log.open("a", encoding="utf-8") as opened:
        opened.write(line * 2 + line[:20])
    assert await refusals.since_last_look() == (0, 2)
    with log.open("a", encoding="utf-8") as opened:
        opened.write(line[20:])
    assert await refusals.since_last_look() == (0, 1)
    log.write_text(line, encoding="utf-8")
    assert await refusals.since_last_look() == (0, 1)
