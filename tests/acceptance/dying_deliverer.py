"""A watch process that ends, as by kill -9, after a delivery was sent and before that is noted: `<deliveries>`."""

import os
import sys
from typing import Any

from gateway import watch
from gateway.settings import Settings
from telemetry.hooks.delivering import Deliver


def main() -> None:
    left = int(sys.argv[1])
    note = Deliver._note

    async def note_or_die(*given: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os._exit(9)
        await note(*given, **named)

    Deliver._note = note_or_die  # type: ignore[method-assign] # the fault
    watch.watch(Settings())


if __name__ == "__main__":
    main()
