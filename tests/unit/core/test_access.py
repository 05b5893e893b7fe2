"""Who may come in, and which station's data they are shown."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from core import access, errors, problems
from core.access import Station
from tests.fixtures.principals import Known

STATION = Station(7, "TH-NT-001", "st_k3v9q2ab")
STAFF = access.unlimited("staff")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.identify = Known({"station-key": STATION, "staff-token": STAFF})
    problems.install(app)

    @app.get("/any")
    async def anybody(principal: access.AnyPrincipal) -> str:
        return principal.name

    @app.get("/staff")
    async def staff(principal: access.StaffOnly) -> str:
        return principal.name

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "credential", "status"),
    [
        ("/any", "staff-token", 200),
        ("/any", "station-key", 200),
        ("/any", "other", 401),
        ("/staff", "staff-token", 200),
        ("/staff", "station-key", 403),
        ("/staff", "other", 401),
    ],
)
async def test_a_route_lets_in_whom_it_is_for(
    client: httpx.AsyncClient, path: str, credential: str, status: int
) -> None:
    answer = await client.get(path, headers={"Authorization": f"Bearer {credential}"})
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/any", "/staff"])
async def test_nobody_comes_in_without_a_credential(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER abc"])
def test_the_scheme_has_no_case(header: str) -> None:
    assert access.credential_of(header) == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "abc", "Basic abc", "Bearerabc"])
def test_other_headers_hold_no_credential(header: str | None) -> None:
    with pytest.raises(errors.Unauthorized):
        access.credential_of(header)


def test_the_staff_sees_what_it_asks_for() -> None:
    assert access.station_code(STAFF, None) is None
    assert access.station_code(STAFF, "TH-NT-002") == "TH-NT-002"


@pytest.mark.parametrize("asked", [None, "TH-NT-001"])
def test_a_station_sees_itself(asked: str | None) -> None:
    assert access.station_code(STATION, asked) == "TH-NT-001"


@pytest.mark.parametrize("asked", ["TH-NT-002", "TH-XX-999", "th-nt-001", ""])
def test_a_station_sees_no_other_whether_it_exists_or_not(asked: str) -> None:
    with pytest.raises(errors.Forbidden):
        access.station_code(STATION, asked)


def test_a_station_is_known_by_its_key() -> None:
    assert (STATION.name, STAFF.name) == ("st_k3v9q2ab", "staff")
