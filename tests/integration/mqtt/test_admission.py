"""What a station may send over MQTT, from where its key is used, and what is left to it when its keys are revoked."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from core.database import Database
from telemetry.admission.admitting import Admission
from telemetry.admission.keeping import Keeper
from telemetry.admission.quotas import Quota, Quotas
from telemetry.catalog import keys
from telemetry.catalog.loading import LiveCatalog
from telemetry.intake.submitting import Intake
from telemetry.mqtt import broker_files, connections
from telemetry.mqtt.consuming import Backoff, Consumer
from telemetry.mqtt.publishing import StationPublisher
from telemetry.mqtt.receiving import Receiver
from tests.fixtures.brokers import Network, RunningBroker, eventually, free_port, packet, until

FLOOD, *NEIGHBOURS = "TH-NT-001", "TH-NT-002", "TH-NT-003"


@asynccontextmanager
async def opened(broker: RunningBroker, database: Database) -> AsyncIterator[None]:
    """A consumer with its gate, and the broker's files kept as they are on a deployment."""
    stop = asyncio.Event()

    async def reload() -> None:
        broker.reload()

    async with (
        LiveCatalog(database) as catalog,
        Keeper(database, seconds=3600) as keeper,
        Intake(database, catalog) as intake,
    ):
        gate = Admission(catalog, Quotas(catalog, Quota(), time.monotonic), keeper.sightings, rest_seconds=1)
        consumer = Consumer(
            broker.gateway(),
            receive=Receiver(lambda: catalog.snapshot, inflated_cap=2**20),
            submit=intake.submit,
            kept=gate.heard,
            backoff=Backoff(0.1, 1.0),
        )
        tasks = [
            asyncio.create_task(consumer.run(stop)),
            asyncio.create_task(broker_files.keep_current(database, broker.render, reload, stop)),
        ]
        try:
            await until(lambda: consumer.counters.connected, what="the consumer is connected")
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def test_a_station_that_floods_the_broker_is_paused_and_nothing_is_lost(
    nats: RunningBroker, network: Network, database: Database
) -> None:
    """What the broker acknowledged is stored; then it lets the station in no more, until the pause is over."""
    nats.configure(network.users())
    nats.start()
    # Three readings each: eight packets at once, and two a minute.
    own = "INSERT INTO station_quota (station_id, readings) SELECT id, 6 FROM station WHERE code = $1"
    await database.execute(own, FLOOD)
    publishers = {
        code: StationPublisher(nats.station(network.credentials[code]), code, window=100)
        for code in (FLOOD, *NEIGHBOURS)
    }
    async with opened(nats, database), AsyncExitStack() as stack:
        for publisher in publishers.values():
            await stack.enter_async_context(publisher)
        await asyncio.gather(*(publishers[FLOOD].publish(packet(FLOOD, number)) for number in range(400)))
        await asyncio.gather(*(publishers[code].publish(packet(code, n)) for code in NEIGHBOURS for n in range(20)))
        await until(lambda: not publishers[FLOOD].is_connected, seconds=10, what="the flooding station is kept out")

        async def stored() -> bool:
            return bool(await database.fetchval("SELECT count(*) = 1320 FROM observation"))

        await eventually(stored, what="all that was acknowledged is stored")
        assert all(publishers[code].is_connected for code in NEIGHBOURS)
        await asyncio.gather(*(publishers[code].publish(packet(code, 99)) for code in NEIGHBOURS))
        until_time = await database.fetchval("SELECT until_time - now() FROM station_pause")
        # 1,200 readings where 24 were free and 6 come back a minute: the longest pause there is.
        assert 600 < until_time.total_seconds() <= 900
        await database.execute("UPDATE station_pause SET until_time = now()")
        await until(lambda: publishers[FLOOD].is_connected, seconds=15, what="the station is let in again")
    kinds = await database.fetch("SELECT kind, channel, times FROM station_anomaly")
    assert [(row["kind"], row["channel"]) for row in kinds] == [("over-quota", "mqtt")]


async def test_messages_of_a_station_without_a_live_key_are_put_away_whatever_the_broker_does(
    broker: RunningBroker, network: Network, database: Database
) -> None:
    """This broker is never told of the revocation, as one whose files cannot be written."""
    broker.configure(network.users())
    broker.start()
    async with LiveCatalog(database) as catalog, Intake(database, catalog) as intake:
        stop = asyncio.Event()
        consumer = Consumer(
            broker.gateway(), receive=Receiver(lambda: catalog.snapshot, inflated_cap=2**20), submit=intake.submit
        )
        running = asyncio.create_task(consumer.run(stop))
        await until(lambda: consumer.counters.connected, what="the consumer is connected")
        credential = network.credentials[FLOOD]
        async with StationPublisher(broker.station(credential), FLOOD) as station:
            await station.publish(packet(FLOOD, 1))
            await until(lambda: consumer.counters.acknowledged == 1)
            began = time.monotonic()
            await keys.revoke(database, FLOOD, credential.partition(".")[0])
            await until(lambda: not catalog.snapshot.may_report(1, 0), seconds=5, what="the revocation is known")
            assert time.monotonic() - began < 5
            await station.publish(packet(FLOOD, 2))
            await until(lambda: consumer.counters.acknowledged == 2)
        stop.set()
        await running
    assert await database.fetchval("SELECT count(*) FROM observation") == 3
    [row] = await database.fetch("SELECT reason, station_id FROM quarantine")
    assert (row["reason"], row["station_id"]) == ("no-live-key", 1)


async def test_nats_tells_under_which_key_and_from_where_a_station_is_connected(
    nats: RunningBroker, network: Network, database: Database
) -> None:
    nats.monitor_port = free_port()
    nats.configure(network.users())
    nats.start()
    credential = network.credentials[FLOOD]
    async with (
        Keeper(database, seconds=3600) as keeper,
        StationPublisher(nats.station(credential), FLOOD) as station,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{nats.monitor_port}") as client,
    ):
        await asyncio.wait_for(station.connected(), 10)
        page = (await client.get(f"/{connections.PAGE}")).json()
        assert connections.note(page, keeper.sightings) == 1
        await keeper.flush()
    [key] = await keys.listed(database, FLOOD)
    assert (key.last_used_channel, key.last_used_address, key.last_used_time is not None) == ("mqtt", "127.0.0.1", True)


async def test_a_page_that_is_none_notes_nothing(database: Database) -> None:
    keeper = Keeper(database)
    for page in ({}, {"connections": None}, {"connections": [{}, {"authorized_user": 3, "ip": None}]}):
        assert connections.note(page, keeper.sightings) == 0
