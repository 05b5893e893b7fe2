"""`quantrac hooks`, each command as a real process on a real database and against real receivers."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.database import Database
from telemetry.hooks.webhooks.fanning import FanOut
from tests.fixtures import commands
from tests.fixtures.receivers import Receiver, answering, receiving
from tests.fixtures.webhooks import PostOffice, seal_key

_URL = "https://alarms.example.vn/quantrac"


class Command:
    """Runs `quantrac hooks …` on one database."""

    def __init__(self, dsn: str) -> None:
        self.key = seal_key()
        self.environment = {
            "QUANTRAC_DATABASE__DSN": dsn,
            "QUANTRAC_HOOKS__SECRET_KEY": self.key,
        }

    def know(self, *receivers: Receiver) -> None:
        entries = [f"http://{receiver.host}:{receiver.port}" for receiver in receivers]
        self.environment["QUANTRAC_HOOKS__PRIVATE_RECEIVERS"] = ",".join(entries)

    async def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error of a command that ends with the code."""
        return await commands.quantrac("hooks", *arguments, environment=self.environment, code=code)

    async def read(self, *arguments: str) -> list[dict[str, Any]]:
        out, _ = await self(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def hooks(database: Database, dsn: str) -> Command:
    await FanOut(database).turn()
    return Command(dsn)


async def test_a_webhook_from_its_first_to_its_last_day(hooks: Command) -> None:
    filters = ("--event", "alert.*", "--event", "verdict.exceeded", "--severity", "warning", "--history")
    out, _ = await hooks("create", _URL, "--description", "Phòng điều hành", *filters)
    assert "Webhook 1 is added." in out
    secret = next(line for line in out.splitlines() if line.startswith("secret: ")).removeprefix("secret: ")
    assert secret.startswith("whsec_")
    (shown,) = await hooks.read("show", "1")
    assert shown["eventTypes"] == ["alert.*", "verdict.exceeded"]
    assert (shown["leastSeverity"], shown["history"], shown["createdBy"]) == ("warning", True, "command line")
    out, _ = await hooks("show", "1")
    assert "event types: alert.*, verdict.exceeded" in out
    assert "whsec_" not in out
    out, _ = await hooks("rotate", "1", "--overlap", "2")
    assert secret not in out
    assert "The former one signs until" in out
    assert "has ended" in (await hooks("rotate", "1", "--overlap", "0"))[0]
    assert "0 dead letters" in (await hooks("disable", "1"))[0]
    assert "disabled: by-hand" in (await hooks("list"))[0]
    await hooks("enable", "1")
    assert "enabled" in (await hooks("list"))[0]
    await hooks("delete", "1", code=1)
    await hooks("delete", "1", "--yes")
    assert await hooks.read("list") == []


async def test_what_cannot_be_is_told_in_one_line(hooks: Command) -> None:
    _, err = await hooks("create", "http://alarms.example.vn/", code=1)
    assert "only https is allowed" in err
    _, err = await hooks("create", "https://10.0.0.1/", code=1)
    assert "10.0.0.1 is not public: private" in err
    _, err = await hooks("create", _URL, "--event", "alert.risen", code=1)
    assert "event_types" in err
    _, err = await hooks("create", _URL, "--station", "NOBODY", code=1)
    assert "Not in the catalogue" in err
    for command in ("show", "disable", "enable", "rotate", "log", "dead"):
        _, err = await hooks(command, "9", code=1)
        assert err.strip().splitlines() == [err.strip()]
        assert "There is no webhook 9." in err
    await hooks("replay", "9", code=2)
    del hooks.environment["QUANTRAC_HOOKS__SECRET_KEY"]
    _, err = await hooks("create", _URL, code=1)
    assert "QUANTRAC_HOOKS__SECRET_KEY_FILE" in err
    hooks.environment["QUANTRAC_HOOKS__SECRET_KEY"] = "my key"  # noqa: S105 - no key
    _, err = await hooks("create", _URL, code=2)
    assert "32 bytes in base64" in err
    assert "my key" not in err
    hooks.environment["QUANTRAC_HOOKS__PORTS"] = "https"
    _, err = await hooks("test", _URL, code=2)
    assert "QUANTRAC_HOOKS__PORTS" in err


async def test_dead_letters_are_shown_and_sent_again(hooks: Command, post_office: PostOffice) -> None:
    async with receiving(answering(500, body=b"out of order")) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=2)
        await post_office.tell(schedule=())
        out, _ = await hooks("dead", "1")
        assert out.count("answered 500") == 2
        out, _ = await hooks("log", "1", "--delivery", "1")
        assert "out of order" in out
        assert '{"type":"alert.raised"' in out
        assert [item["state"] for item in await hooks.read("log", "1")] == ["dead", "dead"]
        assert "1 delivery is due again." in (await hooks("replay", "1", "--delivery", "2"))[0]
        out, _ = await hooks("replay", "1", "--since", "2026-01-01T00:00:00+07:00")
        assert "1 delivery is due again." in out
        assert await hooks.read("dead", "1") == []
        await hooks("replay", "1", "--since", "2026-01-01T00:00:00+07:00", "--delivery", "1", code=2)


async def test_a_receiver_is_tried_and_its_answer_explained(hooks: Command, tmp_path: Path) -> None:
    async with receiving() as receiver:
        hooks.know(receiver)
        out, _ = await hooks("test", receiver.url)
        secret = next(word for word in out.split() if word.startswith("whsec_")).rstrip(",")
        assert receiver.hits[0].verified(secret)["type"] == "webhook.test"
        assert receiver.hits[0].webhook_id in out
        assert "status 204" in out
        assert "It works." in out

        file = tmp_path / "secret"
        file.write_text(secret + "\n", encoding="utf-8")
        out, _ = await hooks("test", receiver.url, "--secret-file", str(file))
        receiver.hits[1].verified(secret)
        assert secret not in out

        made = (await hooks.read("create", receiver.url))[0]
        out, _ = await hooks("test", "--webhook", "1")
        receiver.hits[2].verified(made["secret"])

        receiver.behave = answering(302, "location: http://169.254.169.254/\r\n")
        out, _ = await hooks("test", receiver.url, code=1)
        assert "Redirects are not followed" in out
    out, _ = await hooks("test", receiver.url, code=1)
    assert "no connection could be made" in out
    file.write_text("not a secret", encoding="utf-8")
    _, err = await hooks("test", receiver.url, "--secret-file", str(file), code=2)
    assert "not a secret" not in err
    await hooks("test", code=2)


async def test_a_receiver_is_tried_without_a_database(hooks: Command) -> None:
    async with receiving() as receiver:
        del hooks.environment["QUANTRAC_DATABASE__DSN"]
        out, _ = await hooks("test", receiver.url, code=1)
        assert "only https is allowed" in out
        assert receiver.connections == 0
