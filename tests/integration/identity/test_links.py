"""One-time links: the first administrator, new passwords, and what a used or stolen one is good for."""

import asyncio
from urllib.parse import urlsplit

import pytest

from core.rights import Role
from identity.people import links, managing
from tests.fixtures.sessions import PASSWORD, Lobby

FIRST = {"userName": "Nguyen.An", "displayName": "Nguyễn Văn An"}


async def test_the_first_administrator_comes_in_by_a_link_and_nobody_after_them(fresh_lobby: Lobby) -> None:
    lobby = fresh_lobby
    secret, spare = await lobby.link(), await lobby.link()
    browser = lobby.browser()
    # The later link is the only one that holds.
    assert (await browser.ask("POST", "/session/link/look", {"secret": secret})).status_code == 404
    looked = (await browser.ask("POST", "/session/link/look", {"secret": spare})).json()
    assert (looked["purpose"], looked["userName"]) == ("first-administrator", None)
    body = {"secret": spare, "password": PASSWORD}
    assert (await browser.ask("POST", "/session/link", body)).json()["type"].endswith("missing-names")
    weak = await browser.ask("POST", "/session/link", {**body, **FIRST, "password": "nguyen.an.2026"})
    assert weak.json()["type"].endswith("weak-password")
    assert (await browser.ask("POST", "/session/link", {**body, **FIRST, "userName": "staff"})).status_code == 422
    # What was refused has not used it up.
    assert (await browser.ask("POST", "/session/link", {**body, **FIRST})).status_code == 204
    told = (await browser.ask("GET", "/session")).json()
    assert (told["name"], told["grants"][0]["role"], told["session"]["method"]) == (
        "nguyen.an",
        "administrator",
        "link",
    )
    again = await browser.ask("POST", "/session/link", {**body, **FIRST, "userName": "tran.binh"})
    assert (again.status_code, again.json()["type"]) == (404, "urn:quantrac:problem:link-not-usable")
    # A link that was made behind the administrator's back is none.
    late = await lobby.link()
    assert (await browser.ask("POST", "/session/link/look", {"secret": late})).status_code == 404
    assert (await browser.ask("POST", "/session/link", {**body, "secret": late, **FIRST})).status_code == 404


async def test_of_many_who_use_a_link_at_once_one_comes_in(fresh_lobby: Lobby) -> None:
    secret = await fresh_lobby.link()
    answers = await asyncio.gather(
        *(
            fresh_lobby.browser().ask(
                "POST",
                "/session/link",
                {"secret": secret, "password": PASSWORD, "userName": f"one.of{n}", "displayName": f"Người {n}"},
            )
            for n in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    assert await fresh_lobby.gateway.database.fetchval("SELECT count(*) FROM person") == 1


async def test_an_administrator_makes_a_link_by_which_somebody_chooses_a_password(lobby: Lobby) -> None:
    await lobby.add("ln.boss", Role.ADMINISTRATOR)
    await lobby.add("ln.new", Role.VIEWER, password=None)
    boss = await lobby.signed_in("ln.boss")
    assert (await lobby.browser().sign_in("ln.new")).status_code == 401
    made = (await boss.ask("POST", "/v1/people/ln.new/links")).json()
    parts = urlsplit(made["path"])
    assert (parts.path, parts.query) == ("/sign-in", "")
    secret = parts.fragment.removeprefix("link=")
    assert len(secret) == len("ql_") + 43
    browser = lobby.browser()
    looked = (await browser.ask("POST", "/session/link/look", {"secret": secret})).json()
    assert (looked["purpose"], looked["userName"]) == ("new-password", "ln.new")
    assert (await browser.ask("POST", "/session/link", {"secret": secret, "password": PASSWORD})).status_code == 204
    assert (await browser.ask("GET", "/session")).json()["name"] == "ln.new"
    assert (await lobby.browser().sign_in("ln.new")).status_code == 204
    kept = await lobby.gateway.database.fetch("SELECT l::text AS whole FROM one_time_link l")
    assert all(secret not in row["whole"] for row in kept)


async def test_a_new_password_by_a_link_ends_all_sessions(lobby: Lobby) -> None:
    await lobby.add("ln.lost", Role.VIEWER)
    thief = await lobby.signed_in("ln.lost", "198.51.100.1")
    secret = await lobby.link("ln.lost")
    # Until it is used, the present password holds.
    assert (await thief.ask("GET", "/session")).status_code == 200
    body = {"secret": secret, "password": "mười hai ngọn nến đỏ"}
    assert (await lobby.browser().ask("POST", "/session/link", body)).status_code == 204
    assert (await thief.ask("GET", "/session")).status_code == 401
    assert (await thief.sign_in("ln.lost")).status_code == 401


async def test_a_link_holds_for_a_day(lobby: Lobby) -> None:
    await lobby.add("ln.day", Role.VIEWER)
    secret = await lobby.link("ln.day")
    lobby.clock.move(hours=23, minutes=59)
    assert (await lobby.browser().ask("POST", "/session/link/look", {"secret": secret})).status_code == 200
    lobby.clock.move(minutes=1)
    body = {"secret": secret, "password": PASSWORD}
    for path, sent in (("/session/link/look", {"secret": secret}), ("/session/link", body)):
        assert (await lobby.browser().ask("POST", path, sent)).status_code == 404


async def test_a_disabled_person_has_no_use_for_a_link(lobby: Lobby) -> None:
    number = await lobby.add("ln.disabled", Role.VIEWER)
    secret = await lobby.link("ln.disabled")
    await lobby.gateway.database.execute("UPDATE person SET disabled_time = now() WHERE id = $1", number)
    answer = await lobby.browser().ask("POST", "/session/link", {"secret": secret, "password": PASSWORD})
    assert answer.status_code == 404


async def test_a_link_ends_with_another_password_and_with_its_person(lobby: Lobby) -> None:
    await lobby.add("ln.changed", Role.VIEWER)
    await lobby.add("ln.ended", Role.VIEWER)
    browser = await lobby.signed_in("ln.changed")
    secrets = [await lobby.link(name) for name in ("ln.changed", "ln.ended")]
    change = {"currentPassword": PASSWORD, "newPassword": "mười hai ngọn nến đỏ"}
    assert (await browser.ask("POST", "/session/password", change)).status_code == 204
    await managing.disable(lobby.gateway.database, "ln.ended", None)
    await managing.enable(lobby.gateway.database, "ln.ended", None)
    for secret in secrets:
        assert (await lobby.browser().ask("POST", "/session/link/look", {"secret": secret})).status_code == 404


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}])
async def test_another_site_cannot_use_a_link(lobby: Lobby, headers: dict[str, str]) -> None:
    name = f"ln.{len(headers)}{next(iter(headers))[:3]}"
    await lobby.add(name, Role.VIEWER)
    body = {"secret": await lobby.link(name), "password": PASSWORD}
    assert (await lobby.browser().ask("POST", "/session/link", body, **headers)).status_code == 403


async def test_guessing_links_is_throttled_like_any_credential(lobby: Lobby) -> None:
    lobby.limit(3, 0)
    browser = lobby.browser("203.0.113.8")
    answers = [await browser.ask("POST", "/session/link/look", {"secret": f"guess{n}"}) for n in range(5)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]


def test_a_link_shows_its_secret_in_no_repr() -> None:
    link = links.Link("s" * 43, "new-password", None)  # type: ignore[arg-type] # the time is not what is looked at
    assert "sss" not in repr(link)
    assert link.path == "/sign-in#link=" + "s" * 43
