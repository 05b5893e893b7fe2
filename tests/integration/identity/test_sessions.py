"""Sessions: how long they hold, who sees them and ends them, and what another site can make a browser do."""

import pytest

from core import access
from core.database import DatabaseUnavailable
from core.rights import Role
from gateway.identity import Identity
from identity.people import credentials_store
from identity.sessions import store
from identity.sessions.source import SessionSource
from tests.fixtures.applications import TOKEN
from tests.fixtures.sessions import PASSWORD, Browser, Lobby

ANOTHER = "năm con chim trên cành tre"


def is_foreign(status: int, kind: str) -> bool:
    return status == 403 and kind.endswith("foreign-request")


async def tried(browser: Browser, **headers: str) -> tuple[int, str]:
    """What a change with a session is answered; one that would be harmless."""
    answer = await browser.ask("DELETE", "/v1/sessions", **headers)
    return answer.status_code, answer.json().get("type", "")


async def test_a_change_needs_the_token_of_its_own_session(lobby: Lobby) -> None:
    await lobby.add("cs.token", Role.OPERATOR)
    browser, other = await lobby.signed_in("cs.token"), await lobby.signed_in("cs.token", "192.0.2.9")
    assert browser.csrf is not None
    assert other.csrf is not None
    assert browser.csrf != other.csrf
    assert is_foreign(*await tried(browser, x_csrf_token=""))
    assert is_foreign(*await tried(browser, x_csrf_token=browser.csrf[:-1]))
    assert is_foreign(*await tried(browser, x_csrf_token=other.csrf))
    assert (await tried(browser))[0] == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://gateway.evil.example"}, False),
        ({"origin": "http://gateway:8443"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[gateway"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"origin": "http://gateway:80"}, True),
        ({"origin": "", "sec_fetch_site": ""}, True),
        # Behind a proxy that speaks TLS the page's origin is another than what is seen here.
        ({"origin": "https://gateway"}, True),
    ],
)
async def test_a_change_comes_from_a_page_of_this_host(lobby: Lobby, headers: dict[str, str], *, allowed: bool) -> None:
    name = f"cs.{abs(hash(str(headers))) % 10**9}"
    await lobby.add(name, Role.VIEWER)
    browser = await lobby.signed_in(name)
    assert is_foreign(*await tried(browser, **headers)) is not allowed
    # Nobody is signed in from elsewhere either: whoever is would work in the account of the one who planned it.
    answer = await lobby.browser().sign_in(name, **headers)
    assert answer.status_code == (204 if allowed else 403)


async def test_reading_needs_no_token_and_a_bearer_none_at_all(lobby: Lobby) -> None:
    await lobby.add("cs.read", Role.VIEWER)
    browser = await lobby.signed_in("cs.read")
    assert (await browser.ask("GET", "/v1/sessions", x_csrf_token="", origin="http://evil.example")).status_code == 200
    answer = await lobby.gateway.client.delete(
        "/v1/sessions", headers={"authorization": f"Bearer {TOKEN}", "origin": "http://evil.example"}
    )
    assert answer.status_code == 200


async def test_a_session_ends_when_it_is_not_used_and_lives_while_it_is(lobby: Lobby) -> None:
    await lobby.add("cs.idle", Role.VIEWER)
    browser = await lobby.signed_in("cs.idle")
    for _ in range(3):
        lobby.clock.move(minutes=29)
        lobby.gateway.app.state.identify.forget()
        assert (await browser.ask("GET", "/session")).status_code == 200
    lobby.clock.move(minutes=30)
    lobby.gateway.app.state.identify.forget()
    assert (await browser.ask("GET", "/session")).status_code == 401


async def test_a_session_ends_after_twelve_hours_however_much_it_is_used(lobby: Lobby) -> None:
    await lobby.add("cs.long", Role.VIEWER)
    browser = await lobby.signed_in("cs.long")
    for _ in range(35):
        lobby.clock.move(minutes=20)
        lobby.gateway.app.state.identify.forget()
        assert (await browser.ask("GET", "/session")).status_code == 200
    lobby.clock.move(minutes=20)
    lobby.gateway.app.state.identify.forget()
    assert (await browser.ask("GET", "/session")).status_code == 401


async def test_the_last_use_is_written_once_a_minute(lobby: Lobby) -> None:
    number = await lobby.add("cs.seen", Role.VIEWER)
    browser = await lobby.signed_in("cs.seen")
    row = "SELECT seen_time, xmin::text FROM staff_session WHERE person_id = $1"
    before = await lobby.gateway.database.fetchrow(row, number)
    lobby.clock.move(seconds=59)
    lobby.gateway.app.state.identify.forget()
    await browser.ask("GET", "/session")
    assert await lobby.gateway.database.fetchrow(row, number) == before
    lobby.clock.move(seconds=1)
    lobby.gateway.app.state.identify.forget()
    await browser.ask("GET", "/session")
    assert (await lobby.gateway.database.fetchrow(row, number))["seen_time"] == lobby.clock.now


async def test_somebody_sees_and_ends_their_own_sessions_only(lobby: Lobby) -> None:
    await lobby.add("cs.mine", Role.VIEWER)
    await lobby.add("cs.theirs", Role.VIEWER)
    browser, old = await lobby.signed_in("cs.mine"), await lobby.signed_in("cs.mine", "2001:db8::7")
    stranger = await lobby.signed_in("cs.theirs")
    mine = (await browser.ask("GET", "/v1/sessions")).json()["items"]
    assert {item["address"] for item in mine} == {"192.0.2.1", "2001:db8::7"}
    assert [item["current"] for item in mine].count(True) == 1
    theirs = (await stranger.ask("GET", "/v1/sessions")).json()["items"][0]["id"]
    refused = await browser.ask("DELETE", f"/v1/sessions/{theirs}")
    missing = await browser.ask("DELETE", "/v1/sessions/aaaaaaaaaaaa")
    assert (refused.status_code, refused.json()["type"]) == (missing.status_code, missing.json()["type"])
    other = next(item["id"] for item in mine if not item["current"])
    assert (await browser.ask("DELETE", f"/v1/sessions/{other}")).status_code == 204
    # In this process at once.
    assert (await old.ask("GET", "/session")).status_code == 401
    assert (await stranger.ask("GET", "/session")).status_code == 200


async def test_all_other_sessions_end_together(lobby: Lobby) -> None:
    await lobby.add("cs.others", Role.VIEWER)
    browsers = [await lobby.signed_in("cs.others", f"192.0.2.{n}") for n in range(3)]
    assert (await browsers[0].ask("DELETE", "/v1/sessions")).json() == {"ended": 2}
    assert [(await browser.ask("GET", "/session")).status_code for browser in browsers] == [200, 401, 401]


async def test_who_manages_people_sees_and_ends_sessions_of_others_and_nobody_else_does(lobby: Lobby) -> None:
    await lobby.add("cs.boss", Role.ADMINISTRATOR)
    await lobby.add("cs.staff", Role.OPERATOR)
    boss, staff = await lobby.signed_in("cs.boss"), await lobby.signed_in("cs.staff")
    for method, path in (
        ("GET", "/v1/people/cs.boss/sessions"),
        ("DELETE", "/v1/people/cs.boss/sessions"),
        ("DELETE", "/v1/people/cs.boss/sessions/aaaaaaaaaaaa"),
        ("POST", "/v1/people/cs.boss/links"),
    ):
        assert (await staff.ask(method, path)).status_code == 403
    found = (await boss.ask("GET", "/v1/people/cs.staff/sessions")).json()["items"]
    assert (await boss.ask("DELETE", f"/v1/people/cs.boss/sessions/{found[0]['id']}")).status_code == 404
    assert (await boss.ask("DELETE", f"/v1/people/cs.staff/sessions/{found[0]['id']}")).status_code == 204
    assert (await staff.ask("GET", "/session")).status_code == 401
    again = await lobby.signed_in("cs.staff")
    assert (await boss.ask("DELETE", "/v1/people/cs.staff/sessions")).json() == {"ended": 1}
    assert (await again.ask("GET", "/session")).status_code == 401
    assert (await boss.ask("GET", "/v1/people/nobody.here/sessions")).status_code == 404


async def test_disabling_ends_sessions_for_good(lobby: Lobby) -> None:
    await lobby.add("cs.chief", Role.ADMINISTRATOR)
    await lobby.add("cs.gone", Role.VIEWER)
    chief, gone = await lobby.signed_in("cs.chief"), await lobby.signed_in("cs.gone")
    tag = (await chief.ask("GET", "/v1/people/cs.gone")).headers["etag"]
    disabled = await chief.ask("POST", "/v1/people/cs.gone/disable", if_match=tag)
    assert disabled.status_code == 200, disabled.text
    assert (await gone.ask("GET", "/session")).status_code == 401
    enabled = await chief.ask("POST", "/v1/people/cs.gone/enable", if_match=disabled.headers["etag"])
    assert enabled.status_code == 200
    assert (await gone.ask("GET", "/session")).status_code == 401
    why = "SELECT ended_reason FROM staff_session s JOIN person p ON p.id = s.person_id WHERE p.user_name = 'cs.gone'"
    assert await lobby.gateway.database.fetchval(why) == "disabled"


async def test_another_process_learns_of_an_end_within_five_seconds(lobby: Lobby) -> None:
    await lobby.add("cs.process", Role.VIEWER)
    browser = await lobby.signed_in("cs.process")
    state, seconds = lobby.gateway.app.state, [0.0]
    state.identify = Identity(
        state.catalog, None, [SessionSource(state.database, clock=lobby.clock)], clock=lambda: seconds[0]
    )
    assert (await browser.ask("GET", "/session")).status_code == 200
    await lobby.gateway.database.execute("UPDATE staff_session SET ended_time = now(), ended_reason = 'ended'")
    seconds[0] = 5.0
    assert (await browser.ask("GET", "/session")).status_code == 401


async def test_while_the_database_is_away_the_known_are_known_for_a_minute_and_nobody_signs_in(
    lobby: Lobby, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lobby.add("cs.away", Role.VIEWER)
    browser, cold = await lobby.signed_in("cs.away"), await lobby.signed_in("cs.away")
    state, seconds = lobby.gateway.app.state, [0.0]
    source = SessionSource(state.database, clock=lobby.clock)
    state.identify = Identity(state.catalog, None, [source], clock=lambda: seconds[0])
    assert (await browser.ask("GET", "/v1/stations?limit=1")).status_code == 200

    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("It is away.", retry_after=5)

    monkeypatch.setattr(store, "find", away)
    monkeypatch.setattr(credentials_store, "of", away)
    seconds[0] = 59.0
    presented = access.Presented(cookie=browser.cookie, method="GET", path="/v1/stations")
    assert (await state.identify(presented)).name == "cs.away"
    assert (await cold.ask("GET", "/session")).status_code == 503
    assert (await lobby.browser().sign_in("cs.away")).status_code == 503
    seconds[0] = 61.0
    assert (await browser.ask("GET", "/session")).status_code == 503


async def test_the_oldest_sessions_end_where_there_are_too_many(lobby: Lobby) -> None:
    await lobby.add("cs.many", Role.VIEWER)
    first = await lobby.signed_in("cs.many")
    for _ in range(20):
        lobby.clock.move(seconds=1)
        last = await lobby.signed_in("cs.many")
    lobby.gateway.app.state.identify.forget()
    assert (await first.ask("GET", "/session")).status_code == 401
    assert len((await last.ask("GET", "/v1/sessions")).json()["items"]) == 20


async def test_a_new_password_ends_all_sessions_but_begins_this_one_anew(lobby: Lobby) -> None:
    await lobby.add("cs.change", Role.VIEWER)
    browser, other = await lobby.signed_in("cs.change"), await lobby.signed_in("cs.change", "192.0.2.5")
    former = browser.cookie
    body = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    assert (await browser.ask("POST", "/session/password", body, x_csrf_token="")).status_code == 403
    assert (await browser.ask("POST", "/session/password", body)).status_code == 204
    assert browser.cookie != former
    assert (await browser.ask("GET", "/session")).status_code == 200
    assert (await other.ask("GET", "/session")).status_code == 401
    other.cookie = former
    assert (await other.ask("GET", "/session")).status_code == 401
    assert (await lobby.browser().sign_in("cs.change")).status_code == 401
    assert (await lobby.browser().sign_in("cs.change", ANOTHER)).status_code == 204


@pytest.mark.parametrize(
    ("present", "new", "status", "slug"),
    [
        ("không phải mật khẩu này", ANOTHER, 401, "wrong-credentials"),
        (PASSWORD, "quá ngắn", 422, "weak-password"),
        (PASSWORD, "cs.refused-2026!", 422, "weak-password"),
        (PASSWORD, PASSWORD, 422, "weak-password"),
    ],
)
async def test_a_new_password_needs_the_present_one_and_must_not_be_guessed(
    lobby: Lobby, present: str, new: str, status: int, slug: str
) -> None:
    if await lobby.gateway.database.fetchval("SELECT count(*) FROM person WHERE user_name = 'cs.refused'") == 0:
        await lobby.add("cs.refused", Role.VIEWER)
    browser = await lobby.signed_in("cs.refused")
    answer = await browser.ask("POST", "/session/password", {"currentPassword": present, "newPassword": new})
    assert answer.status_code == status
    assert answer.json()["type"].endswith(slug)
    assert new not in answer.text
    assert (await browser.ask("GET", "/session")).status_code == 200


async def test_a_password_that_must_be_changed_opens_nothing_else(lobby: Lobby) -> None:
    await lobby.add("cs.must", Role.ADMINISTRATOR, must_change=True)
    browser = await lobby.signed_in("cs.must")
    assert (await browser.ask("GET", "/session")).json()["mustChangePassword"] is True
    for path in ("/v1/stations", "/v1/people", "/v1/sessions", "/v1/roles"):
        answer = await browser.ask("GET", path)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:quantrac:problem:password-must-change")
    body = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    assert (await browser.ask("POST", "/session/password", body)).status_code == 204
    assert (await browser.ask("GET", "/session")).json()["mustChangePassword"] is False
    assert (await browser.ask("GET", "/v1/people")).status_code == 200


async def test_the_trail_names_who_signed_in_and_out_and_from_where(lobby: Lobby) -> None:
    number = await lobby.add("cs.trail", Role.VIEWER)
    browser = await lobby.signed_in("cs.trail", "192.0.2.77")
    session = (await browser.ask("GET", "/session")).json()["session"]["id"]
    assert (await browser.ask("DELETE", "/session")).status_code == 204
    rows = await lobby.gateway.database.fetch(
        "SELECT actor, address, reason, after::text FROM audit_entry "
        "WHERE relation = 'staff_session' AND subject = $1 ORDER BY number",
        session,
    )
    assert [row["reason"] for row in rows] == ["sign-in: password", "sign-out"]
    assert {(row["actor"], row["address"]) for row in rows} == {("cs.trail", "192.0.2.77")}
    assert f'"person_id": {number}' in rows[0]["after"]
    assert "sha256" not in rows[0]["after"] or "\\x" not in rows[0]["after"]
