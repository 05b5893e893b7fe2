"""A watch process that ends, as by kill -9, after deliveries were sent and before that is noted: `<deliveries>`."""

import os
import sys
from collections.abc import Sequence

from core.database import Database
from gateway import watch
from gateway.settings import Settings
from telemetry.hooks.webhooks import delivery_store
from telemetry.hooks.webhooks.delivery_store import Arrival


def main() -> None:
    left = int(sys.argv[1])
    delivered = delivery_store.delivered

    async def note_or_die(database: Database, arrivals: Sequence[Arrival]) -> None:
        nonlocal left
        left -= len(arrivals)
        if left < 0:
            os._exit(9)
        await delivered(database, arrivals)

    delivery_store.delivered = note_or_die
    watch.watch(Settings())


if __name__ == "__main__":
    main()
