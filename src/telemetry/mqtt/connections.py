"""Reads on the monitoring page of a NATS server from where each station is connected, and under which key.

A message itself does not tell: a subscriber sees its topic and nothing else. Mosquitto has no such page, so nothing is
known there of where its keys are used. Behind a proxy that passes TCP on, the addresses are the proxy's.
"""

import re
from collections.abc import Mapping
from typing import Any

from core import instants
from telemetry.admission.sightings import Sightings
from telemetry.readings import Channel

# With auth=1 the page tells the user of each connection; keys are of one station each, so their number is bounded.
PAGE = "connz?auth=1&limit=65536"
_KEY_ID = re.compile(r"st_[a-z0-9]{8}")


def note(page: Mapping[str, Any], sightings: Sightings, now_us: int | None = None) -> int:
    """Note each connection as a use of its key; how many those were."""
    at_us = instants.now_us() if now_us is None else now_us
    found = 0
    connections = page.get("connections")
    for one in connections if isinstance(connections, list) else ():
        user, address = one.get("authorized_user"), one.get("ip")
        if isinstance(user, str) and isinstance(address, str) and _KEY_ID.fullmatch(user):
            sightings.used(user, Channel.MQTT, address, at_us)
            found += 1
    return found
