"""The consumer and a station over TLS, with the broker's certificate checked."""

import asyncio
import dataclasses
import shutil
import subprocess
from pathlib import Path

import aiomqtt
import pytest

from telemetry.mqtt.acknowledging import AcknowledgingClient, BrokerAddress
from telemetry.mqtt.brokers import TlsFiles
from telemetry.mqtt.publishing import StationPublisher
from tests.fixtures.brokers import RunningBroker, user_of

CREDENTIAL = "st_aaaaaaaa." + "x" * 43
STATION = "TH-NT-001"


@pytest.fixture
def secured(broker: RunningBroker) -> RunningBroker:
    """The broker with a certificate of its own for 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    key, certificate = broker.folder / "key.pem", broker.folder / "certificate.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    broker.tls = TlsFiles(certificate, key)
    broker.configure([user_of(CREDENTIAL, STATION)])
    broker.start()
    return broker


def over_tls(address: BrokerAddress, authority: Path | None) -> BrokerAddress:
    return dataclasses.replace(address, tls=True, ca_file=authority)


async def test_messages_of_all_sizes_come_whole_and_can_be_acknowledged(secured: RunningBroker) -> None:
    """TLS hands out records, not packets: what is decrypted and unread must not be left lying."""
    authority = secured.folder / "certificate.pem"
    payloads = {bytes([number % 251]) * (1 + number * 331) for number in range(150)}
    taken: set[bytes] = set()
    async with AcknowledgingClient(over_tls(secured.gateway(), authority), epoch=1, in_flight=500) as gateway:
        await gateway.subscribe("v1/+/observations", qos=1)
        async with StationPublisher(over_tls(secured.station(CREDENTIAL), authority), STATION, window=150) as station:
            await asyncio.gather(*(station.publish(payload) for payload in payloads))
            async with asyncio.timeout(20):
                while len(taken) < len(payloads):
                    for delivery in await gateway.batch(7):
                        taken.add(delivery.payload)
                        gateway.acknowledge(delivery)
    assert taken == payloads
    assert gateway.counters.acknowledged == len(payloads)


# The library leaves the socket of a failed handshake to the garbage collector, which closes it and says so.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_that_nobody_vouches_for_is_refused(secured: RunningBroker) -> None:
    with pytest.raises(aiomqtt.MqttError, match="certificate verify failed"):
        async with AcknowledgingClient(over_tls(secured.gateway(), None), epoch=1, in_flight=10):
            pytest.fail("a certificate that nobody signed was believed")
