"""The database's roles: what each may do and what not, tried as each of them, on tables, hypertables and chunks."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest

from core import instants
from core.database import Database
from gateway import roles
from telemetry.catalog import seeding
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import Intake, IntakeLimits
from telemetry.mqtt import store as mqtt_store
from telemetry.readings import Outcome, Readings
from tests.architecture.test_queries import _TEMPORARY_TABLE, _TIMESCALE_ONLY, _loaded
from tests.fixtures import commands
from tests.fixtures.intakes import Works
from tests.fixtures.logins import GROUPS, Logins, address_of
from tests.fixtures.submissions import submission

_EVIDENCE = ("observation", "receipt", "reading_conflict")
# Relations that are nobody's but the owner's.
_CLOSED = {"audit_lock", "relation_right", "_yoyo_log", "_yoyo_version", "yoyo_lock"}
# Which process runs the queries of a module; the command line and the gateway speak for the staff.
_INGEST = ("telemetry/intake/", "telemetry/mqtt/", "telemetry/catalog/loading", "telemetry/admission/store")
_TELEMETRY = (
    "changes",
    "admission/expiry_store",
    "catalog/loading",
    "verdicts",
    "alerts",
    "events",
    "hooks",
    "reports",
    "series",
)
_ROUNDS = ("core/", *(f"telemetry/{name}" for name in _TELEMETRY))
# What people do to rules, receivers and subscriptions, which the watch process never does.
_BY_PEOPLE = {
    "telemetry/alerts/rules/store.py",
    "telemetry/alerts/rules/seeding.py",
    "telemetry/alerts/windows/store.py",
    "telemetry/hooks/mail/store.py",
    "telemetry/hooks/webhooks/store.py",
    "telemetry/verdicts/policies.py",
}
# What the watch process does by itself, and nobody else.
_BY_WATCH = {
    "core/feeds.py": {"feed_position"},
    "identity/trail/sum_store.py": {"audit_digest", "audit_leaf"},
    "telemetry/admission/expiry_store.py": {"station_key_notice"},
    "telemetry/alerts/handling/rechecks.py": {"alert_recheck"},
    "telemetry/events/store.py": {"event"},
    "telemetry/hooks/webhooks/delivery_store.py": {"webhook_attempt", "webhook_message"},
    "telemetry/hooks/mail/outbox.py": {"mail_message"},
    "telemetry/verdicts/agenda.py": {"judging_progress", "judging_due"},
    "telemetry/verdicts/store.py": {"verdict", "verdict_former"},
}
# What the consumer does by itself, and what only the owner of the tables does.
_BY_OTHERS = {"telemetry/mqtt/store.py": {"mqtt_session"}, "gateway/roles.py": {"relation_right"}}


_OWNED = """
    SELECT relname, relkind::text AS kind FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('i', 'e'))
"""
_WRITABLE = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
      AND (has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER') OR has_any_column_privilege(oid, 'INSERT, UPDATE'))
"""


@asynccontextmanager
async def _as(address: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(address)
    try:
        yield connection
    finally:
        await connection.close()


async def _refused(connection: Any, statement: str) -> bool:
    """Whether the rights of the role stand against the statement; any other error is the test's."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    else:
        return False
    finally:
        await attempt.rollback()


# --- the groups and logins ---


async def test_roles_are_made_and_made_again_without_harm(logins: Logins) -> None:
    first = roles.create(logins.admin)
    assert roles.create(logins.admin) == first > 100
    shown = {group.name: group for group in roles.show(logins.admin)}
    assert set(shown) == {f"quantrac_{group}" for group in GROUPS}
    for group in GROUPS:
        assert shown[f"quantrac_{group}"].there
        assert logins.name(group) in shown[f"quantrac_{group}"].logins
    assert shown["quantrac_reader"].rights["observation"] == "SELECT"


async def test_roles_may_be_made_by_many_at_once(dsn: str) -> None:
    """Other databases of the server make the same roles meanwhile; none of them fails."""
    settled = await asyncio.gather(*(asyncio.to_thread(roles.create, dsn) for _ in range(6)))
    assert len(set(settled)) == 1


async def test_a_right_that_is_not_laid_down_is_taken_back(logins: Logins) -> None:
    async with _as(logins.admin) as admin:
        await admin.execute("GRANT DELETE ON observation TO quantrac_ingest")
        await admin.execute("GRANT SELECT (sealed) ON webhook_secret TO quantrac_reader")
        await admin.execute("REVOKE INSERT ON receipt FROM quantrac_ingest")
    roles.create(logins.admin)
    async with _as(logins.addresses["ingest"]) as connection:
        assert await _refused(connection, "DELETE FROM observation")
        assert await connection.fetchval("SELECT has_table_privilege('receipt', 'INSERT')")
    async with _as(logins.addresses["reader"]) as connection:
        assert await _refused(connection, "SELECT sealed FROM webhook_secret")


async def test_a_login_changes_its_password_and_its_group(logins: Logins) -> None:
    name, password = logins.name("staff"), secrets.token_urlsafe(24)
    moved = address_of(logins.admin, name, password)
    roles.create(logins.admin, [roles.login_of("reader", moved)])
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(logins.addresses["staff"])
    async with _as(moved) as connection:
        assert await _refused(connection, "INSERT INTO event (type, payload) VALUES ('a.b', '{}')")
        groups = await connection.fetchval(
            "SELECT array_agg(g.rolname::text) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
            "WHERE m.member = current_user::regrole"
        )
    assert groups == ["quantrac_reader"]


async def test_the_server_sees_the_verifier_and_not_the_password(logins: Logins) -> None:
    async with _as(logins.admin) as admin:
        kept = await admin.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", logins.name("ingest"))
    assert kept.startswith("SCRAM-SHA-256$")
    login = roles.login_of("ingest", logins.addresses["ingest"])
    assert login.password not in repr(login)


@pytest.mark.parametrize("address", ["postgresql://db/quantrac", "postgresql://name@db/quantrac", "nonsense", ""])
def test_an_address_without_name_or_password_makes_no_login(address: str) -> None:
    with pytest.raises(roles.UnusableLogin):
        roles.login_of("ingest", address)


async def test_a_login_that_could_do_everything_is_refused(dsn: str) -> None:
    with pytest.raises(roles.UnusableLogin, match="superuser or owns the tables"):
        roles.create(dsn, [roles.login_of("ingest", dsn)])


async def test_a_group_that_does_not_exist_is_refused(dsn: str) -> None:
    with pytest.raises(roles.UnusableLogin, match="There is no group quantrac_nobody; there are quantrac_ingest"):
        roles.create(dsn, [roles.login_of("nobody", "postgresql://quantrac_test_x:y@db/quantrac")])


async def test_a_role_without_the_right_is_told_so(logins: Logins) -> None:
    with pytest.raises(roles.RolesRefused, match="permission denied"):
        roles.create(logins.addresses["staff"])
    with pytest.raises(roles.RolesRefused, match="permission denied"):
        roles.show(logins.addresses["reader"])


async def test_a_database_that_was_not_migrated_is_told_so(server_dsn: str) -> None:
    name = f"quantrac_test_{secrets.token_hex(6)}"
    async with _as(server_dsn) as admin:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            with pytest.raises(roles.RolesRefused, match="quantrac migrate"):
                roles.create(urlsplit(server_dsn)._replace(path=f"/{name}").geturl())
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_the_owner_needs_no_right_to_make_roles_where_they_are(logins: Logins) -> None:
    """As where a superuser made the groups by hand: the owner of the tables grants, and nothing more."""
    name, password = f"quantrac_test_owner_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    async with _as(logins.admin) as admin:
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        try:
            await _give_away(admin, name)
            assert roles.create(address_of(logins.admin, name, password)) > 100
            login = roles.login_of("reader", address_of(logins.admin, f"{name}_x", password))
            with pytest.raises(roles.RolesRefused):
                roles.create(address_of(logins.admin, name, password), [login])
        finally:
            await admin.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")


async def _give_away(admin: Any, name: str) -> None:
    """Let the role own what the migrations made, as if it had run them."""
    timescale = await admin.fetchval("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
    for row in await admin.fetch(_OWNED):
        # A continuous aggregate is a view that is altered as a materialized one.
        aggregate = timescale and row["relname"] in {"observation_hourly", "observation_daily"}
        word = "MATERIALIZED VIEW" if aggregate else {"S": "SEQUENCE", "v": "VIEW"}.get(row["kind"], "TABLE")
        await admin.execute(f"ALTER {word} {row['relname']} OWNER TO {name}")
    await admin.execute(f"ALTER FUNCTION settle_rights() OWNER TO {name}")


# --- what each may do ---


async def test_every_relation_has_a_decision(logins: Logins) -> None:
    """Who adds a table says in the same migration who may do what with it; see 0014_roles.sql."""
    async with _as(logins.admin) as admin:
        relations = await admin.fetch(_OWNED)
        decided = {row["relation"] for row in await admin.fetch("SELECT relation FROM relation_right")}
    assert {row["relname"] for row in relations} - decided - _CLOSED == set()


@pytest.mark.parametrize("group", GROUPS)
async def test_nobody_changes_what_was_measured(logins: Logins, group: str) -> None:
    async with _as(logins.addresses[group]) as connection:
        for table in _EVIDENCE:
            column = "receipt_id" if table != "receipt" else "id"
            for statement in (
                f"UPDATE {table} SET {column} = 1",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
                f"DROP TABLE {table}",
                f"ALTER TABLE {table} ADD COLUMN x integer",
                f"SELECT {column} FROM {table} FOR UPDATE",
                f"CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION move_catalog_revision()",
            ):
                assert await _refused(connection, statement), statement


@pytest.mark.parametrize("group", GROUPS)
async def test_nobody_changes_the_schema_or_the_rights(logins: Logins, group: str) -> None:
    async with _as(logins.addresses[group]) as connection:
        for statement in (
            "CREATE TABLE mine (x integer)",
            "CREATE SCHEMA mine",
            "CREATE OR REPLACE FUNCTION settle_rights() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "UPDATE relation_right SET privileges = 'SELECT'",
            "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', 'x')",
            "CREATE ROLE quantrac_mine",
            "GRANT quantrac_staff TO quantrac_reader",
            "ALTER SYSTEM SET fsync = off",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('postgresql.conf')",
        ):
            if statement.startswith("ALTER SYSTEM"):
                # Not in a transaction, like all that changes the server as a whole.
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            else:
                assert await _refused(connection, statement), statement


async def test_the_reader_reads_and_does_nothing_else(logins: Logins) -> None:
    shown = await asyncio.to_thread(roles.show, logins.admin)
    (rights,) = [group.rights for group in shown if group.name == "quantrac_reader"]
    assert set(rights.values()) == {"SELECT"}
    async with _as(logins.addresses["reader"]) as connection:
        for relation in rights:
            await connection.execute(f"SELECT * FROM {relation} LIMIT 1")
        writes = await connection.fetch(_WRITABLE)
    assert writes == []


@pytest.mark.parametrize("group", ["ingest", "reader", "watch"])
@pytest.mark.parametrize("secret", ["webhook_secret", "station_key", "mqtt_session", "mail_subscription"])
async def test_secrets_are_seen_by_those_who_need_them(logins: Logins, group: str, secret: str) -> None:
    needed = {
        ("ingest", "station_key"),
        ("ingest", "mqtt_session"),
        ("watch", "webhook_secret"),
        ("watch", "mail_subscription"),
    }
    async with _as(logins.addresses[group]) as connection:
        assert await _refused(connection, f"SELECT * FROM {secret}") is ((group, secret) not in needed)


async def test_the_watch_process_identifies_stations_without_the_broker_passwords(logins: Logins) -> None:
    async with _as(logins.addresses["watch"]) as connection:
        assert not await _refused(connection, "SELECT id, station_id, sha256, revoked_time FROM station_key")
        assert await _refused(connection, "SELECT nats_bcrypt FROM station_key")
        assert await _refused(connection, "UPDATE station_key SET revoked_time = NULL")


async def test_of_quarantine_a_person_changes_the_decision_alone(logins: Logins) -> None:
    async with _as(logins.addresses["staff"]) as connection:
        assert not await _refused(connection, "UPDATE quarantine SET resolved_note = 'seen'")
        assert await _refused(connection, "UPDATE quarantine SET value = '1'")
        assert await _refused(connection, "DELETE FROM quarantine")


async def _asked(connection: Any, text: str) -> str | None:
    """The relation that the role may not use so, or None; nothing is run."""
    try:
        async with connection.transaction():
            await connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}")
    except asyncpg.InsufficientPrivilegeError as error:
        return str(error).split()[-1]
    return None


async def _unmet(logins: Logins, group: str, places: tuple[str, ...]) -> dict[str, set[str]]:
    """By module what stands against its queries."""
    found: dict[str, set[str]] = {}
    async with _as(logins.addresses[group]) as connection:
        if connection.get_server_version().major < 16:
            pytest.skip("generic plans are shown from PostgreSQL 16 on")
        timescale = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
        for loaded in _loaded():
            if not loaded.module.place.startswith(places):
                continue
            for text in loaded.queries.texts.values():
                planned = re.sub(r"^--.*$", "", text, flags=re.MULTILINE).lstrip().upper()
                if not planned.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
                    continue
                if (
                    "incoming" in text
                    or _TEMPORARY_TABLE.search(text)
                    or (_TIMESCALE_ONLY[3:] in text and not timescale)
                ):
                    continue
                refused = await _asked(connection, text)
                if refused is not None:
                    found.setdefault(loaded.module.place, set()).add(refused)
    return found


async def test_the_consumer_may_run_every_query_of_its_own(logins: Logins) -> None:
    assert await _unmet(logins, "ingest", _INGEST) == {}


async def test_the_watch_process_may_run_every_query_of_its_own(logins: Logins) -> None:
    found = await _unmet(logins, "watch", _ROUNDS)
    assert {place: what for place, what in found.items() if place not in _BY_PEOPLE} == {}


async def test_the_staff_may_run_every_query_but_those_of_the_other_processes(logins: Logins) -> None:
    found = await _unmet(logins, "staff", ("core/", "gateway/", "identity/", "telemetry/"))
    assert found == _BY_WATCH | _BY_OTHERS


# --- the real work, as the roles ---


async def _submit(intake: Intake, *readings: Readings) -> Outcome:
    return await intake.submit(submission(*readings, received_us=instants.now_us()), 20)


@pytest.mark.parametrize("group", ["ingest", "staff"])
async def test_readings_of_every_fate_are_taken_by_the_role(works: Works, logins: Logins, group: str) -> None:
    """Also into chunks that are made meanwhile, over a long time."""
    async with (
        Database(logins.addresses[group], application_name="quantrac-test") as database,
        LiveCatalog(database) as catalog,
        Intake(database, catalog, IntakeLimits()) as intake,
    ):
        days = [works.packet(-1440 * 30 * months, COD=months + 1.0) for months in range(6)]
        assert (await _submit(intake, *days)).stored == 6
        again = await _submit(intake, works.packet(0, COD=1.0), works.packet(1, COD=2.0, CODx=1.0))
        assert (again.stored, again.duplicates, again.quarantined) == (1, 1, 1)
        assert (await _submit(intake, works.packet(0, COD=99.0))).conflicts == 1
    assert await works.counts() == (7, 3, 1, 1)


async def test_the_consumers_session_is_kept_by_the_role(logins: Logins) -> None:
    async with Database(logins.addresses["ingest"], application_name="quantrac-test") as database:
        session = await mqtt_store.open_session(database, None)
        await mqtt_store.mark_subscribed(database, session.client_id)
        assert (await mqtt_store.open_session(database, None)).expected
        assert (await mqtt_store.open_session(database, "chosen")).client_id == "chosen"


@pytest.mark.timescale
async def test_chunks_are_as_closed_as_their_table(works: Works, logins: Logins) -> None:
    if not await works.database.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("the server has no TimescaleDB")
    async with (
        Database(logins.addresses["ingest"], application_name="quantrac-test") as database,
        LiveCatalog(database) as catalog,
        Intake(database, catalog, IntakeLimits()) as intake,
    ):
        # The chunks are made by the role's own inserts.
        await _submit(intake, *[works.packet(-1440 * 100 + n, COD=1.0) for n in range(50)])
        chunks = await works.rows(
            "SELECT format('%I.%I', chunk_schema, chunk_name) AS name FROM timescaledb_information.chunks "
            "WHERE hypertable_name IN ('observation', 'receipt')"
        )
        assert len(chunks) >= 2
        for group in GROUPS:
            async with _as(logins.addresses[group]) as connection:
                for chunk in chunks:
                    for statement in (
                        f"DELETE FROM {chunk['name']}",
                        f"DROP TABLE {chunk['name']}",
                        f"TRUNCATE {chunk['name']}",
                    ):
                        assert await _refused(connection, statement), (group, statement)
        # A chunk that was compressed takes late readings and duplicates from the role.
        await works.database.execute(
            "SELECT compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass) "
            "FROM timescaledb_information.chunks WHERE hypertable_name = 'observation'"
        )
        late = await _submit(intake, *[works.packet(-1440 * 100 + n, COD=1.0) for n in range(40, 60)])
        assert (late.stored, late.duplicates) == (10, 10)
        compressed = await works.rows(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relname LIKE '%chunk_compressed' AND relkind = 'r'"
        )
        assert compressed
        for group in GROUPS:
            async with _as(logins.addresses[group]) as connection:
                for chunk in compressed:
                    assert await _refused(connection, f"DELETE FROM {chunk['name']}"), (group, chunk["name"])


@pytest.mark.timescale
async def test_only_the_owner_drops_chunks_and_changes_policies(works: Works, logins: Logins) -> None:
    if not await works.database.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
        pytest.skip("the server has no TimescaleDB")
    await works.submit(works.packet(0, COD=1.0))
    for group in GROUPS:
        async with _as(logins.addresses[group]) as connection:
            for statement in (
                "SELECT drop_chunks('observation', older_than => now() + INTERVAL '1 day')",
                "SELECT add_retention_policy('observation', INTERVAL '1 day')",
                "CALL remove_columnstore_policy('observation')",
            ):
                with pytest.raises(asyncpg.PostgresError, match=r"must be owner|permission denied"):
                    await connection.execute(statement)
            assert await connection.fetchval("SELECT count(*) FROM observation") == 1


async def test_the_catalogue_is_kept_by_the_staff(logins: Logins, database: Database) -> None:
    await seeding.seed(database)
    async with _as(logins.addresses["staff"]) as connection:
        for statement in (
            "UPDATE station SET name_vi = name_vi WHERE code = 'TH-NT-001'",
            "UPDATE datastream_limit SET upper = 2 * upper WHERE upper IS NOT NULL",
            "DELETE FROM datastream_limit",
            "UPDATE averaging_policy SET minimum_share = 0.6",
            "UPDATE station_window SET state = 'accepted'",
        ):
            assert not await _refused(connection, statement), statement
        assert await _refused(connection, "DELETE FROM station")
        assert await _refused(connection, "DELETE FROM limit_version")


# --- the command ---


def _quantrac(dsn: str, *arguments: str, code: int = 0) -> str:
    environment = {"QUANTRAC_DATABASE__DSN": dsn, "NO_COLOR": "1", "COLUMNS": "200"}
    done = commands.run("roles", *arguments, environment=environment)
    assert done.code == code, done.out + done.err
    return done.out + done.err


async def test_the_command_makes_logins_from_files_and_shows_them(logins: Logins, tmp_path: Path) -> None:
    file, password = tmp_path / "consumer-address", secrets.token_urlsafe(24)
    # The test's own login changes its group, so that it is taken away with the others.
    file.write_text(address_of(logins.admin, logins.name("watch"), password) + "\n", encoding="utf-8")
    said = await asyncio.to_thread(_quantrac, logins.admin, "create", "--login", f"ingest={file}")
    assert f"{logins.name('watch')} logs in with the rights of quantrac_ingest" in said
    assert password not in said
    shown = await asyncio.to_thread(_quantrac, logins.admin, "show")
    assert logins.name("watch") in shown
    assert "SELECT, INSERT" in shown
    with psycopg.connect(file.read_text(encoding="utf-8").strip()) as connection:
        assert connection.execute("SELECT count(*) FROM observation").fetchone() == (0,)


@pytest.mark.parametrize(
    ("option", "said"), [("ingest", "GROUP=FILE"), ("=x", "GROUP=FILE"), ("ingest=/nonexistent", "cannot be read")]
)
def test_an_option_that_names_no_file_is_explained(option: str, said: str) -> None:
    assert said in _quantrac("postgresql://nobody@127.0.0.1:1/nothing", "create", "--login", option, code=2)
