"""A subscriber that acknowledges every message at once and keeps nothing: what the broker itself can hand out.

Runs as a process of its own: `python -m tests.benchmarks.mqtt_subscriber PORT COUNT ACCOUNTS` reads the gateway's
password from its first line of input, says "subscribed", and prints the time (seconds since 1970) when the last
message came.
"""

import asyncio
import struct
import sys
import time

import uvloop

from telemetry.mqtt import topics
from telemetry.mqtt.brokers import GATEWAY_USER, gateway_user
from tests.benchmarks.mqtt_load import fixed_header, prefixed

_CONNACK_BYTES, _SUBACK_BYTES = 4, 5
_PUBLISH, _PUBACK = 0x30, 0x40


def _packets(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Whole packets without their fixed headers, each behind its first byte, and the bytes that are left."""
    found = []
    while len(buffer) > 1:
        length = shift = 0
        at = 1
        while at < len(buffer):
            digit = buffer[at]
            length |= (digit & 127) << shift
            shift += 7
            at += 1
            if not digit & 128:
                break
        else:
            break
        if len(buffer) < at + length:
            break
        found.append(buffer[:1] + buffer[at : at + length])
        buffer = buffer[at + length :]
    return found, buffer


def _acknowledgement(packet: bytes) -> bytes:
    (topic,) = struct.unpack(">H", packet[1:3])
    return bytes((_PUBACK, 2)) + packet[3 + topic : 5 + topic]


async def _connected(
    port: int, password: str, account: int, *, clean: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    names = prefixed("benchmark-subscriber") + prefixed(gateway_user(GATEWAY_USER, account)) + prefixed(password)
    flags = b"\xc2" if clean else b"\xc0"
    writer.write(fixed_header(0x10, prefixed("MQTT") + b"\x04" + flags + b"\x00\x3c" + names))
    if (await reader.readexactly(_CONNACK_BYTES))[3] != 0:
        raise RuntimeError("the broker refused the connection")
    return reader, writer


async def _run(port: int, count: int, accounts: int, password: str) -> None:
    streams = [await _subscribed(port, password, account) for account in range(accounts)]
    print("subscribed", flush=True)  # noqa: T201 - told to the parent process
    left = [count]
    readers = [asyncio.create_task(_acknowledge(reader, writer, left)) for reader, writer in streams]
    await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
    print(time.time(), flush=True)  # noqa: T201 - told to the parent process
    for reading in readers:
        reading.cancel()
    for account, (_, writer) in enumerate(streams):
        await _bid_farewell(writer)
        # A clean session ends the kept one, for which the broker would store everything from now on.
        _, cleaner = await _connected(port, password, account, clean=True)
        await _bid_farewell(cleaner)


async def _subscribed(port: int, password: str, account: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # Its session is kept like the consumer's, so that the broker writes down every acknowledgement too.
    reader, writer = await _connected(port, password, account, clean=False)
    writer.write(fixed_header(0x82, b"\x00\x01" + prefixed(topics.OBSERVATIONS[0]) + b"\x01"))
    if (await reader.readexactly(_SUBACK_BYTES))[4] != 1:
        raise RuntimeError("the broker did not grant QoS 1")
    return reader, writer


async def _acknowledge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[int]) -> None:
    """Until nothing is left of what all accounts deliver together."""
    buffer = b""
    while left[0] > 0:
        packets, buffer = _packets(buffer + await reader.read(2**16))
        answers = [_acknowledgement(packet) for packet in packets if packet[0] & 0xF0 == _PUBLISH]
        left[0] -= len(answers)
        writer.write(b"".join(answers))
        await writer.drain()


async def _bid_farewell(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\xe0\x00")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def main() -> None:
    port, count, accounts = map(int, sys.argv[1:])
    uvloop.run(_run(port, count, accounts, sys.stdin.readline().strip()))


if __name__ == "__main__":
    main()
