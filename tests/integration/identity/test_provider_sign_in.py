"""People sign in with a real identity provider, in a browser that keeps cookies, and nobody does in their place."""

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs
from typer.testing import CliRunner

from core.access import SESSION_COOKIE
from core.database import Database
from core.rates import Rate
from core.rights import Role
from gateway.cli import failures
from gateway.cli.people import app as people_command
from gateway.settings import Settings
from identity.oidc.errors import Hindrance, NotAdmitted
from identity.people import store as people
from tests.fixtures.bearers import PATH, House, opened
from tests.fixtures.providers import BASE_URL, CLIENT, SECRET, Browser, IdentityProvider, sign

START = f"{BASE_URL}/sign-in/oidc"
CALLBACK = f"{START}/callback"
# Addresses that only the test's own client asks at.
_OF_THE_TEST = (START, "/oauth/authorize")


async def callback(house: House, user: str = "lan", then: str = "/alerts") -> tuple[Browser, str]:
    """A browser at the moment when the provider sends it back, and where to."""
    browser = await house.browser(user)
    answer = await browser.get(f"{START}?{urlencode({'next': then})}")
    assert answer.status_code == 303, answer.text
    back = await browser.sign_in_at_provider(answer, user)
    return browser, back.headers["location"]


async def signed_in(house: House, user: str = "lan") -> Browser:
    browser, location = await callback(house, user)
    answer = await browser.get(location)
    assert answer.headers["location"] == "/alerts", answer.headers["location"]
    return browser


async def problem(browser: Browser, location: str) -> str:
    """Why nobody was signed in."""
    answer = await browser.get(location)
    assert answer.status_code == 303
    assert SESSION_COOKIE not in browser.gateway.cookies
    where = urlsplit(answer.headers["location"])
    assert where.path == "/sign-in"
    return parse_qs(where.query)["problem"][0]


async def refusal(attempt: Awaitable[object]) -> Hindrance | None:
    try:
        await attempt
    except NotAdmitted as refused:
        return refused.hindrance
    return None


def changed(location: str, **query: str | None) -> str:
    """The same address with other parameters; None takes one out."""
    given = dict(parse_qsl(urlsplit(location).query)) | query
    return f"{CALLBACK}?{urlencode({name: value for name, value in given.items() if value is not None})}"


async def test_somebody_signs_in_reads_and_signs_out_here_and_at_the_provider(house: House) -> None:
    house.worlds.pop("lan", None)
    browser, location = await callback(house)
    answer = await browser.get(location)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
    cookie = answer.headers.get_list("set-cookie")[0]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["cache-control"] == "no-store"
    assert list(browser.gateway.cookies) == [SESSION_COOKIE]

    assert (await browser.get(PATH)).status_code == 200
    who = (await browser.get("/session")).json()
    assert who["name"] == "lan"

    ended = await browser.gateway.delete(
        "/session", headers={"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": who["csrf"]}
    )
    assert ended.status_code == 204, ended.text
    house.app.state.identify.forget()
    assert (await browser.get(PATH)).status_code == 401

    page = await browser.follow(await browser.get(f"{START}/sign-out"))
    after = await browser.follow(await browser.fill_in(page, answer="logout"), f"{BASE_URL}/sign-in")
    assert after.headers["location"] == f"{BASE_URL}/sign-in"
    again = await browser.follow(await browser.get(START))
    assert "login" in again.text
    assert again.url.host == "127.0.0.1"
    del house.worlds["lan"]


async def test_nothing_that_opens_anything_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logs:
        browser, location = await callback(house)
        kept = await house.database.fetchrow("SELECT nonce, verifier FROM oidc_attempt")
        browser_secret = browser.gateway.cookies["__Host-quantrac-sign-in"]
        await browser.get(location)
        token = house.token(jti="logged")
        await house.ask(token)
        await house.ask(token[:-10] + "AAAAAAAAAA")
        stranger, wrong = await callback(house, "hoa")
        await stranger.get(wrong)
    told = caplog.text + str(logs)
    assert "sign_in.accepted" in told
    assert "bearer.refused" in told
    # What the client of this test says of its own requests is not the service's.
    told = "\n".join(line for line in told.splitlines() if not any(part in line for part in _OF_THE_TEST))
    code = parse_qs(urlsplit(location).query)["code"][0]
    secrets = [SECRET, code, *kept, browser_secret, browser.gateway.cookies[SESSION_COOKIE], token, token[-40:]]
    assert [secret for secret in secrets if secret in told] == []


async def test_a_sign_in_ends_once(house: House) -> None:
    browser, location = await callback(house)
    first = await browser.get(location)
    assert first.headers["location"] == "/alerts"
    browser.gateway.cookies.clear()
    assert await problem(browser, location) == "expired"


async def test_a_code_counts_once_also_with_a_new_state(house: House) -> None:
    browser, location = await callback(house)
    await browser.get(location)
    begun = await browser.get(START)
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    browser.gateway.cookies.delete(SESSION_COOKIE)
    assert await problem(browser, changed(location, state=state)) == "provider"


async def test_nobody_is_signed_in_with_an_answer_that_another_browser_waits_for(house: House) -> None:
    """Neither a victim as the attacker, whose link he follows, nor the attacker as a victim whose link he saw."""
    attacker, location = await callback(house)
    victim = await house.browser()
    assert await problem(victim, location) == "expired"
    await victim.get(START)
    assert await problem(victim, location) == "expired"
    assert (await attacker.get(location)).headers["location"] == "/alerts"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "another"}, "expired"),
        ({"state": None}, "expired"),
        ({"state": ""}, "expired"),
        ({"iss": "https://another.example.com"}, "provider"),
        ({"iss": None}, "provider"),
        ({"code": "another"}, "provider"),
        ({"code": None, "error": "access_denied"}, "provider"),
        ({"code": None}, "provider"),
    ],
    ids=str,
)
async def test_an_answer_that_was_changed_signs_nobody_in(house: House, change: dict[str, Any], why: str) -> None:
    browser, location = await callback(house)
    assert await problem(browser, changed(location, **change)) == why


async def test_an_answer_with_a_parameter_twice_signs_nobody_in(house: House) -> None:
    browser, location = await callback(house)
    assert await problem(browser, f"{location}&state=another") == "provider"


@pytest.mark.parametrize("column", ["nonce", "verifier"])
async def test_the_answer_has_to_be_to_the_question(house: House, column: str) -> None:
    """Somebody slipped in a code that was given for another sign-in: its nonce and its challenge are of that one."""
    browser, location = await callback(house)
    await house.database.execute(f"UPDATE oidc_attempt SET {column} = repeat('x', 64)")
    assert await problem(browser, location) == "provider"


async def test_a_sign_in_that_took_too_long_is_over(house: House) -> None:
    browser, location = await callback(house)
    await house.database.execute("UPDATE oidc_attempt SET created_time = now() - interval '11 minutes'")
    assert await problem(browser, location) == "expired"
    await browser.get(START)
    assert await house.database.fetchval("SELECT count(*) FROM oidc_attempt") == 1


async def test_sign_ins_under_way_are_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("identity.oidc.store.MOST_ATTEMPTS", 2)
    browser = await house.browser()
    for _ in range(2):
        assert (await browser.get(START)).headers["location"].startswith(house.provider.issuer)
    assert await problem(browser, START) == "unavailable"


async def test_one_address_begins_a_few_sign_ins_a_minute(house: House) -> None:
    with house.with_settings():
        # In a minute that does not pass.
        house.app.state.oidc.signing_in._begun = Rate(2, lambda: 0.0)
        browser = await house.browser()
        begun = [(await browser.get(START)).headers["location"] for _ in range(3)]
    assert [location.startswith(house.provider.issuer) for location in begun] == [True, True, False]
    assert begun[-1] == "/sign-in?problem=unavailable"


async def test_of_the_addresses_of_one_network_a_few_sign_ins_begin_and_end(house: House) -> None:
    with house.with_settings():
        at = house.app.state.oidc.signing_in
        at._begun, at._ended = Rate(2, lambda: 0.0), Rate(2, lambda: 0.0)
        begun = [await refusal(at.begin(None, f"2001:db8::{n}")) for n in range(3)]
        # Who asks for what never began pays, too: each look costs a query.
        ended = [await refusal(at.finish({"state": "x"}, "x", f"2001:db8::{n}")) for n in range(3)]
    assert begun == [None, None, Hindrance.UNAVAILABLE]
    assert ended == [Hindrance.EXPIRED, Hindrance.EXPIRED, Hindrance.UNAVAILABLE]


async def test_the_provider_is_asked_for_a_code_with_everything_that_binds_it(house: House) -> None:
    answer = await (await house.browser()).get(START)
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [CALLBACK]
    assert [len(asked[name][0]) for name in ("state", "nonce", "code_challenge")] == [43, 43, 43]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-quantrac-sign-in=")
    assert asked["state"][0] not in cookie
    kept = await house.database.fetchrow("SELECT * FROM oidc_attempt")
    assert asked["state"][0] not in str(dict(kept))


async def test_nobody_is_known_here_by_being_known_there(house: House) -> None:
    browser, location = await callback(house, "minh")
    assert await problem(browser, location) == "unknown-person"
    assert await people.find(house.database, "minh") is None


async def test_a_group_makes_an_account_where_the_settings_say_so(house: House) -> None:
    with house.with_settings(create_people="true"):
        browser = await signed_in(house, "minh")
        grants = (await browser.get("/session")).json()["grants"]
        assert [(grant["role"], grant["stationKinds"]) for grant in grants] == [("operator", ["wastewater"])]
        person = await people.find(house.database, "minh")
        assert person is not None
        assert (person.display_name, person.email) == ("Lê Văn Minh", "minh@example.vn")
        # Hoa is in no group that gives anything.
        stranger, location = await callback(house, "hoa")
        assert await problem(stranger, location) == "unknown-person"
        # The trail says who made the account, and gave the role.
        rows = await house.database.fetch("SELECT actor, reason FROM audit_entry WHERE actor = 'identity-provider'")
        assert {row["reason"] for row in rows} == {"groups of the identity provider at sign-in"}
        assert len(rows) >= 2


async def test_the_user_name_of_somebody_else_is_not_taken_over(house: House) -> None:
    async with house.database.transaction() as connection:
        await people.add(connection, "minh", "Another Minh")
    with house.with_settings(create_people="true"):
        namesake, location = await callback(house, "minh")
        assert await problem(namesake, location) == "name-taken"


async def test_what_groups_give_is_settled_at_each_sign_in_and_what_was_given_here_stays(house: House) -> None:
    async def given() -> list[tuple[str, str, str]]:
        return sorted((row.grant.role, row.origin, row.granted_by) for row in await people.grant_rows(database, number))

    database, number = house.database, await house.person("minh", Role.VIEWER)
    await signed_in(house, "minh")
    first = await people.grant_rows(database, number)
    assert await given() == [("operator", "provider", "identity-provider"), ("viewer", "local", "test")]
    await signed_in(house, "minh")
    assert await people.grant_rows(database, number) == first
    with house.with_settings(roles="bong-da=registrar"):
        await signed_in(house, "minh")
        assert await given() == [("registrar", "provider", "identity-provider"), ("viewer", "local", "test")]
    with house.with_settings(roles=""):
        await signed_in(house, "minh")
        assert await given() == [("viewer", "local", "test")]


async def test_a_group_that_gives_nothing_any_more_is_gone_though_the_sign_in_is_refused(house: House) -> None:
    number = await house.person("minh")
    await signed_in(house, "minh")
    with house.with_settings(roles=""):
        browser, location = await callback(house, "minh")
        assert await problem(browser, location) == "no-role"
    assert await people.grant_rows(house.database, number) == []


async def test_a_disabled_person_gets_in_nowhere_whatever_the_provider_says(house: House) -> None:
    browser = await signed_in(house)
    token = house.token()
    assert (await house.ask(token)).status_code == 200
    await house.database.execute("UPDATE person SET disabled_time = now() WHERE user_name = 'lan'")
    house.app.state.identify.forget()
    assert (await browser.get(PATH)).status_code == 401
    assert (await house.ask(token)).status_code == 401
    another, location = await callback(house)
    assert await problem(another, location) == "disabled"


@pytest.mark.parametrize("asked", [{"amr": "mfa"}, {"amr": "pwd,mfa"}, {"acr": "phr,phrh"}], ids=str)
async def test_a_sign_in_that_is_too_weak_is_refused(house: House, asked: dict[str, str]) -> None:
    with house.with_settings(**asked):
        browser, location = await callback(house)
        assert await problem(browser, location) == "weak-sign-in"


async def test_a_sign_in_that_is_strong_enough_is_taken(house: House) -> None:
    with house.with_settings(amr="pwd"):
        await signed_in(house)


@pytest.mark.parametrize(
    "asked", ["//evil.test", "https://evil.test", "/\\evil.test", "/a/../b", "javascript:alert(1)", "", "/a\r\nX: y"]
)
async def test_after_it_the_browser_goes_nowhere_else(house: House, asked: str) -> None:
    browser, location = await callback(house, then=asked)
    assert (await browser.get(location)).headers["location"] == "/"


def logout_token(house: House, key: RSAKey, header: dict[str, Any] | None = None, **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": house.provider.issuer,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": "1",
        "sub": "lan",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    } | changed
    given = {name: value for name, value in claims.items() if value is not None}
    return sign(given, key, {"typ": "logout+jwt"} | (header or {}))


async def told_to_end(house: House, token: str) -> int:
    return (await house.client.post(f"{START}/back-channel", data={"logout_token": token})).status_code


async def test_the_provider_ends_sessions_that_began_there(house: House) -> None:
    browser = await signed_in(house)
    key = house.provider.keys[0]
    refused = [
        logout_token(house, RSAKey.generate_key(2048), {"kid": key.kid}),
        logout_token(house, key, events={}),
        logout_token(house, key, events=None),
        logout_token(house, key, nonce="n"),
        logout_token(house, key, sub=None),
        logout_token(house, key, aud="another"),
        logout_token(house, key, jti=None),
        logout_token(house, key, {"typ": "at+jwt"}),
        "no token",
        "x" * 40_000,
    ]
    assert [await told_to_end(house, token) for token in refused] == [400] * len(refused)
    assert await told_to_end(house, logout_token(house, key, sub="minh")) == 200
    assert (await browser.get(PATH)).status_code == 200
    assert await told_to_end(house, logout_token(house, key)) == 200
    house.app.state.identify.forget()
    assert (await browser.get(PATH)).status_code == 401


async def test_without_a_provider_in_the_settings_there_is_no_such_way_in(
    database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch, identity_provider: IdentityProvider
) -> None:
    monkeypatch.setenv("QUANTRAC_DATABASE__DSN", dsn)
    async with opened(Settings(), database, identity_provider) as house:
        for path in ("/sign-in/oidc", "/sign-in/oidc/callback?code=1&state=2", "/sign-in/oidc/sign-out"):
            answer = await house.client.get(path)
            assert (answer.status_code, json.loads(answer.content)["type"].rpartition(":")[2]) == (404, "no-provider")
        assert (await house.ask(house.token())).status_code == 401


async def test_somebody_known_here_is_told_apart_at_the_provider_by_the_command_line(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def command(*arguments: str) -> tuple[int, str]:
        found = await asyncio.to_thread(CliRunner().invoke, people_command, ["provider", *arguments])
        failure = None if found.exception is None else failures.told(found.exception)
        return (found.exit_code, found.stdout) if failure is None else (failure.code, failure.line)

    monkeypatch.setenv("QUANTRAC_DATABASE__DSN", house.app.state.settings.dsn)
    async with house.database.transaction() as connection:
        await people.add(connection, "le.minh", "Lê Minh")
    # Without a provider in the settings nobody can be anybody there.
    assert (await command("le.minh", "--subject", "minh"))[0] != 0
    monkeypatch.setenv("QUANTRAC_OIDC__ISSUER", house.provider.issuer)
    assert "as minh" in (await command("le.minh", "--subject", "minh"))[1]
    browser = await signed_in(house, "minh")
    assert (await browser.get("/session")).json()["name"] == "le.minh"
    # One subject is one person, and one that cannot be is none.
    assert (await command("lan", "--subject", "minh"))[0] != 0
    assert (await command("lan", "--subject", "two\nlines"))[0] != 0
    assert (await command("nobody", "--subject", "x"))[0] != 0
    assert "no more" in (await command("le.minh"))[1]
    house.app.state.identify.forget()
    assert (await browser.get("/session")).status_code == 401
    again, location = await callback(house, "minh")
    assert await problem(again, location) == "unknown-person"
