"""Reads and writes what was seen of keys and stations, one function per query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import instants, queries
from core.database import Database
from telemetry.admission.places import Known
from telemetry.admission.schemas import Anomaly
from telemetry.admission.sightings import Oddity, Use, network_of

_sql = queries.load(__file__, "admission")
# A key that is used from more networks than this forgets the oldest ones.
_MOST_NETWORKS = 32


@dataclass(frozen=True, slots=True)
class Told:
    """An anomaly that was not there before."""

    anomaly: Anomaly
    station_id: int


async def owners(connection: Any, key_ids: Sequence[str]) -> dict[str, int]:
    """Station by key, of those that exist."""
    rows = await connection.fetch(_sql["admission_owners"], key_ids)
    return {row["id"]: row["station_id"] for row in rows}


async def known(connection: Any, key_ids: Sequence[str]) -> list[Known]:
    rows = await connection.fetch(_sql["admission_known_networks"], key_ids)
    return [Known(row["key_id"], row["channel"], row["network"], instants.to_us(row["last_time"])) for row in rows]


async def note_uses(connection: Any, uses: Sequence[Use]) -> None:
    """Uses of keys that exist, from addresses that have a network."""
    await connection.execute(
        _sql["admission_note_uses"],
        [use.key_id for use in uses],
        [use.channel for use in uses],
        [network_of(use.address) for use in uses],
        [use.address.partition("%")[0] for use in uses],
        [instants.from_us(use.first_us) for use in uses],
        [instants.from_us(use.last_us) for use in uses],
        [use.times for use in uses],
    )


async def forget_networks(connection: Any, key_ids: Sequence[str]) -> None:
    await connection.execute(_sql["admission_forget_networks"], key_ids, _MOST_NETWORKS)


async def note_anomalies(connection: Any, odd: Sequence[Oddity]) -> list[Told]:
    """Note what is odd, at most one of each kind, station, key and day; those that are new."""
    rows = await connection.fetch(
        _sql["admission_note_anomalies"],
        [one.kind for one in odd],
        [one.station_id for one in odd],
        [one.key_id for one in odd],
        [one.channel for one in odd],
        [one.address if one.address and network_of(one.address) else None for one in odd],
        [one.detail for one in odd],
        [instants.from_us(one.first_us) for one in odd],
        [instants.from_us(one.last_us) for one in odd],
        [one.times for one in odd],
    )
    new = [row["id"] for row in rows if row["is_new"]]
    if not new:
        return []
    found = [dict(row) for row in await connection.fetch(_sql["admission_told_anomalies"], new)]
    return [Told(station_id=row.pop("station_id"), anomaly=Anomaly(**row)) for row in found]


async def pause(connection: Any, until_us: dict[int, int]) -> None:
    times = [instants.from_us(until) for until in until_us.values()]
    await connection.execute(_sql["admission_pause"], list(until_us), times)


async def anomalies(
    database: Database,
    stations: list[str] | None,
    kind: str | None,
    since: datetime | None,
    after: tuple[datetime | None, int | None],
    most: int,
) -> list[Anomaly]:
    """Those that were seen last first; `stations` are codes, None for all."""
    rows = await database.fetch(_sql["admission_anomalies"], stations, kind, since, *after, most)
    return [Anomaly(**row) for row in rows]
