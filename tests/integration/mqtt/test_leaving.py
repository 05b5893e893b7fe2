"""A station that leaves while its broker refuses it."""

import asyncio

from telemetry.mqtt.acknowledging import BrokerAddress
from telemetry.mqtt.publishing import StationPublisher

_NOT_AUTHORIZED = b"\x20\x02\x00\x05"


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(_NOT_AUTHORIZED)
    await writer.drain()
    writer.close()


async def test_a_station_that_is_refused_in_the_moment_it_leaves_is_gone() -> None:
    server = await asyncio.start_server(_refuse, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    address = BrokerAddress("127.0.0.1", port, "st_aaaaaaaa", "secret", "st_aaaaaaaa", protocol="3.1.1", keepalive=10)
    async with server:
        for number in range(300):
            station = StationPublisher(address, "TH-NT-001")
            await station.__aenter__()
            # From before the connection is made until after the refusal.
            await asyncio.sleep(number / 50_000)
            async with asyncio.timeout(10) as patience:
                await station.__aexit__(None, None, None)
            assert not patience.expired()
