"""What the provider answers is bounded in time and size, and it sends us nowhere; the doctor says how it stands."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from core import instants
from gateway import oidc
from gateway.doctoring import examining
from gateway.doctoring.findings import Finding, Level
from identity.oidc.errors import ProviderFault
from identity.oidc.outbound import Outbound
from tests.fixtures.bearers import settings_with
from tests.fixtures.providers import IdentityProvider

DSN = "postgresql://nobody:nothing@127.0.0.1:1/none"


@asynccontextmanager
async def server(*parts: bytes, pause: float = 0) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Sends these bytes to whoever asks, with a pause between them; its address, and what was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", asked


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


async def refused(url: str, seconds: float = 5) -> str:
    async with Outbound(ssl.create_default_context(), seconds) as outbound:
        with pytest.raises(ProviderFault) as caught:
            await outbound.get(url)
    return str(caught.value)


async def test_a_plain_answer_is_read_with_the_time_it_tells() -> None:
    async with (
        server(http(b'{"a": 1}', Date="Mon, 23 Nov 2026 08:00:00 GMT")) as (url, asked),
        Outbound(ssl.create_default_context(), 5) as outbound,
    ):
        answer = await outbound.get(url)
    assert (answer.document, answer.date) == ({"a": 1}, instants.parse("2026-11-23T08:00:00Z"))
    assert b"accept-encoding: identity" in asked[0].lower()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http(b"{}", "302 Found", Location="http://127.0.0.1:1/elsewhere"), "answered 302"),
        (http(b'{"error": "no"}', "500 No"), "answered 500"),
        (http(b"<html>"), "no JSON"),
        (http(b"[1]"), "no JSON object"),
        (http(b"[" * 100_000), "no JSON"),
        (http(b"\xff\xfe"), "no JSON"),
        (http(gzip.compress(b"{}"), Content_Encoding="gzip"), "not asked for"),
        (http(b'{"a": "' + b"x" * 2**20 + b'"}'), "more than"),
        (b"nonsense\r\n\r\n", "RemoteProtocolError"),
        (http(b"{", Content_Length="100"), "RemoteProtocolError"),
        (b"", "RemoteProtocolError"),
    ],
    ids=range(11),
)
async def test_an_answer_that_cannot_be_used_is_none(answer: bytes, why: str) -> None:
    async with server(answer) as (url, asked):
        assert why in await refused(url)
    assert len(asked) == 1


async def test_an_answer_that_comes_drop_by_drop_is_not_waited_for() -> None:
    async with server(http(b""), *[b" "] * 200, pause=0.1) as (url, _):
        assert await refused(url, seconds=0.3) == "TimeoutError"


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(http(b'{"proxy": 1}')) as (proxy, asked):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert "ConnectError" in await refused("http://127.0.0.1:1/")
    assert asked == []


async def examined(provider: IdentityProvider, **given: str) -> dict[str, Finding]:
    found = await examining._provider(settings_with(DSN, provider, **given))
    return {finding.looked_at: finding for finding in found}


async def test_the_doctor_finds_a_provider_that_is_there(identity_provider: IdentityProvider) -> None:
    found = await examined(identity_provider)
    noticed = [finding.looked_at for finding in found.values() if finding.level is not Level.OK]
    # The suite's provider is on this machine.
    assert noticed == ["encryption of the way to the identity provider"]
    assert "keys that signatures are checked with: 3" in found[f"identity provider {identity_provider.issuer}"].found


async def test_the_doctor_finds_a_provider_that_is_another_or_not_there(identity_provider: IdentityProvider) -> None:
    for issuer in (identity_provider.issuer + "/", "http://127.0.0.1:1"):
        found = await examined(identity_provider, issuer=issuer)
        assert found[f"identity provider {issuer}"].level is Level.FAULT


async def test_the_doctor_finds_settings_that_cannot_be_used(identity_provider: IdentityProvider) -> None:
    (finding,) = (await examined(identity_provider, roles="admins=chief")).values()
    assert finding.level is Level.FAULT
    assert "'chief'" in finding.found


async def test_the_certificate_of_the_provider_has_to_be_of_a_known_authority(
    identity_provider: IdentityProvider,
) -> None:
    """Nobody in the middle: the one of the settings counts beside the usual ones, and none is taken unseen."""
    plan = oidc.plan(settings_with(DSN, identity_provider))
    assert plan is not None
    assert plan.tls.verify_mode is ssl.CERT_REQUIRED
    assert plan.tls.check_hostname
