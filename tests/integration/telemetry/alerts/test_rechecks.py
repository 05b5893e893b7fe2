"""Spans that are looked at again, piece by piece, beside others who evaluate the same station."""

import asyncio
from datetime import timedelta

from core import instants
from core.database import Database
from telemetry.alerts.evaluation import episode_store
from telemetry.alerts.evaluation.deadlines import Deadlines, Options
from telemetry.alerts.handling import rechecks
from telemetry.catalog import seeding
from telemetry.catalog.loading import LiveCatalog

_DAY = timedelta(days=1)
_STATION = "SELECT id FROM station WHERE code = 'TH-NT-001'"
_LEFT = "SELECT begin_time FROM alert_recheck"


async def test_waiting_for_a_station_does_not_make_pieces_shorter(database: Database) -> None:
    await seeding.seed(database)
    station = await database.fetchval(_STATION)
    begin = instants.now().replace(microsecond=0) - 40 * _DAY
    async with database.transaction() as connection:
        await rechecks.ask(connection, station, None, begin, begin + 30 * _DAY, "a test")
    async with LiveCatalog(database) as catalog:
        deadlines = Deadlines(database, catalog, Options(turn_seconds=1.0, shortest=_DAY))
        async with database.transaction() as connection:
            await episode_store.lock(connection, [station])
            turn = asyncio.create_task(deadlines.turn())
            await asyncio.sleep(1.1)
            assert not turn.done(), "somebody else has the station"
        assert await turn
        assert await database.fetchval(_LEFT) == begin + _DAY
        assert await deadlines.turn()
    assert await database.fetchval(_LEFT) == begin + 3 * _DAY
