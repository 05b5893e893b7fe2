"""Files that are written whole or not at all, and written again when the catalogue changes."""

import asyncio
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import pytest

from core import errors
from core.database import Database
from telemetry.catalog import keys
from telemetry.mqtt import broker_files
from telemetry.mqtt.brokers import BrokerUser
from tests.fixtures.brokers import Network, until


def test_a_file_is_for_its_owner_alone_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "nats.conf"
    assert broker_files.write({path: "first"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not broker_files.write({path: "first"})
    assert broker_files.write({path: "second"})
    assert path.read_text(encoding="utf-8") == "second"
    assert os.listdir(path.parent) == ["nats.conf"]  # noqa: PTH208 - names are compared


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "nats.conf"
    path.mkdir()
    with pytest.raises(OSError, match=r"nats\.conf"):
        broker_files.write({path: "text"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["nats.conf"]


async def test_files_follow_the_catalogue_and_the_broker_is_told_once_for_each_change(
    database: Database, network: Network, dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "users"
    reloads: list[str] = []
    refusing = [True]

    def render(users: Sequence[BrokerUser]) -> Mapping[Path, str]:
        return {path: ",".join(user.station for user in sorted(users, key=lambda user: user.station))}

    async def reload() -> None:
        if refusing and refusing.pop():
            # Said again at the next look, although the file did not change since.
            raise errors.Unavailable("the broker does not listen")
        reloads.append(path.read_text(encoding="utf-8"))

    stop = asyncio.Event()
    task = asyncio.create_task(broker_files.keep_current(database, render, reload, stop, look_seconds=0.05))
    await until(lambda: reloads == ["TH-NT-001,TH-NT-002,TH-NT-003"])
    admin = await asyncpg.connect(dsn)
    await keys.revoke(database, "TH-NT-002", network.credentials["TH-NT-002"].partition(".")[0])
    await until(lambda: reloads[1:] == ["TH-NT-001,TH-NT-003"])
    # A key expires by the clock, without a change of the catalogue.
    key_id = network.credentials["TH-NT-003"].partition(".")[0]
    await admin.execute("UPDATE station_key SET expires_time = now() + interval '0.5 s' WHERE id = $1", key_id)
    await until(lambda: reloads[2:] == ["TH-NT-001"])
    await asyncio.sleep(0.3)
    assert len(reloads) == 3
    stop.set()
    await task
    await admin.close()
