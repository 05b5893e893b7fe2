"""The edges of the gateway: who is slowed down, whose address counts, who may ask from where, what is not public."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.types import Message

from core import instants, log
from core.throttling import Throttle
from gateway import application
from gateway.body_limits import BodyLimit
from gateway.edges import front
from gateway.sections import HttpSettings
from gateway.settings import Settings
from tests.fixtures.applications import TOKEN, Gateway
from tests.fixtures.entrances import Offered

SECRET = "A" * 43
ELSEWHERE, STATION_HOME = "203.0.113.9", "198.51.100.7"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
async def gateway(standing_gateway: Gateway) -> Gateway:
    return standing_gateway


@pytest.fixture(scope="module")
async def key(gateway: Gateway) -> str:
    """Of a station."""
    return await gateway.key_of("TH-NT-001")


@pytest.fixture
def clock(gateway: Gateway) -> Iterator[Clock]:
    """Ten failures a minute from one address, five for one name, twenty requests of one principal."""
    state, turned = gateway.app.state, Clock()
    before, state.throttle = state.throttle, Throttle(10, 5, 20, clock=turned)
    yield turned
    state.throttle = before


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The events that are logged in the block."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    found: list[dict[str, Any]] = []
    log.configure("INFO", stream)
    try:
        yield found
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        found += [json.loads(line) for line in stream.getvalue().splitlines()]


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def tried(client: httpx.AsyncClient, credential: str, path: str = "/v1/stations") -> httpx.Response:
    return await client.get(path, headers=bearer(credential))


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """All that an answer tells, but for the id of the request."""
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, answer.json()


def behind(gateway: Gateway, **settings: str) -> Any:
    """The application behind what these settings put in front of it."""
    return front.in_front_of(gateway.entrance, Settings().model_copy(update={"http": HttpSettings(**settings)}))


# Credentials that nobody has.


async def test_an_address_that_tries_many_keys_is_told_to_wait(gateway: Gateway, clock: Clock) -> None:
    async with gateway.at(ELSEWHERE) as stranger, gateway.at("203.0.113.10") as other:
        answers = [await tried(stranger, f"st_{number:08}.{SECRET}") for number in range(12)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        assert answers[-1].json()["type"] == "urn:quantrac:problem:too-many-failures"
        assert answers[-1].headers["retry-after"] == "6"
        assert (await tried(other, f"st_00000000.{SECRET}")).status_code == 401
        clock.now += 6
        assert [(await tried(stranger, f"st_nobody00.{SECRET}")).status_code for _ in range(2)] == [401, 429]


async def test_nobody_learns_which_keys_there_are(gateway: Gateway, key: str, clock: Clock) -> None:
    there = key.partition(".")[0]
    told = []
    for name, address in ((there, "203.0.113.1"), ("st_nobody00", "203.0.113.2")):
        async with gateway.at(address) as stranger:
            told.append([said(await tried(stranger, f"{name}.{SECRET}")) for _ in range(8)])
    assert told[0] == told[1]
    assert [status for status, _, _ in told[0]] == [401] * 5 + [429] * 3
    assert clock.now == 1000


async def test_who_knows_the_id_of_a_key_cannot_keep_its_station_out(gateway: Gateway, key: str, clock: Clock) -> None:
    for number in range(20):
        async with gateway.at(f"203.0.113.{number}") as stranger:
            answer = await tried(stranger, f"{key.partition('.')[0]}.{SECRET}")
            assert answer.status_code == (401 if number < 5 else 429)
    body = {"phenomenonTime": "2026-01-02T03:04:05Z", "readings": {"COD": 1}}
    async with gateway.at(STATION_HOME) as station, gateway.at("203.0.113.19") as neighbour:
        for client in (station, neighbour):
            assert (await client.post("/v1/observations", json=body, headers=bearer(key))).status_code == 200
            assert (await tried(client, key, "/v1/latest")).status_code == 200
    assert clock.now == 1000


async def test_a_thousand_bad_keys_are_bounded_in_answers_logs_and_memory(
    gateway: Gateway, key: str, clock: Clock
) -> None:
    with logged() as events:
        async with gateway.at(ELSEWHERE) as stranger, gateway.at(STATION_HOME) as station:

            async def guess(number: int) -> int:
                path = "/v1/observations" if number % 2 else "/v1/stations"
                method = "POST" if number % 2 else "GET"
                headers = bearer(f"st_{number:08}.{SECRET}")
                return (await stranger.request(method, path, headers=headers)).status_code

            answers = await asyncio.gather(*(guess(number) for number in range(1000)))
            assert (await tried(station, key, "/v1/latest")).status_code == 200
    assert (answers.count(401), answers.count(429)) == (10, 990)
    refused = [event for event in events if event["event"] == "access.refused"]
    assert len(refused) == 10
    assert {event["address"] for event in refused} == {ELSEWHERE}
    assert SECRET not in json.dumps(events)
    assert clock.now == 1000


async def test_wrong_tokens_of_a_throttled_address_are_not_looked_up(gateway: Gateway, clock: Clock) -> None:
    asked: list[str] = []
    identify = gateway.app.state.identify

    async def counting(presented: Any) -> Any:
        asked.append(presented.bearer)
        return await identify(presented)

    gateway.app.state.identify = counting
    async with gateway.at(ELSEWHERE) as stranger, gateway.at(STATION_HOME) as staff:
        assert (await tried(stranger, TOKEN)).status_code == 200
        answers = [await tried(stranger, f"qt_{number:08}.{SECRET}") for number in range(30)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 20
        assert len(asked) == 11
        # The staff that is at home there, and elsewhere, goes on.
        assert (await tried(stranger, TOKEN)).status_code == 200
        assert (await tried(staff, TOKEN)).status_code == 200
    gateway.app.state.identify = identify
    assert clock.now == 1000


async def test_no_credential_at_all_is_no_attempt(gateway: Gateway, clock: Clock) -> None:
    async with gateway.at(ELSEWHERE) as stranger:
        assert {(await stranger.get("/v1/stations")).status_code for _ in range(30)} == {401}
    assert clock.now == 1000


async def test_one_principal_has_a_rate_and_others_have_their_own(gateway: Gateway, key: str, clock: Clock) -> None:
    answers = [await gateway.get("/v1/quality-flags") for _ in range(22)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 2
    assert answers[-1].json()["type"] == "urn:quantrac:problem:too-many-requests"
    assert answers[-1].headers["retry-after"] == "3"
    answers = [await gateway.get("/v1/quality-flags", key) for _ in range(22)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 2
    clock.now += 3
    assert (await gateway.get("/v1/quality-flags")).status_code == 200


# Addresses.


async def test_a_forged_address_fools_neither_throttle_nor_log(gateway: Gateway, clock: Clock) -> None:
    app = behind(gateway, trusted_proxies="10.0.0.1")
    with logged() as events:
        async with gateway.at(ELSEWHERE, app) as stranger:
            for number in range(12):
                headers = bearer(f"st_{number:08}.{SECRET}") | {"X-Forwarded-For": f"192.0.2.{number}"}
                last = await stranger.get("/v1/stations", headers=headers)
        async with gateway.at("10.0.0.1", app) as proxy:
            # What the stranger wrote stands left of what the proxy saw.
            headers = bearer(f"st_00000000.{SECRET}") | {"X-Forwarded-For": f"127.0.0.1, {ELSEWHERE}"}
            through = await proxy.get("/v1/stations", headers=headers)
            headers["X-Forwarded-For"] = "192.0.2.77"
            other = await proxy.get("/v1/stations", headers=headers)
    assert (last.status_code, through.status_code, other.status_code) == (429, 429, 401)
    addresses = [event["address"] for event in events if event["event"] == "access.refused"]
    assert addresses == [ELSEWHERE] * 10 + ["192.0.2.77"]
    assert clock.now == 1000


async def test_all_addresses_of_one_subscriber_are_throttled_as_one(gateway: Gateway, clock: Clock) -> None:
    answers = []
    for number in range(12):
        async with gateway.at(f"2001:db8:1:2::{number:x}") as stranger:
            answers.append((await tried(stranger, f"st_{number:08}.{SECRET}")).status_code)
    assert answers == [401] * 10 + [429] * 2
    async with gateway.at("2001:db8:1:3::1") as other:
        assert (await tried(other, f"st_00000000.{SECRET}")).status_code == 401
    assert clock.now == 1000


async def test_who_is_denied_something_is_logged(gateway: Gateway, key: str) -> None:
    with logged() as events:
        async with gateway.at(STATION_HOME) as station:
            assert (await tried(station, key, "/v1/receipts?station=TH-NT-002")).status_code == 403
    (denied,) = [event for event in events if event["event"] == "access.denied"]
    assert (denied["principal"], denied["address"]) == (key.partition(".")[0], STATION_HOME)
    assert (denied["method"], denied["path"]) == ("GET", "/v1/receipts")


# Requests that are taken as they came, see `core.exchanges`.


def posted(credential: str, address: str = STATION_HOME, **headers: str) -> Offered:
    """A packet of this second."""
    body = {"phenomenonTime": instants.text(instants.now().replace(microsecond=0)), "readings": {"COD": 1}}
    given = bearer(credential) | {"Content-Type": "application/json", "Host": "quantrac.example.vn"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Offered(given, json.dumps(body).encode(), client=(address, 4711), state={})


async def the_other_way(app: Any, exchange: Offered) -> int:
    """The status of what was not taken, once it went on with the scope that it has."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": exchange.body}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(exchange.scope, receive, send)
    status: int = sent[0]["status"]
    return status


async def test_what_is_taken_through_a_proxy_comes_from_who_is_behind_it(gateway: Gateway, key: str) -> None:
    app = behind(gateway, trusted_proxies="10.0.0.1", hosts="quantrac.example.vn")
    right = posted(key, "10.0.0.1", X_Forwarded_For=f"127.0.0.1, {ELSEWHERE}")
    wrong = posted(f"st_nobody00.{SECRET}", "10.0.0.1", X_Forwarded_For=f"127.0.0.1, {ELSEWHERE}")
    forged = posted(f"st_nobody00.{SECRET}", STATION_HOME, X_Forwarded_For=ELSEWHERE)
    with logged() as events:
        assert [app.take(exchange) for exchange in (right, wrong, forged)] == [True] * 3
        assert [(await exchange.answered())[0] for exchange in (right, wrong, forged)] == [200, 401, 401]
    assert [exchange.scope["client"][0] for exchange in (right, wrong, forged)] == [ELSEWHERE, ELSEWHERE, STATION_HOME]
    assert [event["address"] for event in events if event["event"] == "access.refused"] == [ELSEWHERE, STATION_HOME]


async def test_what_is_not_taken_goes_on_from_who_is_behind_the_proxy(gateway: Gateway) -> None:
    app = behind(gateway, trusted_proxies="10.0.0.0/24")
    with logged() as events:
        exchange = posted("nobody", "10.0.0.1", X_Forwarded_For=f"{ELSEWHERE}, 10.0.0.9")
        assert not app.take(exchange)
        assert await the_other_way(app, exchange) == 401
    assert [event["address"] for event in events if event["event"] == "access.refused"] == [ELSEWHERE]


async def test_only_for_the_hosts_of_the_settings_is_anything_taken(gateway: Gateway, key: str) -> None:
    app = behind(gateway, trusted_proxies="10.0.0.1", hosts="quantrac.example.vn")
    for host, status in (("quantrac.example.vn:8443", None), ("evil.example", 421), ("", 421)):
        exchange = posted(key, Host=host)
        assert app.take(exchange) is (status is None)
        if status is None:
            assert (await exchange.answered())[0] == 200
        else:
            assert await the_other_way(app, exchange) == status
            assert not exchange.is_answered
    twice = posted(key)
    twice.scope["headers"].append((b"host", b"evil.example"))
    assert not app.take(twice)
    assert await the_other_way(app, twice) == 421


async def test_behind_what_knows_no_exchanges_nothing_is_taken(gateway: Gateway, key: str) -> None:
    settings = {"trusted_proxies": "10.0.0.1", "hosts": "quantrac.example.vn", "origins": "https://map.example.vn"}
    exchange = posted(key, Origin="https://map.example.vn")
    app = behind(gateway, **settings)
    assert not app.take(exchange)
    assert await the_other_way(app, exchange) == 200


# Hosts and sites.


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("quantrac.example.vn", 200),
        ("QUANTRAC.example.vn:8443", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("quantrac.example.vn.evil.example", 421),
        ("", 421),
    ],
)
async def test_only_the_hosts_of_the_settings_are_answered_for(gateway: Gateway, host: str, status: int) -> None:
    async with gateway.at(ELSEWHERE, behind(gateway, hosts="quantrac.example.vn, [::1]")) as client:
        answer = await client.get("/v1/quality-flags", headers=bearer(TOKEN) | {"Host": host})
        assert answer.status_code == status
        if status == 421:
            assert answer.json()["type"] == "urn:quantrac:problem:other-host"
        assert (await client.get("/livez", headers={"Host": host})).status_code == 200


async def test_pages_of_other_sites_may_not_ask(gateway: Gateway) -> None:
    asking = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert (await gateway.client.options("/v1/stations", headers=asking)).status_code == 401
    answer = await gateway.client.get("/v1/stations", headers=bearer(TOKEN) | asking)
    assert [name for name in answer.headers if name.startswith("access-control")] == []


async def test_pages_of_the_sites_of_the_settings_may_ask_with_a_token_and_never_with_a_cookie(
    gateway: Gateway,
) -> None:
    app = behind(gateway, origins="https://map.example.vn")
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    async with gateway.at(ELSEWHERE, app) as client:
        for path in ("/v1/stations", "/v1/observations"):
            before = await client.options(path, headers=asking | {"Origin": "https://map.example.vn"})
            assert before.status_code == 200
            assert before.headers["access-control-allow-origin"] == "https://map.example.vn"
            assert "access-control-allow-credentials" not in before.headers
            for origin in (
                "https://evil.example",
                "https://map.example.vn.evil.example",
                "null",
                "http://map.example.vn",
            ):
                before = await client.options(path, headers=asking | {"Origin": origin})
                assert before.status_code == 400
                assert "access-control-allow-origin" not in before.headers
        answer = await client.get("/v1/stations", headers=bearer(TOKEN) | {"Origin": "https://map.example.vn"})
        assert answer.headers["access-control-allow-origin"] == "https://map.example.vn"
        assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("text", ["*", "map.example.vn", "https://map.example.vn/", "https://*.example.vn", "null"])
def test_only_exact_origins_can_be_set(text: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        HttpSettings(origins=text)


# Headers.


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/stations", 200),
        ("GET", "/v1/stations/TH-XX-999", 404),
        ("GET", "/v1/stations?nothing=1", 422),
        ("PUT", "/v1/stations", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/metrics", 200),
        ("GET", "/livez", 200),
        ("POST", "/v1/observations", 415),
    ],
)
async def test_what_is_no_page_is_not_kept_not_framed_and_not_run(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    answer = await gateway.client.request(method, path, headers=bearer(TOKEN))
    assert answer.status_code == status, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    if path != "/v1/observations":
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "geolocation=()" in answer.headers["permissions-policy"]


async def test_pages_keep_their_own_policy(gateway: Gateway) -> None:
    answer = await gateway.client.get("/")
    assert answer.headers.get_list("content-security-policy") == [answer.headers["content-security-policy"]]
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


# What is not public.


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
async def test_the_interface_is_described_to_those_who_signed_in(gateway: Gateway, key: str, path: str) -> None:
    assert (await gateway.client.get(path)).status_code == 401
    for credential in (TOKEN, key):
        assert (await gateway.client.get(path, headers=bearer(credential))).status_code == 200


async def test_the_interface_is_public_where_the_settings_say_so(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTRAC_HTTP__PUBLIC_INTERFACE", "true")
    app = application.create(Settings())
    app.state.identify = gateway.app.state.identify
    # What it says takes long to write, and is said elsewhere.
    monkeypatch.setattr(app, "openapi", dict)
    async with gateway.at(ELSEWHERE, app) as client:
        assert {(await client.get(path)).status_code for path in ("/docs", "/openapi.json")} == {200}
        assert (await client.get("/v1/stations")).status_code == 401


async def test_metrics_may_be_read_from_networks_of_the_settings_and_only_directly(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTRAC_HTTP__METRICS_NETWORKS", "10.1.0.0/16,127.0.0.1")
    monkeypatch.setenv("QUANTRAC_HTTP__TRUSTED_PROXIES", "10.0.0.1")
    app = application.create(Settings())
    for name in ("identify", "database"):
        setattr(app.state, name, getattr(gateway.app.state, name))
    whole = front.in_front_of(app, Settings())

    async def asked(address: str, **headers: str) -> int:
        async with gateway.at(address, whole) as client:
            return (await client.get("/metrics", headers=headers)).status_code

    assert await asked("10.1.2.3") == 200
    assert await asked("203.0.113.9") == 401
    # A proxy on this machine that nobody named: the world is not this machine.
    assert await asked("127.0.0.1", **{"X-Forwarded-For": "203.0.113.9"}) == 401
    assert await asked("203.0.113.9", **{"X-Forwarded-For": "10.1.2.3"}) == 401
    assert await asked("10.0.0.1", **{"X-Forwarded-For": "203.0.113.9"}) == 401
    assert await asked("10.0.0.1", **{"X-Forwarded-For": "10.1.2.3"}) == 200
    assert await asked("10.1.2.3", Authorization="Bearer nobody's") == 200


# Bodies.


async def test_a_body_that_does_not_end_in_time_is_answered() -> None:
    async def drip() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def reading(_: Any, receive: Any, __: Any) -> None:
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass

    scope = {"type": "http", "method": "POST", "path": "/v1/stations", "headers": []}
    await BodyLimit(reading, most=1000, seconds=0.1)(scope, drip, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
