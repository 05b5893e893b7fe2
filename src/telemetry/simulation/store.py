"""Reads the tables that a ledger is compared with, as one consistent picture."""

from typing import Any

import numpy as np

from core import queries
from core.database import Database
from telemetry.simulation.checking import Tables

_sql = queries.load(__file__, "ledger")
# The comparison reads whole tables; it is not the hot path.
_SECONDS = 300.0


async def tables(database: Database) -> Tables:
    """All observations, conflicts, receipts and quarantined readings of the database."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = '300s'")
        observations = await connection.fetch(_sql["ledger_observations"], timeout=_SECONDS)
        conflicts = await connection.fetch(_sql["ledger_conflicts"], timeout=_SECONDS)
        receipts = await connection.fetch(_sql["ledger_receipts"], timeout=_SECONDS)
        quarantine = await connection.fetch(_sql["ledger_quarantine"], timeout=_SECONDS)
    return Tables(
        datastream_id=_column(observations, "datastream_id", np.int64),
        time_us=_column(observations, "time_us", np.int64),
        result=_column(observations, "result", np.float64),
        receipt_id=_column(observations, "receipt_id", np.int64),
        conflict_datastream_id=_column(conflicts, "datastream_id", np.int64),
        conflict_time_us=_column(conflicts, "time_us", np.int64),
        conflict_result=_column(conflicts, "result", np.float64),
        receipts={row["id"]: (row["station_id"], row["sha256"]) for row in receipts},
        quarantine=frozenset((row["receipt_id"], row["reading_index"]) for row in quarantine),
    )


def _column(rows: list[Any], name: str, kind: type[Any]) -> Any:
    return np.fromiter((row[name] for row in rows), kind, len(rows))
