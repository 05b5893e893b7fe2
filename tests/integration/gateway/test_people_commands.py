"""`quantrac people` on a real database."""

import asyncio
import json
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from core import instants
from core.database import Database
from gateway import welcoming
from gateway.cli import failures
from gateway.cli.people import app as people_command
from gateway.settings import Settings
from identity.people import credentials_store, links
from identity.people.passwords import Hasher
from identity.sessions import keeping

PASSWORD = "ba con mèo trên mái nhà"  # noqa: S105 - of people who live in tests


class Command:
    """Runs `quantrac people …` on one database, in a thread of this process: a process for each takes its time."""

    async def __call__(self, *arguments: str, code: int = 0, given: str = "") -> tuple[str, str]:
        """Standard output and standard error of a command that ends with the code."""
        found = await asyncio.to_thread(CliRunner().invoke, people_command, arguments, input=given)
        failure = None if found.exception is None else failures.told(found.exception)
        if failure is not None:
            assert failure.code == code, failure.line
            return found.stdout, failure.line
        assert found.exit_code == code, found.output + repr(found.exception)
        return found.stdout, found.stderr

    async def read(self, *arguments: str) -> list[dict[str, Any]]:
        out, _ = await self(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def people(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("QUANTRAC_DATABASE__DSN", dsn)
    return Command()


def secret_in(out: str) -> str:
    address, _, secret = out.strip().partition("#link=")
    assert address.endswith("/sign-in")
    return secret


async def test_people_are_added_with_a_link_given_roles_and_listed(database: Database, people: Command) -> None:
    out, err = await people("add", "nguyen.an", "--name", "Nguyễn Văn An", "--role", "viewer")
    found = await links.look(database, secret_in(out), instants.now())
    assert (found.purpose, found.user_name) == ("new-password", "nguyen.an")
    assert "once" in err
    await people("roles", "nguyen.an", "--give", "operator", "--station-kind", "wastewater", "--district", "Nghi Sơn")
    given = await people.read("roles", "nguyen.an")
    assert [grant["role"] for grant in given] == ["viewer", "operator"]
    assert given[1]["stationKinds"] == ["wastewater"]
    await people("roles", "nguyen.an", "--take", str(given[0]["id"]))
    listed = await people.read("list")
    assert [(person["userName"], len(person["grants"])) for person in listed] == [("nguyen.an", 1)]
    out, _ = await people("list")
    assert "operator (wastewater, Nghi Sơn)" in out
    _, err = await people("roles", "nobody.here", code=1)
    assert "nobody.here" in err
    actor = "SELECT DISTINCT granted_by LIKE 'cli:%' FROM role_grant"
    assert await database.fetchval(actor) is True


async def test_a_temporary_password_comes_from_a_pipe_and_must_be_changed(database: Database, people: Command) -> None:
    await people("add", "tran.binh", "--name", "Trần Thị Bình")
    _, err = await people("password", "tran.binh", code=1, given="tran.binh.2026\n")
    assert "tran.binh.2026" not in err
    out, err = await people("password", "tran.binh", given=f"{PASSWORD}\n")
    assert PASSWORD not in out + err
    kept = await credentials_store.of(database, "tran.binh")
    assert kept is not None
    assert kept.must_change_password
    with Hasher() as hasher:
        assert (await hasher.verify(PASSWORD, kept.password_hash)).right


async def test_sessions_are_shown_and_ended_and_disabling_ends_them(database: Database, people: Command) -> None:
    await people("add", "le.chi", "--name", "Lê Chi")
    kept = await credentials_store.of(database, "le.chi")
    assert kept is not None
    for _ in range(2):
        made = await keeping.begin(database, kept.id, method="link", address="192.0.2.4", user_agent="Firefox/152")
        out, _ = await people("sessions", "le.chi")
        assert made.id in out
        assert made.cookie not in out
        await people("sessions", "le.chi", "--end")
        assert made.id not in (await people("sessions", "le.chi"))[0]
    await people("disable", "le.chi")
    assert (await people.read("list", "--disabled"))[0]["state"] == "disabled"
    await people("enable", "le.chi")
    assert await people.read("list", "--disabled") == []


async def test_a_link_for_the_first_administrator_is_made_while_there_is_none(
    database: Database, people: Command
) -> None:
    out, _ = await people("link")
    secret = secret_in(out)
    assert out.startswith("http://localhost:8000/sign-in#link=")
    with Hasher(memory_kib=64, passes=1) as hasher:
        chosen = links.Chosen(await hasher.hash(PASSWORD), "nguyen.an", "Nguyễn Văn An")
    await links.use(database, secret, chosen, instants.now())
    _, err = await people("link", code=2)
    assert "administrator already" in err
    assert secret_in((await people("link", "nguyen.an"))[0]) != secret


async def test_a_fresh_installation_makes_its_first_link_and_a_used_one_makes_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTRAC_MAIL__BASE_URL", "https://quantrac.example.vn/")
    found = await welcoming.first_link(database, Settings())
    assert found is not None
    assert found.startswith("https://quantrac.example.vn/sign-in#link=")
    chosen = links.Chosen("$argon2id$not-a-real-one", "nguyen.an", "Nguyễn Văn An")
    await links.use(database, found.partition("#link=")[2], chosen, instants.now())
    assert await welcoming.first_link(database, Settings()) is None


async def test_what_is_written_to_a_file_gets_no_link(
    database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUANTRAC_DATABASE__DSN", dsn)
    await welcoming.tell_terminal(Settings())
    assert capsys.readouterr().out == ""
    assert await database.fetchval("SELECT count(*) FROM one_time_link") == 0
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    await welcoming.tell_terminal(Settings())
    assert "/sign-in#link=" in capsys.readouterr().out
    # A database that does not answer is the gateway's to tell.
    monkeypatch.setenv("QUANTRAC_DATABASE__DSN", "postgresql://nobody@127.0.0.1:1/none")
    await welcoming.tell_terminal(Settings())
    assert capsys.readouterr().out == ""
