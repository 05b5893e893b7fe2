"""What simulated stations write is read back by the codecs as the very readings that the ledger holds."""

from typing import Any

import numpy as np
import pytest

from telemetry.codecs import negotiation
from telemetry.codecs.context import Context
from telemetry.codecs.errors import Unreadable
from telemetry.readings import Readings
from telemetry.simulation import faults, formats, layouts, network
from telemetry.simulation.faults import Plan
from telemetry.simulation.network import Format, Habit, Wire
from telemetry.simulation.packets import Bench
from telemetry.simulation.parcels import Parcel
from tests.fixtures.networks import plant, seeded_packages

START_US = 1_791_133_200_000_000
PLAN = Plan(1, (*faults.parse("calibrating:rate=0.3"), *faults.parse("wrong-unit:rate=0.2")))


def decoded(parcel: Parcel, file_code: str | None = None) -> Readings:
    codec = negotiation.codec_for(parcel.content_type, parcel.file_name)
    context = Context(station=parcel.station, file_name=parcel.file_name, received_us=START_US, file_code=file_code)
    found = codec.decode(parcel.raw, context)
    assert not found.flaws
    (readings,) = found.readings
    return readings


def cells(readings: Readings) -> list[tuple[str, int, float, str, int]]:
    """(symbol, time, value, unit, status) of each reading, in the order of the submission."""
    count = len(readings)
    symbols = list(range(count)) if readings.symbol is None else np.asarray(readings.symbol).tolist()
    times: Any = np.broadcast_to(np.asarray(readings.time_us), (count,)).tolist()
    statuses = [0] * count if readings.status is None else np.asarray(readings.status).tolist()
    values = np.asarray(readings.value).tolist()
    units = readings.units or [None] * len(readings.symbols)
    return [
        (readings.symbols[at], time, value, units[at] or "", status)
        for at, time, value, status in zip(symbols, times, values, statuses, strict=True)
    ]


@pytest.mark.parametrize("format_", list(Format))
def test_every_format_carries_every_reading_as_it_is(format_: Format) -> None:
    for station in seeded_packages():
        bench = Bench(1, PLAN, station)
        for cycle in range(3):
            packet = bench.single(START_US + cycle * 300_000_000)
            parcel = formats.packed(packet, Habit(Wire.HTTP, format_), "op")
            assert cells(decoded(parcel, station.file_code)) == cells(packet.readings)
            assert parcel.count == len(station.streams)


def test_history_is_read_back_in_the_same_order() -> None:
    packet = Bench(1, PLAN, plant()).history(START_US + np.arange(288, dtype=np.int64) * 300_000_000)
    parcel = formats.packed_history(packet, Wire.HTTP, "op")
    assert cells(decoded(parcel)) == cells(packet.readings)
    assert parcel.count == 4 * 288


def test_places_without_a_value_are_no_readings() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan, 5.0, 6.0]])
    times = START_US + np.arange(3, dtype=np.int64) * 300_000_000
    column, row = np.nonzero(np.isfinite(values))
    readings = Readings("S", ["COD", "pH"], times[row], values[column, row], symbol=column, units=["mg/l", None])
    parcel = Parcel.packed(
        "op",
        "S",
        Wire.HTTP,
        layouts.json_sheet(readings, times, values),
        content_type=formats.JSON,
        readings=(readings,),
    )
    assert cells(decoded(parcel)) == cells(readings)


def test_the_regulators_file_is_named_after_station_and_time() -> None:
    packet = Bench(1, Plan(1), plant()).single(START_US)
    parcel = formats.packed(packet, Habit(Wire.HTTP, Format.CIRCULAR10), "op")
    assert parcel.file_name == "TH_ABCD_NUO01_20261005000000.txt"
    assert parcel.raw.splitlines()[1].split(b"\t")[2] == b""


@pytest.mark.parametrize("format_", list(Format))
def test_spoiled_bytes_cannot_be_read(format_: Format) -> None:
    packet = Bench(1, Plan(1), plant()).single(START_US)
    parcel = formats.packed(packet, Habit(Wire.HTTP, format_), "op", spoiled=True)
    assert parcel.spoiled
    assert parcel.readings == ()
    with pytest.raises(Unreadable):
        negotiation.codec_for(parcel.content_type, parcel.file_name).decode(parcel.raw, Context(station=parcel.station))


def test_the_same_packet_has_the_same_bytes() -> None:
    habit = Habit(Wire.MQTT, Format.JSON)
    first = formats.packed(Bench(1, Plan(1), plant()).single(START_US), habit, "a")
    second = formats.packed(Bench(1, Plan(1), plant()).single(START_US), habit, "b")
    assert first.raw == second.raw
    assert first.sha256 == second.sha256


def test_half_of_a_network_speaks_mqtt_and_every_format_occurs() -> None:
    habits = [network.habit_of(plant(f"TH-KT-{number:03}")) for number in range(300)]
    assert 0.4 < sum(habit.wire is Wire.MQTT for habit in habits) / 300 < 0.6
    assert {habit.format for habit in habits} == set(Format)
    assert habits == [network.habit_of(plant(f"TH-KT-{number:03}")) for number in range(300)]
    assert {network.habit_of(plant(f"TH-KT-{number:03}"), Wire.HTTP).wire for number in range(300)} == {Wire.HTTP}


def test_a_station_without_a_file_code_does_not_write_the_regulators_file() -> None:
    habits = {network.habit_of(plant(f"TH-KT-{number:03}", file_code=None)).format for number in range(300)}
    assert Format.CIRCULAR10 not in habits


def test_phases_spread_over_the_cycle() -> None:
    phases = np.array([network.phase_of(f"TH-KT-{number:03}") for number in range(400)])
    counts, _ = np.histogram(phases, bins=4, range=(0, 1))
    assert counts.min() > 70
