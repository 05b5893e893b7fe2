"""A gateway that ends, as by kill -9, after a COMMIT and before its answer: `python dying_gateway.py <commits>`."""

import os
import sys
from typing import Any

from gateway import serving
from gateway.settings import Settings
from telemetry.intake import store


def main() -> None:
    left = int(sys.argv[1])
    write = store.write

    async def write_and_die(*given: Any, **named: Any) -> Any:
        nonlocal left
        outcomes = await write(*given, **named)
        left -= 1
        if left <= 0:
            os._exit(9)
        return outcomes

    store.write = write_and_die
    serving.serve(Settings())


if __name__ == "__main__":
    main()
