"""How `POST /v1/observations` reads in the OpenAPI document; the endpoint itself is plain ASGI."""

from typing import Any

from core.problems import MEDIA_TYPE, SCHEMA_REFERENCE
from telemetry.readings import Fate, Reason

_PACKET = {
    "station": "TH-NT-001",
    "phenomenonTime": "2026-11-23T08:00:00+07:00",
    "readings": [
        {"symbol": "COD", "result": 48.6, "unit": "mg/l", "status": "00"},
        {"symbol": "pH", "result": 7.21},
    ],
}
_COLUMNS = {
    "station": "TH-NT-001",
    "phenomenonTime": ["2026-11-23T08:00:00+07:00", "2026-11-23T08:05:00+07:00"],
    "results": {"COD": [48.6, 48.1], "pH": [7.21, None]},
    "units": {"COD": "mg/l"},
}
_RECEIPT = {
    "receipt": 1042,
    "station": "TH-NT-001",
    "receivedTime": "2026-11-23T01:00:02.120000Z",
    "counts": {"stored": 1, "duplicate": 0, "conflict": 0, "quarantined": 1, "rejected": 0},
    "readings": [
        {
            "index": 0,
            "symbol": "CODx",
            "outcome": "quarantined",
            "reason": "unknown-symbol",
            "field": "symbol",
            "found": "CODx",
            "expected": "a symbol or alias of TH-NT-001: COD, NH4, TSS, Temp, pH",
        }
    ],
}
_RECEIPT_SCHEMA: dict[str, Any] = {
    "title": "Receipt",
    "type": "object",
    "required": ["receipt", "station", "receivedTime", "counts", "readings"],
    "properties": {
        "receipt": {"type": "integer", "description": "Number of the receipt; `GET /v1/receipts/{id}` reads it back."},
        "station": {"type": ["string", "null"], "description": "The station that spoke; null when the staff did."},
        "receivedTime": {"type": "string", "format": "date-time"},
        "counts": {
            "type": "object",
            "required": [fate.value for fate in Fate],
            "properties": {fate.value: {"type": "integer", "minimum": 0} for fate in Fate},
        },
        "readings": {
            "type": "array",
            "description": "One entry for each reading that was not simply stored.",
            "items": {
                "type": "object",
                "required": ["index", "symbol", "outcome", "reason", "field", "found", "expected"],
                "properties": {
                    "index": {"type": ["integer", "null"], "description": "Position in the submission, from 0."},
                    "symbol": {"type": ["string", "null"]},
                    "outcome": {"enum": [fate.value for fate in Fate]},
                    "reason": {"enum": [reason.value for reason in Reason]},
                    "field": {"type": "string"},
                    "found": {"type": "string"},
                    "expected": {"type": "string"},
                },
            },
        },
    },
}
_ROWS = "COD\t48.6\tmg/l\t20261123080000\t00\npH\t7.21\t\t20261123080000\t00\n"


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": dict(SCHEMA_REFERENCE)}}}


OPERATION: dict[str, Any] = {
    "tags": ["observations"],
    "operationId": "post_observations",
    "summary": "Send readings",
    "description": (
        "One packet, an array of packets, columns for a backfill, an NDJSON stream of packets or columns, the "
        "regulator's text file or CSV; gzip is accepted. The answer is given after COMMIT and counts every reading. "
        "`stored`, `duplicate`, `conflict` and `quarantined` all mean: kept. A station writes for itself only; the "
        "staff may write for any station.\n\n"
        "An NDJSON body is answered with NDJSON: one receipt for each chunk, and a last line with `complete: true`."
    ),
    "security": [{"HTTPBearer": []}],
    "parameters": [
        {
            "name": "atomic",
            "in": "query",
            "description": "All readings are stored (or were there already), or none is kept and 422 says why.",
            "schema": {"type": "boolean", "default": False},
        },
        {
            "name": "fileName",
            "in": "query",
            "description": "Name of the regulator's file, with or without folders; its station and time are checked.",
            "schema": {"type": "string"},
            "example": "TH_ABCD_NUOXLT_20261123080000.txt",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": ["object", "array"]},
                "examples": {"packet": {"value": _PACKET}, "columns": {"value": _COLUMNS}},
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/tab-separated-values": {"schema": {"type": "string"}, "example": _ROWS},
            "text/csv": {
                "schema": {"type": "string"},
                "example": "phenomenonTime,COD [mg/l],pH\n2026-11-23T08:00:00+07:00,48.6,7.21\n",
            },
        },
    },
    "responses": {
        "200": {
            "description": "Committed. The receipt says what became of each reading.",
            "headers": {"X-Request-ID": {"schema": {"type": "string"}}},
            "content": {
                "application/json": {"schema": _RECEIPT_SCHEMA, "example": _RECEIPT},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "400": _problem("The request is not HTTP as it should be."),
        "401": _problem("The key is missing, unknown, revoked or expired."),
        "403": _problem("The sender may not do this."),
        "408": _problem("The body did not arrive in time."),
        "413": _problem("The body is too large, on the wire or inflated."),
        "415": _problem("No codec for this media type or encoding."),
        "422": _problem(
            "Nothing could be read from the body (its bytes are in quarantine), or all-or-nothing was refused."
        ),
        "429": _problem("The station is over its quota, or too many wrong keys came from this address."),
        "503": _problem(
            "The queue is full or the database does not commit. Nothing is promised; send the same bytes again."
        ),
    },
}
