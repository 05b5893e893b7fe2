"""The real consumer process, real brokers and a real database, with processes killed at random moments."""

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.database import Database
from telemetry.mqtt.brokers import account_of
from telemetry.mqtt.publishing import OnReceipts, StationPublisher
from tests.fixtures.brokers import PASSWORD, STATIONS, Network, RunningBroker, eventually, free_port, packet, until

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.fault


class ConsumerProcess:
    """`quantrac consume` as a child."""

    def __init__(self, broker: RunningBroker, dsn: str, log: Path) -> None:
        self._broker, self._dsn, self._log = broker, dsn, log
        self.health_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QUANTRAC_")}
        environment |= {
            "PYTHONPATH": str(ROOT / "src"),
            "QUANTRAC_DATABASE__DSN": self._dsn,
            "QUANTRAC_MQTT__PORT": str(self._broker.port),
            "QUANTRAC_MQTT__PROTOCOL": self._broker.protocol,
            "QUANTRAC_MQTT__PASSWORD": PASSWORD,
            "QUANTRAC_MQTT__KEEPALIVE_SECONDS": "2",
            "QUANTRAC_MQTT__IN_FLIGHT": str(500 * self._broker.accounts),
            "QUANTRAC_MQTT__ACCOUNTS": str(self._broker.accounts),
            "QUANTRAC_MQTT__HEALTH_PORT": str(self.health_port),
        }
        command = [sys.executable, "-W", "error", "-m", "gateway.cli.main", "consume"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Seconds from the signal to the end."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=30)
        return time.monotonic() - began

    def page(self, name: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/{name}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def is_leading(self) -> bool:
        status, text = self.page("readyz")
        return status == 200 and json.loads(text)["checks"]["role"] == "leading"

    async def ready(self) -> None:
        connected = f"quantrac_mqtt_connected {self._broker.accounts}.0"
        await until(lambda: connected in self.page("metrics")[1], what=f"ready: {self.log[-1500:]}")


@contextmanager
def consumer_of(broker: RunningBroker, dsn: str, log: Path) -> Iterator[ConsumerProcess]:
    consumer = ConsumerProcess(broker, dsn, log)
    consumer.start()
    try:
        yield consumer
    finally:
        consumer.end(signal.SIGKILL)


@asynccontextmanager
async def publishers(
    broker: RunningBroker, network: Network, on_receipts: OnReceipts | None = None
) -> AsyncIterator[list[StationPublisher]]:
    made = [
        StationPublisher(broker.station(network.credentials[code]), code, window=30, on_receipts=on_receipts)
        for code in STATIONS
    ]
    for station in made:
        await station.__aenter__()
        await asyncio.wait_for(station.connected(), 10)
    try:
        yield made
    finally:
        for station in made:
            await station.__aexit__(None, None, None)


async def send(stations: list[StationPublisher], ledger: set[tuple[str, int]], count: int) -> None:
    """Publish `count` packets from each station; what the broker acknowledged stands in the ledger."""

    async def one(code: str, station: StationPublisher, number: int) -> None:
        await station.publish(packet(code, number))
        ledger.add((code, number))

    await asyncio.gather(
        *(
            one(code, station, number)
            for code, station in zip(STATIONS, stations, strict=True)
            for number in range(count)
        )
    )


async def stored(database: Database) -> int:
    found: int = await database.fetchval("SELECT count(*) FROM observation")
    return found


async def settled(database: Database, expected: int, seconds: float = 40) -> None:
    async def complete() -> bool:
        await asyncio.sleep(0.2)
        return await stored(database) >= expected

    await eventually(complete, seconds=seconds, what=f"{expected} observations")
    assert await stored(database) == expected
    # One row for each key, and nothing under another value.
    assert await database.fetchval("SELECT count(*) FROM reading_conflict") == 0
    assert await database.fetchval("SELECT count(*) FROM quarantine") == 0


async def test_a_consumer_that_is_killed_mid_stream_loses_nothing(
    broker: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    broker.configure(network.users())
    broker.start()
    ledger: set[tuple[str, int]] = set()
    with consumer_of(broker, dsn, tmp_path / "consumer.log") as consumer:
        await consumer.ready()
        async with publishers(broker, network) as stations:
            sending = asyncio.create_task(send(stations, ledger, 600))
            for _ in range(3):
                await asyncio.sleep(random.uniform(0.2, 0.8))
                consumer.end(signal.SIGKILL)
                consumer.start()
                await consumer.ready()
            await sending
        assert len(ledger) == 1800
        await settled(database, 1800 * 3)
        assert "mqtt.session_lost" not in consumer.log


async def test_a_broker_that_is_killed_mid_stream_loses_nothing_that_it_acknowledged(
    nats: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    nats.configure(network.users())
    nats.start()
    ledger: set[tuple[str, int]] = set()
    with consumer_of(nats, dsn, tmp_path / "consumer.log") as consumer:
        await consumer.ready()
        async with publishers(nats, network) as stations:
            sending = asyncio.create_task(send(stations, ledger, 600))
            for _ in range(3):
                await asyncio.sleep(random.uniform(0.2, 0.8))
                nats.kill()
                nats.start()
            await sending
            assert sum(station.connections for station in stations) > len(stations)
        assert len(ledger) == 1800
        await settled(database, 1800 * 3)
        assert "mqtt.session_lost" not in consumer.log


async def test_of_several_accounts_nothing_is_lost_when_consumer_and_broker_are_killed(
    nats: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    nats.accounts = 5
    assert len({account_of(code, nats.accounts) for code in STATIONS}) > 1
    nats.configure(network.users())
    nats.start()
    ledger: set[tuple[str, int]] = set()
    heard: list[dict[str, Any]] = []
    with consumer_of(nats, dsn, tmp_path / "consumer.log") as consumer:
        await consumer.ready()
        async with publishers(nats, network, heard.extend) as stations:
            sending = asyncio.create_task(send(stations, ledger, 400))
            await asyncio.sleep(random.uniform(0.2, 0.5))
            consumer.end(signal.SIGKILL)
            consumer.start()
            await asyncio.sleep(random.uniform(0.2, 0.5))
            nats.kill()
            nats.start()
            await sending
            assert len(ledger) == 1200
            await settled(database, 1200 * 3)
            heard.clear()
            await send(stations, ledger, 1)
            # A receipt comes back in the account of the station.
            await until(lambda: {receipt["station"] for receipt in heard} == set(STATIONS), what="a receipt for each")
        assert "mqtt.session_lost" not in consumer.log
        assert consumer.page("readyz")[0] == 200


async def test_what_waits_in_one_account_is_taken_when_there_are_more(
    nats: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    nats.configure(network.users())
    nats.start()
    ledger: set[tuple[str, int]] = set()
    with consumer_of(nats, dsn, tmp_path / "consumer.log") as consumer:
        await consumer.ready()
        consumer.end()
        async with publishers(nats, network) as stations:
            await send(stations, ledger, 50)
        assert await stored(database) == 0
        nats.stop()
        nats.accounts = 5
        nats.configure(network.users())
        nats.start()
        consumer.start()
        await consumer.ready()
        await settled(database, 150 * 3)
        assert "mqtt.session_lost" not in consumer.log


async def test_a_stop_signal_lets_the_consumer_finish_what_it_took(
    nats: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    nats.configure(network.users())
    nats.start()
    ledger: set[tuple[str, int]] = set()
    with consumer_of(nats, dsn, tmp_path / "consumer.log") as consumer:
        await consumer.ready()
        async with publishers(nats, network) as stations:
            sending = asyncio.create_task(send(stations, ledger, 400))
            await asyncio.sleep(0.4)
            assert await asyncio.to_thread(consumer.end) < 15
            assert consumer.process is not None
            assert consumer.process.returncode == 0
            assert '"left_with_broker": 0' in consumer.log, consumer.log[-3000:]
            await sending
        consumer.start()
        await settled(database, 1200 * 3)


async def test_of_two_consumers_one_stands_by_and_takes_over(
    nats: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    nats.configure(network.users())
    nats.start()
    with (
        consumer_of(nats, dsn, tmp_path / "first.log") as first,
        consumer_of(nats, dsn, tmp_path / "second.log") as second,
    ):
        await until(lambda: first.page("livez")[0] == second.page("livez")[0] == 200, what="both live")
        await until(lambda: first.is_leading or second.is_leading)
        leader, other = (first, second) if first.is_leading else (second, first)
        await leader.ready()
        await asyncio.sleep(3)
        assert leader.is_leading
        assert not other.is_leading
        assert other.page("readyz")[0] == 200
        assert "quantrac_mqtt_connections_total 1.0" in leader.page("metrics")[1]
        assert "quantrac_mqtt_connections_total 0.0" in other.page("metrics")[1]
        leader.end(signal.SIGKILL)
        await other.ready()
        async with publishers(nats, network) as stations:
            await send(stations, set(), 5)
        await settled(database, 45)
        assert "mqtt.session_lost" not in other.log


async def test_stations_that_resend_what_no_receipt_came_for_lose_nothing_with_any_broker(
    broker: RunningBroker, network: Network, database: Database, dsn: str, tmp_path: Path
) -> None:
    """A killed Mosquitto may forget what it acknowledged a moment ago; the receipt tells what was really kept."""
    broker.configure(network.users())
    broker.start()
    code = STATIONS[0]
    told: set[str] = set()
    payloads = {hashlib.sha256(payload).hexdigest(): payload for payload in (packet(code, n) for n in range(400))}

    def hear(receipts: list[dict[str, Any]]) -> None:
        told.update(receipt["sha256"] for receipt in receipts)

    async def resend() -> bool:
        await asyncio.gather(*(station.publish(payloads[digest]) for digest in payloads.keys() - told))
        await asyncio.sleep(1)
        return told >= payloads.keys()

    with consumer_of(broker, dsn, tmp_path / "consumer.log") as consumer:
        await consumer.ready()
        async with StationPublisher(broker.station(network.credentials[code]), code, on_receipts=hear) as station:
            sending = asyncio.create_task(eventually(resend, seconds=60, what="a receipt for each packet"))
            for _ in range(2):
                await asyncio.sleep(random.uniform(0.3, 0.8))
                broker.kill()
                broker.start()
            await sending
    assert await stored(database) == 400 * 3
    assert await database.fetchval("SELECT count(*) FROM reading_conflict") == 0
