"""Taking readings and judging them needs the database and nothing else: no identity provider, no name server."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from core import instants
from tests.fixtures.brokers import eventually
from tests.fixtures.ledger import Centre, Program
from tests.fixtures.processes import below

pytestmark = pytest.mark.fault

# Deeper than any permit of the seed, and within the instrument's range.
_DEEP = {"Level": 60.0}
# Nothing listens there, and no name is known there.
_NOWHERE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "RES_OPTIONS": "attempts:1 timeout:1",
    "LOCALDOMAIN": "invalid",
}


def _peers(program: Program) -> Iterator[tuple[str, int]]:
    """Address and port of whom the process, and what it started, holds a connection to."""
    assert program.process is not None
    for pid in (program.process.pid, *below(program.process.pid)):
        mine = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
        for table, family, width in (("tcp", socket.AF_INET, 8), ("tcp6", socket.AF_INET6, 32)):
            for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                address, _, port = fields[2].partition(":")
                if f"socket:[{fields[9]}]" in mine and int(port, 16):
                    words = bytes.fromhex(address[:width])
                    raw = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                    yield socket.inet_ntop(family, raw), int(port, 16)


async def test_readings_are_taken_and_judged_with_nothing_but_the_database(centre: Centre) -> None:
    centre.settings |= _NOWHERE
    gateway = await asyncio.to_thread(centre.serve)
    watch = centre.program("watch", "watch", QUANTRAC_WATCH__HEALTH_PORT="0")
    watch.start()

    async def watching() -> bool:
        assert watch.running, watch.log[-3000:]
        return "watch.ready" in watch.log

    await eventually(watching, seconds=60, what="a watch process that is ready")
    database = urlsplit(centre.dsn)
    packet = {"phenomenonTime": instants.text(instants.now()), "readings": _DEEP}
    code = next(code for code in centre.credentials if code.startswith("TH-NN"))
    headers = {"Authorization": f"Bearer {centre.credentials[code]}"}
    async with httpx.AsyncClient(base_url=centre.url, trust_env=False, timeout=30) as client:
        answer = await client.post("/v1/observations", json=packet, headers=headers)
        assert answer.json()["counts"]["stored"] == 1, answer.text

        async def told() -> bool:
            found: bool = await centre.database.fetchval("SELECT count(*) = 1 FROM alert WHERE kind = 'over-limit'")
            return found

        await eventually(told, seconds=60, what="an alert of what came")
        peers = {(name, peer) for name, one in (("serve", gateway), ("watch", watch)) for peer in _peers(one)}
    assert {peer[1] for name, peer in peers if name == "watch"} == {database.port}
    # The gateway is also asked by this test.
    others = {peer for name, peer in peers if name == "serve" and peer[1] != database.port}
    assert {address for address, _ in others} <= {"127.0.0.1", "::ffff:127.0.0.1"}
