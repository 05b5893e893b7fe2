"""What goes over the wire: a packet in its station's own format, and the answer to it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Self

from telemetry.readings import Readings
from telemetry.simulation.network import Wire
from telemetry.simulation.packets import Injected


@dataclass(frozen=True, slots=True)
class Parcel:
    """One operation: the bytes of a message and what a right reader reads out of them, in submission order.

    readings: empty where the sender does not know them; spoiled: the bytes were made unreadable on purpose.
    """

    operation: str
    station: str
    wire: Wire
    raw: bytes
    content_type: str
    readings: Sequence[Readings]
    file_name: str | None = None
    injected: tuple[Injected, ...] = ()
    spoiled: bool = False
    sha256: str = field(default="")

    @classmethod
    def packed(cls, operation: str, station: str, wire: Wire, raw: bytes, **more: Any) -> Self:
        """A parcel with the hash of its bytes."""
        return cls(operation, station, wire, raw, sha256=hashlib.sha256(raw).hexdigest(), **more)

    @property
    def count(self) -> int:
        return sum(len(readings) for readings in self.readings)


class Acceptance(StrEnum):
    """What an answer says: kept, not kept and why, or nothing at all."""

    ACKED = "acked"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one sending of a parcel.

    via: http, puback or receipt. receipt: its document where one came. retry_after: seconds that the server asked for.
    """

    acceptance: Acceptance
    via: str
    detail: str = ""
    receipt: Mapping[str, Any] | None = None
    retry_after: float | None = None


class Transport(Protocol):
    """Carries a station's parcels to the gateway."""

    async def send(self, parcel: Parcel) -> Answer:
        """Send and wait for the answer; never raises for what the network or the gateway do."""

    async def close(self) -> None: ...
