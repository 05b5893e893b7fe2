"""What a station puts into one message: its readings of one time or of many, with the faults of the plan."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from telemetry.readings import DeviceStatus, Floats, Int64s, Readings
from telemetry.simulation import signals
from telemetry.simulation.faults import Fault, Kind, Outlook, Plan
from telemetry.simulation.network import Station, Stream

# Cycles that are computed at once.
_AHEAD = 72
_OF_DEVICES = (Kind.CALIBRATING, Kind.FAULTY)
_OF_CLOCKS = (Kind.SKEW, Kind.STUCK_CLOCK)
_OF_NAMES = (Kind.WRONG_UNIT, Kind.UNKNOWN_SYMBOL)
_WRONG_UNITS = {"mg/l": "ug/l", "mg/nm3": "g/Nm3", "ug/m3": "mg/m3", "m3/h": "l/s", "oc": "K", "%": "ppm", "m": "cm"}

# A fault and the symbol that carries it; None where it is the packet's.
Injected = tuple[Kind, str | None]


@dataclass(frozen=True, slots=True)
class Packet:
    """cycle_us: when the station measured, by a true clock; the readings' time is what its own clock said."""

    station: Station
    readings: Readings
    cycle_us: int
    injected: tuple[Injected, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What a station measures at many times: (times, streams) values and device statuses, and where faults are on."""

    times_us: Int64s
    value: Floats
    status: npt.NDArray[np.int16]
    faults: tuple[tuple[Kind, str, npt.NDArray[np.bool_]], ...]


class Bench:
    """A station's instruments. They are computed for many cycles at once; a single cycle is a row of that."""

    def __init__(self, seed: int, plan: Plan, station: Station) -> None:
        self.station = station
        self._seed = seed
        self._plan = plan
        self._cadence_us = station.cadence_seconds * 1_000_000
        self._ahead: Measured | None = None
        self.outlook = Outlook(plan, station.code, self._cadence_us)

    def single(self, cycle_us: int) -> Packet:
        """The readings of one cycle, all at one time."""
        measured, row = self._row(cycle_us)
        symbols = [stream.spelling for stream in self.station.streams]
        units: list[str | None] = [stream.unit or None for stream in self.station.streams]
        injected: list[Injected] = [(kind, symbol) for kind, symbol, on in measured.faults if on[row]]
        injected += _misnamed(self.outlook, self.station, cycle_us, symbols, units)
        time_us, clock = _clock(self.outlook, self.station, cycle_us)
        readings = Readings(
            station=self.station.code,
            symbols=symbols,
            time_us=time_us,
            value=measured.value[row].tolist(),
            units=units,
            status=measured.status[row].tolist(),
        )
        return Packet(self.station, readings, cycle_us, (*injected, *clock))

    def history(self, times_us: Int64s) -> Packet:
        """The readings of many cycles, symbol by symbol; clocks, names and units are right in it."""
        measured = _measured(self._seed, self._plan, self.station, times_us)
        count, width = measured.value.shape
        readings = Readings(
            station=self.station.code,
            symbols=[stream.spelling for stream in self.station.streams],
            symbol=np.repeat(np.arange(width, dtype=np.int64), count),
            time_us=np.tile(times_us, width),
            value=measured.value.T.reshape(-1),
            units=[stream.unit or None for stream in self.station.streams],
            status=measured.status.T.reshape(-1),
        )
        injected = tuple((kind, symbol) for kind, symbol, on in measured.faults if on.any())
        return Packet(self.station, readings, int(times_us[-1]), injected)

    def _row(self, cycle_us: int) -> tuple[Measured, int]:
        ahead = self._ahead
        if ahead is None or not ahead.times_us[0] <= cycle_us <= ahead.times_us[-1]:
            times = cycle_us + np.arange(_AHEAD, dtype=np.int64) * self._cadence_us
            ahead = self._ahead = _measured(self._seed, self._plan, self.station, times)
        return ahead, int((cycle_us - ahead.times_us[0]) // self._cadence_us)


def contradiction(packet: Packet) -> Packet:
    """The same keys with other values, as a logger sends them that corrects itself silently."""
    readings = packet.readings
    other = Readings(
        station=readings.station,
        symbols=readings.symbols,
        time_us=readings.time_us,
        value=np.round(np.asarray(readings.value, np.float64) * 1.01 + 0.01, 4).tolist(),
        symbol=readings.symbol,
        units=readings.units,
        status=readings.status,
    )
    return replace(packet, readings=other, injected=(*packet.injected, (Kind.CONFLICT, None)))


def marked(packet: Packet, kind: Kind) -> Packet:
    return replace(packet, injected=(*packet.injected, (kind, None)))


def _measured(seed: int, plan: Plan, station: Station, at: Int64s) -> Measured:
    values = np.empty((len(at), len(station.streams)))
    statuses = np.zeros(values.shape, np.int16)
    faults: list[tuple[Kind, str, npt.NDArray[np.bool_]]] = []
    cadence_us = station.cadence_seconds * 1_000_000
    for column, stream in enumerate(station.streams):
        values[:, column] = signals.written(seed, station, stream, at)
        for fault in plan.of((Kind.EXCEEDING, *_OF_DEVICES), station.code, stream.symbol):
            on = plan.on(fault, station.code, stream.symbol, at, cadence_us)
            if fault.kind is Kind.EXCEEDING:
                on &= statuses[:, column] == DeviceStatus.MEASURING
                shown, status = _above_limit(stream, values[:, column], fault), DeviceStatus.MEASURING
            else:
                shown, status = _of_device(fault, stream, values[:, column])
            if on.any() and shown is not None:
                values[on, column], statuses[on, column] = shown[on], status
                faults.append((fault.kind, stream.spelling, on))
    return Measured(at, values, statuses, tuple(faults))


def _above_limit(stream: Stream, values: Floats, fault: Fault) -> Floats | None:
    """Values above the limit and inside the instrument's range; None where the instrument has no limit to pass."""
    if stream.upper is None:
        return None
    # The ordinary course of the value stays visible in it.
    lively = 1.0 + 0.1 * np.clip(values * stream.factor / max(stream.upper, 1e-9), 0.0, 1.0)
    kept = np.maximum(stream.upper * fault.factor * lively, stream.upper * 1.01)
    if stream.high is not None:
        # Instruments reach three times the limit by rule; where one does not, half-way between is still above.
        kept = np.minimum(kept, stream.upper + 0.5 * (stream.high - stream.upper))
    return None if kept.min() <= stream.upper else np.round(kept / stream.factor, 3)


def _of_device(fault: Fault, stream: Stream, values: Floats) -> tuple[Floats, DeviceStatus]:
    """What an instrument shows while it sees span gas, and what a broken one repeats."""
    if fault.kind is Kind.FAULTY:
        return np.zeros(len(values)), DeviceStatus.FAULTY
    if stream.high is None:
        return values, DeviceStatus.CALIBRATING
    return np.full(len(values), round(0.8 * stream.high / stream.factor, 2)), DeviceStatus.CALIBRATING


def _misnamed(
    outlook: Outlook, station: Station, cycle_us: int, symbols: list[str], units: list[str | None]
) -> list[Injected]:
    """Spoil a name or a unit in the lists; tells which."""
    injected: list[Injected] = []
    for column, stream in enumerate(station.streams):
        for fault in outlook.found(_OF_NAMES, cycle_us, stream.symbol)[:1]:
            if fault.kind is Kind.UNKNOWN_SYMBOL:
                symbols[column] = stream.spelling + "_x"
            else:
                units[column] = _WRONG_UNITS.get(stream.unit.lower(), "bar")
            injected.append((fault.kind, symbols[column]))
    return injected


def _clock(outlook: Outlook, station: Station, cycle_us: int) -> tuple[int, list[Injected]]:
    """The time that the station's own clock shows."""
    for fault in outlook.found(_OF_CLOCKS, cycle_us)[:1]:
        if fault.kind is Kind.SKEW:
            return cycle_us + fault.by_us, [(fault.kind, None)]
        return fault.start_us(cycle_us, station.cadence_seconds * 1_000_000), [(fault.kind, None)]
    return cycle_us, []
