"""The gateway process alone and behind the real proxy: floods, slow clients, and addresses that are made up."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.database import Database
from tests.fixtures import haproxies
from tests.fixtures.brokers import eventually, free_port
from tests.fixtures.databases import cloned
from tests.fixtures.haproxies import Haproxy, Stream
from tests.fixtures.ledger import Centre, centre_on

SECRET = "A" * 43
# Where clients come from. The proxy itself asks from 127.0.0.1, the one address that the gateway trusts.
ATTACKERS = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
OTHER = "127.0.0.20"
MEGABYTE = 2**20


@dataclass(frozen=True)
class Edge:
    centre: Centre
    gateway_pid: int
    front: Haproxy

    def direct(self, source: str = OTHER) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(local_address=source)
        return httpx.AsyncClient(base_url=self.centre.url, transport=transport, timeout=20)

    def proxied(self, source: str = OTHER) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(local_address=source, verify=self.front.trust)
        return httpx.AsyncClient(base_url=f"https://localhost:{self.front.https}", transport=transport, timeout=20)

    async def open(self, way: str, source: str) -> Stream:
        if way == "proxied":
            return await self.front.raw(self.front.https, source)
        return await asyncio.open_connection("127.0.0.1", self.centre.port, local_addr=(source, 0))

    def log(self) -> list[dict[str, str]]:
        lines = (self.centre.folder / "serve.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="module")
async def edge(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    async with (
        cloned(server_dsn, template) as dsn,
        Database(dsn, application_name="quantrac-test") as database,
        centre_on(database, dsn, folder) as centre,
    ):
        centre.settings |= {
            "QUANTRAC_HTTP__TRUSTED_PROXIES": "127.0.0.1",
            "QUANTRAC_LIMITS__FAILURES_PER_ADDRESS": "10",
        }
        gateway = await asyncio.to_thread(centre.serve)
        assert gateway.process is not None
        async with haproxies.in_front_of(folder, centre.port, free_port()) as front:
            made = Edge(centre, gateway.process.pid, front)
            await until_ready(made)
            yield made


async def until_ready(edge: Edge) -> None:
    """Wait until the proxy has seen that the gateway is ready, and the gateway has made what it makes once."""
    async with edge.proxied() as client:

        async def answers() -> bool:
            return (await client.get("/v1/stations")).status_code == 401

        await eventually(answers, seconds=20, what="a gateway behind its proxy")


def peak(pid: int) -> int:
    """Most bytes that the process had in memory since `settle`."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (found,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found) * 1024


def settle(pid: int) -> int:
    """Forget the peak; what the process has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    return peak(pid)


async def send(stream: Stream, part: bytes, most: int) -> bytes:
    """Send the part again and again, until so many bytes were sent or the other side has enough; its answer."""
    reader, writer = stream
    with suppress(ConnectionError, ssl.SSLError):
        sent = 0
        while sent < most and not reader.at_eof():
            writer.write(part)
            await writer.drain()
            sent += len(part)
    answer = b""
    with suppress(ConnectionError, ssl.SSLError):
        answer = await asyncio.wait_for(reader.read(65_536), 10)
    writer.transport.abort()
    return answer


FLOODS: dict[str, tuple[bytes, bytes]] = {
    "one header of 50 MB": (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", b"x" * 65_536),
    "200,000 headers and more": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"x-123456789: 1\r\n" * 4096),
    "a request line of 50 MB": (b"GET /", b"x" * 65_536),
    "a body of 50 MB": (
        b"POST /v1/observations HTTP/1.1\r\nHost: a\r\nContent-Length: 52428800\r\n\r\n",
        b"x" * 65_536,
    ),
    "a body of 50 MB in chunks": (
        b"POST /v1/stations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + b"x" * 65_536 + b"\r\n",
    ),
    "trailers of 50 MB": (
        b"POST /v1/stations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Trailer: ",
        b"x" * 65_536,
    ),
}


@pytest.mark.parametrize("way", ["direct", "proxied"])
@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_takes_no_memory(edge: Edge, way: str, name: str) -> None:
    first, part = FLOODS[name]
    before = settle(edge.gateway_pid), settle(edge.front.pid)
    stream = await edge.open(way, OTHER)
    stream[1].write(first)
    answer = await send(stream, part, 50 * MEGABYTE)
    # A reset may overtake the answer on its way to one who is still sending.
    assert answer == b"" or answer.split()[1] in {b"400", b"401", b"408", b"413", b"414", b"431"}, answer
    async with edge.direct() as client:
        assert (await client.get("/livez")).status_code == 200
    grown = peak(edge.gateway_pid) - before[0], peak(edge.front.pid) - before[1]
    assert max(grown) < 12 * MEGABYTE, grown


async def test_five_hundred_slow_clients_keep_nobody_waiting(edge: Edge) -> None:
    before = settle(edge.gateway_pid)
    firsts = [
        b"GET /v1/stations HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        b"POST /v1/observations HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{",
        b"",
    ]
    streams = []
    for start in range(0, 500, 50):
        sources = [ATTACKERS[number % len(ATTACKERS)] for number in range(start, start + 50)]
        streams += await asyncio.gather(*(edge.open("proxied", source) for source in sources))
    for number, (_, writer) in enumerate(streams):
        writer.write(firsts[number % len(firsts)])

    async def ends(number: int, stream: Stream) -> None:
        reader, writer = stream
        with suppress(ConnectionError, ssl.SSLError):
            while not reader.at_eof():
                if number % len(firsts) != len(firsts) - 1:
                    writer.write(b"x")
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(4096), 1)
        writer.transport.abort()

    ending = asyncio.gather(*(ends(number, stream) for number, stream in enumerate(streams)))
    served = 0
    async with edge.proxied() as client, asyncio.timeout(60):
        while not ending.done():
            assert (await client.get("/v1/stations")).status_code == 401
            served += 1
            await asyncio.sleep(0.05)
    await ending
    assert served
    assert peak(edge.gateway_pid) - before < 12 * MEGABYTE


async def refused(client: Callable[[str], httpx.AsyncClient], source: str, claim: str) -> list[int]:
    """What 15 wrong keys are answered that claim to come from 15 addresses."""
    async with client(source) as asking:
        return [
            (
                await asking.get(
                    "/v1/stations",
                    headers={
                        "Authorization": f"Bearer st_{number:08}.{SECRET}",
                        "X-Forwarded-For": claim.format(number),
                        "Forwarded": f"for={claim.format(number)}",
                        "X-Real-IP": claim.format(number),
                        "Host": "evil.example",
                    },
                )
            ).status_code
            for number in range(15)
        ]


@pytest.mark.parametrize(("way", "source"), [("direct", "127.0.0.31"), ("proxied", "127.0.0.32")])
async def test_a_forged_address_is_neither_logged_nor_throttled_as_another(edge: Edge, way: str, source: str) -> None:
    client = edge.direct if way == "direct" else edge.proxied
    assert await refused(client, source, "203.0.113.{}") == [401] * 10 + [429] * 5
    # One who claims to be the proxy, or another client, is himself.
    assert set(await refused(client, source, "127.0.0.1, 127.0.0.{}")) == {429}
    addresses = [event["address"] for event in edge.log() if event["event"] == "access.refused"]
    assert addresses.count(source) == 10
    assert not any(address.startswith("203.") for address in addresses)
    # A station elsewhere, with its right key, is served meanwhile.
    key = edge.centre.credentials["TH-NT-001"]
    async with edge.proxied() as station:
        answer = await station.get("/v1/latest", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
