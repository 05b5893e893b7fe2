"""`quantrac seed`: writes the demonstration network into the catalogue."""

import asyncio

import typer

from core.database import Database
from gateway.settings import Settings
from telemetry.catalog import seeding


def seed() -> None:
    """Write the demonstration network (105 stations) into the catalogue; running it again changes nothing."""
    typer.echo(str(asyncio.run(_seed(Settings().dsn))))


async def _seed(dsn: str) -> seeding.SeedReport:
    async with Database(dsn, application_name="quantrac-seed") as database:
        return await seeding.seed(database)
