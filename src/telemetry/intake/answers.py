"""What a sender is told: the receipt of a submission as JSON, the same over HTTP and MQTT."""

from typing import Any

import msgspec

from core import instants
from telemetry.readings import Outcome, Verdict

# What a browser is told of an answer that is no page.
PRIVATE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

_json = msgspec.json.Encoder()
_ALL_STORED = (
    b'{"receipt":%d,"station":%b,"receivedTime":"%b","counts":{"stored":%d,"duplicate":0,"conflict":0,"quarantined":0,'
    b'"rejected":0},"readings":[]}'
)


def receipt_document(outcome: Outcome) -> dict[str, Any]:
    """Counts of all readings, and one entry for each that was not simply stored."""
    return {
        "receipt": outcome.receipt_id,
        "station": outcome.station,
        "receivedTime": instants.text_of_us(outcome.received_us),
        "counts": {
            "stored": outcome.stored,
            "duplicate": outcome.duplicates,
            "conflict": outcome.conflicts,
            "quarantined": outcome.quarantined,
            "rejected": outcome.rejected,
        },
        "readings": [verdict_document(verdict) for verdict in outcome.verdicts],
    }


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    return {
        "index": verdict.index,
        "symbol": verdict.symbol,
        "outcome": verdict.fate,
        "reason": verdict.reason,
        "field": verdict.field,
        "found": verdict.found,
        "expected": verdict.expected,
    }


def encode_any(document: dict[str, Any]) -> bytes:
    return _json.encode(document)


def encode(outcome: Outcome) -> bytes:
    """The receipt document as JSON."""
    if outcome.verdicts:
        return _json.encode(receipt_document(outcome))
    # Nearly every answer is this one: all was stored.
    return _ALL_STORED % (
        outcome.receipt_id,
        _json.encode(outcome.station),
        instants.text_of_us(outcome.received_us).encode(),
        outcome.stored,
    )
