"""The consumer between real brokers and a real database."""

import asyncio
import gzip
import hashlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from core.database import Database
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import Intake
from telemetry.mqtt.acknowledging import BrokerAddress
from telemetry.mqtt.consuming import Backoff, Consumer
from telemetry.mqtt.counters import Counters
from telemetry.mqtt.publishing import StationPublisher
from telemetry.mqtt.receiving import Receiver
from tests.fixtures.brokers import Network, RunningBroker, packet, until

STATION = "TH-NT-001"


@asynccontextmanager
async def consuming(
    database: Database, address: BrokerAddress, *, in_flight: int = 500, session_expected: bool = False
) -> AsyncIterator[Counters]:
    """A consumer as the process runs it, with short pauses; it drains when the block ends."""
    stop = asyncio.Event()
    async with LiveCatalog(database) as catalog, Intake(database, catalog) as intake:
        consumer = Consumer(
            address,
            receive=Receiver(lambda: catalog.snapshot, inflated_cap=2**20),
            submit=intake.submit,
            in_flight=in_flight,
            session_expected=session_expected,
            backoff=Backoff(0.1, 1.0),
        )
        task = asyncio.create_task(consumer.run(stop))
        try:
            await until(lambda: consumer.counters.connected, what="the consumer is connected")
            yield consumer.counters
        finally:
            stop.set()
            await task


@dataclass
class Heard:
    """Receipts that a station got."""

    receipts: list[dict[str, Any]] = field(default_factory=list)

    def for_payload(self, payload: bytes) -> list[dict[str, Any]]:
        digest = hashlib.sha256(payload).hexdigest()
        return [receipt for receipt in self.receipts if receipt["sha256"] == digest]


@asynccontextmanager
async def reporting(
    broker: RunningBroker, network: Network, station: str = STATION, heard: Heard | None = None, window: int = 50
) -> AsyncIterator[StationPublisher]:
    publisher = StationPublisher(
        broker.station(network.credentials[station]),
        station,
        window=window,
        on_receipts=heard.receipts.extend if heard else None,
    )
    async with publisher:
        await asyncio.wait_for(publisher.connected(), 10)
        yield publisher


@pytest.fixture
def started(broker: RunningBroker, network: Network) -> RunningBroker:
    broker.configure(network.users())
    broker.start()
    return broker


async def test_a_packet_is_stored_acknowledged_and_answered(
    started: RunningBroker, network: Network, database: Database
) -> None:
    heard = Heard()
    payload = packet(STATION, 1)
    async with consuming(database, started.gateway()) as counters, reporting(started, network, heard=heard) as station:
        await station.publish(payload)
        await until(lambda: heard.for_payload(payload), what="a receipt")
        await until(lambda: counters.acknowledged == 1)
    assert await database.fetchval("SELECT count(*) FROM observation") == 3
    [receipt] = heard.receipts
    assert receipt["station"] == STATION
    assert receipt["counts"] == {"stored": 3, "duplicate": 0, "conflict": 0, "quarantined": 0, "rejected": 0}
    row = await database.fetchrow("SELECT * FROM receipt")
    assert (row["id"], row["channel"], row["raw"]) == (receipt["receipt"], "mqtt", payload)
    assert row["source"] == "v1/TH-NT-001/observations"


async def test_the_same_packet_again_is_a_duplicate(
    started: RunningBroker, network: Network, database: Database
) -> None:
    heard = Heard()
    payload = packet(STATION, 1)
    async with consuming(database, started.gateway()), reporting(started, network, heard=heard) as station:
        await station.publish(payload)
        await until(lambda: len(heard.receipts) == 1)
        await station.publish(payload)
        await until(lambda: len(heard.receipts) == 2)
    assert [receipt["counts"]["stored"] for receipt in heard.receipts] == [3, 0]
    assert heard.receipts[1]["counts"]["duplicate"] == 3
    assert await database.fetchval("SELECT count(*) FROM observation") == 3


async def test_what_cannot_be_read_is_quarantined_acknowledged_and_blocks_nobody(
    started: RunningBroker, network: Network, database: Database
) -> None:
    heard = Heard()
    poison = [
        b"{",
        b"",
        b"\xff\xfe\x00",
        b"[" * 5000,
        gzip.compress(b"{")[:-4],
        b"\x1f\x8bnot gzip",
        b'{"a": "\\ud800"}',
    ]
    good = packet(STATION, 1)
    async with consuming(database, started.gateway()) as counters, reporting(started, network, heard=heard) as station:
        await asyncio.gather(*(station.publish(payload) for payload in [*poison, good]))
        await until(lambda: counters.acknowledged == len(poison) + 1, what="all acknowledged")
        await until(lambda: heard.for_payload(good))
        assert all(heard.for_payload(payload) for payload in poison)
    assert await database.fetchval("SELECT count(*) FROM observation") == 3
    rows = await database.fetch("SELECT DISTINCT r.raw FROM quarantine q JOIN receipt r ON r.id = q.receipt_id")
    assert {row["raw"] for row in rows} == set(poison)


async def test_gzip_is_known_by_its_bytes(started: RunningBroker, network: Network, database: Database) -> None:
    heard = Heard()
    async with consuming(database, started.gateway()), reporting(started, network, heard=heard) as station:
        await station.publish(gzip.compress(packet(STATION, 1)))
        await until(lambda: heard.receipts)
    assert heard.receipts[0]["counts"]["stored"] == 3
    assert await database.fetchval("SELECT raw_encoding FROM receipt") == "gzip"


async def test_a_message_speaks_for_the_station_of_its_topic_alone(
    started: RunningBroker, network: Network, database: Database
) -> None:
    heard = Heard()
    async with consuming(database, started.gateway()), reporting(started, network, heard=heard) as station:
        await station.publish(packet("TH-NT-002", 1))
        await until(lambda: heard.receipts)
    assert heard.receipts[0]["counts"]["stored"] == 0
    assert heard.receipts[0]["counts"]["quarantined"] > 0
    assert await database.fetchval("SELECT count(*) FROM observation") == 0
    assert await database.fetchval("SELECT DISTINCT reason FROM quarantine") == "wrong-station"


async def test_nothing_is_acknowledged_before_the_commit(
    started: RunningBroker, network: Network, database: Database, dsn: str
) -> None:
    """While another transaction holds the table, the message waits with the broker; after it, it is acknowledged."""
    blocker = await asyncpg.connect(dsn)
    try:
        async with consuming(database, started.gateway()) as counters, reporting(started, network) as station:
            blocking = blocker.transaction()
            await blocking.start()
            await blocker.execute("LOCK TABLE observation IN ACCESS EXCLUSIVE MODE")
            await station.publish(packet(STATION, 1))
            await until(lambda: counters.in_flight == 1)
            await asyncio.sleep(3)
            assert counters.acknowledged == 0
            await blocking.rollback()
            await until(lambda: counters.acknowledged == 1, what="acknowledged after the lock was gone")
    finally:
        await blocker.close()
    assert await database.fetchval("SELECT count(*) FROM observation") == 3


async def test_messages_wait_for_a_consumer_that_is_away(
    started: RunningBroker, network: Network, database: Database
) -> None:
    async with consuming(database, started.gateway()):
        pass
    async with reporting(started, network) as station:
        await asyncio.gather(*(station.publish(packet(STATION, number)) for number in range(1500)))
    async with consuming(database, started.gateway(), session_expected=True) as counters:
        await until(lambda: counters.acknowledged >= 1500, what="the backlog is acknowledged")
        assert counters.sessions_lost == 0
    assert await database.fetchval("SELECT count(*) FROM observation") == 4500


async def test_a_forgotten_session_is_told(started: RunningBroker, database: Database) -> None:
    async with consuming(database, started.gateway("never-seen-before"), session_expected=True) as counters:
        assert counters.sessions_lost == 1


async def test_a_silent_broker_is_left_and_found_again(
    started: RunningBroker, network: Network, database: Database
) -> None:
    async with consuming(database, started.gateway(keepalive=1)) as counters:
        started.send(signal.SIGSTOP)
        await until(lambda: not counters.connected, seconds=15, what="the silence is noticed")
        started.send(signal.SIGCONT)
        await until(lambda: counters.connected, seconds=15, what="connected again")
        async with reporting(started, network) as station:
            await station.publish(packet(STATION, 1))
        await until(lambda: counters.acknowledged >= 1)
    assert await database.fetchval("SELECT count(*) FROM observation") == 3
