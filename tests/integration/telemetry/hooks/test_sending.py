"""One attempt against real servers: what it tells of them, its bounds, and that no byte goes where none may go."""

import asyncio
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from telemetry.hooks.webhooks import guarding
from telemetry.hooks.webhooks.guarding import Policy
from telemetry.hooks.webhooks.sending import Bounds, Resolver, Sender
from tests.fixtures import receivers
from tests.fixtures.receivers import Authority, Receiver, answering, local_policy, receiving

NAME = "alarms.example.vn"
BODY = b'{"type":"alert.raised"}'
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
SOON = Bounds(seconds=1.0)


async def _nobody(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host}:{port} was resolved")


def _sender(*known: Receiver, bounds: Bounds = SOON) -> Sender:
    return Sender(local_policy(*known), _nobody, bounds=bounds)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return receivers.authority(Path(tmp_path_factory.mktemp("authority")))


async def test_a_delivery_arrives_byte_for_byte() -> None:
    async with receiving() as receiver:
        reply = await _sender(receiver).post(receiver.url + "?a=%20b", HEADERS, BODY)
        (hit,) = receiver.hits
    assert (reply.status, reply.arrived, reply.error, reply.address) == (204, True, "", "127.0.0.1")
    assert (hit.line, hit.body) == ("POST /hook?a=%20b HTTP/1.1", BODY)
    assert hit.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert hit.headers["content-type"] == "application/json"
    assert {name: hit.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_an_arrival(status: int) -> None:
    async with receiving(answering(status)) as receiver:
        assert (await _sender(receiver).post(receiver.url, HEADERS, BODY)).arrived


@pytest.mark.parametrize("status", [300, 301, 302, 307, 400, 404, 410, 429, 500, 503])
async def test_every_other_status_is_a_failure(status: int) -> None:
    async with receiving(answering(status, "retry-after: 7\r\n", b"no\r\n\x1b[31m today")) as receiver:
        reply = await _sender(receiver).post(receiver.url, HEADERS, BODY)
    assert (reply.status, reply.arrived, reply.retry_after, reply.answer) == (status, False, "7", "no [31m today")


async def test_no_redirect_is_followed() -> None:
    async with receiving() as aim:
        for status in (301, 302, 303, 307, 308):
            async with receiving(answering(status, f"location: {aim.url}\r\n")) as receiver:
                sender = Sender(local_policy(receiver, aim), _nobody, bounds=SOON)
                reply = await sender.post(receiver.url, HEADERS, BODY)
                assert (reply.status, len(receiver.hits)) == (status, 1)
        assert aim.connections == 0


@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (receivers.sleeping(60), "no answer within 0.5 s"),
        (receivers.dripping_headers, "no answer within 0.5 s"),
        (receivers.closing, "the connection was closed without an answer, or the answer is not HTTP"),
        (receivers.resetting, "the connection broke"),
        (receivers.talking_nonsense, "the connection was closed without an answer, or the answer is not HTTP"),
    ],
    ids=["sleeps", "drips", "closes", "resets", "nonsense"],
)
async def test_a_receiver_that_does_not_answer_is_left_in_time(behave: receivers.Behaviour, told: str) -> None:
    async with receiving(behave) as receiver:
        reply = await _sender(receiver, bounds=Bounds(seconds=0.5)).post(receiver.url, HEADERS, BODY)
    assert (reply.status, reply.error, reply.address) == (None, told, "127.0.0.1")
    assert reply.milliseconds < 800


@pytest.mark.parametrize("behave", [receivers.without_end, receivers.dripping_body], ids=["endless", "drips"])
async def test_an_answer_counts_although_its_body_has_no_end(behave: receivers.Behaviour) -> None:
    async with receiving(behave) as receiver:
        began = time.monotonic()
        reply = await _sender(receiver, bounds=Bounds(seconds=5)).post(receiver.url, HEADERS, BODY)
        assert time.monotonic() - began < 2
    assert (reply.arrived, len(reply.answer) <= 200) == (True, True)


async def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        policy = Policy(receivers=(guarding.receiver("http://127.0.0.1"),), ports=frozenset({bound.getsockname()[1]}))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        reply = await Sender(policy, _nobody, bounds=SOON).post(url, HEADERS, BODY)
    assert (reply.status, reply.error) == (None, "no connection could be made")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f000001:{port}/",
        "https://0177.0.0.1:{port}/",
        "https://127.1:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://[::1]:{port}/",
        "https://[64:ff9b::7f00:1]:{port}/",
        "https://[2002:7f00:1::]:{port}/",
        "https://localhost:{port}/",
        "https://127.0.0.1.:{port}/",
        "https://user@127.0.0.1:{port}/",
        "https://example.vn@127.0.0.1:{port}/",
        "https://[fe80::1%25lo]:{port}/",
        "https://１２７.0.0.1:{port}/",
    ],
)
async def test_no_byte_reaches_this_machine_unless_it_is_listed(url: str) -> None:
    async with receiving() as receiver:
        sender = Sender(Policy(ports=frozenset({443, receiver.port})), Resolver(1), bounds=SOON)
        reply = await sender.post(url.format(port=receiver.port), HEADERS, BODY)
        assert (reply.refused, reply.status, reply.address) == (True, None, None)
        assert reply.error.startswith("refused: ")
        assert receiver.connections == 0


async def test_a_name_that_resolves_to_this_machine_is_refused() -> None:
    async with receiving() as receiver:

        async def resolve(_: str, __: int) -> Sequence[str]:
            return ["127.0.0.1"]

        sender = Sender(Policy(ports=frozenset({receiver.port})), resolve, bounds=SOON)
        reply = await sender.post(f"https://{NAME}:{receiver.port}/", HEADERS, BODY)
        assert (reply.refused, receiver.connections) == (True, 0)


class Rebinding:
    """A name server that answers with a public address first and with this machine ever after."""

    def __init__(self, first: str) -> None:
        self.asked = 0
        self._first = first

    async def __call__(self, _: str, __: int) -> Sequence[str]:
        self.asked += 1
        return [self._first if self.asked == 1 else "127.0.0.1"]


async def test_a_name_that_is_bound_anew_after_the_check_leads_nowhere() -> None:
    """The connection is made to the address that was checked: the name is asked once for an attempt."""
    async with receiving() as receiver:
        # Addresses for documentation stand for a public one: nothing can be reached there, and the check is our own.
        resolve = Rebinding("127.0.0.2")
        policy = Policy(receivers=(guarding.receiver(f"http://127.0.0.2:{receiver.port}"),))
        sender = Sender(policy, resolve, bounds=SOON)
        url = f"http://{NAME}:{receiver.port}/"
        reply = await sender.post(url, HEADERS, BODY)
        assert (resolve.asked, reply.address, reply.error) == (1, "127.0.0.2", "no connection could be made")
        reply = await sender.post(url, HEADERS, BODY)
        assert (resolve.asked, reply.refused) == (2, True)
        assert receiver.connections == 0


async def test_every_attempt_asks_anew_and_goes_where_the_answer_says() -> None:
    async with receiving(name=NAME) as here, receiving(host="127.0.0.2", name=NAME) as there:
        answers = iter([["127.0.0.1"], ["127.0.0.2"]])

        async def resolve(_: str, __: int) -> Sequence[str]:
            return next(answers)

        policy = local_policy(here, there)
        sender = Sender(policy, resolve, bounds=SOON)
        assert (await sender.post(here.url, HEADERS, BODY)).address == "127.0.0.1"
        assert (await sender.post(there.url, HEADERS, BODY)).address == "127.0.0.2"
        assert (len(here.hits), len(there.hits)) == (1, 1)
        assert here.hits[0].headers["host"] == f"{NAME}:{here.port}"


async def test_tls_is_spoken_with_the_name_at_the_address_that_was_chosen(authority: Authority) -> None:
    async def resolve(_: str, __: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with receiving(name=NAME, tls=authority.server(NAME)) as receiver:
        policy = Policy(receivers=(guarding.receiver(f"{NAME}:{receiver.port}"),))
        reply = await Sender(policy, resolve, authority.client(), SOON).post(receiver.url, HEADERS, BODY)
        assert (reply.error, reply.status, reply.address) == ("", 204, "127.0.0.1")


@pytest.mark.parametrize(
    ("names", "expired", "told"),
    [
        (["other.example.vn"], False, "Hostname mismatch"),
        ([NAME], True, "certificate has expired"),
        (["127.0.0.1"], False, "Hostname mismatch"),
    ],
)
async def test_a_wrong_certificate_is_told_and_nothing_is_sent(
    authority: Authority, names: list[str], *, expired: bool, told: str
) -> None:
    async def resolve(_: str, __: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with receiving(name=NAME, tls=authority.server(*names, expired=expired)) as receiver:
        policy = Policy(receivers=(guarding.receiver(f"{NAME}:{receiver.port}"),))
        reply = await Sender(policy, resolve, authority.client(), SOON).post(receiver.url, HEADERS, BODY)
        assert reply.error.startswith("the certificate is not accepted: ")
        assert told in reply.error
        assert receiver.hits == []


async def test_an_unknown_authority_is_told(authority: Authority) -> None:
    async with receiving(tls=authority.server("127.0.0.1")) as receiver:
        policy = Policy(receivers=(guarding.receiver(f"127.0.0.1:{receiver.port}"),))
        reply = await Sender(policy, _nobody, bounds=SOON).post(receiver.url, HEADERS, BODY)
    assert reply.error.startswith("the certificate is not accepted: ")


async def test_a_receiver_without_tls_behind_https_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    policy = Policy(receivers=(guarding.receiver(f"127.0.0.1:{port}"),))
    reply = await Sender(policy, _nobody, bounds=SOON).post(f"https://127.0.0.1:{port}/", HEADERS, BODY)
    server.close()
    assert (reply.status, reply.error) == (None, "TLS could not be agreed on")


async def test_a_name_that_does_not_resolve_is_told() -> None:
    async def resolve(_: str, __: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    reply = await Sender(Policy(), resolve, bounds=SOON).post(f"https://{NAME}/", HEADERS, BODY)
    assert (reply.error, reply.refused) == ("the name does not resolve", False)


async def test_a_name_server_that_does_not_answer_ends_with_the_attempt() -> None:
    async def resolve(_: str, __: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    reply = await Sender(Policy(), resolve, bounds=Bounds(seconds=0.2)).post(f"https://{NAME}/", HEADERS, BODY)
    assert reply.error == "no answer within 0.2 s"


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert (await _sender(receiver).post(receiver.url, HEADERS, BODY)).arrived
        assert proxy.connections == 0


async def test_the_system_resolves_names_in_order_and_without_doubles() -> None:
    resolve = Resolver(1)
    found = await resolve("localhost", 443)
    assert "127.0.0.1" in found or "::1" in found
    assert len(set(found)) == len(found)
    with pytest.raises(OSError, match=r"not known|No address|Temporary failure"):
        await resolve("no-such-name.invalid", 443)
    resolve.close()
