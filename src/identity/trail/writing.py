"""Entries of the trail as CSV that is safe to open in a spreadsheet."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime

from core import cells, instants
from identity.trail.schemas import Entry

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_COLUMNS = ("number", "time", "actor", "address", "reason", "action", "table", "subject", "before", "after", "hash")


def table(entries: Sequence[Entry]) -> str:
    """A header and a line for each entry; before and after as JSON."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(getattr(entry, column)) for column in _COLUMNS] for entry in entries)
    return text.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            text = ""
        case dict():
            text = json.dumps(value, ensure_ascii=False)
        case datetime():
            text = instants.text(value)
        case _:
            text = str(value)
    return cells.guarded(text)
