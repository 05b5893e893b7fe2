"""Load generator for MQTT 3.1.1: publishes prepared packets with QoS 1, one connection a station, a window ahead.

Runs as a process of its own, as `http_load` does. The answer that it times is the broker's PUBACK.
"""

import asyncio
import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.http_load import bodies

_CONNACK_BYTES = 4
_PUBACK_BYTES = 4


def prefixed(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def fixed_header(kind: int, rest: bytes) -> bytes:
    """Fixed header with the remaining length as MQTT writes it."""
    length, encoded = len(rest), b""
    while True:
        length, digit = divmod(length, 128)
        encoded += bytes([digit | (128 if length else 0)])
        if not length:
            return bytes([kind]) + encoded + rest


def _connect(client_id: str, user: str, password: str) -> bytes:
    names = prefixed(client_id) + prefixed(user) + prefixed(password)
    return fixed_header(0x10, prefixed("MQTT") + b"\x04\xc2\x00\x3c" + names)


def _publish(topic: str, packet_id: int, payload: bytes) -> bytes:
    return fixed_header(0x32, prefixed(topic) + struct.pack(">H", packet_id) + payload)


async def _station(plan: dict[str, Any], key: str, station: str, payloads: list[bytes]) -> int:
    """Publish all payloads of a station; the number of PUBACKs."""
    reader, writer = await asyncio.open_connection(plan["host"], plan["port"])
    user = key.partition(".")[0]
    writer.write(_connect(user, user, key))
    connack = await reader.readexactly(_CONNACK_BYTES)
    if connack[3] != 0:
        raise RuntimeError(f"the broker refused {station}: return code {connack[3]}")
    acknowledged = sent = 0
    topic = f"v1/{station}/observations"
    while acknowledged < len(payloads):
        while sent < len(payloads) and sent - acknowledged < plan["window"]:
            sent += 1
            writer.write(_publish(topic, sent % 65535 + 1, payloads[sent - 1]))
        data = await reader.readexactly(_PUBACK_BYTES)
        if data[0] != 0x40:
            raise RuntimeError(f"expected PUBACK, found packet type {data[0]:#x}")
        acknowledged += 1
    writer.write(b"\xe0\x00")
    await writer.drain()
    writer.close()
    return acknowledged


def _by_station(plan: dict[str, Any]) -> Iterator[tuple[str, list[bytes]]]:
    found: dict[str, list[bytes]] = {}
    for station, body in bodies(plan):
        found.setdefault(station, []).append(body)
    yield from found.items()


async def _run(plan: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    work = list(_by_station(plan))
    begin, cpu = time.perf_counter(), time.process_time()
    acknowledged = await asyncio.gather(*(_station(plan, keys[station], station, loads) for station, loads in work))
    return {
        "seconds": time.perf_counter() - begin,
        "answered": sum(acknowledged),
        "cpu": time.process_time() - cpu,
        "begun": time.time() - (time.perf_counter() - begin),
    }


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    keys = json.loads(Path(plan["keys"]).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(uvloop.run(_run(plan, keys))))


if __name__ == "__main__":
    main()
