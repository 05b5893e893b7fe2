"""Packs packets into parcels: a station's readings in the format that its logger writes."""

import numpy as np

from telemetry.simulation import layouts
from telemetry.simulation.network import Format, Habit, Station, Wire
from telemetry.simulation.packets import Packet
from telemetry.simulation.parcels import Parcel

JSON = "application/json"
TABLE = "text/tab-separated-values"
CSV = "text/csv"


def name_of(station: Station, time_us: int) -> str:
    """The regulator's name of a file with readings of this time."""
    return f"{station.file_code}_{layouts.local_stamp(time_us)}.txt"


def packed(packet: Packet, habit: Habit, operation: str, *, spoiled: bool = False) -> Parcel:
    """One cycle's packet as the station's logger writes it; spoiled: cut in the middle of a sign."""
    station, readings = packet.station, packet.readings
    file_name = None
    match habit.format:
        case Format.CIRCULAR10:
            raw, content_type = layouts.circular10(readings), TABLE
            file_name = name_of(station, int(np.max(readings.time_us)))
        case _:
            raw, content_type = layouts.json_packet(readings), JSON
    if spoiled:
        raw = raw[: len(raw) // 3] + b"\xff\xfe\x00{"
    return Parcel.packed(
        operation,
        station.code,
        habit.wire,
        raw,
        content_type=content_type,
        file_name=file_name,
        readings=() if spoiled else (readings,),
        injected=packet.injected,
    )


def packed_history(packet: Packet, wire: Wire, operation: str) -> Parcel:
    """Many cycles as JSON columns."""
    return Parcel.packed(
        operation,
        packet.station.code,
        wire,
        layouts.json_columns(packet.readings),
        content_type=JSON,
        readings=(packet.readings,),
        injected=packet.injected,
    )
