"""`quantrac watch`: judges averages, raises alerts and tells, as a process of its own."""

from gateway import watch as watching
from gateway.settings import Settings


def watch() -> None:
    """Judge averages, raise alerts, deliver webhooks and mail, until SIGTERM or Ctrl-C.

    Several may run side by side; each piece of work is done once. Needs QUANTRAC_DATABASE__DSN (or …_FILE).
    """
    watching.watch(Settings())
