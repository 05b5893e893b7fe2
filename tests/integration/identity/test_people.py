"""People over HTTP: added, edited, disabled; given roles and relieved of them, by rules that nobody gets around."""

import asyncio
from typing import Any

import httpx
import pytest

from core.access import Claim, Presented
from core.database import Database
from core.rights import RIGHTS, Grant, Narrowing, Role
from identity.people import claims, store
from tests.fixtures.applications import TOKEN, Gateway
from tests.fixtures.catalogs import problem

ANY = {"If-Match": "*"}
BINH = {"userName": "tran.binh", "displayName": "Trần Thị Bình", "email": "binh@example.vn"}


class Cards:
    """A source of identity for these tests: `card:<user name>` is as good as having signed in."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def credential(self, presented: Presented) -> str | None:
        bearer = presented.bearer
        return bearer if bearer is not None and bearer.startswith("card:") else None

    async def find(self, credential: str) -> Claim | None:
        person = await store.find(self.database, credential.removeprefix("card:"))
        return None if person is None else await claims.of_person(self.database, person.id, "card")

    def check(self, presented: Presented, claim: Claim) -> None:
        """A card is good for every request."""


@pytest.fixture
async def people(gateway: Gateway) -> Gateway:
    gateway.app.state.identify._sources = (Cards(gateway.database),)
    return gateway


async def ask(people: Gateway, method: str, path: str, body: Any = None, by: str = TOKEN, **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {by}"} | ANY | headers
    return await people.client.request(method, path, json=body, headers=headers)


async def added(people: Gateway, name: str, *grants: dict[str, Any]) -> str:
    """Somebody who can sign in; how they show it."""
    answer = await ask(people, "POST", "/v1/people", {"userName": name, "displayName": name, "grants": grants})
    assert answer.status_code == 201, answer.text
    await people.database.execute(
        "UPDATE person SET password_hash = '$argon2id$none', password_time = now() WHERE user_name = $1", name
    )
    return f"card:{name}"


def _grants(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(grant["role"], grant["origin"]) for grant in answer.json()["grants"]]


async def test_a_person_is_added_read_edited_and_listed(people: Gateway) -> None:
    made = await ask(people, "POST", "/v1/people", BINH | {"userName": " Tran.Binh ", "grants": [{"role": "viewer"}]})
    assert made.status_code == 201, made.text
    assert (made.json()["userName"], made.json()["signsInWith"], _grants(made)) == (
        "tran.binh",
        [],
        [("viewer", "local")],
    )
    where = made.headers["location"]
    read = await ask(people, "GET", where)
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    edited = await ask(people, "PATCH", where, {"email": None}, **{"If-Match": made.headers["etag"]})
    assert (edited.json()["email"], edited.json()["displayName"]) == (None, BINH["displayName"])
    late = await ask(people, "PATCH", where, {"displayName": "B"}, **{"If-Match": made.headers["etag"]})
    problem(late, 412, "revision-moved")
    await added(people, "an.nguyen")
    first = (await people.get("/v1/people", limit=1)).json()
    second = (await people.get("/v1/people", limit=1, cursor=first["nextCursor"])).json()
    assert [page["items"][0]["userName"] for page in (first, second)] == ["an.nguyen", "tran.binh"]
    assert (second["nextCursor"], (await people.get("/v1/people", disabled=True)).json()["items"]) == (None, [])


async def test_a_user_name_is_never_given_twice(people: Gateway) -> None:
    await added(people, "tran.binh")
    await ask(people, "POST", "/v1/people/tran.binh/disable")
    problem(await ask(people, "POST", "/v1/people", BINH), 409, "user-name-taken")
    problem(await ask(people, "GET", "/v1/people/nobody.here"), 404, "person-not-found")


async def test_grants_are_given_narrowed_and_taken_away(people: Gateway) -> None:
    await added(people, "tran.binh")
    wanted = {"role": "operator", "stationKinds": ["wastewater"], "organizations": ["TD-HAI-BINH"]}
    given = await ask(people, "POST", "/v1/people/tran.binh/grants", wanted)
    assert (given.status_code, given.json()["grantedBy"], given.json()["districts"]) == (201, "staff", None)
    again = await ask(people, "POST", "/v1/people/tran.binh/grants", wanted)
    problem(again, 409, "grant-exists")
    listed = (await people.get("/v1/people/tran.binh/grants")).json()["items"]
    assert listed == [given.json()]
    where = given.headers["location"]
    assert [(await ask(people, "DELETE", where)).status_code for _ in range(2)] == [204, 404]
    assert (await people.get("/v1/people/tran.binh/grants")).json()["items"] == []


async def test_a_grant_for_an_organization_that_is_not_there_is_refused(people: Gateway) -> None:
    await added(people, "tran.binh")
    for body in ({"role": "viewer", "organizations": ["TD-HAI-BIMH"]}, {"role": "viewer", "organizations": []}):
        refused = await ask(people, "POST", "/v1/people/tran.binh/grants", body)
        assert refused.status_code == 422, refused.text
    new = BINH | {"userName": "le.chi", "grants": [{"role": "viewer", "organizations": ["NOBODY"]}]}
    problem(await ask(people, "POST", "/v1/people", new), 422, "invalid-grant")
    assert (await people.get("/v1/people/le.chi")).status_code == 404, "half of it was kept"


async def test_nobody_gives_to_themselves_and_others_may_be_given_what_one_has_not(people: Gateway) -> None:
    an = await added(people, "an.nguyen", {"role": "administrator"})
    await added(people, "tran.binh")
    problem(await ask(people, "POST", "/v1/people/an.nguyen/grants", {"role": "approver"}, an), 403, "own-grant")
    given = await ask(people, "POST", "/v1/people/tran.binh/grants", {"role": "approver"}, an)
    assert (given.status_code, given.json()["grantedBy"]) == (201, "an.nguyen")


async def test_a_narrowed_administrator_manages_nobody(people: Gateway) -> None:
    for narrowing in ({"stationKinds": ["ambient"]}, {"organizations": ["TD-HAI-BINH"]}, {"domains": ["land"]}):
        name = f"an.{next(iter(narrowing)).lower()}"
        an = await added(people, name, {"role": "administrator"} | narrowing)
        problem(await people.get("/v1/people", an), 403, "forbidden")
        problem(await ask(people, "POST", "/v1/people", BINH, an), 403, "forbidden")


async def test_only_administrators_see_people(people: Gateway) -> None:
    for role in set(Role) - {Role.ADMINISTRATOR}:
        somebody = await added(people, role, {"role": role})
        for path in ("/v1/people", f"/v1/people/{role}", f"/v1/people/{role}/grants"):
            problem(await people.get(path, somebody), 403, "forbidden")
        roles = (await people.get("/v1/roles", somebody)).json()["items"]
        assert {item["role"]: set(item["rights"]) for item in roles} == {r.value: set(RIGHTS[r]) for r in Role}


async def test_who_is_disabled_is_nobody_at_once_and_somebody_again_when_enabled(people: Gateway) -> None:
    an = await added(people, "an.nguyen", {"role": "viewer"})
    assert (await people.get("/v1/stations", an)).status_code == 200
    disabled = await ask(people, "POST", "/v1/people/an.nguyen/disable")
    assert (disabled.json()["state"], disabled.json()["disabledTime"] is not None) == ("disabled", True)
    problem(await people.get("/v1/stations", an), 401, "unauthorized")
    assert [p["userName"] for p in (await people.get("/v1/people", disabled=True)).json()["items"]] == ["an.nguyen"]
    await ask(people, "POST", "/v1/people/an.nguyen/enable")
    assert (await people.get("/v1/stations", an)).status_code == 200


async def test_a_right_that_is_taken_away_is_gone_at_once(people: Gateway) -> None:
    an = await added(people, "an.nguyen", {"role": "viewer"})
    assert (await people.get("/v1/stations", an)).status_code == 200
    (grant,) = (await people.get("/v1/people/an.nguyen/grants")).json()["items"]
    await ask(people, "DELETE", f"/v1/people/an.nguyen/grants/{grant['id']}")
    problem(await people.get("/v1/stations", an), 403, "forbidden")


async def test_the_last_administrator_stays(people: Gateway) -> None:
    an = await added(people, "an.nguyen", {"role": "administrator"})
    # Neither of these could manage people: one only some, the other has no way to sign in yet.
    await added(people, "tran.binh", {"role": "administrator", "stationKinds": ["ambient"]})
    await ask(people, "POST", "/v1/people", BINH | {"userName": "le.chi", "grants": [{"role": "administrator"}]})
    (grant,) = (await people.get("/v1/people/an.nguyen/grants")).json()["items"]
    for method, path in (("POST", "disable"), ("DELETE", f"grants/{grant['id']}")):
        problem(await ask(people, method, f"/v1/people/an.nguyen/{path}", by=an), 409, "last-administrator")
    await added(people, "pham.dung", {"role": "administrator"})
    assert (await ask(people, "POST", "/v1/people/an.nguyen/disable", by=an)).status_code == 200


async def test_two_administrators_cannot_disable_each_other_at_the_same_time(people: Gateway) -> None:
    an = await added(people, "an.nguyen", {"role": "administrator"})
    binh = await added(people, "tran.binh", {"role": "administrator"})
    answers = await asyncio.gather(
        ask(people, "POST", "/v1/people/tran.binh/disable", by=an),
        ask(people, "POST", "/v1/people/an.nguyen/disable", by=binh),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 401])


async def test_what_the_provider_gives_is_replaced_whole_and_what_was_given_here_stays(database: Database) -> None:
    narrow = Grant(Role.OPERATOR, Narrowing(districts=frozenset({"Thị xã Nghi Sơn"})))
    viewer, steward = Grant(Role.VIEWER), Grant(Role.STEWARD)
    async with database.transaction() as connection:
        number = await store.add(connection, "an.nguyen", "An", issuer="https://id", subject="42")
        assert number is not None
        await store.give(connection, number, viewer, "staff")
        assert await store.set_provider_grants(connection, number, [viewer, narrow], "an.nguyen")
        assert not await store.set_provider_grants(connection, number, [narrow, viewer, narrow], "an.nguyen")
        assert await store.set_provider_grants(connection, number, [steward], "an.nguyen")
    rows = await store.grant_rows(database, number)
    assert [(row.grant, row.origin) for row in rows] == [(viewer, "local"), (steward, "provider")]
    found = await store.find_by_subject(database, "https://id", "42")
    assert found is not None
    assert (found.id, found.revision) == (number, 3)
    assert await store.find_by_subject(database, "https://id", "43") is None


async def test_what_the_provider_gives_is_not_taken_away_here(people: Gateway) -> None:
    await added(people, "an.nguyen")
    person = await store.find(people.database, "an.nguyen")
    assert person is not None
    async with people.database.transaction() as connection:
        await store.set_provider_grants(connection, person.id, [Grant(Role.VIEWER)], "an.nguyen")
    (grant,) = (await people.get("/v1/people/an.nguyen/grants")).json()["items"]
    problem(await ask(people, "DELETE", f"/v1/people/an.nguyen/grants/{grant['id']}"), 409, "grant-of-provider")
