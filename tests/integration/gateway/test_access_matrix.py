"""Who the matrix lets in is let in, and who it does not is not: every role, a station and a stranger at every route."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from starlette.types import Message, Scope

from core.rights import Role
from core.throttling import Throttle
from gateway import access_matrix
from gateway.access_matrix import Rule
from tests.fixtures.applications import Gateway
from tests.fixtures.narrowing import Border, Passes, everywhere

OWN = "TH-NT-001"
# Of what nobody has; a path that is not here gets a number that nobody has.
_TEXTS = {
    "code": "NO-SUCH-STATION",
    "symbol": "NO-SUCH",
    "user": "nobody.here",
    "key_id": "st_aaaaaaaa",
    "token": "qt_aaaaaaaa",
    "report": "month",
}
_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Caller:
    """Who asks. station: the code that stands for `{code}`, as a station reads itself only."""

    credential: str | None
    station: str = _TEXTS["code"]


async def _status(gateway: Gateway, rule: Rule, caller: Caller) -> int:
    path = _filled(rule.path, caller)
    headers = [(b"content-type", b"application/json"), (b"if-match", b"*"), (b"host", b"gateway")]
    if caller.credential is not None:
        headers.append((b"authorization", f"Bearer {caller.credential}".encode()))
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": rule.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "server": ("gateway", 80),
        "client": ("192.0.2.7", 4711),
    }
    answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    parts = [b"{}"]

    async def receive() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        # Whoever knows the status hangs up: of a stream nothing more is waited for.
        await answered
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.set_result(message["status"])

    await asyncio.wait_for(gateway.entrance(scope, receive, send), timeout=20)
    return answered.result()


def _filled(path: str, caller: Caller) -> str:
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part.startswith("{"):
            name = part.strip("{}")
            parts[place] = caller.station if name == "code" else _TEXTS.get(name, str(_NUMBER))
    return "/".join(parts)


@pytest.fixture(scope="module")
async def border(standing_gateway: Gateway) -> Border:
    state, passes = standing_gateway.app.state, Passes()
    state.identify._sources = (passes, *state.identify._sources)
    # So many questions of one minute pass here.
    state.throttle = Throttle(0, 0, 0)
    return Border(standing_gateway, passes)


@pytest.fixture(scope="module")
def rules(standing_gateway: Gateway) -> list[Rule]:
    return access_matrix.rules(standing_gateway.app)


async def _wrong(
    border: Border, who: str, caller: Caller, rules: list[Rule], let_in: Callable[[Rule], bool]
) -> list[str]:
    """Where the answer is not the matrix's. What is not there, not valid or not set up is answered to who is let in."""
    found = []
    for rule in rules:
        status = await _status(border.gateway, rule, caller)
        if (status not in {401, 403}) != let_in(rule) or status == 500:
            found.append(f"{who} {rule.method} {rule.path}: {status}")
    return found


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_is_let_in_where_the_matrix_says_so_and_nowhere_else(
    border: Border, rules: list[Rule], role: Role
) -> None:
    caller = Caller(border.let_in(f"some.{role}", everywhere(role)).credential)
    assert await _wrong(border, role, caller, rules, lambda rule: rule.admits(role)) == []


async def test_a_station_is_let_in_where_the_matrix_says_so_and_nowhere_else(border: Border, rules: list[Rule]) -> None:
    caller = Caller(await border.gateway.key_of(OWN), OWN)
    assert await _wrong(border, "station", caller, rules, lambda rule: rule.stations) == []


async def test_a_stranger_is_let_in_nowhere(border: Border, rules: list[Rule]) -> None:
    assert {await _status(border.gateway, rule, Caller(None)) for rule in rules} == {401}


async def test_who_was_given_nothing_is_let_in_to_what_is_about_themselves(border: Border, rules: list[Rule]) -> None:
    caller = Caller(border.let_in("new.here").credential)
    assert await _wrong(border, "new", caller, rules, lambda rule: rule.right is None) == []
