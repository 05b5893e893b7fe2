"""Signals: the same in every run, plausible, inside the instruments' ranges, without drift."""

from dataclasses import dataclass

import numpy as np
import pytest

from telemetry.readings import Floats, Int64s
from telemetry.simulation import noise, signals
from telemetry.simulation.network import Station, Stream
from tests.fixtures.networks import plant, seeded_packages

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
# Monday 2026-10-05, 00:00 in Việt Nam.
MONDAY_US = 1_791_133_200_000_000
STREAMS = [(station, stream) for station in seeded_packages() for stream in station.streams]


def cycles(days: float, start_us: int = MONDAY_US) -> Int64s:
    return start_us + np.arange(int(days * 288), dtype=np.int64) * 300_000_000


def hours_of(times: Int64s) -> Floats:
    return ((times + 7 * HOUR_US) % DAY_US) / HOUR_US


def test_a_value_depends_on_its_time_alone() -> None:
    times = cycles(3)
    for station, stream in STREAMS:
        together = signals.written(7, station, stream, times)
        for at in (0, 17, 400, len(times) - 1):
            assert signals.written(7, station, stream, times[at : at + 1])[0] == together[at]


def test_seed_station_and_property_each_give_other_values() -> None:
    times, station = cycles(1), plant()
    cod = station.streams[2]
    first = signals.written(1, station, cod, times)
    assert np.array_equal(first, signals.written(1, plant(), cod, times))
    assert not np.array_equal(first, signals.written(2, station, cod, times))
    assert not np.array_equal(first, signals.written(1, plant("TH-NT-002"), cod, times))
    assert abs(np.corrcoef(first, signals.written(2, station, cod, times))[0, 1]) < 0.9


@pytest.mark.parametrize(("station", "stream"), STREAMS, ids=lambda part: getattr(part, "code", None) or part.symbol)
def test_results_stay_inside_the_instrument_and_away_from_its_ends(station: Station, stream: Stream) -> None:
    results = signals.written(3, station, stream, cycles(60)) * stream.factor
    assert stream.low is not None
    assert stream.high is not None
    span = stream.high - stream.low
    assert results.min() > stream.low + 0.001 * span
    assert results.max() < stream.high - 0.001 * span
    assert np.isfinite(results).all()
    assert len(np.unique(results)) > 10


@pytest.mark.parametrize(("station", "stream"), STREAMS, ids=lambda part: getattr(part, "code", None) or part.symbol)
def test_a_year_later_the_level_is_the_same(station: Station, stream: Stream) -> None:
    before = signals.kept(3, station, stream, cycles(42))
    after = signals.kept(3, station, stream, cycles(42, MONDAY_US + 364 * DAY_US))
    assert abs(after.mean() - before.mean()) < 0.25 * max(abs(before.mean()), 0.05)


@dataclass(frozen=True)
class Normal:
    station: str
    symbol: str
    least: float
    most: float


@pytest.mark.parametrize(
    "normal",
    [
        Normal("wastewater", "pH", 6.5, 8.2),
        Normal("wastewater", "Temp", 22, 38),
        Normal("wastewater", "COD", 10, 70),
        Normal("flue-gas", "O2", 4, 14),
        Normal("flue-gas", "P", 99, 103),
        Normal("ambient", "O3", 3, 180),
        Normal("ambient", "P-air", 990, 1030),
        Normal("ambient", "RH", 30, 100),
        Normal("groundwater", "Level", 3, 30),
    ],
    ids=lambda normal: f"{normal.station} {normal.symbol}",
)
def test_levels_are_those_of_ordinary_plants(normal: Normal) -> None:
    found = [pair for pair in STREAMS if pair[0].code == f"T-{normal.station}" and pair[1].symbol == normal.symbol]
    station, stream = found[0]
    for seed in range(6):
        results = signals.kept(seed, station, stream, cycles(14))
        assert normal.least < results.min()
        assert results.max() < normal.most


def test_ozone_peaks_about_noon_and_rests_at_night() -> None:
    station, stream = next(pair for pair in STREAMS if pair[1].symbol == "O3" and pair[0].code == "T-ambient")
    times = cycles(28)
    results, hours = signals.kept(1, station, stream, times), hours_of(times)
    by_hour = np.array([results[hours.astype(int) == hour].mean() for hour in range(24)])
    assert 11 <= int(by_hour.argmax()) <= 15
    assert by_hour.max() > 3 * by_hour.min()


def test_wastewater_flows_by_working_hours_and_rests_on_sundays() -> None:
    station = plant()
    times = cycles(28)
    flow, hours = signals.kept(1, station, station.streams[0], times), hours_of(times)
    weekday = ((times + 7 * HOUR_US) // DAY_US + 3) % 7
    worked = flow[(hours > 9) & (hours < 11) & (weekday < 5)].mean()
    assert worked > 1.8 * flow[(hours > 1) & (hours < 4) & (weekday < 5)].mean()
    assert worked > 1.5 * flow[(hours > 9) & (hours < 11) & (weekday == 6)].mean()


def test_slow_analysers_repeat_their_results_and_fast_ones_do_not() -> None:
    station = plant()
    times = cycles(2)
    cod = signals.written(1, station, station.streams[2], times)
    assert 0.6 < (np.diff(cod) == 0).mean() < 0.8
    flow = signals.written(1, station, station.streams[0], times)
    assert (np.diff(flow) == 0).mean() < 0.1


def test_a_pump_draws_the_water_down() -> None:
    station = next(station for station in seeded_packages() if station.code == "T-groundwater")
    times = cycles(14)
    flow, level = (signals.kept(1, station, stream, times) for stream in station.streams)
    running = flow > 1
    assert 0.3 < running.mean() < 0.9
    assert level[running].mean() > level[~running].mean() + 0.5
    starts = np.count_nonzero(np.diff(running.astype(int)) == 1) / 14
    assert 1 <= starts <= 14


def test_the_instruments_of_a_stack_follow_one_load() -> None:
    station = next(station for station in seeded_packages() if station.code == "T-flue-gas")
    by_symbol = {stream.symbol: signals.kept(1, station, stream, cycles(28)) for stream in station.streams}
    assert np.corrcoef(by_symbol["Flow"], by_symbol["NOx"])[0, 1] > 0.2
    assert np.corrcoef(by_symbol["Flow"], by_symbol["O2"])[0, 1] < -0.2


def test_levels_keep_below_the_limit_of_a_strict_permit() -> None:
    strict = Stream("COD", "COD", "mg/l", low=0.0, high=1000.0, upper=30.0)
    station = Station("TH-NT-009", "wastewater", (strict,))
    results = signals.kept(1, station, strict, cycles(60))
    assert (results > 30.0).mean() < 0.02


def test_a_property_that_nobody_described_still_has_a_series() -> None:
    stream = Stream("Xyz", "Xyz", "mg/l", low=0.0, high=200.0)
    results = signals.written(1, Station("S", "wastewater", (stream,)), stream, cycles(2))
    assert 2 < results.mean() < 20


def test_no_times_give_no_values() -> None:
    station = plant()
    assert len(signals.kept(1, station, station.streams[0], np.empty(0, np.int64))) == 0


def test_noise_has_mean_zero_variance_one_and_forgets() -> None:
    times = np.arange(60_000, dtype=np.int64) * 300_000_000
    wandering = noise.wander(noise.key_of("test"), times, step_us=300_000_000, memory=4)
    assert abs(wandering.mean()) < 0.05
    assert abs(wandering.std() - 1.0) < 0.05
    assert np.corrcoef(wandering[:-1], wandering[1:])[0, 1] == pytest.approx(np.exp(-1 / 4), abs=0.03)
    assert abs(np.corrcoef(wandering[:-40], wandering[40:])[0, 1]) < 0.05


def test_uniform_numbers_fill_their_interval() -> None:
    numbers = noise.uniform(noise.key_of("u"), np.arange(100_000, dtype=np.int64))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
    assert counts.min() > 4_600
    assert counts.max() < 5_400
