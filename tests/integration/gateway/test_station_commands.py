"""`quantrac station`, each command as a real process on a real database."""

import json
from pathlib import Path
from typing import Any

import pytest

from core import instants
from core.database import Database
from telemetry.catalog import loading, organizations, properties
from telemetry.catalog.schemas.organizations import NewOrganization
from telemetry.catalog.schemas.properties import NewObservedProperty
from tests.fixtures import commands

_ADD = ("add", "NT-001", "--kind", "wastewater", "--organization", "DN-01", "--name-vi", "Trạm nước thải")
_FILE = """\
station;kind;organization;name_vi;latitude;longitude;symbol;reported_as;aliases
NT-101;wastewater;DN-01;Trạm 101;19,8;105,77;COD;;
NT-101;;;;;;NH4-N;NH4+;Amoni|NH4
"""


class Command:
    """Runs `quantrac station …` on one database."""

    def __init__(self, dsn: str) -> None:
        self._environment = {"QUANTRAC_DATABASE__DSN": dsn}

    async def __call__(self, *arguments: str, code: int = 0, given: bytes = b"") -> tuple[str, str]:
        """Standard output and standard error of a command that ends with the code."""
        return await commands.quantrac("station", *arguments, environment=self._environment, code=code, given=given)

    async def read(self, *arguments: str) -> list[dict[str, Any]]:
        out, _ = await self(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def station(database: Database, dsn: str) -> Command:
    """The command, on a catalogue of one organization and two observed properties."""
    await organizations.create(database, NewOrganization(code="DN-01", name_vi="Công ty Mẫu", name_en="Sample"))
    for symbol in ("COD", "NH4-N"):
        await properties.create(
            database, NewObservedProperty(symbol=symbol, unit="mg/l", name_vi=symbol, name_en=symbol)
        )
    return Command(dsn)


async def test_a_station_is_added_edited_retired_and_listed(station: Command) -> None:
    out, _ = await station(*_ADD, "--file-code", "th_mau_nuo01", "--latitude", "19.8", "--longitude", "105.77")
    assert out == "Station NT-001 is added (revision 1).\n"
    (edited,) = await station.read("edit", "NT-001", "--name-en", "Wastewater", "--file-code", "")
    assert (edited["nameEn"], edited["nameVi"], edited["fileCode"]) == ("Wastewater", "Trạm nước thải", None)
    out, _ = await station("retire", "NT-001")
    assert "retired (revision 3)" in out
    (listed,) = await station.read("list", "--status", "retired", "--search", "tram nuoc")
    assert (listed["code"], listed["latitude"]) == ("NT-001", 19.8)
    assert await station.read("list", "--kind", "ambient") == []
    out, _ = await station("list")
    assert "Trạm nước thải" in out


async def test_what_is_wrong_is_told_in_one_line(station: Command) -> None:
    for arguments, words in (
        (("add", "a/b", *_ADD[2:]), ("code", "a/b")),
        ((*_ADD[:5], "nobody", *_ADD[6:]), ("organization", "nobody")),
        ((*_ADD, "--latitude", "19.8"), ("longitude", "together")),
        ((*_ADD, "--status", "asleep"), ("status", "asleep")),
        (("show", "nobody"), ("station", "nobody")),
        (("retire", "nobody"), ("station", "nobody")),
        (("key", "issue", "nobody"), ("station", "nobody")),
    ):
        _, err = await station(*arguments, code=1)
        assert err.startswith("quantrac: ")
        assert len(err.splitlines()) == 1
        assert all(word in err for word in words), err
    await station("edit", "NT-001", code=2)


async def test_a_key_is_issued_listed_and_revoked(station: Command, database: Database) -> None:
    await station(*_ADD)
    out, err = await station("key", "issue", "NT-001", "--label", "logger")
    credential = out.strip()
    assert credential not in err
    seen = (await loading.read(database)).owner_of(credential, instants.now_us())
    assert seen is not None
    assert seen.code == "NT-001"
    await station("key", "issue", "NT-001", "--expires", "2100-01-01T00:00:00+07:00")
    _, err = await station("key", "issue", "NT-001", code=1)
    assert "two live keys" in err or "2 live keys" in err
    key_id = credential.partition(".")[0]
    out, _ = await station("key", "revoke", "NT-001", key_id)
    assert out == f"Key {key_id} of NT-001 is revoked.\n"
    listed = await station.read("key", "list", "NT-001")
    assert [(key["state"], key["label"]) for key in listed] == [("live", ""), ("revoked", "logger")]
    assert (await loading.read(database)).owner_of(credential, instants.now_us()) is None
    out, _ = await station("key", "list", "NT-001")
    assert credential.partition(".")[2] not in out


async def test_a_key_may_not_expire_before_it_is_issued(station: Command) -> None:
    await station(*_ADD)
    await station("key", "issue", "NT-001", "--expires", "2020-01-01T00:00:00+07:00", code=1)
    await station("key", "issue", "NT-001", "--expires", "2100-01-01T00:00:00", code=2)
    assert await station.read("key", "list", "NT-001") == []


async def test_stations_are_imported_after_a_dry_run(station: Command, tmp_path: Path) -> None:
    file = tmp_path / "stations.csv"
    file.write_text(_FILE, encoding="utf-8-sig")
    (tried,) = await station.read("import", str(file), "--dry-run")
    assert (tried["dryRun"], tried["stationsNew"], tried["datastreams"]) == (True, 1, 2)
    assert await station.read("list") == []
    out, _ = await station("import", str(file))
    assert out == "1 new and 0 existing stations, 2 datastreams, 2 aliases: imported.\n"
    (found,) = await station.read("show", "NT-101")
    assert (found["station"]["latitude"], found["limits"], found["keys"]) == (19.8, [], [])
    assert [stream["aliases"] for stream in found["datastreams"]] == [[], ["Amoni", "NH4"]]
    out, _ = await station("show", "NT-101")
    assert "Amoni | NH4" in out
    out, _ = await station("import", "-", "--update", given=_FILE.encode())
    assert out.startswith("0 new and 1 existing stations")


async def test_an_import_tells_every_fault_with_its_line(station: Command) -> None:
    broken = _FILE + "NT-102;volcano;nobody;;;;CODx;;\n"
    out, err = await station("import", "-", code=1, given=broken.encode())
    assert out == ""
    told = [line.partition(":")[0] for line in err.splitlines() if line.startswith("line ")]
    assert told == ["line 4, kind", "line 4, name_vi", "line 4, symbol"]
    assert "3 faults found; nothing was changed." in err
    assert await station.read("list") == []


async def test_a_file_that_is_not_there_is_told(station: Command, tmp_path: Path) -> None:
    _, err = await station("import", str(tmp_path / "none.csv"), code=1)
    assert "none.csv" in err
    assert "Traceback" not in err
