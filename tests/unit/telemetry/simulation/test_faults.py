"""Faults on demand: read from text, on as often and as long as asked, and told with the packet that carries them."""

import numpy as np
import pytest

from telemetry.readings import DeviceStatus, Int64s
from telemetry.simulation import buffering, faults, packets
from telemetry.simulation.faults import Fault, Kind, Plan
from telemetry.simulation.packets import Bench, Packet
from tests.fixtures.networks import plant

CADENCE_US = 300_000_000
MINUTE_US = 60_000_000
START_US = 1_791_133_200_000_000


def cycles(count: int) -> Int64s:
    return START_US + np.arange(count, dtype=np.int64) * CADENCE_US


def plan(*texts: str, seed: int = 1) -> Plan:
    return Plan(seed, tuple(fault for text in texts for fault in faults.parse(text)))


def measured(text: str, count: int = 288) -> list[Packet]:
    bench = Bench(1, plan(text), plant())
    return [bench.single(int(cycle)) for cycle in cycles(count)]


def test_a_fault_is_read_with_its_options() -> None:
    (fault,) = faults.parse("exceeding:rate=0.25,for=30m,station=TH-NT-*,symbol=COD,factor=2.5")
    assert fault == Fault(Kind.EXCEEDING, 0.25, 30 * MINUTE_US, "TH-NT-*", "COD", 0, 2.5)
    (skew,) = faults.parse("skew:by=-3d")
    assert skew.by_us == -3 * 86_400_000_000
    assert skew.rate > 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("explode", "explode"),
        ("late:rate=2", "2"),
        ("late:rate=often", "often"),
        ("late:by=20", "20"),
        ("late:colour=red", "colour"),
        ("everyday:rate=1", "everyday"),
        ("", ""),
    ],
)
def test_a_fault_that_cannot_be_read_is_named(text: str, found: str) -> None:
    with pytest.raises(faults.InvalidFault) as caught:
        faults.parse(text)
    assert caught.value.faults[0].found == found
    assert caught.value.faults[0].expected


def test_everyday_faults_are_all_kinds_with_a_known_end() -> None:
    kinds = {fault.kind for fault in faults.parse("everyday")}
    assert Kind.LATE in kinds
    assert kinds <= set(faults.EXPECTED)


def test_rate_is_the_share_of_the_time() -> None:
    (fault,) = faults.parse("calibrating:rate=0.1,for=30m")
    on = Plan(1, (fault,)).on(fault, "S", "COD", cycles(60_000), CADENCE_US)
    assert on.mean() == pytest.approx(0.1, abs=0.01)
    # Spans of half an hour: six cycles that are on together.
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], on, [0]]))))[::2]
    assert set((lengths % 6).tolist()) == {0}


def test_the_same_plan_gives_the_same_faults_and_another_seed_others() -> None:
    (fault,) = faults.parse("late:rate=0.5")
    first = Plan(1, (fault,)).on(fault, "S", None, cycles(500), CADENCE_US)
    assert np.array_equal(first, Plan(1, (fault,)).on(fault, "S", None, cycles(500), CADENCE_US))
    assert not np.array_equal(first, Plan(2, (fault,)).on(fault, "S", None, cycles(500), CADENCE_US))
    assert not np.array_equal(first, Plan(1, (fault,)).on(fault, "T", None, cycles(500), CADENCE_US))


def test_a_fault_concerns_the_stations_and_symbols_that_it_names() -> None:
    (fault,) = faults.parse("faulty:station=TH-NT-*,symbol=CO*")
    assert fault.concerns("TH-NT-004", "COD")
    assert not fault.concerns("TH-NT-004", "pH")
    assert not fault.concerns("TH-KT-004", "COD")


def test_exceeding_values_are_above_the_limit_and_inside_the_range() -> None:
    for packet in measured("exceeding:rate=0.5,for=1h,symbol=COD"):
        cod = list(packet.readings.value)[2]
        if packet.injected:
            assert packet.injected == ((Kind.EXCEEDING, "COD"),)
            assert 150 < cod < 1000
        else:
            assert cod < 150


def test_an_instrument_without_a_limit_cannot_exceed_it() -> None:
    assert not any(packet.injected for packet in measured("exceeding:rate=1,symbol=Flow"))


def test_calibrating_and_faulty_devices_say_so_and_nobody_else_does() -> None:
    for text, status in (("calibrating", DeviceStatus.CALIBRATING), ("faulty", DeviceStatus.FAULTY)):
        found = measured(f"{text}:rate=0.3,symbol=NH4")
        shown = [list(packet.readings.status or ()) for packet in found]
        assert {row[3] for row in shown} == {DeviceStatus.MEASURING, status}
        assert {status for row in shown for status in row[:3]} == {DeviceStatus.MEASURING}
        assert all(
            (packet.injected == ((Kind(text), "Amoni"),)) == (row[3] != 0)
            for packet, row in zip(found, shown, strict=True)
        )


def test_a_skewed_clock_shifts_the_time_and_leaves_the_cycle() -> None:
    (packet, *_) = measured("skew:rate=1,by=3d", 1)
    assert packet.readings.time_us == START_US + 3 * 86_400_000_000
    assert packet.cycle_us == START_US
    assert packet.injected == ((Kind.SKEW, None),)


def test_a_stuck_clock_repeats_its_time() -> None:
    found = measured("stuck-clock:rate=1,for=30m", 12)
    assert len({packet.readings.time_us for packet in found}) == 2


def test_wrong_units_and_unknown_symbols_spoil_one_reading_and_name_it() -> None:
    units = [packet for packet in measured("wrong-unit:rate=0.1,symbol=COD") if packet.injected]
    assert units
    assert {tuple(packet.readings.units or ()) for packet in units} == {("m3/h", None, "ug/l", "mg/l")}
    symbols = [packet for packet in measured("unknown-symbol:rate=0.1,symbol=COD") if packet.injected]
    assert symbols
    assert {packet.injected for packet in symbols} == {((Kind.UNKNOWN_SYMBOL, "COD_x"),)}
    assert {tuple(packet.readings.symbols) for packet in symbols} == {("Flow", "pH", "COD_x", "Amoni")}


def test_history_holds_the_same_values_as_the_single_packets() -> None:
    bench = Bench(1, plan("exceeding:rate=0.2", "calibrating:rate=0.2"), plant())
    times = cycles(100)
    whole = bench.history(times).readings
    singles = [bench.single(int(cycle)).readings for cycle in times]
    width = len(plant().streams)
    assert np.array_equal(
        np.asarray(whole.value).reshape(width, -1).T, np.array([list(readings.value) for readings in singles])
    )
    assert np.array_equal(
        np.asarray(whole.status).reshape(width, -1).T, np.array([list(readings.status or ()) for readings in singles])
    )
    assert whole.symbol is not None
    assert np.array_equal(np.asarray(whole.time_us)[whole.symbol == 0], times)


def ways(text: str, cycle: int = 0) -> list[buffering.Way]:
    asked = plan(text)
    bench = Bench(1, asked, plant())
    packet = bench.single(START_US + cycle * CADENCE_US)
    return buffering.ways(bench.outlook, packet, packet.cycle_us + 7)


def test_without_faults_a_packet_goes_once_at_its_moment() -> None:
    (way,) = ways("late:rate=0")
    assert way.release_us == START_US + 7
    assert way.packet.injected == ()


def test_late_and_out_of_order_packets_wait() -> None:
    (late,) = ways("late:rate=1,by=45m")
    assert late.release_us == START_US + 7 + 45 * MINUTE_US
    (swapped,) = ways("out-of-order:rate=1")
    assert CADENCE_US < swapped.release_us - (START_US + 7) < 2 * CADENCE_US


def test_in_an_outage_all_packets_wait_for_its_end() -> None:
    releases = {way.release_us for cycle in range(12) for way in ways("outage:rate=1,for=1h", cycle)}
    assert len(releases) <= 13
    first = ways("outage:rate=1,for=1h", 1)[0]
    assert first.release_us // 3_600_000_000 > first.packet.cycle_us // 3_600_000_000
    assert (Kind.OUTAGE, None) in first.packet.injected


def test_a_duplicate_goes_twice_and_a_contradiction_has_the_same_keys() -> None:
    first, second = ways("duplicate:rate=1")
    assert first.packet == second.packet
    first, second = ways("conflict:rate=1")
    assert second.packet.injected == ((Kind.CONFLICT, None),)
    assert first.packet.injected == ()
    assert second.packet.readings.time_us == first.packet.readings.time_us
    assert all(a != b for a, b in zip(first.packet.readings.value, second.packet.readings.value, strict=True))


def test_a_contradiction_differs_even_from_zero() -> None:
    bench = Bench(1, plan("faulty:rate=1"), plant())
    packet = bench.single(START_US)
    assert set(packets.contradiction(packet).readings.value).isdisjoint({0.0})
