"""The live stream of somebody whose grants are narrowed tells of stations within reach only, also to who comes back."""

import re

import pytest

from core.rights import Role
from telemetry.alerts.handling.keeping import keep
from telemetry.alerts.lifecycle import lives
from tests.fixtures.alerts import Office, an_alert, problem
from tests.fixtures.narrowing import Border, Onlooker, everywhere, listening

HAI_BINH = "TD-HAI-BINH"
OWN, FOREIGN = ("TH-NT-001", "TH-KT-001"), ("TH-NT-002", "TH-KK-01")
SYMBOLS = {"TH-NT-001": "COD", "TH-KT-001": "SO2", "TH-NT-002": "COD", "TH-KK-01": "SO2"}


@pytest.fixture(autouse=True)
def _beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is looked up with every beat."""
    monkeypatch.setenv("QUANTRAC_STREAM__BEAT_SECONDS", "1")


async def _happen(office: Office, *stations: str) -> dict[str, int]:
    """An alert and a reading at each station; the alerts. What the network has comes first."""
    stuck = an_alert(kind="job-stuck", station_id=None, datastream_id=None, detail={"job": "freshness"})
    async with office.database.transaction() as connection:
        await keep(connection, [lives.raised(stuck)])
    found = {}
    for station in stations:
        found[station] = (await office.raise_one(station, SYMBOLS[station])).id
        await office.gateway.report(await office.gateway.key_of(station), **{SYMBOLS[station]: 12.0})
    return found


async def _told_of(listener_text: str, onlooker: Onlooker) -> list[str]:
    foreign = await onlooker.foreign()
    return [name for name in sorted(foreign) if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", listener_text)]


async def test_what_happens_is_told_within_reach_live_and_afterwards(office: Office, border: Border) -> None:
    viewer, anybody = border.viewer("an", organizations=[HAI_BINH]), border.let_in("chi", everywhere(Role.VIEWER))
    async with listening(viewer) as narrow, listening(anybody) as wide:
        begin = narrow.last_id
        # What is out of reach comes first: once the last of one's own is there, the rest would be too.
        alerts = await _happen(office, *FOREIGN, *OWN)
        await wide.until(lambda: len(wide.alerts) >= 5 and len(wide.stations) >= 4)
        await narrow.until(lambda: OWN[1] in narrow.stations and alerts[OWN[1]] in narrow.alerts)
        assert narrow.alerts == [alerts[station] for station in OWN]
        assert sorted(narrow.stations) == sorted(OWN)
        assert set(alerts.values()) < set(wide.alerts)
        assert await _told_of(narrow.text, viewer) == []
    async with listening(viewer, last_id=begin) as again:
        await again.until(lambda: OWN[1] in again.stations and alerts[OWN[1]] in again.alerts)
        assert again.alerts == [alerts[station] for station in OWN]
        assert sorted(again.stations) == sorted(OWN)
        assert await _told_of(again.text, viewer) == []


async def test_a_stream_of_what_is_out_of_reach_is_one_of_what_does_not_exist(border: Border) -> None:
    viewer = border.viewer("an", organizations=[HAI_BINH])
    asked = [
        {"station": FOREIGN[0]},
        {"station": "TH-NT-999"},
        {"organization": "XM-DOI-SAO"},
        {"organization": "XM-X"},
    ]
    answers = [await viewer.get("/v1/events", **params) for params in asked]
    assert [(answer.status_code, problem(answer)) for answer in answers] == [
        (404, "station-not-found"),
        (404, "station-not-found"),
        (404, "organization-not-found"),
        (404, "organization-not-found"),
    ]


async def test_a_stream_ends_when_another_station_comes_within_reach_or_leaves_it(
    office: Office, border: Border
) -> None:
    viewer = border.viewer("an", organizations=[HAI_BINH])
    move = "UPDATE station SET organization_id = (SELECT id FROM organization WHERE code = $1) WHERE code = $2"
    async with listening(viewer) as listener:
        await office.database.execute(move, "XM-DOI-SAO", OWN[1])
        await office.gateway.app.state.catalog.refresh()
        await listener.until(lambda: listener.ended)
    async with listening(viewer) as listener:
        alerts = await _happen(office, OWN[1], OWN[0])
        await listener.until(lambda: alerts[OWN[0]] in listener.alerts)
        assert alerts[OWN[1]] not in listener.alerts


async def test_a_stream_ends_when_its_reader_is_given_something_else(border: Border) -> None:
    viewer = border.viewer("an", organizations=[HAI_BINH])
    async with listening(viewer) as listener:
        border.viewer("an", station_kinds=["ambient"])
        await listener.until(lambda: listener.ended)
