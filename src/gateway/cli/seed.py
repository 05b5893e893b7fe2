"""`quantrac seed`: writes the demonstration network into the catalogue."""

import asyncio

import typer

from core import acting
from core.database import Database
from gateway.cli import asking
from gateway.settings import Settings
from telemetry.alerts.rules import seeding as alert_seeding
from telemetry.catalog import seeding


def seed() -> None:
    """Write the demonstration network (105 stations) and the rules of alerts; running it again changes nothing."""
    report, rules = asyncio.run(_seed(Settings().dsn))
    typer.echo(str(report))
    typer.echo(f"alert rules: {rules}")


async def _seed(dsn: str) -> tuple[seeding.SeedReport, int]:
    with acting.acts(asking.operator()):
        async with Database(dsn, application_name="quantrac-seed") as database:
            return await seeding.seed(database), await alert_seeding.seed(database)
