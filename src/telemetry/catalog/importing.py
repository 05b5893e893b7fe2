"""Imports stations with their datastreams from CSV: all or nothing, and everything that is wrong is told at once.

Columns, in any order (`import_plan` has the list): `station`, `kind`, `organization`, `name_vi` are required; the rest
may be left out. One line is one datastream; the station is described on its first line. `aliases` are separated by `|`.
With `update`, a station that exists is brought to what the file says; its datastreams that the file does not name stay
as they are.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core.database import Database
from telemetry.catalog import csv_lines, errors, import_plan
from telemetry.catalog.csv_lines import Line
from telemetry.catalog.import_plan import Plan
from telemetry.catalog.schemas.imports import ImportReport
from telemetry.catalog.store import imports as store
from telemetry.catalog.store.writing import changing

# Rows of one statement: few enough that progress moves and no statement meets its time limit.
_BATCH = 500

# Called with the rows that are written and the rows that there are.
Progress = Callable[[int, int], None]


class _NothingKept(Exception):
    """Ends the transaction of a dry run."""


def _unheard(done: int, total: int) -> None:
    """Nobody wants to know."""


async def import_stations(
    database: Database, data: bytes, *, dry_run: bool = False, update: bool = False, progress: Progress = _unheard
) -> ImportReport:
    """Raises ImportRefused with every fault of the file. A dry run does all that a real one does, and undoes it."""
    lines = csv_lines.read(data, import_plan.COLUMNS, import_plan.REQUIRED, import_plan.DECIMALS)
    plan = Plan()
    with suppress(_NothingKept):
        async with changing(database) as connection:
            plan = await _planned(connection, lines, update=update)
            await _carry_out(connection, plan, progress)
            if dry_run:
                raise _NothingKept
    return ImportReport(
        dry_run=dry_run,
        lines=len(lines),
        stations_new=len(plan.stations) - len(plan.existing),
        stations_updated=len(plan.existing),
        datastreams=len(plan.datastreams),
        aliases=sum(len(datastream.aliases) for datastream in plan.datastreams),
    )


async def _planned(connection: Any, lines: list[Line], *, update: bool) -> Plan:
    """The plan against the catalogue as it stands; nobody changes stations until the transaction ends."""
    await store.lock(connection)
    known = await store.known(connection)
    codes = {line.cells.get("station", "") for line in lines} & known.stations
    spellings = await store.spellings(connection, sorted(codes))
    plan = import_plan.make(lines, known, spellings, update=update)
    if plan.faults:
        raise errors.refused(plan.in_order())
    return plan


async def _carry_out(connection: Any, plan: Plan, progress: Progress) -> None:
    total = len(plan.stations) + len(plan.datastreams)
    done = 0
    progress(done, total)
    for start in range(0, len(plan.stations), _BATCH):
        stations = plan.stations[start : start + _BATCH]
        await store.write_stations(connection, stations)
        done += len(stations)
        progress(done, total)
    for start in range(0, len(plan.datastreams), _BATCH):
        datastreams = plan.datastreams[start : start + _BATCH]
        await store.write_datastreams(connection, datastreams)
        done += len(datastreams)
        progress(done, total)
