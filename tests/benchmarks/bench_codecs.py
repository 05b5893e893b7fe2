"""What decoding costs: µs for each small packet and file, ns for each reading in bulk; the best of many rounds.

Run with `python -m tests.benchmarks.bench_codecs`.
"""

import platform
import random
import sys
import time
import timeit
from collections.abc import Callable

import msgspec
import numpy as np

from telemetry.codecs import ndjson, writing
from telemetry.codecs.circular10 import Circular10Codec
from telemetry.codecs.context import Codec, Context
from telemetry.codecs.csv_tables import CsvCodec
from telemetry.codecs.json_bodies import JsonCodec
from telemetry.codecs.writing import Row

_SYMBOLS = ("Temp", "P", "O2", "Flow", "PM", "SO2", "NOx", "CO", "H2S", "NH3", "HCl", "Hg")
_STEP_US = 300_000_000
_START_US = 1_795_395_600_000_000
_STATIONS = 64


def _rows(unit: str = "mg/l", status: str = "00") -> list[Row]:
    return [Row(symbol, round(random.uniform(0, 250), 2), unit, status) for symbol in _SYMBOLS]


def _best(work: Callable[[], object], units: int) -> float:
    """Seconds for one unit of the work, in the best of the rounds."""
    rounds = timeit.repeat(work, number=1, repeat=100)
    return min(rounds) / units


def _tell(name: str, seconds: float, readings: int) -> None:
    each = seconds / readings
    sys.stdout.write(f"{name:46} {seconds * 1e6:10.2f} µs  {each * 1e9:8.1f} ns a reading\n")


def _packets(name: str, bodies: list[bytes]) -> None:
    codec, context = JsonCodec(), Context()

    def work() -> None:
        for body in bodies:
            codec.decode(body, context)

    _tell(f"{name} of {len(bodies[0])} bytes", _best(work, len(bodies)), len(_SYMBOLS))


def _once(name: str, bodies: list[bytes]) -> None:
    """Each body is decoded only once, so that nothing that is remembered of it helps."""
    codec, context = JsonCodec(), Context()
    rounds = []
    for start in range(0, len(bodies), 200):
        begun = time.perf_counter()
        for body in bodies[start : start + 200]:
            codec.decode(body, context)
        rounds.append(time.perf_counter() - begun)
    _tell(name, min(rounds) / 200, len(_SYMBOLS))


def _whole(name: str, codec: Codec, body: bytes, readings: int, context: Context | None = None) -> None:
    context = context or Context(station="TH-NT-001")
    decoded = codec.decode(body, context)
    if decoded.count != readings or decoded.flaws:
        raise SystemExit(f"{name}: {decoded.count} readings and {len(decoded.flaws)} flaws instead of {readings}")
    _tell(f"{name} of {len(body)} bytes", _best(lambda: codec.decode(body, context), 1), readings)


def main() -> None:
    versions = f"Python {platform.python_version()}, msgspec {msgspec.__version__}, numpy {np.__version__}"
    sys.stdout.write(f"{versions}, {platform.machine()}\n")
    stations = [f"TH-KT-{number:03}" for number in range(1, _STATIONS + 1)]
    # Stations report at the same instants; in a backlog each packet has an instant of its own.
    alike = [writing.json_list(station, _START_US, _rows()) for station in stations]
    _packets("JSON packets of 12, one instant", alike)
    apart = [writing.json_list("TH-KT-001", _START_US + number * _STEP_US, _rows()) for number in range(20_000)]
    _once("JSON packets of 12, instants of their own", apart)
    _packets("JSON packets of 12, faulty", [writing.json_list("A", _START_US, _rows(status="02"))] * _STATIONS)
    _packets("JSON maps of 12", [writing.json_map(station, _START_US, _rows()) for station in stations])
    _packets("JSON packets of 12, one bad", [body.replace(b'"status":"00"', b'"status":"03"', 1) for body in alike])
    times = [_START_US + number * _STEP_US for number in range(1000)]
    results = {symbol: [round(random.uniform(0, 250), 2) for _ in times] for symbol in _SYMBOLS[:10]}
    gaps = results | {"Temp": [None if number % 50 == 0 else 1.5 for number in range(1000)]}
    statuses = {symbol: ["00"] * 1000 for symbol in results}
    mixed = statuses | {"Temp": ["00", "02"] * 500}
    columns = "JSON columns 10 × 1000"
    _whole(columns, JsonCodec(), writing.json_columns("A", times, results), 10_000)
    _whole(columns + ", gaps", JsonCodec(), writing.json_columns("A", times, gaps), 9_980)
    _whole(columns + ", statuses", JsonCodec(), writing.json_columns("A", times, results, None, statuses), 10_000)
    _whole(columns + ", faulty", JsonCodec(), writing.json_columns("A", times, results, None, mixed), 10_000)
    _whole("NDJSON, 64 packets of 12", ndjson.NdjsonCodec(), writing.ndjson(alike), 12 * _STATIONS)
    name, body = writing.circular10("TH_ABCD_NUOXLT", _START_US, _rows())
    _whole("Circular 10 file of 12", Circular10Codec(), body, 12, Context(file_name=name))
    _whole("CSV wide 10 × 1000", CsvCodec(), writing.csv_wide(times, results), 10_000)
    long = writing.csv_long("A", [(time_us, _rows()[:10]) for time_us in times])
    _whole("CSV long 10 × 1000", CsvCodec(), long, 10_000)


if __name__ == "__main__":
    main()
