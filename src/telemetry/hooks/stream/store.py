"""Reads for the live stream what its feeds do not bring: the readings of receipts, and who owns which station."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from core import instants, queries
from core.database import Database
from telemetry.changes.store import Receipt

_sql = queries.load(__file__, "streaming")
_HOUR = timedelta(hours=1)


async def newest(database: Database, wanted: Sequence[tuple[Receipt, int]]) -> list[Any]:
    """Records of what each receipt stored last of each datastream, by receipt and datastream.

    `wanted` are receipts that stored something, with the ids of their datastreams.
    """
    if not wanted:
        return []
    firsts = [instants.from_us(receipt.first_us or 0) for receipt, _ in wanted]
    lasts = [instants.from_us(receipt.last_us or 0) for receipt, _ in wanted]
    return await database.fetch(
        _sql["streaming_newest"],
        [receipt.id for receipt, _ in wanted],
        [stream for _, stream in wanted],
        firsts,
        lasts,
        min(lasts) - _HOUR,
        max(lasts),
    )


async def stations_of(database: Database, organization: str) -> tuple[int, frozenset[int]] | None:
    """The organization's id and the ids of its stations; None where there is no such organization."""
    rows = await database.fetch(_sql["streaming_stations_of"], organization)
    if not rows:
        return None
    stations = frozenset(row["station_id"] for row in rows if row["station_id"] is not None)
    return rows[0]["organization_id"], stations
