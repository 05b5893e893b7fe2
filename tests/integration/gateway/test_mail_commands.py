"""`quantrac mail` and `quantrac events`, each command as a real process."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from core.database import Database
from tests.fixtures import commands
from tests.fixtures.ledger import STAFF_TOKEN, Centre
from tests.fixtures.mail_servers import PASSWORD, USER, Certificates, Mailbox, serving
from tests.fixtures.streams import raise_alerts, submit

_SOURCE = Path(__file__).parents[3] / "src"
_ADDRESS = "truc@example.vn"


class Command:
    """Runs `quantrac …` on one database."""

    def __init__(self, dsn: str) -> None:
        self.environment = {
            "QUANTRAC_DATABASE__DSN": dsn,
            "QUANTRAC_MAIL__SENDER": "Quan trắc <quantrac@example.vn>",
        }

    def know(self, mailbox: Mailbox, **settings: str) -> None:
        known = {"host": "127.0.0.1", "port": str(mailbox.port), "tls": "none"} | settings
        self.environment |= {f"QUANTRAC_MAIL__{name.upper()}": value for name, value in known.items()}

    async def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error of a command that ends with the code."""
        return await commands.quantrac("mail", *arguments, environment=self.environment, code=code)

    async def read(self, *arguments: str) -> list[dict[str, Any]]:
        out, _ = await self(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def mail(database: Database, dsn: str) -> Command:
    del database
    return Command(dsn)


async def test_a_subscription_is_added_shown_and_removed(mail: Command) -> None:
    out, err = await mail(
        "add", _ADDRESS, "--description", "Trực ban", "--severity", "warning", "--kind", "spike", "--event", "alert.*",
        "--digest", "15", "--quiet", "22:00-06:00", "--break-through", "critical",
    )  # fmt: skip
    assert out.strip() == (
        f"Subscription 1: {_ADDRESS} is written to, every 15 min, quiet 22:00-06:00, critical at any time."
    )
    assert "No mail server is set up" in err
    (found,) = await mail.read("list")
    assert (found["address"], found["alertKinds"], found["eventTypes"]) == (_ADDRESS, ["spike"], ["alert.*"])
    assert (found["quietFrom"], found["quietTo"], found["language"]) == ("22:00", "06:00", "vi")
    out, _ = await mail("list")
    assert "Trực ban" in out
    assert await mail.read("mails", "1") == []
    out, _ = await mail("replay", "1")
    assert out == "0 mails are due again.\n"
    await mail("remove", "1", "--yes")
    assert await mail.read("list") == []


async def test_what_cannot_be_is_told_in_one_line(mail: Command) -> None:
    _, err = await mail("add", "nobody", code=1)
    assert "an address such as" in err
    _, err = await mail("add", _ADDRESS, "--quiet", "late", code=1)
    assert "a time of day such as 22:00 is expected" in err
    _, err = await mail("add", _ADDRESS, "--station", "NOWHERE", code=1)
    assert "Not in the catalogue" in err
    _, err = await mail("remove", "7", "--yes", code=1)
    assert "There is no mail subscription 7." in err
    _, err = await mail("test", _ADDRESS, code=2)
    assert "QUANTRAC_MAIL__HOST" in err
    mail.environment |= {"QUANTRAC_MAIL__HOST": "mx.example.vn", "QUANTRAC_MAIL__SENDER": "nobody"}
    _, err = await mail("test", _ADDRESS, code=2)
    assert "QUANTRAC_MAIL__SENDER" in err
    mail.environment |= {
        "QUANTRAC_MAIL__SENDER": "q@example.vn", "QUANTRAC_MAIL__USER": "q", "QUANTRAC_MAIL__TLS": "none",
    }  # fmt: skip
    _, err = await mail("test", _ADDRESS, code=2)
    assert "a password does not go over the network without TLS" in err


async def test_a_test_tells_what_the_server_says(
    mail: Command, mailbox: Mailbox, mail_certificates: Certificates
) -> None:
    mail.know(mailbox)
    out, _ = await mail("test", _ADDRESS)
    assert out.splitlines() == [
        f"connected to 127.0.0.1:{mailbox.port}, no encryption, without a password",
        "taken: 250 queued. Look into the inbox, and into the folder for spam.",
    ]
    assert mailbox.recipients == [_ADDRESS]
    assert mailbox.mails[0]["From"] == "Quan trắc <quantrac@example.vn>"
    mailbox.recipient_answers = ["550 no such user", "450 busy"]
    _, err = await mail("test", _ADDRESS, code=1)
    assert err.strip() == "refused for good; check the address: 550 no such user"
    _, err = await mail("test", _ADDRESS, code=1)
    assert "for now; it would be tried again" in err
    async with serving(Mailbox(), starttls=mail_certificates.server, auth=True) as box:
        mail.know(box, tls="starttls", user=USER, password=PASSWORD, ca_file=str(mail_certificates.authority_file))
        out, _ = await mail("test", _ADDRESS, "--language", "en")
    assert "TLSv1.3" in out
    assert f"as {USER}" in out
    assert box.subjects == ["A test from the monitoring system"]
    # The server is gone.
    _, err = await mail("test", _ADDRESS, code=1)
    assert "SMTPConnectError" in err


async def test_events_are_followed_over_the_end_of_a_gateway(centre: Centre, tmp_path: Path) -> None:
    gateway = await asyncio.to_thread(centre.serve)
    token = tmp_path / "staff.token"
    token.write_text(STAFF_TOKEN)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-u", "-m", "gateway.cli.main", "events", "--follow", "--url", centre.url, "--token-file", str(token)),
        env=os.environ | {"PYTHONPATH": str(_SOURCE)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:

        async def line() -> str:
            assert process.stdout is not None
            return (await asyncio.wait_for(process.stdout.readline(), 30)).decode()

        first = asyncio.create_task(line())
        number = 0
        while not first.done():
            # Until it listens, nobody hears.
            number += 1
            await raise_alerts(centre.database, number)
            await asyncio.wait({first}, timeout=0.5)
        assert "alert.raised        TH-NT-001: COD vượt giới hạn" in first.result()
        await asyncio.to_thread(gateway.kill)
        await raise_alerts(centre.database, 1000, type_="alert.cleared")
        await asyncio.to_thread(centre.serve)
        while "alert.cleared" not in (found := await line()):
            assert "alert.raised" in found
        await submit(centre, "TH-NT-001", COD=48.6)
        assert (await line()).rstrip().endswith("TH-NT-001  COD 48.6 mg/l")
    finally:
        process.kill()
        await process.communicate()


async def test_a_wrong_token_is_told_and_not_tried_again(centre: Centre, tmp_path: Path) -> None:
    await asyncio.to_thread(centre.serve)
    token = tmp_path / "staff.token"
    token.write_text("somebody else's token")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway.cli.main", "events", "--url", centre.url, "--token-file", str(token)),
        env=os.environ | {"PYTHONPATH": str(_SOURCE)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert err.decode().startswith("401 Credentials are missing or not valid")
