"""`quantrac alerts` and `quantrac windows`, each command as a real process on a real database."""

import json
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from core.database import Database
from telemetry.alerts.handling.keeping import keep
from telemetry.alerts.lifecycle import lives, store
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.catalog import seeding
from tests.fixtures import commands
from tests.fixtures.alerts import an_alert

_NOW = instants.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def _present_of_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite runs for long: a time that was taken when the module was read is past."""
    monkeypatch.setitem(globals(), "_NOW", instants.now().replace(microsecond=0))


class Command:
    """Runs `quantrac …` on one database."""

    def __init__(self, dsn: str, database: Database) -> None:
        self._environment = {"QUANTRAC_DATABASE__DSN": dsn}
        self.database = database

    async def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error of a command that ends with the code."""
        return await commands.quantrac(*arguments, environment=self._environment, code=code)

    async def read(self, *arguments: str) -> list[dict[str, Any]]:
        out, _ = await self(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]

    async def raise_one(self, station: str = "TH-NT-001") -> Alert:
        """COD of the station over its limit."""
        station_id, stream = await self.database.fetchrow(
            "SELECT s.id, d.id FROM station s JOIN datastream d ON d.station_id = s.id "
            "JOIN observed_property p ON p.id = d.observed_property_id WHERE s.code = $1 AND p.symbol = 'COD'",
            station,
        )
        async with self.database.transaction() as connection:
            (kept,) = await keep(connection, [lives.raised(an_alert(station_id=station_id, datastream_id=stream))])
        return kept


@pytest.fixture
async def quantrac(database: Database, dsn: str) -> Command:
    await seeding.seed(database)
    return Command(dsn, database)


async def test_an_alert_is_seen_taken_shelved_and_closed(quantrac: Command) -> None:
    alert = await quantrac.raise_one()
    number = str(alert.id)
    out, _ = await quantrac("alerts", "list")
    assert "TH-NT-001: COD vượt giới hạn: 182,4 mg/l (giới hạn 150 mg/l)" in out
    out, _ = await quantrac("alerts", "ack", number, "--comment", "Đang kiểm tra", "--by", "Lan")
    assert out.startswith(f"Alert {number} is acknowledged (revision 2): TH-NT-001: COD over its limit")
    await quantrac("alerts", "comment", number, "Bơm số 2 ngừng")
    await quantrac("alerts", "assign", number, "Minh")
    (shelved,) = await quantrac.read("alerts", "shelve", number, "--for", "8h", "--reason", "Chờ phụ tùng")
    assert (shelved["state"], shelved["assignee"], shelved["shelvedBy"]) == ("shelved", "Minh", "command line")
    out, _ = await quantrac("alerts", "list")
    assert "shelved until" in out
    await quantrac("alerts", "unshelve", number)
    await quantrac("alerts", "clear", number, "--reason", "Đã sửa")
    assert await quantrac.read("alerts", "list") == []
    (listed,) = await quantrac.read("alerts", "list", "--all", "--station", "TH-NT-001", "--kind", "over-limit")
    assert (listed["id"], listed["state"], listed["clearedReason"]) == (alert.id, "cleared", "by-hand")
    out, _ = await quantrac("alerts", "show", number)
    for word in ("raise", "acknowledge", "comment", "assign", "shelve", "unshelve", "clear-by-hand", "Lan", "Đã sửa"):
        assert word in out
    assert "Possible now: comment, reraise." in out
    moves = await store.moves(quantrac.database, alert.id, 0, 100)
    assert [move.actor for move in moves[:3]] == ["quantrac", "Lan", "command line"]
    await quantrac("alerts", "reraise", number, "--reason", "Lại vượt")


async def test_what_cannot_be_is_one_line_and_an_exit_code(quantrac: Command) -> None:
    alert = await quantrac.raise_one()
    number = str(alert.id)
    _, err = await quantrac("alerts", "unshelve", number, code=1)
    assert "The alert is raised; unshelve is not possible then. Possible: acknowledge" in err
    _, err = await quantrac("alerts", "ack", "999999", code=1)
    assert "There is no alert 999999" in err
    _, err = await quantrac("alerts", "shelve", number, "--reason", "x", "--for", "31d", code=1)
    assert "30 days" in err
    _, err = await quantrac("alerts", "shelve", number, "--reason", "x", code=2)
    assert "either --for or --until" in err
    _, err = await quantrac("alerts", "shelve", number, "--reason", "x", "--for", "soon", code=2)
    assert "30m, 8h or 3d" in err
    _, err = await quantrac("alerts", "clear", number, "--reason", " ", code=1)
    assert "reason" in err
    assert len(await store.moves(quantrac.database, alert.id, 0, 100)) == 1


async def test_counts_and_rules_are_shown(quantrac: Command) -> None:
    await quantrac.raise_one()
    out, _ = await quantrac("alerts", "counts")
    assert out.startswith("1 open, 1 not acknowledged, 0 muted.")
    assert "Mất kết nối" in out
    (counts,) = await quantrac.read("alerts", "counts")
    assert counts["byKind"] == {"over-limit": {"open": 1, "unacknowledged": 1}}
    rules = await quantrac.read("alerts", "rules", "--station", "TH-NT-001", "--symbol", "COD")
    assert {rule["kind"] for rule in rules} >= {"over-limit", "tendency", "spike"}
    out, _ = await quantrac("alerts", "rules", "--kind", "lost-connection")
    assert "lost-connection" in out
    _, err = await quantrac("alerts", "rules", "--symbol", "COD", code=2)
    assert "--symbol needs --station" in err


async def test_a_window_is_asked_for_and_decided_on(quantrac: Command) -> None:
    begin = instants.text(_NOW - timedelta(hours=1))
    asked = ("windows", "request", "calibration", "TH-NT-001", "--symbol", "COD", "--from", begin, "--for", "2h")
    (window,) = await quantrac.read(*asked, "--reason", "Quý 4", "--standard", "75", "--standard", "150")
    assert (window["state"], window["standards"]) == ("requested", [75.0, 150.0])
    number = str(window["id"])
    _, err = await quantrac(*asked, "--reason", "Quý 4", code=1)
    assert f"TH-NT-001 has a calibration window then: {number}" in err
    out, _ = await quantrac("windows", "accept", number, "--by", "Lan")
    assert "is accepted (in hindsight)" in out
    out, _ = await quantrac("windows", "list", "--state", "accepted")
    assert "TH-NT-001" in out
    assert "Lan" in out
    _, err = await quantrac("windows", "reject", number, "--reason", "no", code=1)
    assert "The window is accepted; reject is not possible then. Possible: cancel." in err
    (cancelled,) = await quantrac.read("windows", "cancel", number)
    assert cancelled["state"] == "cancelled"
    (draft,) = await quantrac.read(*asked, "--reason", "x", "--draft")
    (handed,) = await quantrac.read("windows", "submit", str(draft["id"]))
    assert handed["state"] == "requested"
    out, _ = await quantrac("windows", "show", number)
    assert "cancel" in out
    _, err = await quantrac(
        "windows", "request", "holiday", "TH-NT-001", "-r", "x", "--from", begin, "--for", "1h", code=2
    )
    assert "maintenance" in err
