"""A plain reader of correct JSON documents, by the standard library alone, that the codecs must agree with."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.telemetry.codecs.flattening import Kept

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(body: bytes) -> list[Kept]:
    """Every reading of a packet or of columns that have no flaw."""
    document = json.loads(body)
    return _columns(document) if "results" in document else _packet(document)


def _us(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def _packet(document: dict[str, Any]) -> list[Kept]:
    readings = document["readings"]
    if isinstance(readings, dict):
        readings = [{"symbol": symbol, "result": result} for symbol, result in readings.items()]
    return [
        Kept(
            position,
            document["station"],
            reading["symbol"],
            reading.get("unit") or None,
            _us(reading.get("phenomenonTime") or document["phenomenonTime"]),
            float(reading["result"]),
            int(reading.get("status") or "00"),
        )
        for position, reading in enumerate(readings)
    ]


def _columns(document: dict[str, Any]) -> list[Kept]:
    found: list[Kept] = []
    for symbol, results in document["results"].items():
        unit = document.get("units", {}).get(symbol) or None
        statuses = document.get("statuses", {}).get(symbol, ["00"] * len(results))
        for time, result, status in zip(document["phenomenonTime"], results, statuses, strict=True):
            if result is not None:
                row = Kept(len(found), document["station"], symbol, unit, _us(time), float(result), int(status))
                found.append(row)
    return found
