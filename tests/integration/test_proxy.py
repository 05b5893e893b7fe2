"""The proxy of deploy/ in front of a real server: what it ends, what it hides, and what it passes on untouched."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

_CONFIGURATION = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Gateway:
    """A server behind the proxy that remembers the requests it got."""

    requests: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.requests.append(head)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nServer: secret/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass(frozen=True)
class Proxy:
    https: int
    mqtts: int
    gateway: Gateway
    trust: ssl.SSLContext

    async def raw(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port, ssl=self.trust, server_hostname="localhost")

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"https://localhost:{self.https}", verify=self.trust, trust_env=False)


def _certificate(folder: Path) -> Path:
    """One PEM file with a self-signed certificate and its key."""
    chain, key, both = folder / "chain.pem", folder / "key.pem", folder / "both.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(chain),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(chain.read_bytes() + key.read_bytes())
    return both


async def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    pytest.fail(f"nothing listens on {port}")


@pytest.fixture(scope="module")
async def proxy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxy]:
    missing = [name for name in ("haproxy", "openssl") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")
    folder = tmp_path_factory.mktemp("proxy")
    certificate = _certificate(folder)
    gateway = Gateway()
    server = await asyncio.start_server(gateway.answer, "127.0.0.1", 0)
    behind = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    https, mqtts = _free_port(), _free_port()
    text = _CONFIGURATION.read_text(encoding="utf-8")
    text = text.replace("bind :8443", f"bind 127.0.0.1:{https}").replace("bind :8883", f"bind 127.0.0.1:{mqtts}")
    (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
    environment = os.environ | {"TLS_CERTIFICATE": str(certificate), "GATEWAY": behind, "BROKER": behind}
    process = await asyncio.create_subprocess_exec(
        "haproxy", "-db", "-f", str(folder / "haproxy.cfg"), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    trust = ssl.create_default_context(cafile=str(certificate))
    try:
        await _wait_for(https)
        yield Proxy(https, mqtts, gateway, trust)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
        server.close()
        await server.wait_closed()


async def test_a_request_passes_with_its_body_and_without_banners(proxy: Proxy) -> None:
    body = os.urandom(200_000)
    async with proxy.client() as client:
        answer = await client.post("/v1/observations", content=body)
    assert answer.content == body
    assert "server" not in answer.headers
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_address_that_a_client_claims_is_not_believed(proxy: Proxy) -> None:
    async with proxy.client() as client:
        await client.get("/v1/stations", headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
    head = proxy.gateway.requests[-1].lower()
    assert "203.0.113.9" not in head
    assert "x-forwarded-for: 127.0.0.1\r\n" in head


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/metrics?a=b"])
async def test_probes_and_metrics_are_not_reached_from_outside(proxy: Proxy, path: str) -> None:
    before = [head for head in proxy.gateway.requests if "x-forwarded-for" in head.lower()]
    async with proxy.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert [head for head in proxy.gateway.requests if "x-forwarded-for" in head.lower()] == before


async def test_a_head_that_is_too_long_is_refused(proxy: Proxy) -> None:
    reader, writer = await proxy.raw(proxy.https)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 60_000 + b"\r\n\r\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    assert line.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    writer.close()


async def test_too_many_headers_are_refused(proxy: Proxy) -> None:
    reader, writer = await proxy.raw(proxy.https)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"x%d: 1\r\n" % n for n in range(200)) + b"\r\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    assert line.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    writer.close()


async def _lasts(proxy: Proxy, port: int, first: bytes) -> float:
    """Seconds until the proxy ends a connection that sends one byte a second."""
    reader, writer = await proxy.raw(port)
    began = time.monotonic()
    writer.write(first)

    async def drip() -> None:
        while True:
            await asyncio.sleep(1)
            writer.write(b"x")
            await writer.drain()

    dripping = asyncio.create_task(drip())
    try:
        while await asyncio.wait_for(reader.read(4096), 20):
            pass
    except ConnectionError:
        pass
    finally:
        dripping.cancel()
        writer.close()
        await asyncio.gather(dripping, return_exceptions=True)
    return time.monotonic() - began


async def test_slow_senders_are_ended_in_time_and_others_are_served_meanwhile(proxy: Proxy) -> None:
    slow = [
        asyncio.create_task(_lasts(proxy, proxy.https, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")),
        asyncio.create_task(
            _lasts(proxy, proxy.https, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        ),
        asyncio.create_task(_idle(proxy)),
    ]
    async with proxy.client() as client:
        for _ in range(10):
            answer = await client.get("/v1/stations")
            assert answer.elapsed.total_seconds() < 2
            await asyncio.sleep(0.2)
    for seconds in await asyncio.gather(*slow):
        assert 8 < seconds < 13


async def _idle(proxy: Proxy) -> float:
    """Seconds until the proxy ends an MQTT connection that says nothing."""
    began = time.monotonic()
    reader, writer = await proxy.raw(proxy.mqtts)
    with suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return time.monotonic() - began


async def test_mqtt_bytes_pass_as_they_are(proxy: Proxy) -> None:
    reader, writer = await proxy.raw(proxy.mqtts)
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\x00\xff\x01")
    answer = await asyncio.wait_for(reader.readuntil(b"\x00\xff\x01"), 5)
    assert b"Server: secret/1.0" in answer
    writer.close()
