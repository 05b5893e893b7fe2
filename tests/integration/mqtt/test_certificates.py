"""Stations that are known by a certificate: a throwaway authority, and both brokers as they are configured for it."""

import asyncio
import dataclasses
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from telemetry.mqtt import topics
from telemetry.mqtt.acknowledging import AcknowledgingClient, BrokerAddress
from telemetry.mqtt.brokers import GATEWAY_USER, TlsFiles
from telemetry.mqtt.publishing import PublishRefused, StationPublisher
from tests.fixtures.brokers import RunningBroker, user_of

MINE, OTHER = "TH-NT-001", "TH-NT-002"
KEY, OTHER_KEY = "st_aaaaaaaa." + "x" * 43, "st_bbbbbbbb." + "y" * 43
NAME, OTHER_NAME = KEY.partition(".")[0], OTHER_KEY.partition(".")[0]

# The library leaves the socket of a failed handshake to the garbage collector, which closes it and says so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


class Authority:
    """Makes certificates as deploy/README.md tells to."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._run(
            "req", "-x509", *self._new(name), "-days", "2", "-subj", f"/CN={name}", "-out", self.certificate(name)
        )

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @property
    def file(self) -> Path:
        return self.certificate(self.name)

    def sign(self, name: str, *, usage: str = "clientAuth", host: str | None = None) -> None:
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        lines = [f"extendedKeyUsage={usage}", f"subjectAltName=IP:{host}" if host else f"subjectAltName=DNS:{name}"]
        extensions.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._run("req", *self._new(name), "-subj", f"/CN={name}", "-out", request)
        self._run(
            *("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key(self.name), "-CAcreateserial"),
            *("-days", "2", "-extfile", extensions, "-out", self.certificate(name)),
        )

    def shown_by(self, address: BrokerAddress, name: str) -> BrokerAddress:
        return dataclasses.replace(address, certificate_file=self.certificate(name), key_file=self.key(name))

    def _new(self, name: str) -> tuple[str | Path, ...]:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        return (*curve, "-keyout", self.key(name))

    @staticmethod
    def _run(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture
def authority(broker: RunningBroker) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    made = Authority(broker.folder, "authority")
    made.sign("broker", usage="serverAuth", host="127.0.0.1")
    for name in (NAME, OTHER_NAME, GATEWAY_USER):
        made.sign(name)
    return made


@pytest.fixture
def secured(broker: RunningBroker, authority: Authority) -> RunningBroker:
    """The broker that believes the name in a certificate of the authority, and no other."""
    broker.tls = TlsFiles(authority.certificate("broker"), authority.key("broker"), authority.file, named=True)
    broker.configure([user_of(KEY, MINE), user_of(OTHER_KEY, OTHER)])
    broker.start()
    return broker


def over_tls(address: BrokerAddress, authority: Authority) -> BrokerAddress:
    return dataclasses.replace(address, tls=True, ca_file=authority.file)


async def refused(address: BrokerAddress) -> bool:
    try:
        async with AcknowledgingClient(address, epoch=1, in_flight=10) as client:
            # The refusal of a certificate may come after the handshake.
            await client.subscribe(topics.HEARTBEAT, qos=0)
            return False
    except aiomqtt.MqttError:
        return True


async def test_a_certificate_speaks_for_its_own_station_only(secured: RunningBroker, authority: Authority) -> None:
    gateway = authority.shown_by(over_tls(secured.gateway(), authority), GATEWAY_USER)
    mine = authority.shown_by(over_tls(secured.station(KEY), authority), NAME)
    authority.sign("st_dddddddd")
    ended = authority.shown_by(over_tls(secured.station(KEY, "st_dddddddd"), authority), "st_dddddddd")
    heard: list[str] = []
    async with AcknowledgingClient(gateway, epoch=1, in_flight=50) as consumer:
        await consumer.subscribe([(name, 1) for name in topics.OBSERVATIONS])
        await _try(ended, topics.observations(MINE))
        async with StationPublisher(mine, MINE) as station:
            await asyncio.wait_for(station.connected(), 10)
            with suppress(PublishRefused):
                await asyncio.wait_for(station.publish_to(topics.observations(OTHER), b"stolen"), 5)
            await asyncio.wait_for(station.publish(b"own"), 5)
        async with asyncio.timeout(5):
            while not heard:
                for delivery in await consumer.batch(10):
                    heard.append(delivery.topic)
                    consumer.acknowledge(delivery)
    assert heard == [topics.observations(MINE)]


async def test_nobody_is_let_in_without_the_right_certificate(secured: RunningBroker, authority: Authority) -> None:
    stranger = Authority(secured.folder, "stranger")
    stranger.sign("st_cccccccc")
    mine = over_tls(secured.station(KEY), authority)
    tried = {
        "no certificate": mine,
        "another authority's": stranger.shown_by(mine, "st_cccccccc"),
        "no TLS at all": dataclasses.replace(mine, tls=False),
        "wrong password": dataclasses.replace(authority.shown_by(mine, NAME), password=OTHER_KEY),
    }
    answers = await asyncio.gather(*(refused(address) for address in tried.values()))
    # NATS asks for the key beside the certificate; Mosquitto asks for the certificate alone.
    expected = dict.fromkeys(tried, True) | {"wrong password": secured.kind == "nats"}
    assert dict(zip(tried, answers, strict=True)) == expected


async def _try(address: BrokerAddress, topic: str) -> None:
    """Publish under a certificate whose key is not live: NATS closes, Mosquitto lets in who then may nothing."""
    with suppress(aiomqtt.MqttError):
        async with AcknowledgingClient(address, epoch=1, in_flight=10) as client:
            await client.publish(topic, b"ended", qos=1)
