"""Who may do what at a real broker with the configuration that we write."""

import asyncio
import json

import aiomqtt
import pytest

from core.database import Database
from telemetry.catalog import keys
from telemetry.mqtt import broker_files, denials, topics
from telemetry.mqtt.acknowledging import BrokerAddress, connection_options
from telemetry.mqtt.publishing import PublishRefused, StationPublisher
from tests.fixtures.brokers import PASSWORD, Network, RunningBroker, eventually, packet, until

MINE, OTHER = "TH-NT-001", "TH-NT-002"


@pytest.fixture
def started(broker: RunningBroker, network: Network) -> RunningBroker:
    broker.configure(network.users())
    broker.start()
    return broker


def client(address: BrokerAddress) -> aiomqtt.Client:
    return aiomqtt.Client(**connection_options(address, receive_maximum=100, session_seconds=60))


async def refused(address: BrokerAddress) -> bool:
    try:
        async with client(address):
            return False
    except aiomqtt.MqttError:
        return True


async def accepted(address: BrokerAddress) -> bool:
    return not await refused(address)


async def heard_by_gateway(broker: RunningBroker) -> list[str]:
    """Topics that wait in the session of a gateway, which the first call makes."""
    found = []
    async with client(broker.gateway("listener")) as gateway:
        for name in topics.OBSERVATIONS:
            await gateway.subscribe(name, qos=1)
        await asyncio.sleep(0.5)
        found += [str(gateway._queue.get_nowait().topic) for _ in range(gateway._queue.qsize())]
    return found


async def test_a_message_on_the_topic_of_another_station_reaches_nobody(
    started: RunningBroker, network: Network
) -> None:
    assert await heard_by_gateway(started) == []
    async with StationPublisher(started.station(network.credentials[MINE]), MINE) as station:
        try:
            await asyncio.wait_for(station.publish_to(topics.observations(OTHER), packet(OTHER, 1)), 5)
            told = False
        except PublishRefused:
            told = True
        await station.publish(packet(MINE, 1))
        await station.publish(packet(MINE, 2), file_name="TH_TEST_NUO01_20261123080000.txt")
    assert told == (started.protocol == "5"), "only MQTT 5 tells; with 3.1.1 the message is acknowledged and dropped"
    assert sorted(await heard_by_gateway(started)) == [
        topics.observations(MINE),
        topics.observations(MINE, "TH_TEST_NUO01_20261123080000.txt"),
    ]


async def test_nats_writes_denials_into_its_log(nats: RunningBroker, network: Network) -> None:
    nats.configure(network.users())
    nats.start()
    async with StationPublisher(nats.station(network.credentials[MINE]), MINE) as station:
        await station.publish_to(topics.observations(OTHER, "a.b.txt"), b"{}")
    found = [denial for denial in map(denials.read, nats.log.splitlines()) if denial]
    key_id = network.credentials[MINE].partition(".")[0]
    assert found == [denials.Denial(key_id, "publish", topics.observations(OTHER, "a.b.txt"))]


async def test_a_station_hears_its_own_receipts_and_nothing_else(started: RunningBroker, network: Network) -> None:
    heard: list[list[dict[str, object]]] = []
    address = started.station(network.credentials[MINE])
    async with (
        StationPublisher(address, MINE, on_receipts=heard.append) as station,
        client(started.station(network.credentials[OTHER], "eavesdropper")) as other,
        client(started.gateway("speaker")) as gateway,
    ):
        await asyncio.wait_for(station.connected(), 10)
        for name in ("#", "v1/+/receipts", topics.receipts(MINE), topics.observations(MINE), "$SYS/#", "$MQTT/#"):
            # Refused, or granted and never served: brokers differ.
            await other.subscribe(name, qos=1)
        await gateway.publish(topics.receipts(MINE), json.dumps({"receipts": [{"receipt": 7}]}), qos=1)
        await station.publish(packet(MINE, 1))
        await until(lambda: heard, what="the receipt")
        await asyncio.sleep(0.3)
        seen = [other._queue.get_nowait() for _ in range(other._queue.qsize())]
    assert heard == [[{"receipt": 7}]]
    assert [str(message.topic) for message in seen if not str(message.topic).startswith("$SYS")] == []


async def test_wrong_passwords_and_strangers_are_refused(started: RunningBroker, network: Network) -> None:
    credential = network.credentials[MINE]
    assert not await refused(started.station(credential))
    assert await refused(started.station(credential[:-1] + ("A" if credential[-1] != "A" else "B")))
    assert await refused(started.station(keys.generate()[1]))
    address = started.gateway()
    assert await refused(BrokerAddress(address.host, address.port, address.username, PASSWORD + "x", "x"))
    assert await refused(BrokerAddress(address.host, address.port, "", None, "nobody"))


async def test_a_revoked_key_is_refused_and_its_connection_closed_within_five_seconds(
    started: RunningBroker, network: Network, database: Database
) -> None:
    credential = network.credentials[MINE]
    stop = asyncio.Event()

    async def reload() -> None:
        started.reload()

    watching = asyncio.create_task(broker_files.keep_current(database, started.render, reload, stop))
    try:
        async with StationPublisher(started.station(credential), MINE) as station:
            await asyncio.wait_for(station.connected(), 10)
            await asyncio.sleep(2)
            assert station.connections == 1
            await keys.revoke(database, MINE, credential.partition(".")[0])
            again = started.station(credential, "the-same-key-again")
            await eventually(lambda: refused(again), seconds=5, what="the revoked key is refused")
            await until(lambda: not station.is_connected, seconds=5, what="the living connection is closed")
        assert not await refused(started.station(network.credentials[OTHER]))
        fresh = (await keys.issue(database, MINE, "new")).key
        await eventually(lambda: accepted(started.station(fresh)), seconds=5, what="the new key is accepted")
    finally:
        stop.set()
        await watching


async def test_a_thief_who_guesses_a_name_does_not_get_the_gateways_messages(
    started: RunningBroker, network: Network
) -> None:
    """A station that connects under the gateway's client id hears nothing, whatever the session holds."""
    assert await heard_by_gateway(started) == []
    async with StationPublisher(started.station(network.credentials[MINE]), MINE) as station:
        await station.publish(packet(MINE, 1))
    async with client(started.station(network.credentials[OTHER], "listener")) as thief:
        await asyncio.sleep(0.5)
        assert thief._queue.qsize() == 0
