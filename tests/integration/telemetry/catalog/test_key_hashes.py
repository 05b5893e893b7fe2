"""The hashes that a key leaves open real brokers to the whole key, and to nothing else."""

import aiomqtt

from core.database import Database
from telemetry.mqtt.brokers import BrokerUser
from tests.fixtures.brokers import RunningBroker
from tests.fixtures.catalogs import Desk


async def connects(port: int, user: str, password: str) -> bool:
    try:
        async with aiomqtt.Client("127.0.0.1", port, username=user, password=password, identifier=user, timeout=5):
            return True
    except aiomqtt.MqttCodeError:
        return False


async def test_brokers_open_to_an_issued_key_only(desk: Desk, database: Database, broker: RunningBroker) -> None:
    issued = await desk.add("/v1/stations/NT-001/keys", {})
    row = await database.fetchrow("SELECT * FROM station_key")
    broker.configure([BrokerUser(row["id"], "NT-001", row["nats_bcrypt"], row["mosquitto_pbkdf2"])])
    broker.start()
    credential = issued["key"]
    assert await connects(broker.port, issued["id"], credential)
    for wrong in (credential[:-1], credential.partition(".")[2], issued["id"], credential.swapcase()):
        assert not await connects(broker.port, issued["id"], wrong)
    assert not await connects(broker.port, "st_00000000", credential)
