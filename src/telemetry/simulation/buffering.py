"""A logger's memory: what was measured and is not yet answered for, oldest first, with the faults of the way in it."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from telemetry.simulation import packets
from telemetry.simulation.faults import Fault, Kind, Outlook
from telemetry.simulation.packets import Packet
from telemetry.simulation.parcels import Parcel

_OF_THE_WAY = (Kind.LATE, Kind.DUPLICATE, Kind.OUT_OF_ORDER, Kind.CONFLICT, Kind.CORRUPT, Kind.OUTAGE)


@dataclass(order=True, slots=True)
class Entry:
    """Something to send, ordered by when it may go and then by when it was measured."""

    release_us: int
    cycle_us: int
    number: int
    pack: Callable[[], Parcel] = field(compare=False)
    history: bool = field(default=False, compare=False)
    parcel: Parcel | None = field(default=None, compare=False)
    attempts: int = field(default=0, compare=False)

    def packed(self) -> Parcel:
        """The parcel, packed once: a sending again has the same bytes and the same operation."""
        if self.parcel is None:
            self.parcel = self.pack()
        return self.parcel


class Buffer:
    """Entries of one station, those of history behind all others; one leaves only when it was answered for."""

    def __init__(self) -> None:
        self._live: list[Entry] = []
        self._history: list[Entry] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._live) + len(self._history)

    def put(self, release_us: int, cycle_us: int, pack: Callable[[], Parcel], *, history: bool = False) -> None:
        entry = Entry(release_us, cycle_us, next(self._numbers), pack, history)
        heapq.heappush(self._history if history else self._live, entry)

    def due(self, now_us: int) -> Entry | None:
        """The entry to send now. Live entries that wait for their time do not hold up the history."""
        for heap in (self._live, self._history):
            if heap and heap[0].release_us <= now_us:
                return heap[0]
        return None

    def next_us(self) -> int | None:
        """When the next entry may go; None when there is none."""
        return min((heap[0].release_us for heap in (self._live, self._history) if heap), default=None)

    def remove(self, entry: Entry) -> None:
        """Take out an entry that `due` gave."""
        heap = self._history if entry.history else self._live
        if heap[0] is entry:
            heapq.heappop(heap)
        else:
            heap.remove(entry)
            heapq.heapify(heap)


@dataclass(frozen=True, slots=True)
class Way:
    """A packet on its way: when it may be sent, and whether its bytes are spoiled."""

    packet: Packet
    release_us: int
    spoiled: bool = False


def ways(outlook: Outlook, packet: Packet, moment_us: int) -> list[Way]:
    """What the faults of the way make of a packet that would be sent at `moment_us`: one or more sendings."""
    cadence_us = packet.station.cadence_seconds * 1_000_000
    found = outlook.found(_OF_THE_WAY, packet.cycle_us)
    kinds = {fault.kind for fault in found}
    release_us = max((moment_us + _delay(fault, packet.cycle_us, cadence_us) for fault in found), default=moment_us)
    for fault in found:
        if fault.kind is not Kind.CONFLICT:
            packet = packets.marked(packet, fault.kind)
    spoiled = Kind.CORRUPT in kinds
    sendings = [Way(packet, release_us, spoiled)]
    if Kind.DUPLICATE in kinds:
        sendings.append(Way(packet, release_us))
    if Kind.CONFLICT in kinds and not spoiled:
        sendings.append(Way(packets.contradiction(packet), release_us))
    return sendings


def _delay(fault: Fault, cycle_us: int, cadence_us: int) -> int:
    match fault.kind:
        case Kind.LATE:
            return max(fault.by_us, 0)
        case Kind.OUT_OF_ORDER:
            return cadence_us + cadence_us // 2
        case Kind.OUTAGE:
            length = fault.duration_us or cadence_us
            return fault.start_us(cycle_us, cadence_us) + length - cycle_us
        case _:
            return 0
