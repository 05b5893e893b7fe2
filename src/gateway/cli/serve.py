"""`quantrac serve`: the HTTP gateway as a process of its own."""

import asyncio

from gateway import serving, welcoming
from gateway.settings import Settings


def serve() -> None:
    """Run the HTTP gateway until SIGTERM or Ctrl-C.

    Needs QUANTRAC_DATABASE__DSN (or …_FILE) and a database that `quantrac migrate` brought to this version. More of
    them may run side by side behind a proxy.
    """
    settings = Settings()
    asyncio.run(welcoming.tell_terminal(settings))
    serving.serve(settings)
