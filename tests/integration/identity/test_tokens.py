"""Tokens over HTTP: made once, limited to what their person may do, gone with them."""

import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core import instants
from core.access import Claim
from core.rights import Grant, Narrowing, Right, Role
from identity.people import claims
from identity.people import store as people
from identity.tokens import credentials
from identity.tokens.source import TokenSource
from identity.tokens.uses import Uses
from tests.fixtures.applications import TOKEN, Gateway
from tests.fixtures.catalogs import problem
from tests.fixtures.narrowing import Passes


class Hall(Passes):
    """Lets people in as if they had signed in, with what they were given as it is now."""

    async def find(self, credential: str) -> Claim | None:
        kept = self.claims.get(credential)
        assert kept is not None
        assert kept.person_id is not None
        return await claims.of_person(self.gateway.database, kept.person_id, "session:abcdefghijkl")

    gateway: Gateway


@pytest.fixture(scope="module")
async def hall(standing_gateway: Gateway) -> Hall:
    hall, state = Hall(), standing_gateway.app.state
    hall.gateway = standing_gateway
    state.identify._sources = (hall, *state.identify._sources)
    return hall


async def person(hall: Hall, name: str, *grants: Grant) -> str:
    """Somebody who signed in; the credential."""
    async with hall.gateway.database.transaction() as connection:
        number = await people.add(connection, name, name)
        assert number is not None
        for grant in grants:
            await people.give(connection, number, grant, "staff")
    hall.claims[f"as:{name}"] = Claim(name, "person", (), None, number)
    return f"as:{name}"


async def ask(hall: Hall, method: str, path: str, by: str = TOKEN, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {by}", "If-Match": "*"}
    return await hall.gateway.client.request(method, path, json=body, headers=headers)


async def made(hall: Hall, by: str, path: str = "/v1/tokens", **members: Any) -> dict[str, Any]:
    answer = await ask(hall, "POST", path, by, {"label": "a program"} | members)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def test_a_personal_token_does_what_its_person_may_as_far_as_its_rights_go(hall: Hall) -> None:
    steward = await person(hall, "s.teward", Grant(Role.STEWARD))
    whole, narrow = await made(hall, steward), await made(hall, steward, rights=["network.read"])
    body = {"code": "BY-TOKEN", "kind": "state", "nameVi": "x", "nameEn": "x"}
    for token, status in ((narrow, 403), (whole, 201)):
        assert (await ask(hall, "GET", "/v1/stations", token["token"])).status_code == 200
        assert (await ask(hall, "POST", "/v1/organizations", token["token"], body)).status_code == status
    listed = (await ask(hall, "GET", "/v1/tokens", whole["token"])).json()["items"]
    assert {item["id"] for item in listed} == {whole["id"], narrow["id"]}
    assert all("token" not in item and item["user"] == "s.teward" for item in listed)
    row = await hall.gateway.database.fetchrow("SELECT * FROM access_token WHERE id = $1", whole["id"])
    assert row["sha256"] == hashlib.sha256(whole["token"].encode()).digest()
    assert whole["token"].partition(".")[2] not in str(dict(row))


async def test_a_token_never_has_more_than_its_person_nor_decides_nor_manages(hall: Hall) -> None:
    viewer = await person(hall, "v.iewer", Grant(Role.VIEWER))
    every = await person(hall, "e.very", Grant(Role.ADMINISTRATOR), Grant(Role.APPROVER))
    for by, right in ((viewer, "catalog.edit"), (every, "decisions.approve"), (every, "people.manage")):
        refused = await ask(hall, "POST", "/v1/tokens", by, {"label": "x", "rights": ["network.read", right]})
        assert [fault["found"] for fault in problem(refused, 422, "invalid-token")["errors"]] == [right]
    token = (await made(hall, every))["token"]
    problem(await ask(hall, "GET", "/v1/people", token), 403, "forbidden")
    assert (await ask(hall, "GET", "/v1/people", every)).status_code == 200
    found = await TokenSource(hall.gateway.database, Uses(hall.gateway.database)).find(token)
    assert found is not None
    assert found.rights == frozenset(Right) - {Right.APPROVE, Right.MANAGE_PEOPLE}


async def test_a_token_loses_what_its_person_loses(hall: Hall) -> None:
    admin = await person(hall, "a.dmin", Grant(Role.ADMINISTRATOR))
    loser = await person(hall, "l.oser", Grant(Role.VIEWER))
    token = (await made(hall, loser))["token"]
    assert (await ask(hall, "GET", "/v1/stations", token)).status_code == 200
    (grant,) = (await ask(hall, "GET", "/v1/people/l.oser/grants", admin)).json()["items"]
    await ask(hall, "DELETE", f"/v1/people/l.oser/grants/{grant['id']}", admin)
    problem(await ask(hall, "GET", "/v1/stations", token), 403, "forbidden")
    await ask(hall, "POST", "/v1/people/l.oser/disable", admin)
    problem(await ask(hall, "GET", "/v1/stations", token), 401, "unauthorized")


async def test_a_token_makes_no_tokens(hall: Hall) -> None:
    admin = await person(hall, "b.dmin", Grant(Role.ADMINISTRATOR))
    service = await made(hall, admin, "/v1/service-tokens", grants=[{"role": "administrator"}])
    personal = await made(hall, admin)
    new = {"label": "x", "grants": [{"role": "viewer"}]}
    problem(await ask(hall, "POST", "/v1/service-tokens", service["token"], new), 403, "not-signed-in")
    for token in (service, personal):
        problem(await ask(hall, "POST", "/v1/tokens", token["token"], {"label": "x"}), 403, "not-signed-in")
    # A service token that was made for it manages people all the same, and becomes none of them.
    assert (await ask(hall, "GET", "/v1/people", service["token"])).status_code == 200
    problem(await ask(hall, "POST", "/v1/people/b.dmin/links", service["token"]), 403, "forbidden")
    assert (await ask(hall, "POST", "/v1/people/b.dmin/links", admin)).status_code == 201


async def test_a_service_token_has_grants_of_its_own_and_decides_nothing(hall: Hall) -> None:
    admin = await person(hall, "c.dmin", Grant(Role.ADMINISTRATOR))
    grant = {"role": "viewer", "stationKinds": ["ambient"]}
    token = await made(hall, admin, "/v1/service-tokens", grants=[grant, grant])
    assert ([g["stationKinds"] for g in token["grants"]], token["createdBy"]) == ([["ambient"]], "c.dmin")
    found = await TokenSource(hall.gateway.database, Uses(hall.gateway.database)).find(token["token"])
    assert found is not None
    narrowed = Grant(Role.VIEWER, Narrowing(station_kinds=frozenset({"ambient"})))
    assert (found.name, found.kind, found.grants) == (f"token:{token['id']}", "program", (narrowed,))
    strange = {"role": "viewer", "organizations": ["X"]}
    for wrong, slug in (({"role": "approver"}, "invalid-token"), (strange, "invalid-grant")):
        refused = await ask(hall, "POST", "/v1/service-tokens", admin, {"label": "x", "grants": [wrong]})
        problem(refused, 422, slug)
    shown = (await ask(hall, "GET", f"/v1/service-tokens/{token['id']}", admin)).json()
    assert shown == {name: value for name, value in token.items() if name != "token"}
    personal = await made(hall, admin)
    problem(await ask(hall, "GET", f"/v1/service-tokens/{personal['id']}", admin), 404, "token-not-found")


async def test_a_revoked_token_is_nobody_at_once_and_only_its_person_revokes_it(hall: Hall) -> None:
    viewer, other = await person(hall, "r.one", Grant(Role.VIEWER)), await person(hall, "r.two", Grant(Role.VIEWER))
    token = await made(hall, viewer)
    assert (await ask(hall, "GET", "/v1/stations", token["token"])).status_code == 200
    path = f"/v1/tokens/{token['id']}/revoke"
    problem(await ask(hall, "POST", path, other), 404, "token-not-found")
    problem(await ask(hall, "POST", "/v1/tokens/qt_aaaaaaaa/revoke", viewer), 404, "token-not-found")
    first, second = [(await ask(hall, "POST", path, viewer)).json() for _ in range(2)]
    assert (first["state"], first["revokedTime"]) == ("revoked", second["revokedTime"])
    problem(await ask(hall, "GET", "/v1/stations", token["token"]), 401, "unauthorized")
    admin = await person(hall, "r.dmin", Grant(Role.ADMINISTRATOR))
    service = await made(hall, admin, "/v1/service-tokens", grants=[{"role": "viewer"}])
    await ask(hall, "POST", f"/v1/service-tokens/{service['id']}/revoke", admin)
    problem(await ask(hall, "GET", "/v1/stations", service["token"]), 401, "unauthorized")


async def test_a_token_ends_when_it_expires_and_no_later_than_the_settings_allow(hall: Hall) -> None:
    viewer, database = await person(hall, "x.pires", Grant(Role.VIEWER)), hall.gateway.database
    longest = await made(hall, viewer)
    left = instants.parse(longest["expiresTime"]) - instants.now()
    assert timedelta(days=89) < left <= timedelta(days=90)
    for days in (-1, 91):
        wanted = instants.text(instants.now() + timedelta(days=days))
        refused = await ask(hall, "POST", "/v1/tokens", viewer, {"label": "x", "expiresTime": wanted})
        assert problem(refused, 422, "invalid-token")["errors"][0]["field"] == "expiresTime"
    soon = await made(hall, viewer, expiresTime=instants.text(instants.now() + timedelta(days=2)))
    listed = (await hall.gateway.get("/v1/tokens", viewer, expiresWithinDays=3)).json()["items"]
    assert [item["id"] for item in listed] == [soon["id"]]
    await database.execute(
        "UPDATE access_token SET created_time = now() - interval '2 days', expires_time = now() - interval '1 s'"
        " WHERE id = $1",
        soon["id"],
    )
    problem(await ask(hall, "GET", "/v1/stations", soon["token"]), 401, "unauthorized")
    expired = (await hall.gateway.get("/v1/tokens", viewer, state="expired")).json()["items"]
    assert [item["id"] for item in expired] == [soon["id"]]


async def test_what_is_no_token_opens_nothing(hall: Hall) -> None:
    viewer = await person(hall, "n.obody", Grant(Role.VIEWER))
    token = (await made(hall, viewer))["token"]
    public, _, secret = token.partition(".")
    other = credentials.generate()[1]
    mixed = f"{public}.{other.partition('.')[2]}"
    for wrong in (other, mixed, f"qt_aaaaaaaa.{secret}", public, f"{token}x", token[:-1]):
        problem(await ask(hall, "GET", "/v1/stations", wrong), 401, "unauthorized")


async def test_the_last_use_is_noted_once_a_minute_and_not_while_the_request_waits(hall: Hall) -> None:
    viewer, database = await person(hall, "u.sed", Grant(Role.VIEWER)), hall.gateway.database
    token, now = await made(hall, viewer), [instants.now()]
    uses = Uses(database, clock=lambda: now[0])

    async def noted() -> tuple[Any, Any]:
        await uses.flush()
        item = (await ask(hall, "GET", "/v1/tokens", viewer)).json()["items"][0]
        return item["usedTime"], item["usedAddress"]

    uses.used(token["id"], "192.0.2.7")
    first = await noted()
    now[0] += timedelta(seconds=59)
    uses.used(token["id"], "192.0.2.8")
    assert (first[1], await noted()) == ("192.0.2.7", first)
    now[0] += timedelta(seconds=1)
    uses.used(token["id"], "unix")
    assert (await noted())[1] is None
    trail = "SELECT count(*) FROM audit_entry WHERE relation = 'access_token' AND action = 'update' AND subject = $1"
    assert await database.fetchval(trail, token["id"]) == 0


async def test_a_grant_that_comes_with_a_token_stays_when_the_maker_goes(hall: Hall) -> None:
    admin = await person(hall, "d.dmin", Grant(Role.ADMINISTRATOR))
    other = await person(hall, "z.dmin", Grant(Role.ADMINISTRATOR))
    service = await made(hall, admin, "/v1/service-tokens", grants=[{"role": "viewer"}])
    await ask(hall, "POST", "/v1/people/d.dmin/disable", other)
    assert (await ask(hall, "GET", "/v1/stations", service["token"])).status_code == 200
