"""What `quantrac run` asks of its database: which stations to simulate, and the figures of its line a minute."""

from dataclasses import dataclass
from datetime import datetime

from core import queries
from core.database import Database

_sql = queries.load(__file__, "running")


@dataclass(frozen=True, slots=True)
class Received:
    receipts: int
    stored: int
    duplicates: int
    conflicts: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Reporting:
    expected: int
    reporting: int


async def demonstration_stations(database: Database) -> list[str]:
    return [row["code"] for row in await database.fetch(_sql["running_demonstration_stations"])]


async def received(database: Database, after: datetime, until: datetime) -> Received:
    return Received(**await database.fetchrow(_sql["running_received"], after, until))


async def reporting(database: Database) -> Reporting:
    return Reporting(**await database.fetchrow(_sql["running_reporting"]))
