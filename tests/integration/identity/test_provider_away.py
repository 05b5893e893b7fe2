"""Fault 20: the identity provider is gone. Whoever is known goes on working, nobody new gets in, readings are taken."""

from typing import Any

import pytest

from core import instants
from core.rights import Role
from gateway import application
from telemetry.catalog import keys
from tests.fixtures.bearers import PATH, House, settings_with
from tests.fixtures.providers import BASE_URL, CLIENT, PROGRAM, STRANGE_CLIENT, sign

START = f"{BASE_URL}/sign-in/oidc"
_DAY = 86_400


class Clock:
    """The clock of the provider's keys, moved on by hand."""

    def __init__(self, house: House) -> None:
        self.provider = house.app.state.oidc.signing_in._provider
        self.now = self.provider._clock()
        self.provider._clock = lambda: self.now


async def test_with_the_provider_away_the_known_work_and_nobody_new_gets_in(house: House) -> None:
    browser = await house.browser()
    back = await browser.sign_in_at_provider(await browser.get(START), "lan")
    await browser.get(back.headers["location"])
    waiting = await house.browser()
    late = await waiting.sign_in_at_provider(await waiting.get(START), "lan")
    program = house.provider.program_token()
    station = (await keys.issue(house.database, "TH-NT-001")).key
    await house.app.state.catalog.refresh()
    house.provider.stop()
    try:
        # Sessions and tokens, also such as nobody showed before, hold by the keys that are known.
        assert (await browser.get(PATH)).status_code == 200
        assert (await house.ask(house.token(jti="never seen"))).status_code == 200
        assert (await house.ask(program)).status_code == 200
        # Nobody signs in, neither anew nor where the provider had said yes already.
        begun = await (await house.browser()).get(START)
        ended = await waiting.get(late.headers["location"])
        assert ended.headers["location"] == "/sign-in?problem=unavailable"
        assert begun.headers["location"].startswith(house.provider.issuer)
        # What no known key signed stays refused.
        forged = sign(house.claims(), house.provider.keys[0], {"kid": "a new key"})
        assert (await house.ask(forged)).status_code == 401
        # Readings are taken as ever.
        time = instants.text(instants.now().replace(microsecond=0))
        answer = await house.client.post(
            "/v1/observations",
            json={"phenomenonTime": time, "readings": {"COD": 20.0}},
            headers={"Authorization": f"Bearer {station}"},
        )
        assert answer.json()["counts"]["stored"] == 1
        await _keys_hold_for_a_day(house)
    finally:
        house.provider.start()


async def _keys_hold_for_a_day(house: House) -> None:
    """Without an answer in between; then nobody's token can be looked at, and that is said, and passes for nobody."""
    clock = Clock(house)
    clock.now += _DAY - 10
    assert (await house.ask(house.token(jti="a day later"))).status_code == 200
    clock.now += 20
    for token in (house.token(jti="too late"), sign(house.claims(), house.provider.keys[0], {"kid": "a new key"})):
        answer = await house.ask(token)
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("provider-unavailable")
        assert "Retry-After" in answer.headers
    assert (await (await house.browser()).get(START)).headers["location"] == "/sign-in?problem=unavailable"
    assert (await (await house.browser()).get(f"{START}/sign-out")).headers["location"] == f"{BASE_URL}/sign-in"
    # It is back, and is asked again.
    house.provider.start()
    clock.now += 6
    assert (await house.ask(house.token(jti="back"))).status_code == 200


async def test_a_new_key_of_the_provider_is_found_within_a_minute(house: House) -> None:
    """A key id that is not known is looked up at once, but not twice in a minute."""
    clock = Clock(house)
    known = clock.provider._known
    assert known is not None
    clock.provider._known = type(known)(known.metadata, type(known.keys)([]), clock.now)
    clock.provider._tried = clock.now - 30
    assert (await house.ask(house.token(jti="too soon"))).status_code == 401
    clock.now += 31
    assert (await house.ask(house.token(jti="a minute later"))).status_code == 200


async def test_the_service_starts_without_the_provider_and_takes_no_token_unseen(house: House) -> None:
    house.provider.stop()
    try:
        app = application.create(settings_with(house.app.state.settings.dsn, house.provider))
        async with app.router.lifespan_context(app):
            source = next(each for each in app.state.identify._sources if hasattr(each, "_taken"))
            with pytest.raises(Exception, match="does not answer"):
                await source.find(house.token())
    finally:
        house.provider.start()


async def test_a_program_has_what_its_client_was_given(house: House) -> None:
    token = house.provider.program_token(PROGRAM)
    who = (await house.client.get("/session", headers={"Authorization": f"Bearer {token}"})).json()
    assert (who["name"], who["kind"]) == ("client:importer", "program")
    assert "catalog.edit" in who["rights"]
    assert "people.manage" not in who["rights"]
    # No program decides, whatever its client was given.
    assert "decisions.approve" not in who["rights"]
    assert (await house.ask(house.provider.program_token(STRANGE_CLIENT))).status_code == 401
    # Somebody who signed in through the program's client is somebody else.
    assert (await house.ask(house.token(sub="hoa", client_id=PROGRAM))).status_code == 401
    assert (await house.ask(house.token(sub=PROGRAM, client_id=CLIENT))).status_code == 401
    assert (await house.ask(house.token(sub=PROGRAM, client_id=PROGRAM))).status_code == 200


async def test_scopes_narrow_what_a_person_may(house: House) -> None:
    async def rights(**scopes: Any) -> set[str]:
        token = house.token(jti=str(scopes), **scopes)
        answer = await house.client.get("/session", headers={"Authorization": f"Bearer {token}"})
        return set(answer.json()["rights"])

    await house.person("hoa", Role.VIEWER)
    everything = await rights()
    assert {"network.read", "people.manage"} <= everything
    assert await rights(scope="openid profile") == everything
    assert await rights(scope="openid network.read alerts.handle") == {"network.read", "alerts.handle"}
    assert await rights(scp=["network.read"]) == {"network.read"}
    # A scope gives nothing that the person does not have.
    assert await rights(sub="hoa", scope="network.read people.manage") == {"network.read"}
    assert await rights(sub="hoa", scope="people.manage") == set()


async def test_a_token_of_the_provider_s_own_making_opens(house: House) -> None:
    """Of the whole way: code, PKCE, and Authlib's access token (RFC 9068), which says who the person is."""
    token = house.provider.program_token(PROGRAM, "profile network.read")
    assert (await house.ask(token)).status_code == 200
    answer = await house.client.post("/v1/organizations", json={}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
