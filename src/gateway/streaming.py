"""Opens the live stream for the gateway: a pool of its own, and the hub."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from core.database import Database, PoolLimits
from gateway.settings import Settings
from telemetry.catalog.loading import LiveCatalog
from telemetry.hooks.stream.hub import LONGEST_ABSENCE, Hub, HubOptions
from telemetry.hooks.stream.source import Source

# One connection for the poller, two for clients that come back. None are held while nobody looks; and what a screen
# asks for never takes a connection from the intake.
_POOL = PoolLimits(min_size=0, max_size=3, acquire_seconds=5)


@asynccontextmanager
async def opened(settings: Settings, catalog: LiveCatalog, stopping: Callable[[], bool]) -> AsyncIterator[Hub]:
    """The hub of the process; streams end when the block does, at the latest."""
    options = HubOptions(
        beat_seconds=settings.stream.beat_seconds,
        most_clients=settings.stream.most_clients,
        # Of what may be forgotten already nobody can say that it is complete.
        longest_absence=min(LONGEST_ABSENCE, timedelta(days=settings.watch.event_days)),
    )
    async with (
        Database(settings.dsn, application_name="quantrac-streams", limits=_POOL) as database,
        Hub(Source(database, catalog), stopping, options) as hub,
    ):
        yield hub
