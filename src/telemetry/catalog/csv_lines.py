"""Reads the CSV file of an import into numbered lines of named cells; knows nothing of what they mean.

UTF-8 with or without a byte order mark; separated by `,` or `;`. With `;` a number may have a decimal comma, as
spreadsheets set to Vietnamese write it.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Fault
from telemetry.catalog import errors

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """Cells by column, without white space around them; `number` is where the line begins in the file, from 1."""

    number: int
    cells: dict[str, str]


def read(data: bytes, columns: Sequence[str], required: Sequence[str], decimals: Sequence[str]) -> list[Line]:
    """The lines below the header that are not blank. Raises ImportRefused for a file that is no such table."""
    text = _decoded(data)
    delimiter = _delimiter(text)
    rows, faults = _rows(text, delimiter)
    if not rows:
        raise errors.refused(faults or [Fault("line 1", "nothing", f"a header with {', '.join(required)}")])
    header_number, header = rows[0]
    names = [name.strip().lower() for name in header]
    faults += _header_faults(names, header_number, columns, required)
    lines = []
    for number, cells in rows[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            faults.append(Fault(f"line {number}", f"{len(cells)} cells", f"at most {len(names)}, as in the header"))
        lines.append(Line(number, _named(names, cells, decimals if delimiter == ";" else ())))
    if faults:
        raise errors.refused(faults)
    return lines


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        number = data.count(b"\n", 0, failure.start) + 1
        fault = Fault(f"line {number}", f"byte 0x{data[failure.start]:02x}", "text in UTF-8")
        raise errors.refused([fault]) from failure


def _delimiter(text: str) -> str:
    """Column names have neither sign in them, so the one that the header has more of separates."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return ";" if header.count(";") > header.count(",") else ","


def _rows(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], list[Fault]]:
    """(first line number, cells) of each record up to the first that is not CSV, which is the fault."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            if cells:
                found.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error as failure:
        return found, [Fault(f"line {begins}", str(failure), "cells in CSV, quoted with double quotes")]
    return found, []


def _header_faults(names: list[str], number: int, columns: Sequence[str], required: Sequence[str]) -> list[Fault]:
    where = f"line {number}"
    missing = [Fault(where, "no such column", name) for name in required if name not in names]
    unknown = [
        Fault(where, name or "a column without a name", f"one of {', '.join(columns)}")
        for name in names
        if name not in columns
    ]
    twice = sorted({name for name in names if names.count(name) > 1 and name in columns})
    return missing + unknown + [Fault(where, f"{name} twice", "each column once") for name in twice]


def _named(names: list[str], cells: list[str], decimals: Sequence[str]) -> dict[str, str]:
    named = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
    for name in decimals:
        if _DECIMAL_COMMA.fullmatch(named.get(name, "")):
            named[name] = named[name].replace(",", ".")
    return named
