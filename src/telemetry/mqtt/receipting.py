"""Gathers the receipts of committed messages and publishes them, one document per station and round.

A receipt is published with QoS 0 and is not waited for. The broker's acknowledgement already told the station that
its message is safe; a receipt that gets lost costs a resend, which is answered `duplicate`.
"""

import asyncio
from collections.abc import Callable

import msgspec

from telemetry.intake import answers
from telemetry.mqtt import topics
from telemetry.mqtt.counters import Counters
from telemetry.readings import Outcome

# Well under the smallest message size of the brokers that we configure.
_DOCUMENT_BYTES = 128 * 1024
_json = msgspec.json.Encoder()

Tell = Callable[[str, bytes], bool]


class Receipts:
    """Receipts that became ready and were not published yet."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._ready: dict[str, list[bytes]] = {}
        self._news = asyncio.Event()

    def add(self, station: str, sha256: bytes, outcome: Outcome) -> None:
        """`sha256` is of the payload as the station sent it: so it knows which message the receipt is for."""
        document = {"sha256": sha256.hex(), **answers.receipt_document(outcome)}
        self._ready.setdefault(station, []).append(_json.encode(document))
        self._news.set()

    async def publish(self, tell: Tell) -> None:
        """Publish for ever, in rounds: what was committed together is told together."""
        while True:
            await self._news.wait()
            self.flush(tell)

    def flush(self, tell: Tell) -> None:
        self._news.clear()
        ready, self._ready = self._ready, {}
        for station, documents in ready.items():
            for part in _parts(documents):
                told = tell(topics.receipts(station), b'{"receipts":[' + b",".join(part) + b"]}")
                if told:
                    self._counters.receipts += len(part)
                else:
                    self._counters.receipts_lost += len(part)


def _parts(documents: list[bytes]) -> list[list[bytes]]:
    """The documents in order, in parts that fit into one message."""
    parts: list[list[bytes]] = [[]]
    size = 0
    for document in documents:
        if parts[-1] and size + len(document) > _DOCUMENT_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(document)
        size += len(document) + 1
    return parts
