"""The chain in a database: what its owner does to it, past the triggers, is found and named."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core import instants
from core.database import Database
from gateway.cli import asking
from gateway.trailing.verifying import Verification
from identity.trail import canonical, store
from tests.fixtures import commands
from tests.fixtures.databases import cloned
from tests.fixtures.intakes import furnish
from tests.fixtures.trails import problems

# What jsonb writes in a form of its own: numbers, escapes, the order of members.
_ODD = r"""
    INSERT INTO alert_rule (kind, severity, source, parameters)
    VALUES ('spike', 'notice', E'"\\\n\t\u0001\u007f Đ 🌊/', $$ {
            "bb": 1.10, "a": [1e2, -0.0, 1E-9, 12345678901234567890.5],
            "đ": {"B": null, "": true}, "a\u0001\"": "\u001f\u00e9\ud83c\udf0a\/\b\f"} $$)
"""


@pytest.fixture
async def network(dsn: str) -> AsyncIterator[Database]:
    async with Database(dsn, application_name="quantrac-test") as database:
        await furnish(database)
        await database.execute(_ODD)
        for turn in range(5):
            await database.execute("UPDATE station SET latitude = $1, longitude = 1e-300", turn / 3)
        await database.execute("ALTER TABLE audit_entry DISABLE TRIGGER ALL")
        yield database


async def _found(database: Database, **members: Any) -> list[tuple[int | None, str]]:
    return [(p.number, p.kind) for p in await problems(database, chain_only=True, **members)]


async def _all(database: Database) -> list[canonical.Entry]:
    return [entry async for entries in store.entries(database, 1, 2**62) for entry in entries]


async def test_the_canonical_form_is_the_one_of_the_database(network: Database) -> None:
    """Whatever is in before and after, it reads back from JSON and is written the same."""
    images = [text for entry in await _all(network) for text in (entry.before, entry.after) if text is not None]
    assert any("\\u0001" in text for text in images)
    for text in images:
        assert canonical.json_text(json.loads(text, parse_float=Decimal)) == text


_COPY = """
    INSERT INTO audit_entry
    SELECT {number}, time, actor, address, reason, login, transaction_id, action, relation, subject, before, after,
           previous, hash
    FROM audit_entry WHERE number = 7
"""
_FORGERIES = [
    ("UPDATE audit_entry SET actor = 'x' WHERE number = 7", [(7, "edited")]),
    ("UPDATE audit_entry SET after = after || '{\"x\": 1}' WHERE number = 7", [(7, "edited")]),
    ("UPDATE audit_entry SET time = time + INTERVAL '1 us' WHERE number = 7", [(7, "edited")]),
    ("DELETE FROM audit_entry WHERE number = 7", [(7, "gap")]),
    ("DELETE FROM audit_entry WHERE number < 3", [(1, "gap")]),
    (
        (
            "UPDATE audit_entry SET number = -number WHERE number IN (7, 8);"
            "UPDATE audit_entry SET number = 15 + number WHERE number < 0"
        ),
        [(7, "edited"), (8, "edited"), (8, "link")],
    ),
    (_COPY.format(number="-5"), [(-5, "order"), (-5, "edited")]),
    (_COPY.format(number="(SELECT max(number) + 1 FROM audit_entry)"), None),
]


async def test_whatever_the_owner_does_to_the_chain_is_found(network: Database) -> None:
    assert await _found(network) == []
    await network.execute("CREATE TABLE kept AS SELECT * FROM audit_entry")
    last = await network.fetchval("SELECT max(number) FROM audit_entry")
    for forgery, expected in _FORGERIES:
        await network.execute(forgery)
        assert await _found(network) == ([(last + 1, "edited")] if expected is None else expected), forgery
        await network.execute("DELETE FROM audit_entry; INSERT INTO audit_entry SELECT * FROM kept")
    assert await _found(network) == []


async def test_an_end_that_was_cut_off_and_a_chain_that_was_written_anew_are_found_by_an_anchor(
    network: Database,
) -> None:
    head, _ = await store.head(network)
    anchors = {head.number: head.hash}
    assert await _found(network, anchors=anchors) == []
    await network.execute("DELETE FROM audit_entry WHERE number > $1", head.number - 2)
    assert await _found(network) == []
    assert await _found(network, anchors=anchors) == [(head.number, "cut")]
    # The triggers go on from there and reach the number again.
    await network.execute("UPDATE organization SET name_en = 'x'")
    await network.execute("UPDATE organization SET name_en = 'y'")
    assert await _found(network) == []
    assert await _found(network, anchors=anchors) == [(head.number, "anchor")]


async def test_a_span_of_time_is_looked_at_by_itself(network: Database) -> None:
    entries = await _all(network)
    since, until = instants.from_us(entries[4].time_us), instants.from_us(entries[8].time_us)
    await network.execute("UPDATE audit_entry SET actor = 'x' WHERE number = 2")
    verification = Verification(since=since, until=until)
    assert [p async for p in verification.chain(network)] == []
    assert verification.entries == 4
    await network.execute("DELETE FROM audit_entry WHERE number = 4")
    assert [p.number async for p in Verification(since=since, until=until).chain(network)] == [4]
    assert [p async for p in Verification(since=instants.now()).chain(network)] == []


# --- the commands ---


@pytest.fixture(scope="module")
async def standing(server_dsn: str, template: str) -> AsyncIterator[tuple[Database, dict[str, str]]]:
    """A network for all commands, and the environment that leads to it."""
    async with (
        cloned(server_dsn, template) as dsn,
        Database(dsn, application_name="quantrac-test") as database,
    ):
        await furnish(database)
        yield database, {"QUANTRAC_DATABASE__DSN": dsn}


Standing = tuple[Database, dict[str, str]]


async def test_what_a_command_changes_is_written_down_under_who_ran_it(standing: Standing) -> None:
    database, environment = standing
    await commands.quantrac("station", "edit", "TH-NT-001", "--status", "maintenance", environment=environment)
    (entry,) = await store.page(database, store.Filter(table="station", subject="TH-NT-001", action="update"), None, 5)
    who = asking.operator()
    assert (entry.actor, entry.address) == (who.actor, who.address)
    out, _ = await commands.quantrac("audit", "list", "--table", "station", "--limit", "1", environment=environment)
    assert who.actor in out
    assert "status" in out
    out, _ = await commands.quantrac("audit", "show", str(entry.number), environment=environment)
    assert re.search(r'status\s+"active"\s+"maintenance"', out)
    out, _ = await commands.quantrac("audit", "show", str(entry.number), "--json", environment=environment)
    assert json.loads(out)["hash"] == entry.hash
    await commands.quantrac("audit", "show", "99999999", environment=environment, code=1)


async def test_the_trail_is_exported_and_verified_without_the_database(standing: Standing, tmp_path: Path) -> None:
    database, environment = standing
    anchor, _ = await commands.quantrac("audit", "head", environment=environment)
    files = [tmp_path / "trail.ndjson.gz", tmp_path / "trail.ndjson"]
    for file in files:
        out, _ = await commands.quantrac("audit", "export", str(file), environment=environment)
        assert anchor.strip() in out
        out, err = await commands.quantrac("audit", "verify", "--file", str(file), environment={})
        assert "Nothing is wrong" in out
        assert "Without --anchor" in err
    assert gzip.decompress(files[0].read_bytes()) == files[1].read_bytes()
    lines = files[1].read_text(encoding="utf-8").splitlines(keepends=True)
    files[1].write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")
    out, _ = await commands.quantrac("audit", "verify", "--file", str(files[1]), environment={}, code=1)
    assert "Entry 3 is missing before entry 4." in out
    files[0].write_bytes(files[0].read_bytes()[:-20])
    await commands.quantrac("audit", "verify", "--file", str(files[0]), environment={}, code=1)
    since = instants.text((await store.page(database, store.Filter(), None, 2))[-1].time)
    await commands.quantrac("audit", "export", str(files[1]), "--from", since, environment=environment)
    out, _ = await commands.quantrac("audit", "verify", "--file", str(files[1]), "--json", environment={})
    assert json.loads(out)["entries"] == 2


async def test_verify_ends_with_one_where_something_is_wrong(standing: Standing) -> None:
    database, environment = standing
    anchor, _ = await commands.quantrac("audit", "head", environment=environment)
    out, _ = await commands.quantrac("audit", "verify", "--anchor", anchor.strip(), "--json", environment=environment)
    assert json.loads(out) | {"sound": True, "problems": 0, "head": anchor.strip()} == json.loads(out)
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE audit_entry DISABLE TRIGGER ALL")
        await connection.execute("UPDATE audit_entry SET actor = 'x' WHERE number = 3")
    out, _ = await commands.quantrac("audit", "verify", "--anchor", anchor.strip(), environment=environment, code=1)
    assert out.splitlines()[0] == "Entry 3 was edited: its hash does not fit what it says."
    out, _ = await commands.quantrac("audit", "verify", "--json", "--chain-only", environment=environment, code=1)
    assert json.loads(out.splitlines()[0]) == {
        "number": 3,
        "kind": "edited",
        "text": "Entry 3 was edited: its hash does not fit what it says.",
    }
    for odd in ("x", "1:zz", "0:" + "00" * 32, "5:00"):
        await commands.quantrac("audit", "verify", "--anchor", odd, environment=environment, code=2)
