"""What was seen of keys and stations, collected in memory until somebody writes it down. Pure.

Rule of this file: `used` is called for each request. It does as little as can be done, and it never grows without end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network
from typing import NamedTuple

from core import peers
from telemetry.readings import Channel

# A network that is shared by no more than one site: what a modem gets from its provider changes within it.
_SITE_BITS = {4: 24, 6: 64}
_MOST_USES, _MOST_ODDITIES = 20_000, 2_000


class Kind(StrEnum):
    """What can be odd; each has a line in the README."""

    NEW_NETWORK = "new-network"
    TWO_PLACES = "two-places"
    REVOKED_KEY = "revoked-key"
    EXPIRED_KEY = "expired-key"
    WRONG_STATION = "wrong-station"
    OVER_QUOTA = "over-quota"
    SPENT_CODE = "spent-code"


class Use(NamedTuple):
    """A key was used from an address, first and last at these times, so many times."""

    key_id: str
    channel: Channel
    address: str
    first_us: int
    last_us: int
    times: int


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that somebody should know about a station; `day` (UTC, counted from 1970) makes it one of its span."""

    kind: Kind
    station_id: int
    key_id: str | None
    channel: Channel
    address: str | None
    detail: str
    first_us: int
    last_us: int
    times: int = 1

    @property
    def day(self) -> int:
        return self.first_us // 86_400_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What was collected; `lost` counts what found no room."""

    uses: list[Use]
    oddities: list[Oddity]
    pauses: dict[int, int]
    lost: int

    def __bool__(self) -> bool:
        return bool(self.uses or self.oddities or self.pauses)


@lru_cache(maxsize=8192)
def network_of(address: str) -> str | None:
    """The network that an address belongs to; None for what is no address of the internet."""
    found = peers.parsed(address)
    return None if found is None else str(ip_network((found, _SITE_BITS[found.version]), strict=False))


class Sightings:
    """Collects for one process. `urgent` is called when something new is odd, and when a station is to be paused."""

    def __init__(self, urgent: Callable[[], None] = lambda: None) -> None:
        self._urgent = urgent
        # By key and address; a dictionary for each channel, because an enumeration is slow to look up by.
        self._http: dict[tuple[str, str], list[int]] = {}
        self._mqtt: dict[tuple[str, str], list[int]] = {}
        self._oddities: dict[tuple[Kind, int, str | None, int], Oddity] = {}
        self._pauses: dict[int, int] = {}
        self._told: set[tuple[Kind, int, str | None, int]] = set()
        self._lost = 0

    def used(self, key_id: str, channel: Channel, address: str, now_us: int) -> None:
        """A key opened something."""
        uses = self._mqtt if channel is Channel.MQTT else self._http
        use = uses.get((key_id, address))
        if use is not None:
            use[1] = now_us
            use[2] += 1
        elif len(uses) < _MOST_USES:
            uses[key_id, address] = [now_us, now_us, 1]
        else:
            self._lost += 1

    def odd(
        self,
        kind: Kind,
        station_id: int,
        channel: Channel,
        now_us: int,
        *,
        key_id: str | None = None,
        address: str | None = None,
        detail: str = "",
    ) -> None:
        """Something odd happened; the same of one key and day is counted, not told again."""
        one = Oddity(kind, station_id, key_id, channel, address, detail[:300], now_us, now_us)
        key = (kind, station_id, key_id, one.day)
        before = self._oddities.get(key)
        if before is not None:
            self._oddities[key] = Oddity(
                kind, station_id, key_id, channel, address, one.detail, before.first_us, now_us, before.times + 1
            )
        elif len(self._oddities) < _MOST_ODDITIES:
            self._oddities[key] = one
        else:
            self._lost += 1
        if key not in self._told:
            # What was told in former days need not be remembered.
            self._told = {told for told in self._told if told[3] == one.day} | {key}
            self._urgent()

    def pause(self, station_id: int, until_us: int) -> None:
        """The broker shall not let the station in until then."""
        self._pauses[station_id] = max(until_us, self._pauses.get(station_id, 0))
        self._urgent()

    def drain(self) -> Seen:
        """What was collected since the last time."""
        uses = [
            Use(key_id, channel, address, *value)
            for channel, found in ((Channel.HTTP, self._http), (Channel.MQTT, self._mqtt))
            for (key_id, address), value in found.items()
        ]
        seen = Seen(uses, list(self._oddities.values()), self._pauses, self._lost)
        self._http, self._mqtt, self._oddities, self._pauses, self._lost = {}, {}, {}, {}, 0
        return seen
