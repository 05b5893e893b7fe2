"""CSV as in RFC 4180, in UTF-8, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from core import cells
from core.instants import Zone
from telemetry.series import naming, rendering
from telemetry.series.scanning import Question
from telemetry.series.selecting import Selection
from telemetry.series.store import Row

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return cells.guarded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value)
    return value


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Lines with CRLF; None is an empty cell, floats are written so that they read back the same."""
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


async def lines(
    scanned: AsyncIterator[list[Row]], question: Question, selection: Selection, zone: Zone
) -> AsyncIterator[str]:
    """The header with the rows of the first slice, then those of each slice as it is read."""
    header = table(("station", "symbol", "unit", *rendering.members(question)), ())
    write = rendering.values(question, selection, zone, naming.reasons)
    code = selection.station.code
    heads = {stream.id: (code, stream.symbol, stream.unit) for stream in selection.streams.values()}
    async for rows in scanned:
        if rows:
            yield header + table((), ((*heads[row[1]], *write(row)) for row in rows))
            header = ""
    if header:
        yield header
