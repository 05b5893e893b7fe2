"""`quantrac serve`: the HTTP gateway as a process of its own."""

from gateway import serving
from gateway.settings import Settings


def serve() -> None:
    """Run the HTTP gateway until SIGTERM or Ctrl-C.

    Needs QUANTRAC_DATABASE__DSN (or …_FILE) and a database that `quantrac migrate` brought to this version. More of
    them may run side by side behind a proxy.
    """
    serving.serve(Settings())
