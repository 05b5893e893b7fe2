"""`quantrac consume`: takes readings from the MQTT broker, as a process of its own."""

from gateway import consuming
from gateway.settings import Settings


def consume() -> None:
    """Take readings from the MQTT broker and acknowledge them after COMMIT, until SIGTERM or Ctrl-C.

    Needs QUANTRAC_DATABASE__DSN (or …_FILE) and the broker's QUANTRAC_MQTT__… settings.
    """
    consuming.consume(Settings())
