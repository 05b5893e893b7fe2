"""The database is killed, and the way to it is cut, under load; nothing that was answered may be missing afterwards.

Servers are killed on a PostgreSQL of the tests' own; the way is cut in front of the server under test.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.fixtures.brokers import eventually
from tests.fixtures.invariants import (
    Vitals,
    assert_back_to_base,
    assert_logs_give_nothing_away,
    assert_nothing_is_lost,
    one_row_a_key,
)
from tests.fixtures.ledger import Centre, Program
from tests.fixtures.loads import STATIONS, finish, load, more_answers, server_errors
from tests.fixtures.proxies import Cut, Proxy, proxied
from tests.fixtures.servers import MortalServer

pytestmark = pytest.mark.fault
# What a test waits for a thing that should take a tenth of it: a busy machine is no fault.
PATIENCE = 60.0
_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quantrac-gateway'"
)


def a_packet(number: int = 0) -> dict[str, Any]:
    """A packet that no simulated station sends: its seconds are odd."""
    hour = datetime.now(UTC).replace(minute=0, second=1, microsecond=0) - timedelta(hours=60)
    return {
        "station": "TH-NT-001",
        "phenomenonTime": (hour - timedelta(seconds=2 * number)).isoformat(),
        "readings": {"pH": 7.2},
    }


async def post(centre: Centre, document: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {centre.credentials['TH-NT-001']}"}
    async with httpx.AsyncClient(base_url=centre.url, timeout=PATIENCE) as client:
        return await client.post("/v1/observations", json=document, headers=headers)


async def readiness(centre: Centre) -> int:
    async with httpx.AsyncClient(base_url=centre.url, timeout=PATIENCE) as client:
        return (await client.get("/readyz")).status_code


async def healthy(centre: Centre) -> None:
    """I5: ready again by itself."""

    async def ready() -> bool:
        return await readiness(centre) == 200

    await eventually(ready, seconds=PATIENCE, what="a gateway that is ready again")


async def remove_own_packets(centre: Centre) -> None:
    """Take the rows of `a_packet` out of the table, so that the ledger knows every row that is left."""
    await centre.database.execute("DELETE FROM observation WHERE extract(second FROM phenomenon_time)::int % 2 = 1")


async def assert_unharmed(centre: Centre, gateway: Program, base: Vitals, rounds: int) -> None:
    """All that a fault of the database may leave behind is nothing."""
    assert gateway.running
    await healthy(centre)
    await remove_own_packets(centre)
    report = await centre.report()
    assert_nothing_is_lost(report, operations=STATIONS * rounds)
    assert await one_row_a_key(centre.database)
    assert server_errors(centre) <= {"503"}
    await assert_back_to_base(centre, gateway, base)
    assert_logs_give_nothing_away(centre)


async def test_a_database_that_is_killed_whole_costs_nothing_that_was_answered(
    mortal_centre: Centre, mortal_server: MortalServer
) -> None:
    gateway = await asyncio.to_thread(mortal_centre.serve)
    base = Vitals.of(gateway)
    simulator = load(mortal_centre, 50)
    await more_answers(mortal_centre, 60)
    mortal_server.kill()
    began = time.monotonic()
    refused = await post(mortal_centre, a_packet())
    assert refused.status_code == 503, refused.text
    assert int(refused.headers["retry-after"]) >= 1
    # Five seconds are promised; not to wait for a dead server's time-outs is what matters.
    assert time.monotonic() - began < 5 + 10
    assert await readiness(mortal_centre) == 503
    mortal_server.start()
    await healthy(mortal_centre)
    await finish(simulator)
    await assert_unharmed(mortal_centre, gateway, base, 50)


async def test_a_killed_backend_restarts_the_database_and_costs_nothing_that_was_answered(
    mortal_centre: Centre,
) -> None:
    gateway = await asyncio.to_thread(mortal_centre.serve)
    base = Vitals.of(gateway)
    simulator = load(mortal_centre, 50)
    for _ in range(2):
        await more_answers(mortal_centre, 60)
        # The server ends all sessions and recovers by itself when one of its processes dies like this.
        os.kill((await mortal_centre.database.fetch(_BACKENDS))[0]["pid"], signal.SIGKILL)
        await healthy(mortal_centre)
    await finish(simulator)
    await assert_unharmed(mortal_centre, gateway, base, 50)


@asynccontextmanager
async def behind_proxy(centre: Centre) -> AsyncIterator[tuple[Proxy, Program, Vitals]]:
    """A gateway whose connections to the database all lead through a proxy."""
    async with proxied(centre.dsn) as (proxy, address):
        centre.settings["QUANTRAC_DATABASE__DSN"] = address
        gateway = await asyncio.to_thread(centre.serve)
        yield proxy, gateway, Vitals.of(gateway)
        # Before the proxy, so that the pool can say good-bye.
        await asyncio.to_thread(gateway.stop)


async def test_a_black_hole_before_the_database_ends_in_503_and_heals_by_itself(centre: Centre) -> None:
    async with behind_proxy(centre) as (proxy, gateway, base):
        simulator = load(centre, 40)
        await more_answers(centre, 60)
        proxy.black_hole()
        began = time.monotonic()
        answers = await asyncio.gather(*(post(centre, a_packet(number)) for number in range(5)))
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert 503 in {answer.status_code for answer in answers}
        assert time.monotonic() - began < 5 + 10
        assert await readiness(centre) == 503
        proxy.flow()
        proxy.reset()
        await healthy(centre)
        assert (await post(centre, a_packet(9))).status_code == 200
        await finish(simulator)
        await assert_unharmed(centre, gateway, base, 40)


async def test_reset_connections_are_made_anew_and_the_stations_notice_nothing_but_503(centre: Centre) -> None:
    async with behind_proxy(centre) as (proxy, gateway, base):
        simulator = load(centre, 50)
        for _ in range(4):
            await more_answers(centre, 50)
            proxy.reset()
        assert (await post(centre, a_packet())).status_code == 200
        await finish(simulator)
        await assert_unharmed(centre, gateway, base, 50)


async def test_a_commit_that_is_cut_on_its_way_is_kept_once_or_not_at_all(centre: Centre) -> None:
    async with behind_proxy(centre) as (proxy, gateway, base):
        simulator = load(centre, 50)
        for _ in range(3):
            await more_answers(centre, 40)
            proxy.cuts += [Cut.NEVER_SENT, Cut.SENT_AND_RESET, Cut.ANSWER_LOST, Cut.SENT_LATE]
        await finish(simulator)
        assert proxy.cuts == []
        events = [json.loads(line)["event"] for line in gateway.log.splitlines()]
        assert events.count("intake.commit_unknown") >= 3
        await assert_unharmed(centre, gateway, base, 50)
        # A group keeps its receipt numbers through all attempts: no receipt tells of rows that another one has.
        doubled = await centre.database.fetchval(
            "SELECT count(*) FROM (SELECT sha256 FROM receipt WHERE stored > 0 GROUP BY sha256 HAVING count(*) > 1) d"
        )
        assert doubled == 0
