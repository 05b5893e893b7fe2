"""Names of MQTT topics, and which station and file a topic speaks of."""

import re
from dataclasses import dataclass
from functools import lru_cache

ROOT = "v1"
# The only filters that the gateway subscribes to for data; the last level of the second one is a regulator's file name.
OBSERVATIONS = (f"{ROOT}/+/observations", f"{ROOT}/+/observations/+")
# The consumer hears itself here: a broker that no longer delivers is found even while its socket lives.
HEARTBEAT = "quantrac/gateway/heartbeat"

# The same rule as the catalogue's: no dot, slash, wildcard, space or control character.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_FILE_NAME = re.compile(r"[^/+#\x00-\x1f\x7f]{1,160}")


@dataclass(frozen=True, slots=True)
class Source:
    """What a topic says about the message on it."""

    station: str
    file_name: str | None = None


@lru_cache(maxsize=4096)
def parse(topic: str) -> Source | None:
    """The station, and the file name if there is one, of an observations topic; None for any other topic."""
    levels = topic.split("/", 3)
    if len(levels) < 3 or levels[0] != ROOT or levels[2] != "observations" or not _CODE.fullmatch(levels[1]):
        return None
    if len(levels) == 3:
        return Source(levels[1])
    return Source(levels[1], levels[3]) if _FILE_NAME.fullmatch(levels[3]) else None


def observations(station: str, file_name: str | None = None) -> str:
    """Where a station publishes; ValueError where the code or the file name cannot be a topic level."""
    if file_name is None:
        return f"{ROOT}/{_level(station)}/observations"
    if not _FILE_NAME.fullmatch(file_name):
        raise ValueError(f"{file_name!r} cannot be the last level of a topic: no slash, wildcard or control character")
    return f"{ROOT}/{_level(station)}/observations/{file_name}"


def receipts(station: str) -> str:
    return f"{ROOT}/{_level(station)}/receipts"


def status(station: str) -> str:
    return f"{ROOT}/{_level(station)}/status"


def _level(station: str) -> str:
    if not _CODE.fullmatch(station):
        raise ValueError(f"{station!r} is not a station code")
    return station
