"""Guessing passwords is bounded by address and by name, and keeps nobody out who was here before."""

import asyncio
import time

import pytest

from core.rates import Rate
from core.rights import Role
from identity.people.passwords import Hasher
from identity.sessions import throttling
from tests.fixtures.sessions import NO_LIMIT, Lobby

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


async def statuses(lobby: Lobby, name: str, addresses: list[str], password: str = "không đúng đâu nhé") -> list[int]:  # noqa: S107 - wrong
    return [(await lobby.browser(address).sign_in(name, password)).status_code for address in addresses]


async def test_an_address_is_slowed_whatever_names_it_tries(lobby: Lobby) -> None:
    lobby.limit(4, NO_LIMIT)
    found = [(await lobby.browser(ELSEWHERE).sign_in(f"th.any{n}")).status_code for n in range(6)]
    assert found == [401] * 4 + [429] * 2
    answer = await lobby.browser(ELSEWHERE).sign_in("th.any")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["type"] == "urn:quantrac:problem:too-many-failures"


async def test_a_network_of_ipv6_is_one_place(lobby: Lobby) -> None:
    lobby.limit(4, NO_LIMIT)
    found = await statuses(lobby, "th.six", [f"2001:db8::{n:x}" for n in range(1, 7)])
    assert found == [401] * 4 + [429] * 2


@pytest.mark.parametrize("name", ["th.known", "th.unknown"])
async def test_a_name_is_slowed_from_wherever_it_is_tried_and_whether_anybody_has_it(lobby: Lobby, name: str) -> None:
    if name == "th.known":
        await lobby.add(name, Role.VIEWER)
    lobby.limit(NO_LIMIT, 3)
    assert await statuses(lobby, name, [f"203.0.113.{n}" for n in range(5)]) == [401] * 3 + [429] * 2


async def test_strangers_keep_nobody_out_from_where_they_signed_in_before(lobby: Lobby) -> None:
    await lobby.add("th.owner", Role.VIEWER)
    await lobby.signed_in("th.owner", HOME)
    # The process is started again: what it remembers is in the table of sessions.
    lobby.limit(NO_LIMIT, 3)
    assert await statuses(lobby, "th.owner", [f"203.0.113.{n}" for n in range(5)]) == [401] * 3 + [429] * 2
    assert (await lobby.browser(HOME).sign_in("th.owner")).status_code == 204
    # Whoever is new has to wait, with the right password too: it cannot be told from a guess.
    assert (await lobby.browser("203.0.113.99").sign_in("th.owner")).status_code == 429


async def test_a_known_place_has_an_allowance_of_its_own_and_not_without_end(lobby: Lobby) -> None:
    await lobby.add("th.neighbour", Role.VIEWER)
    await lobby.signed_in("th.neighbour", HOME)
    lobby.limit(NO_LIMIT, 3)
    found = await statuses(lobby, "th.neighbour", [HOME] * 5)
    assert found[-1] == 429
    assert found.count(401) <= 4


async def test_an_acquaintance_ends_after_a_month(lobby: Lobby) -> None:
    await lobby.add("th.month", Role.VIEWER)
    await lobby.signed_in("th.month", HOME)
    lobby.clock.move(days=31)
    lobby.limit(NO_LIMIT, 3)
    await statuses(lobby, "th.month", [f"203.0.113.{n}" for n in range(4)])
    assert (await lobby.browser(HOME).sign_in("th.month")).status_code == 429


async def test_patience_is_bounded_by_the_hour(lobby: Lobby) -> None:
    await lobby.add("th.hour", Role.VIEWER)
    seconds = [0.0]
    gate = lobby.gateway.app.state.signing_in._gate
    gate._hourly = Rate(throttling._STRANGERS_AN_HOUR, lambda: seconds[0] / 60)
    found = await statuses(lobby, "th.hour", [ELSEWHERE] * 61)
    assert found == [401] * 60 + [429]
    seconds[0] = 61.0
    assert await statuses(lobby, "th.hour", [ELSEWHERE] * 2) == [401, 429]


async def test_many_passwords_at_once_are_hashed_one_after_another_and_readings_are_taken_meanwhile(
    lobby: Lobby,
) -> None:
    """With the real price of a hash: strangers fill the line, a station goes on reporting."""
    key = await lobby.gateway.key_of("TH-NT-001")

    async def slowest(times: int) -> float:
        found = 0.0
        for n in range(times):
            begun = time.perf_counter()
            await lobby.gateway.report(key, COD=40 + n)
            found = max(found, time.perf_counter() - begun)
        return found

    await slowest(2)
    calm = await slowest(5)
    with Hasher() as real:
        lobby.gateway.app.state.signing_in._hasher = real
        storm = [asyncio.create_task(lobby.browser().sign_in(f"th.storm{n}")) for n in range(24)]
        await asyncio.wait(storm, return_when=asyncio.FIRST_COMPLETED)
        stormy = await slowest(5)
        still_waiting = real._waiting
        answers = [task.result().status_code for task in storm if task.done()]
        real.__exit__()
        for task in storm:
            task.cancel()
        await asyncio.gather(*storm, return_exceptions=True)
    assert 503 in answers
    assert still_waiting > 0
    # The line holds 16; a reading that had to wait for it would take a second or two.
    assert stormy < max(20 * calm, 1.0)
