"""JSON or CSV: which of the two is asked for, and the headers that they are answered with."""

from typing import Annotated, Any

import msgspec
from fastapi import Header, Response

from telemetry.series import export

Accept = Annotated[str, Header(include_in_schema=False)]

# What the OpenAPI document says of an answer that may be CSV.
CSV_CONTENT = {"text/csv": {"schema": {"type": "string"}}}


def csv_wanted(form: str | None, accept: str) -> bool:
    """`format` goes before `Accept`."""
    return form == "csv" if form else "text/csv" in accept.lower()


def json(document: Any) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json", headers={"Vary": "Accept"})


def table(name: str, text: str) -> Response:
    return Response(text, media_type=export.MEDIA_TYPE, headers=csv_headers(name))


def csv_headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
