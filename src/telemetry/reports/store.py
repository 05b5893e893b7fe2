"""Reads what reports are made of, one function per query."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core import queries
from core.database import Database

_sql = queries.load(__file__, "reports")


async def hours(database: Database, streams: Sequence[int], begin: datetime, end: datetime) -> list[Any]:
    """datastream, begin in seconds, received, valid, mean, least, greatest; hours with observations only."""
    return await database.fetch(_sql["reports_hours"], streams, begin, end)


async def windows(database: Database, stations: Sequence[int], begin: datetime, end: datetime) -> list[Any]:
    """Accepted windows that touch the span, in order of time."""
    return await database.fetch(_sql["reports_windows"], stations, begin, end)


async def last_before(
    database: Database, streams: Sequence[int], stations: Sequence[int], time: datetime, not_before: datetime
) -> dict[int, datetime]:
    """When each station was last observed before the time; `stations` are those of the streams, one for each."""
    rows = await database.fetch(_sql["reports_last_before"], streams, stations, time, not_before)
    return {row["station_id"]: row["last_time"] for row in rows}


async def first_after(
    database: Database, streams: Sequence[int], stations: Sequence[int], time: datetime, before: datetime
) -> dict[int, datetime]:
    """When each station was first observed at the time or later."""
    rows = await database.fetch(_sql["reports_first_after"], streams, stations, time, before)
    return {row["station_id"]: row["first_time"] for row in rows}


async def silences(
    database: Database, asked: Sequence[tuple[int, datetime, datetime, timedelta]]
) -> list[tuple[int, datetime, datetime]]:
    """What is left of each silence (datastream, since, until, longest that is none): its place, since and until."""
    columns = [list(column) for column in zip(*asked, strict=True)] or [[], [], [], []]
    rows = await database.fetch(_sql["reports_silences"], *columns)
    return [(row["place"] - 1, row["since"], row["until"]) for row in rows]


async def outage_alerts(database: Database, stations: Sequence[int], begin: datetime, end: datetime) -> list[Any]:
    """Alerts of lost connections that touch the span, in order of time."""
    return await database.fetch(_sql["reports_outage_alerts"], stations, begin, end)


async def exceedances(database: Database, streams: Sequence[int], begin: datetime, end: datetime) -> list[Any]:
    """Verdicts `exceeded` of periods that end after the begin and not after the end, in order of time."""
    return await database.fetch(_sql["reports_exceedances"], streams, begin, end)


async def judged(database: Database, streams: Sequence[int], begin: datetime, end: datetime) -> dict[str, int]:
    """How many verdicts of each kind there are on the same periods."""
    rows = await database.fetch(_sql["reports_judged"], streams, begin, end)
    return {row["verdict"]: row["verdict_n"] for row in rows}


async def stations_of(database: Database, organization: str) -> list[int] | None:
    """The stations of the organization with this code; None where there is no such organization."""
    row = await database.fetchrow(_sql["reports_organization"], organization)
    return None if row is None else row["stations"] or []
