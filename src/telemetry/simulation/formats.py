"""Packs packets into parcels: a station's readings in the format that its logger writes."""

from telemetry.simulation import layouts
from telemetry.simulation.network import Format, Habit, Wire
from telemetry.simulation.packets import Packet
from telemetry.simulation.parcels import Parcel

JSON = "application/json"
TABLE = "text/tab-separated-values"
CSV = "text/csv"


def packed(packet: Packet, habit: Habit, operation: str, *, spoiled: bool = False) -> Parcel:
    """One cycle's packet as the station's logger writes it; spoiled: cut in the middle of a sign."""
    station, readings = packet.station, packet.readings
    file_name = None
    match habit.format:
        case Format.CIRCULAR10:
            content_type = TABLE
            file_name, raw = layouts.circular10(readings, station.file_code or station.code)
        case Format.CSV:
            raw, content_type = layouts.csv_table(readings), CSV
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
        spoiled=spoiled,
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
