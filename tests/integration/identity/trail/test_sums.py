"""Daily sums of what was measured: what is changed afterwards is found, and told by its value."""

import asyncio
import struct
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from core.database import Database
from gateway.trailing.daily import Daily
from identity.trail import store, sums
from identity.trail.canonical import fields
from tests.fixtures.evidence import EvidenceRoom
from tests.fixtures.logins import Logins
from tests.fixtures.trails import digest, problems, sum_up, today

_POSTGRES_EPOCH_US = 946_684_800_000_000


@pytest.fixture
async def room(evidence_room: EvidenceRoom) -> EvidenceRoom:
    """Three and two days ago something came; both days are summed up, and yesterday, when nothing came."""
    noon = sums.bounds(today())[0] + timedelta(hours=12)
    started = evidence_room.started = noon - timedelta(days=3)
    for minutes in (0, 5, 10):
        packet = evidence_room.packet(minutes=minutes, COD=40.0 + minutes, pH=7.0)
        await evidence_room.send(packet, received=started + timedelta(minutes=minutes))
    of_several = [
        evidence_room.packet(minutes=15, COD=60.0),
        evidence_room.packet(minutes=15, station="TH-NT-002", pH=6.5),
    ]
    await evidence_room.send(of_several, station=None, received=started + timedelta(days=1))
    # Another value for what is there, and a symbol that nobody knows.
    odd = evidence_room.packet(minutes=5, COD=99.0, CODx=1.0)
    await evidence_room.send(odd, received=started + timedelta(days=1))
    await sum_up(evidence_room.database)
    return evidence_room


async def _told(database: Database) -> str:
    return "\n".join(problem.text for problem in await problems(database))


async def test_days_are_summed_up_and_nothing_is_wrong(room: EvidenceRoom) -> None:
    assert await problems(room.database) == []
    rows = await room.database.fetch(
        "SELECT day, receipts_n, observations_n, conflicts_n, quarantined_n FROM audit_digest ORDER BY day"
    )
    first = sums.day_of(room.started)
    assert [tuple(row) for row in rows] == [
        (first, 3, 6, 0, 0),
        (first + timedelta(days=1), 2, 2, 1, 1),
        (first + timedelta(days=2), 0, 0, 0, 0),
    ]


# What is done to the tables, how it is undone, and what is told of it.
_CHANGES = [
    (
        "UPDATE observation SET result = 41.5 WHERE datastream_id = 1 AND result = 40",
        "UPDATE observation SET result = 40 WHERE datastream_id = 1 AND result = 41.5",
        ["observations of TH-NT-001 COD that came on", "stored is 41.5, receipt ", "says 40.0."],
    ),
    (
        "UPDATE observation SET device_status = 2 WHERE datastream_id = 1 AND result = 40",
        "UPDATE observation SET device_status = 0 WHERE datastream_id = 1 AND result = 40",
        ["stored is 40.0 (device status 02), receipt ", "says 40.0."],
    ),
    (
        "DELETE FROM observation WHERE datastream_id = 3 AND phenomenon_time = $1",
        "INSERT INTO observation SELECT $1, 7.0, min(id), 3, 0, 0, {quality} FROM receipt",
        ["observations of TH-NT-001 pH", "there are 2 where there were 3", "nothing is stored, receipt ", "says 7.0."],
    ),
    (
        "INSERT INTO observation SELECT $1, 5.0, min(id), 2, 0, 0, 1 FROM receipt",
        "DELETE FROM observation WHERE datastream_id = 2 AND phenomenon_time = $1",
        ["TH-NT-002 COD at", "accounts for this observation"],
    ),
    (
        (
            "INSERT INTO observation SELECT $1::timestamptz + INTERVAL '30 s', 5.0, max(id), 1, 0, 0, 1 FROM receipt "
            "WHERE received_time < $1::timestamptz + INTERVAL '1 hour'"
        ),
        "DELETE FROM observation WHERE datastream_id = 1 AND result = 5.0 AND phenomenon_time > $1",
        ["TH-NT-001 COD at", "accounts for this observation"],
    ),
    (
        (
            "UPDATE receipt SET raw = convert_to(replace(convert_from(raw, 'UTF8'), '40.0', '41.5'), 'UTF8') "
            "WHERE received_time = $1"
        ),
        (
            "UPDATE receipt SET raw = convert_to(replace(convert_from(raw, 'UTF8'), '41.5', '40.0'), 'UTF8') "
            "WHERE received_time = $1"
        ),
        ["receipts of TH-NT-001", "its bytes are not those that its SHA-256 was taken of"],
    ),
    (
        "UPDATE receipt SET sender = 'nobody' WHERE received_time = $1",
        "UPDATE receipt SET sender = 'st_aaaaaaaa' WHERE received_time = $1",
        ["receipts of TH-NT-001", "there are 3 as there were, but what they say is not what it was"],
    ),
    (
        "UPDATE reading_conflict SET result = 40 WHERE received_time > $1",
        "UPDATE reading_conflict SET result = 99 WHERE received_time > $1",
        ["conflicts of TH-NT-001 COD"],
    ),
    (
        "UPDATE quarantine SET value = '2.0' WHERE received_time > $1",
        "UPDATE quarantine SET value = '1.0' WHERE received_time > $1",
        ["readings in quarantine of TH-NT-001"],
    ),
]


async def test_whatever_the_owner_changes_in_the_tables_is_found(room: EvidenceRoom) -> None:
    quality = await room.database.fetchval("SELECT result_quality FROM observation WHERE datastream_id = 3 LIMIT 1")
    for change, undo, expected in _CHANGES:
        for statement in (change, undo):
            given = [room.started] if "$1" in statement else []
            done = await room.database.execute(statement.format(quality=quality), *given)
            assert done.endswith(" 1"), statement
            told = await _told(room.database)
            if statement is change:
                assert all(part in told for part in expected), (change, told)
            else:
                assert told == "", undo


async def test_a_receipt_that_is_taken_out_is_missed_with_its_observations(room: EvidenceRoom) -> None:
    await room.database.execute("DELETE FROM receipt WHERE received_time = $1", room.started)
    told = await _told(room.database)
    assert "receipts of TH-NT-001 that came on" in told
    assert "there are 2 where there were 3" in told
    assert "accounts for this observation" in told


# Once the triggers that refuse it are taken away.
_FORGERIES = [
    ("UPDATE audit_leaf SET n = 4 WHERE kind = 'receipt' AND digest_id = 1", "do not make up the root"),
    ("UPDATE audit_digest SET root = sha256('x') WHERE id = 3", "is not what entry"),
    (
        (
            "ALTER TABLE audit_digest DISABLE TRIGGER audited_insert;"
            "INSERT INTO audit_digest (day, late_receipts, receipts_n, observations_n, conflicts_n, quarantined_n, "
            "root, seen)"
            "SELECT day, '{1}', 0, 0, 0, 0, sha256(''), seen FROM audit_digest WHERE id = 1"
        ),
        "No entry of the trail tells of the digest",
    ),
    ("UPDATE audit_digest SET late_receipts = '{1}' WHERE id = 2", "There is no digest for the days between"),
    (
        "DELETE FROM audit_leaf WHERE digest_id = 2; DELETE FROM audit_digest WHERE id = 2",
        "is not the one that entry",
    ),
]


async def test_sums_cannot_be_made_to_fit(room: EvidenceRoom) -> None:
    await room.database.execute(
        "ALTER TABLE audit_leaf DISABLE TRIGGER refused; ALTER TABLE audit_digest DISABLE TRIGGER refused"
    )
    for forgery, expected in _FORGERIES:
        assert expected not in await _told(room.database)
        await room.database.execute(forgery)
        assert expected in await _told(room.database)


async def test_what_is_committed_after_its_day_was_summed_up_is_summed_up_apart(room: EvidenceRoom) -> None:
    """As after an outage: the readings had come, the COMMIT had not."""
    packet = room.packet(minutes=20, COD=1.0)
    outcome = await room.send(packet, received=room.started + timedelta(minutes=20))
    assert "there are 4 where there were 3" in await _told(room.database)
    # The day before today is taken back, so that there is one to sum up.
    await room.database.execute(
        "ALTER TABLE audit_digest DISABLE TRIGGER refused; ALTER TABLE audit_entry DISABLE TRIGGER refused; "
        "DELETE FROM audit_entry WHERE number = (SELECT max(number) FROM audit_entry); "
        "DELETE FROM audit_digest WHERE id = 3"
    )
    await sum_up(room.database)
    assert await _told(room.database) == ""
    late = await room.database.fetchrow("SELECT day, late_receipts FROM audit_digest WHERE late_receipts IS NOT NULL")
    assert tuple(late) == (sums.day_of(room.started), [outcome.receipt_id])
    await room.database.execute("UPDATE observation SET result = 2 WHERE receipt_id = $1", outcome.receipt_id)
    assert "stored is 2.0" in await _told(room.database)


async def test_leaves_are_what_their_description_says(room: EvidenceRoom) -> None:
    """Computed here from the columns alone."""
    rows = await room.database.fetch(
        "SELECT * FROM observation WHERE datastream_id = 1 ORDER BY phenomenon_time LIMIT 3"
    )
    observations = [
        struct.pack(
            ">qdqihh",
            instants.to_us(row["phenomenon_time"]) - _POSTGRES_EPOCH_US,
            row["result"],
            row["receipt_id"],
            row["quality_reasons"],
            row["device_status"],
            row["result_quality"],
        )
        for row in rows
    ]
    receipts = await room.database.fetch("SELECT * FROM receipt ORDER BY id LIMIT 3")
    kept = {
        (row["kind"], row["part"]): row["sha256"]
        for row in await room.database.fetch("SELECT * FROM audit_leaf WHERE digest_id = 1")
    }
    assert kept["observation", 1] == digest(observations)
    assert kept["receipt", 1] == digest([_receipt_fields(row) for row in receipts])


def _receipt_fields(row: Any) -> bytes:
    us = {name: instants.to_us(row[name]) for name in ("received_time", "first_time", "last_time")}
    return fields((
        row["id"], us["received_time"], row["channel"], row["format"], row["source"], row["sender"],
        row["sha256"].hex(), digest([row["raw"]]).hex(), row["raw_encoding"], row["raw_length"], row["stored"],
        row["duplicates"], row["conflicts"], row["quarantined"], us["first_time"], us["last_time"],
        row["datastream_ids"],
    ))  # fmt: skip


@pytest.mark.timescale
async def test_sums_come_out_of_compressed_chunks_too(room: EvidenceRoom) -> None:
    if not await room.database.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("this server has no TimescaleDB")
    chunks = await room.database.fetch("SELECT compress_chunk(c) FROM show_chunks('observation') c")
    assert len(chunks) > 0
    assert await problems(room.database) == []
    await room.database.execute("UPDATE observation SET result = 41.5 WHERE datastream_id = 1 AND result = 40")
    assert "stored is 41.5" in await _told(room.database)


async def test_the_round_tells_the_head_once_a_day(evidence_room: EvidenceRoom) -> None:
    day_ago = sums.bounds(today())[0] - timedelta(hours=12)
    await evidence_room.send(evidence_room.packet(COD=1.0), received=day_ago)
    daily = Daily(evidence_room.database)
    async with asyncio.timeout(30):
        # Transactions elsewhere on the server are waited for.
        while not await daily.turn():  # noqa: ASYNC110 - nobody here could tell when they end
            await asyncio.sleep(0.05)
    assert not await daily.turn()
    (event,) = await evidence_room.database.fetch(
        "SELECT payload ->> 'anchor' AS anchor FROM event WHERE type = 'trail.head'"
    )
    head, _ = await store.head(evidence_room.database)
    assert event["anchor"] == str(head)
    assert head.number > 0


async def test_each_role_can_do_its_part(room: EvidenceRoom, logins: Logins) -> None:
    """The watch process sums up and tells the head; the staff verifies."""
    await room.database.execute(
        "ALTER TABLE audit_leaf DISABLE TRIGGER ALL; ALTER TABLE audit_digest DISABLE TRIGGER ALL;"
        "DELETE FROM audit_leaf; DELETE FROM audit_digest;"
        "ALTER TABLE audit_leaf ENABLE TRIGGER ALL; ALTER TABLE audit_digest ENABLE ALWAYS TRIGGER audited_insert"
    )
    async with Database(logins.addresses["watch"], application_name="quantrac-test") as watch:
        daily = Daily(watch)
        async with asyncio.timeout(30):
            while await room.database.fetchval("SELECT count(*) FROM audit_digest") < 3:
                await daily.turn()
                await asyncio.sleep(0.02)
    async with Database(logins.addresses["staff"], application_name="quantrac-test") as staff:
        assert {problem.kind for problem in await problems(staff)} == {"digest"}, "those that were taken away"
