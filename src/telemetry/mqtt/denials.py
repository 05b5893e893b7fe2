"""Reads in a broker's log which publishes and subscriptions it denied.

With MQTT 3.1.1 a denied publish is acknowledged all the same, so the station believes itself heard: the broker's log is
the only place that tells. NATS always writes it there; Mosquitto only with `log_type debug`, which logs every packet.
"""

import re
from dataclasses import dataclass

_NATS = re.compile(
    r'\[ERR\] .*? - "(?P<user>[^"]{1,80})" - (?P<act>Publish|Subscription) Violation - Subject "(?P<subject>[^"]*)"'
)
_MOSQUITTO = re.compile(r"Denied PUBLISH from (?P<user>\S{1,80}) \(.*?'(?P<topic>.*?)', ")


@dataclass(frozen=True, slots=True)
class Denial:
    user: str
    act: str
    topic: str


def read(line: str) -> Denial | None:
    """The denial that a line of the log of either broker tells of; None for any other line."""
    found = _NATS.search(line)
    if found:
        act = "publish" if found["act"] == "Publish" else "subscribe"
        return Denial(found["user"], act, _topic(found["subject"]))
    found = _MOSQUITTO.search(line)
    return Denial(found["user"], "publish", found["topic"]) if found else None


def _topic(subject: str) -> str:
    """The MQTT topic of a NATS subject: `.` parts levels there, and `//` stands for a dot."""
    return subject.replace("//", "\0").replace(".", "/").replace("\0", ".")
