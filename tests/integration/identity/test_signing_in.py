"""Signing in with a password: what is answered, what is kept, and what a stranger learns."""

from hashlib import sha256
from http.cookies import SimpleCookie

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from core.access import SESSION_COOKIE
from core.rights import Role
from tests.fixtures.applications import TOKEN
from tests.fixtures.sessions import PASSWORD, Lobby

WRONG = "một mật khẩu khác hẳn"
NAME_OF_A_CAT = "mèo trên mái nhà"


async def test_who_signs_in_is_known_with_all_that_they_may_do(lobby: Lobby) -> None:
    await lobby.add("an.operator", Role.OPERATOR)
    browser = await lobby.signed_in("an.operator")
    told = (await browser.ask("GET", "/session")).json()
    assert told["name"] == "an.operator"
    assert told["displayName"] == "Bà an.operator"
    assert [grant["role"] for grant in told["grants"]] == ["operator"]
    assert set(told["rights"]) == {"network.read", "alerts.handle", "quarantine.handle", "hooks.see"}
    assert told["session"]["method"] == "password"
    assert (await browser.ask("GET", "/v1/stations?limit=1")).status_code == 200


async def test_the_cookie_stays_with_this_host_and_out_of_scripts(lobby: Lobby) -> None:
    await lobby.add("an.cookie", Role.VIEWER)
    answer = await lobby.browser().sign_in("an.cookie")
    assert answer.status_code == 204
    morsel = SimpleCookie(answer.headers["set-cookie"])[SESSION_COOKIE]
    assert SESSION_COOKIE.startswith("__Host-")
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, True, "lax", "/")
    assert (morsel["domain"], morsel["max-age"]) == ("", "")
    assert len(morsel.value) == len("qs_") + 43
    assert answer.headers["cache-control"] == "no-store"


async def test_of_a_session_only_a_hash_is_kept(lobby: Lobby) -> None:
    number = await lobby.add("an.hash", Role.VIEWER)
    browser = await lobby.signed_in("an.hash")
    assert browser.cookie is not None
    row = await lobby.gateway.database.fetchrow(
        "SELECT s.*, s::text AS whole FROM staff_session s WHERE person_id = $1", number
    )
    assert row["sha256"] == sha256(browser.cookie.encode()).digest()
    assert browser.cookie not in row["whole"]
    assert str(row["address"]) == "192.0.2.1"
    person = await lobby.gateway.database.fetchval("SELECT p::text FROM person p WHERE id = $1", number)
    assert "$argon2id$" in person
    assert PASSWORD not in person


async def test_a_user_name_is_known_in_any_case_and_a_password_in_any_form_of_its_marks(lobby: Lobby) -> None:
    await lobby.add("an.forms", Role.VIEWER, password=NAME_OF_A_CAT)
    answer = await lobby.browser().sign_in(" An.Forms ", "me\u0300o tre\u0302n ma\u0301i nha\u0300")
    assert answer.status_code == 204


async def test_unknown_disabled_wrong_and_without_a_password_are_answered_alike(lobby: Lobby) -> None:
    await lobby.add("an.right", Role.VIEWER)
    number = await lobby.add("an.disabled", Role.VIEWER)
    await lobby.gateway.database.execute("UPDATE person SET disabled_time = now() WHERE id = $1", number)
    await lobby.add("an.without", Role.VIEWER, password=None)
    answers = [
        await lobby.browser().sign_in("nobody.at.all"),
        await lobby.browser().sign_in("an.disabled"),
        await lobby.browser().sign_in("an.without"),
        await lobby.browser().sign_in("an.right", WRONG),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["type"] == "urn:quantrac:problem:wrong-credentials"
    assert len({tuple(name for name in answer.headers if name != "x-request-id") for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


async def test_a_name_that_nobody_has_costs_a_hash_too(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    await lobby.add("an.costs", Role.VIEWER)
    hashed = []
    verify = lobby.hasher._argon2.verify

    def counted(text: str | bytes, kept: str | bytes) -> bool:
        hashed.append(str(kept).split("$")[3])
        return verify(text, kept)

    monkeypatch.setattr(lobby.hasher._argon2, "verify", counted)
    await lobby.browser().sign_in("an.costs", WRONG)
    await lobby.browser().sign_in("nobody.at.all", WRONG)
    assert len(hashed) == 2
    assert len(set(hashed)) == 1


async def test_a_session_is_a_new_one_whatever_the_browser_brought(lobby: Lobby) -> None:
    await lobby.add("an.fixed", Role.VIEWER)
    planted = await lobby.signed_in("an.fixed")
    browser = lobby.browser("192.0.2.2")
    browser.cookie, browser.csrf = planted.cookie, planted.csrf
    assert (await browser.sign_in("an.fixed")).status_code == 204
    assert browser.cookie != planted.cookie
    # Whoever planted the old one is left with nothing.
    lobby.gateway.app.state.identify.forget()
    assert (await planted.ask("GET", "/session")).status_code == 401
    assert (await browser.ask("GET", "/session")).status_code == 200
    made_up = lobby.browser()
    made_up.cookie = "qs_" + "A" * 43
    await made_up.sign_in("an.fixed")
    assert made_up.cookie != "qs_" + "A" * 43


async def test_a_session_that_nobody_began_opens_nothing(lobby: Lobby) -> None:
    browser = lobby.browser()
    for cookie in ("qs_" + "A" * 43, "A" * 43, "short", "qt_aaaaaaaa." + "A" * 43, TOKEN.replace(" ", "-")):
        browser.cookie = cookie
        assert (await browser.ask("GET", "/session")).status_code == 401
        assert (await browser.ask("GET", "/v1/stations")).status_code == 401


async def test_signing_out_ends_the_session_and_takes_the_cookie(lobby: Lobby) -> None:
    await lobby.add("an.leaves", Role.VIEWER)
    browser = await lobby.signed_in("an.leaves")
    kept = browser.cookie
    answer = await browser.ask("DELETE", "/session")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    browser.cookie = kept
    assert (await browser.ask("GET", "/session")).status_code == 401


async def test_a_token_may_ask_who_it_is(lobby: Lobby) -> None:
    answer = await lobby.gateway.get("/session")
    told = answer.json()
    assert (told["name"], told["kind"], told["session"], told["csrf"]) == ("staff", "program", None, None)
    assert "people.manage" in told["rights"]


async def test_of_the_session_a_stranger_learns_nothing(lobby: Lobby) -> None:
    browser = lobby.browser()
    change = {"currentPassword": PASSWORD, "newPassword": WRONG}
    for method, path, body in (
        ("GET", "/session", None),
        ("DELETE", "/session", None),
        ("POST", "/session/password", change),
    ):
        assert (await browser.ask(method, path, body)).status_code == 401
    assert (await browser.ask("GET", "/session/ways")).json() == {"password": True, "provider": False}


async def test_a_station_has_no_session(lobby: Lobby) -> None:
    key = await lobby.gateway.key_of("TH-NT-001")
    assert (await lobby.gateway.get("/session", key)).status_code == 403


async def test_a_body_of_a_stranger_is_small(lobby: Lobby) -> None:
    answer = await lobby.browser().sign_in("x" * 20_000)
    assert answer.status_code == 413
    for path in ("/v1/enrolments", "/sign-in/oidc/back-channel"):
        assert (await lobby.browser().ask("POST", path, {"code": "x" * 70_000})).status_code == 413, path
    answer = await lobby.browser().sign_in("an", "x" * 1_000)
    assert answer.status_code == 422
    assert "xxx" not in answer.text


async def test_what_was_typed_as_a_password_is_not_answered(lobby: Lobby) -> None:
    for body in ({"password": PASSWORD}, {"userName": "an", "password": [PASSWORD]}, {"secret": PASSWORD, "x": 1}):
        for path in ("/session", "/session/link"):
            answer = await lobby.browser().ask("POST", path, body)
            assert answer.status_code == 422
            assert PASSWORD not in answer.json()["errors"][0]["found"]
            assert PASSWORD not in str(answer.json())


async def test_a_password_under_former_parameters_is_hashed_anew_when_it_is_used(lobby: Lobby) -> None:
    number = await lobby.add("an.former", Role.VIEWER)
    lobby.hasher._argon2 = Argon2Hasher(time_cost=2, memory_cost=64, parallelism=1)
    assert (await lobby.browser().sign_in("an.former")).status_code == 204
    kept = await lobby.gateway.database.fetchval("SELECT password_hash FROM person WHERE id = $1", number)
    assert ",t=2," in kept
    assert (await lobby.browser().sign_in("an.former")).status_code == 204
