"""What the triggers write: every change of every audited table, with who, from where and why, and without secrets."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from core import acting
from core.acting import Acting
from core.database import Database
from identity.trail import store
from tests.fixtures.databases import cloned
from tests.fixtures.intakes import furnish, session_of
from tests.fixtures.logins import Logins
from tests.fixtures.trails import problems

# Why a table has no entries of its own.
_NOT_AUDITED = {
    "observation": "measured: summed up each day",
    "receipt": "measured: summed up each day",
    "reading_conflict": "measured: summed up each day",
    "verdict": "follows from observations and limits; judging again gives it anew",
    "verdict_former": "follows from observations and limits",
    "judging_progress": "where the work stands",
    "alert_recheck": "work that waits",
    "event": "tells what happened; the things themselves are audited",
    "feed_position": "where the work stands",
    "catalog_revision": "moves with every change that is audited",
    "mqtt_session": "where the consumer stands at the broker",
    "webhook_message": "tells what happened",
    "webhook_delivery": "work that waits, and what came of it",
    "webhook_attempt": "what came of it",
    "mail_message": "work that waits, and what came of it",
    "mail_item": "tells what happened",
    "station_key_use": "observed by itself: from where keys were used",
    "station_key_notice": "what was told",
    "station_pause": "follows from the quota by itself",
    "station_anomaly": "observed by itself",
    "oidc_attempt": "sign-ins under way; the session that follows is audited",
    "audit_entry": "the trail itself",
    "audit_leaf": "stands in the trail by the root of its digest",
    "audit_lock": "has no rows",
    "_yoyo_migration": "the tool's own record of migrations",
    "_yoyo_log": "the tool's own record of migrations",
    "_yoyo_version": "the tool's own record of migrations",
    "yoyo_lock": "held while migrations run",
}
# Tables of which not every kind of change is meant.
_PARTLY = {"limit_version", "quarantine", "judging_due", "audit_digest"}
_SECRET = "secret-that-nobody-may-read"  # noqa: S105 - made up
_SHA = f"sha256('{_SECRET}')"
_SECRET_SHA256 = hashlib.sha256(_SECRET.encode()).hexdigest()

# For each table a row (none: it has one), a change of one row, and the subject that both are found under; "id" is the
# id of the newest row.
_ROWS: list[tuple[str, str, str, str]] = [
    ("organization", "", "name_en = 'Other'", "ORG"),
    ("station", "", "status = 'maintenance' WHERE code = 'TH-NT-001'", "TH-NT-001"),
    ("observed_property", "", "name_en = 'Other' WHERE symbol = 'COD'", "COD"),
    ("datastream", "", "mandatory = NOT mandatory WHERE id = 1", "1"),
    (
        "datastream_alias",
        "(station_id, alias, datastream_id) SELECT station_id, 'CO/D', id FROM datastream WHERE id = 1",
        "datastream_id = 2 WHERE alias = 'CO/D'",
        "1/CO/D",
    ),
    (
        "rule_set",
        "(code, name_vi, name_en, legal_source, confidence) VALUES ('QC', 'x', 'x', 'x', 'x')",
        "verified = true",
        "QC",
    ),
    (
        "rule_limit",
        "(rule_set_id, observed_property_id, averaging, upper) SELECT id, 1, '1h', 12.50 FROM rule_set",
        "upper = 1e-7",
        "1/1/1h",
    ),
    ("datastream_limit", "", "upper = upper * 2 WHERE upper = 50", "2"),
    ("limit_version", "", "recorded_time = now() WHERE id = 1", "1"),
    ("averaging_policy", "", "label_end = NOT label_end WHERE id = 1", "1"),
    (
        "station_key",
        f"(id, station_id, sha256, nats_bcrypt, mosquitto_pbkdf2) VALUES ('st_aaaaaaaa', 1, {_SHA}, '{_SECRET}', '')",
        "revoked_time = now() WHERE id = 'st_aaaaaaaa'",
        "st_aaaaaaaa",
    ),
    ("station_quota", "(station_id, requests) VALUES (1, 5)", "requests = 6", "1"),
    (
        "station_enrolment",
        f"(station_id, sha256, created_by, expires_time) VALUES (1, {_SHA}, 'lan', now())",
        "withdrawn_time = now()",
        "id",
    ),
    ("alert_rule", "(kind, severity) VALUES ('spike', 'notice')", "enabled = NOT enabled", "id"),
    (
        "alert",
        (
            "(kind, severity, station_id, state, raised_time, last_time, detected_time) "
            "VALUES ('spike', 'notice', 1, 'raised', now(), now(), now())"
        ),
        "state = 'acknowledged'",
        "id",
    ),
    (
        "alert_move",
        "(alert_id, action, to_state, actor) SELECT id, 'acknowledge', 'acknowledged', 'lan' FROM alert",
        "actor = 'somebody else'",
        "1",
    ),
    (
        "station_window",
        (
            "(kind, station_id, begin_time, end_time, state, requested_by) "
            "VALUES ('maintenance', 1, now(), now() + INTERVAL '1 h', 'requested', 'lan')"
        ),
        "state = 'cancelled'",
        "id",
    ),
    ("webhook_endpoint", "(url, created_by) VALUES ('https://example.vn/', 'lan')", "description = 'x'", "id"),
    ("webhook_secret", f"(endpoint_id, sealed) SELECT id, '{_SECRET}' FROM webhook_endpoint", "end_time = now()", "1"),
    (
        "mail_subscription",
        "(address, language, created_by) VALUES ('a@example.vn', 'vi', 'lan')",
        "language = 'en'",
        "id",
    ),
    (
        "person",
        f"(user_name, display_name, password_hash, password_time) VALUES ('lan', 'L', '$argon2id${_SECRET}', now())",
        f"password_hash = '$argon2id$other-{_SECRET}'",
        "lan",
    ),
    (
        "access_token",
        (
            "(id, sha256, label, created_by, expires_time) "
            f"VALUES ('qt_aaaaaaaa', {_SHA}, 'x', 'lan', now() + INTERVAL '1 d')"
        ),
        "revoked_time = now()",
        "qt_aaaaaaaa",
    ),
    (
        "role_grant",
        "(person_id, role, granted_by) SELECT id, 'viewer', 'lan' FROM person",
        "role = 'administrator'",
        "id",
    ),
    (
        "staff_session",
        (
            "(id, sha256, person_id, method, expires_time) "
            f"SELECT 'aaaaaaaaaaaa', {_SHA}, id, 'password', now() FROM person"
        ),
        "ended_time = now(), ended_reason = 'signed-out'",
        "aaaaaaaaaaaa",
    ),
    (
        "one_time_link",
        f"(sha256, purpose, created_by, expires_time) VALUES ({_SHA}, 'first-administrator', 'lan', now())",
        "used_time = now()",
        "first-administrator/",
    ),
    (
        "relation_right",
        "(role, relation, privileges) VALUES ('quantrac_reader', 'person', 'SELECT')",
        "privileges = 'DELETE' WHERE role = 'quantrac_reader' AND relation = 'person'",
        "quantrac_reader/person",
    ),
]
# Which row is taken out again, where there are others.
_MADE = {"relation_right": "relation = 'person' AND privileges = 'DELETE'", "datastream_alias": "alias = 'CO/D'"}
_ALERT = """
    INSERT INTO alert (kind, severity, station_id, state, raised_time, last_time, detected_time)
    VALUES ('spike', 'notice', $1, 'raised', now(), now(), now())
"""
_SUBSCRIPTION = "INSERT INTO mail_subscription (address, language, created_by) VALUES ('a@example.vn', 'vi', 'lan')"


@pytest.fixture(scope="module")
async def address(server_dsn: str, template: str) -> AsyncIterator[str]:
    """One database with a small network for all tests of this file: each looks at what it adds to the trail."""
    async with cloned(server_dsn, template) as dsn:
        async with Database(dsn, application_name="quantrac-test") as opened:
            await furnish(opened)
        yield dsn


@pytest.fixture(scope="module")
async def network(address: str) -> AsyncIterator[Database]:
    async with Database(address, application_name="quantrac-test") as opened:
        yield opened


@pytest.fixture
async def psql(address: str) -> AsyncIterator[Any]:
    """A session past the service, as an administrator has one."""
    async with session_of(address) as connection:
        yield connection


async def _new(connection: Any, behind: int) -> list[Any]:
    rows = await connection.fetch("SELECT * FROM audit_entry WHERE number > $1 ORDER BY number", behind)
    return list(rows)


async def _last(connection: Any) -> int:
    found: int = await connection.fetchval("SELECT coalesce(max(number), 0) FROM audit_entry")
    return found


# --- every table ---


async def test_every_table_is_audited_or_says_why_not(psql: Any) -> None:
    tables = {
        row["relname"]
        for row in await psql.fetch(
            "SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('i', 'e'))"
        )
    }
    audited: dict[str, set[str]] = {}
    for row in await psql.fetch(
        "SELECT tgrelid::regclass::text AS relation, tgname FROM pg_trigger "
        "WHERE tgname LIKE 'audited%' AND tgenabled = 'A' AND NOT tgisinternal"
    ):
        audited.setdefault(row["relation"], set()).add(row["tgname"].removeprefix("audited_"))
    assert tables - audited.keys() - _NOT_AUDITED.keys() == set()
    assert audited.keys() & _NOT_AUDITED.keys() == set()
    whole = {"insert", "update", "delete", "truncate"}
    assert {relation for relation, kinds in audited.items() if kinds != whole} == _PARTLY
    assert audited.keys() - _PARTLY == {relation for relation, *_ in _ROWS} - _PARTLY


async def test_whatever_is_changed_past_the_service_is_written_down(psql: Any, network: Database) -> None:
    for relation, row, change, subject in _ROWS:
        if row:
            await _one(psql, "insert", relation, subject, f"INSERT INTO {relation} {row}")
        await _one(psql, "update", relation, subject, f"UPDATE {relation} SET {change}")
    for relation in reversed([relation for relation, row, *_ in _ROWS if row]):
        await _one(psql, "delete", relation, "*", f"DELETE FROM {relation} WHERE {_MADE.get(relation, 'true')}")
    assert await problems(network, chain_only=True) == []


async def _one(connection: Any, action: str, relation: str, subject: str, statement: str) -> None:
    """Make one change, and look at the one entry that it leaves."""
    behind = await _last(connection)
    assert (await connection.execute(statement)).endswith(" 1"), statement
    entries = [entry for entry in await _new(connection, behind) if entry["relation"] == relation]
    assert [entry["action"] for entry in entries] == [action], statement
    (entry,) = entries
    if subject == "id":
        subject = str(await connection.fetchval(f"SELECT max(id) FROM {relation}"))
    assert subject in {"*", entry["subject"]}, statement
    assert (entry["before"] is None, entry["after"] is None) == (action == "insert", action == "delete")
    assert entry["actor"] == f"database:{entry['login']}"
    assert entry["address"]
    told = f"{entry['before']} {entry['after']}"
    assert _SECRET not in told, statement
    assert _SECRET_SHA256 not in told, statement


async def test_a_decision_about_quarantine_and_a_wish_to_judge_again_are_written_down(psql: Any) -> None:
    behind = await _last(psql)
    await psql.execute(
        "INSERT INTO quarantine (receipt_id, received_time, reason, field, found, expected) "
        "VALUES (1, now(), 'unknown-symbol', 'symbol', 'x', 'y');"
        "INSERT INTO judging_due (datastream_id, begin_time, end_time, cause) "
        "VALUES (1, now(), 'infinity', 'late-data');"
    )
    assert await _last(psql) == behind
    await psql.execute("UPDATE quarantine SET resolved_time = now(), resolution = 'dismissed'")
    await psql.execute(
        "INSERT INTO judging_due (datastream_id, begin_time, end_time, cause, person) "
        "VALUES (1, now(), 'infinity', 'asked', 'lan'); DELETE FROM judging_due"
    )
    assert [(e["relation"], e["action"]) for e in await _new(psql, behind)] == [
        ("quarantine", "update"),
        ("judging_due", "insert"),
    ]


# --- what an entry says ---


async def test_an_update_tells_what_changed_and_nothing_else(psql: Any) -> None:
    behind = await _last(psql)
    await psql.execute("UPDATE station SET name_en = 'Other', status = status WHERE code = 'TH-NT-001'")
    (entry,) = await _new(psql, behind)
    assert json.loads(entry["after"]) == {"name_en": "Other"}
    assert list(json.loads(entry["before"])) == ["name_en"]
    await psql.execute("UPDATE station SET name_en = 'Other' WHERE code = 'TH-NT-001'")
    assert await _last(psql) == behind + 1, "nothing changed, so there is nothing to tell"


async def test_that_a_secret_changed_is_told_and_not_what_it_is(psql: Any) -> None:
    await psql.execute(
        "INSERT INTO person (user_name, display_name, password_hash, password_time) "
        "VALUES ('binh', 'Bình', '$argon2id$1', now())"
    )
    await psql.execute("UPDATE person SET password_hash = '$argon2id$2' WHERE user_name = 'binh'")
    (entry,) = await _new(psql, await _last(psql) - 1)
    assert json.loads(entry["before"]) == json.loads(entry["after"]) == {"password_hash": "(hidden)"}


async def test_what_changes_by_itself_leaves_no_entry(psql: Any) -> None:
    await psql.execute(_ALERT, 1)
    await psql.execute("INSERT INTO person (user_name, display_name) VALUES ('mai', 'Mai')")
    behind = await _last(psql)
    await psql.execute("UPDATE alert SET last_time = now(), detail = '{\"peak\": 1}', revision = 2")
    await psql.execute("UPDATE person SET signed_in_time = now()")
    assert await _last(psql) == behind


async def test_quiet_columns_are_the_only_ones_that_are_not_watched(psql: Any) -> None:
    """Who adds a column to such a table calls audit_relation() again."""
    rows = await psql.fetch(
        "SELECT tgrelid::regclass::text AS relation, pg_get_triggerdef(oid) AS text, "
        "(SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = tgrelid AND attnum > 0 "
        "AND NOT attisdropped) AS columns FROM pg_trigger WHERE tgname = 'audited_update'"
    )
    quiet = {
        row["relation"]: {c for c in row["columns"] if f"(old.{c} IS DISTINCT FROM new.{c})" not in row["text"]}
        for row in rows
        if "(old.*" not in row["text"]
    }
    assert quiet == {
        "alert": {"last_time", "detail", "updated_time", "revision"},
        "webhook_endpoint": {"failures_in_row", "failing_since", "paused_until", "revision"},
        "person": {"signed_in_time"},
        "access_token": {"used_time", "used_address"},
        "staff_session": {"seen_time", "expires_time"},
    }


async def test_emptying_a_table_is_written_down(psql: Any) -> None:
    await psql.execute("TRUNCATE webhook_secret")
    (entry,) = await _new(psql, await _last(psql) - 1)
    assert (entry["action"], entry["relation"], entry["subject"]) == ("truncate", "webhook_secret", "")


async def test_triggers_cannot_be_switched_off_for_a_session(psql: Any) -> None:
    behind = await _last(psql)
    await psql.execute("SET session_replication_role = replica")
    await psql.execute("UPDATE station SET name_en = name_en || '!' WHERE code = 'TH-NT-001'")
    assert await _last(psql) == behind + 1


async def test_what_is_undone_leaves_no_entry_and_no_gap(psql: Any, network: Database) -> None:
    behind = await _last(psql)
    for end in ("ROLLBACK", "COMMIT"):
        await psql.execute(f"BEGIN; UPDATE station SET name_en = '{end}' WHERE code = 'TH-NT-001'; {end}")
    (entry,) = await _new(psql, behind)
    assert entry["number"] == behind + 1
    assert await problems(network, chain_only=True) == []


async def test_who_acts_is_told_with_address_and_reason(network: Database) -> None:
    with acting.acts(Acting("lan.nguyen", "10.0.0.7", "Giấy phép số 12/GP-UBND")):
        async with network.transaction() as connection:
            await connection.execute("UPDATE station SET name_en = 'A' WHERE code = 'TH-NT-001'")
            await connection.execute("UPDATE station SET name_en = 'B' WHERE code = 'TH-NT-002'")
        # A statement by itself, by every way that there is for one.
        await network.execute("UPDATE station SET name_en = 'C' WHERE code = 'TH-NT-001'")
        for way in (network.fetch, network.fetchrow, network.fetchval):
            await way("-- no SELECT\nUPDATE station SET name_en = name_en || 'D' WHERE code = 'TH-NT-001' RETURNING id")
    await network.execute("UPDATE station SET name_en = 'E' WHERE code = 'TH-NT-001'")
    last, *found = await store.page(network, store.Filter(table="station", action="update"), None, 7)
    who = ("lan.nguyen", "10.0.0.7", "Giấy phép số 12/GP-UBND")
    assert [(e.actor, e.address, e.reason) for e in found] == [who] * 6
    assert last.actor.startswith("database:"), "what somebody else does later is not theirs"
    assert len({e.transaction for e in found}) == 5


async def test_a_read_is_not_made_dearer_by_who_asks(network: Database) -> None:
    with acting.acts(Acting("lan.nguyen")):
        assert await network.fetchval("SELECT current_setting('quantrac.actor', true)") in {None, ""}
        async with network.transaction() as connection:
            assert await connection.fetchval("SELECT current_setting('quantrac.actor')") == "lan.nguyen"


# --- nobody writes to it but the triggers ---


_COPY = """
    INSERT INTO audit_entry
    SELECT number + 1000, time, actor, address, reason, login, transaction_id, action, relation, subject, before, after,
           previous, hash
    FROM audit_entry LIMIT 1
"""
_ATTEMPTS = [
    "UPDATE audit_entry SET actor = 'somebody else'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    _COPY,
    "UPDATE audit_digest SET day = day",
    "DELETE FROM audit_leaf",
    "TRUNCATE audit_digest, audit_leaf",
]


async def test_even_the_owner_is_refused(psql: Any) -> None:
    for attempt in _ATTEMPTS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added to"):
            await psql.execute(attempt)
    await psql.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await psql.execute(_ATTEMPTS[0])


async def test_no_role_may_write_to_the_trail_and_those_without_any_right_to_it_leave_entries(logins: Logins) -> None:
    calls = [
        "SELECT audit_append('insert', 'station', 'x', NULL, NULL)",
        "SELECT audit_relation('station', '{code}')",
        "SET session_replication_role = replica",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "BEGIN; LOCK TABLE audit_lock IN SHARE ROW EXCLUSIVE MODE",
    ]
    for group, login in logins.addresses.items():
        async with session_of(login) as connection:
            for attempt in [*_ATTEMPTS, *calls]:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(attempt)
            await connection.execute("ROLLBACK")
            readable = await connection.fetchval("SELECT has_table_privilege('audit_entry', 'SELECT')")
            assert readable is (group == "staff")
    async with session_of(logins.admin) as admin:
        await admin.execute("INSERT INTO organization (code, name_vi, name_en) VALUES ('ORG', 'x', 'x')")
        async with session_of(logins.addresses["staff"]) as connection:
            await connection.execute("UPDATE organization SET name_en = 'y'")
        (entry,) = await _new(admin, await _last(admin) - 1)
    assert (entry["login"], entry["actor"]) == (logins.name("staff"), f"database:{logins.name('staff')}")


# --- many at once ---


async def test_many_transactions_at_once_give_one_chain_without_a_deadlock(address: str, network: Database) -> None:
    """They wait for each other's rows as well."""
    await network.execute(_ALERT, 2)
    behind = await _last(network)

    async def work(worker: int) -> None:
        async with session_of(address) as connection:
            for turn in range(10):
                changed = worker % 3 + 1
                await connection.execute(
                    "BEGIN;"
                    f"UPDATE observed_property SET name_en = 'w{worker}-{turn}' WHERE id = {changed};"
                    f"UPDATE datastream SET mandatory = NOT mandatory WHERE id = {changed};"
                    "INSERT INTO alert_move (alert_id, action, to_state, actor) "
                    f"SELECT max(id), 'x', 'x', 'w{worker}' FROM alert;"
                    "COMMIT"
                )

    await asyncio.gather(*(work(worker) for worker in range(8)))
    assert await _last(network) == behind + 8 * 10 * 3
    assert await problems(network, chain_only=True) == []
    spread = await network.fetchval(
        "SELECT max(n) FROM (SELECT max(number) - min(number) AS n FROM audit_entry WHERE number > $1 "
        "GROUP BY transaction_id) x",
        behind,
    )
    assert spread == 2, "entries of one transaction stand together"


async def test_one_that_reads_an_older_state_is_told_to_try_again(address: str, network: Database) -> None:
    async with session_of(address) as older:
        transaction = older.transaction(isolation="repeatable_read")
        await transaction.start()
        await older.fetchval("SELECT count(*) FROM station")
        await network.execute(_SUBSCRIPTION)
        await older.execute(_SUBSCRIPTION)
        with pytest.raises(asyncpg.SerializationError):
            await transaction.commit()
    assert await problems(network, chain_only=True) == []
