"""No secret is in any log, page, error or description of settings, whatever is done to the processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.database import Database
from tests.fixtures.brokers import RunningBroker
from tests.fixtures.databases import cloned
from tests.fixtures.indiscretion import Haul, ordeal, settings_shown
from tests.fixtures.ledger import centre_on

SECRETS = [
    "staff token",
    "broker password",
    "mail password",
    "database password of serve",
    "database password of consume",
    "database password of watch",
    "key of webhook secrets",
    "station key",
    "station key, its secret half",
    "webhook secret",
    "webhook secret, undone",
    "password",
    "next password",
    "one-time link",
    "session",
    "token of a session",
]


@pytest.fixture(scope="module")
async def haul(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Haul]:
    folder: Path = tmp_path_factory.mktemp("secrets")
    async with (
        cloned(server_dsn, template) as dsn,
        Database(dsn, application_name="quantrac-test") as database,
        centre_on(database, dsn, folder) as centre,
    ):
        broker = RunningBroker(kind="nats", protocol="3.1.1", folder=folder / "broker")
        async with ordeal(centre, broker) as under_way:
            await under_way.go()
            with pytest.MonkeyPatch.context() as monkeypatch:
                variables = {**under_way.settings, "QUANTRAC_DATABASE__DSN": under_way.logins["serve"]}
                under_way.haul.places["settings"] = settings_shown(variables, monkeypatch)
        yield under_way.haul


def test_every_secret_was_there_and_every_place_said_something(haul: Haul) -> None:
    assert set(haul.secrets) == set(SECRETS)
    assert all(len(text) >= 16 for text in haul.secrets.values())
    assert [place for place, text in haul.places.items() if not text.strip()] == []
    assert len(haul.places) > 20
    # The talk was of these things: what is found in none of these places was kept back, not left out.
    log = haul.places["log of serve"]
    assert "database" in log
    assert "SecretStr('**********')" in haul.places["settings"]
    assert haul.secrets["station key"].partition(".")[0] in "".join(haul.places.values())


def test_a_secret_that_slips_out_would_be_found(haul: Haul) -> None:
    told = Haul(dict(haul.secrets), {"a log": f"password={haul.secrets['mail password']}"})
    assert told.found("mail password") == ["a log"]
    assert told.found("staff token") == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_told_nowhere(haul: Haul, name: str) -> None:
    assert haul.found(name) == []
